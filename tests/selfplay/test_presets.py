"""The presets: what `move37 train RUN --game NAME` does for the games that have one."""

from pathlib import Path

import numpy as np
import pytest

from engine.games import load, names
from engine.nets.files import load_net
from engine.nets.inference import NetEvaluator, choose_device
from engine.position import Position
from mcts import Evaluation, Evaluator
from selfplay.config import PRESETS
from selfplay.progress import Silent
from selfplay.run import Run
from selfplay.train import default_config


def losses(evaluator: Evaluator, position: Position, player: int) -> tuple[int, int]:
    """(games, losses) of a player that always takes the policy's best move, over all replies."""
    if position.over:
        return 1, int(position.outcome() == 2 * player - 1)
    mask = position.legal_mask().astype(bool)
    actions = np.flatnonzero(mask)
    if position.to_move == player:
        planes, globals_ = position.encode()
        logits = evaluator(planes[None], globals_[None]).logits
        actions = np.array([np.where(mask, logits[0], -np.inf).argmax()])
    total = np.zeros(2, int)
    for action in actions:
        following = position.copy()
        following.play(int(action))
        total += losses(evaluator, following, player)
    return int(total[0]), int(total[1])


def lost_lines(net: str | Path) -> int:
    """How many lines of tic-tac-toe the net's policy alone loses, as either player."""
    game = load("tic_tac_toe")
    evaluator = NetEvaluator(load_net(net, game)[0], choose_device("cpu"), game)
    return sum(losses(evaluator, Position(game), player)[1] for player in (0, 1))


OF_GAMES = [path for path in sorted(PRESETS.glob("*.toml")) if path.stem in names()]


@pytest.mark.parametrize("path", OF_GAMES, ids=lambda path: path.stem)
def test_a_preset_is_the_default_of_its_game_and_ends_by_itself(path: Path) -> None:
    config = default_config(path.stem)
    assert config.game == path.stem
    assert all(stage.minutes or stage.iterations for stage in config.stages)
    assert config.stages != default_config("othello").stages


def test_a_random_policy_loses_lines() -> None:
    def evaluator(planes: np.ndarray, globals_: np.ndarray) -> Evaluation:
        return Evaluation(np.zeros((1, 9), np.float32), np.zeros(1, np.float32))

    games, lost = losses(evaluator, Position(load("tic_tac_toe")), 0)
    assert games > 50 and lost > 10


@pytest.mark.slow
def test_tic_tac_toe_is_learned_from_nothing_and_hardly_loses(tmp_path: Path) -> None:
    """Of some 580 lines, the net's policy without search: none of them with most seeds, else two."""
    run = Run.open(tmp_path / "run", default_config("tic_tac_toe"), Silent())
    assert run.go_on()
    assert lost_lines(run.net_of_stage(0)) <= 4


def test_the_tic_tac_toe_net_that_ships_never_loses() -> None:
    assert lost_lines("tic_tac_toe") == 0
