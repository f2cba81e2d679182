"""The replay: training samples mean what their teacher meant, whatever the view."""

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.game import Game
from engine.games import load
from engine.position import Position
from mcts import Log, MatchPool, SearchSettings, Start, UniformEvaluator
from selfplay.learning.replay import Games, draw_rows, make_batch, pack_logs, unpack_logs
from selfplay.teachers.teacher import SearchStage

ROOT = Path(__file__).parents[2]


def self_play(game: Game, games: int) -> Games:
    """A few games of an untrained search."""
    settings = SearchSettings(visits=9, root_policy="gumbel")
    start = Position(game).state
    logs: list[Log] = []
    pool = MatchPool(
        game.native,
        [settings],
        iter([Start(i, start) for i in range(games)]),
        parallel_games=games,
        workers=1,
        record_policies=True,
        seed=5,
    )
    pool.play([UniformEvaluator(game.actions)], lambda log: logs.append(log) is None)
    return Games.from_logs(game, logs, [SearchStage().lesson(log) for log in logs])


@pytest.fixture(scope="module", params=["go5", "tic_tac_toe", "connect_four"])
def played(request: pytest.FixtureRequest) -> tuple[Game, Games]:
    game = load(request.param)
    return game, self_play(game, 6)


def positions(game: Game, games: Games, index: int) -> list[Position]:
    """The positions before each move of one game."""
    position = Position(game)
    found = []
    for action in games.actions[games.offsets[index] : games.offsets[index + 1]]:
        found.append(position.copy())
        position.play(int(action))
    return found


def test_samples_hold_the_positions_before_each_move(played: tuple[Game, Games]) -> None:
    game, games = played
    rows = np.arange(games.offsets[2], games.offsets[3])
    batch = make_batch(game, games, rows, np.zeros(len(rows), np.int64), 0.0)
    for i, position in enumerate(positions(game, games, 2)):
        planes, globals_ = position.encode()
        assert np.array_equal(batch.planes[i].numpy(), planes)
        assert np.array_equal(batch.globals_[i].numpy(), globals_)
        assert np.array_equal(batch.legal[i].numpy(), position.legal_mask().astype(bool))
        sign = 1 if position.to_move == 0 else -1
        assert batch.value[i].item() == sign * games.outcomes[2]


def test_policy_targets_are_distributions_over_legal_moves(played: tuple[Game, Games]) -> None:
    game, games = played
    rows = np.arange(games.positions)
    batch = make_batch(game, games, rows, rows % game.native.symmetries, 0.0)
    assert np.allclose(batch.policy.sum(dim=1), 1, atol=1e-5)
    assert (batch.policy[~batch.legal] == 0).all()


def test_a_symmetry_turns_board_policy_and_ownership_alike(played: tuple[Game, Games]) -> None:
    game, games = played
    row = np.array([games.positions // 2])
    plain = make_batch(game, games, row, np.array([0]), 0.5, with_replies=True)
    points, actions = game.symmetries
    for symmetry in range(game.native.symmetries):
        seen = make_batch(game, games, row, np.array([symmetry]), 0.5, with_replies=True)
        flat = plain.planes.flatten(2).numpy()
        assert np.array_equal(seen.planes.flatten(2).numpy(), flat[:, :, points[symmetry]])
        for name in ("policy", "legal", "reply", "reply_legal"):
            expected = getattr(plain, name).numpy()[:, actions[symmetry]]
            assert np.array_equal(getattr(seen, name).numpy(), expected), name
        own = plain.ownership.flatten(1).numpy()
        assert np.array_equal(seen.ownership.flatten(1).numpy(), own[:, points[symmetry]])
        assert seen.value == plain.value


def test_the_reply_is_what_the_next_position_teaches(played: tuple[Game, Games]) -> None:
    game, games = played
    rows = np.arange(games.offsets[2], games.offsets[3])
    batch = make_batch(game, games, rows, np.full(len(rows), 1), 0.0, with_replies=True)
    assert torch.equal(batch.reply[:-1], batch.policy[1:])
    assert torch.equal(batch.reply_legal[:-1], batch.legal[1:])
    assert (batch.reply[-1] == 0).all() and not batch.reply_legal[-1].any()  # the game is over
    assert (batch.reply[~batch.reply_legal] == 0).all()


def test_a_reply_that_was_searched_quickly_is_unknown() -> None:
    game = load("tic_tac_toe")
    games = self_play(game, 1)
    games.policies[2] = 0  # as the core leaves it
    batch = make_batch(game, games, np.arange(4), np.zeros(4, np.int64), 0.0, with_replies=True)
    assert batch.reply.sum(dim=1).round().tolist() == [1, 0, 1, 1]


def test_the_reply_to_an_experts_move_is_the_move_that_was_played() -> None:
    game = load("tic_tac_toe")
    games = self_play(game, 2)
    games.policies = np.zeros((0, game.actions), np.float16)
    row = int(games.offsets[1])  # the first move of the second game
    batch = make_batch(game, games, np.array([row]), np.zeros(1, np.int64), 0.0, with_replies=True)
    assert batch.reply.nonzero().tolist() == [[0, games.actions[row + 1]]]


def test_the_reply_of_a_player_who_moves_twice_is_not_the_opponents(tmp_path: Path) -> None:
    """Tic-tac-toe, but after the first move each player makes two in a row: 0, 1, 1, 0, 0 ..."""
    rules = (ROOT / "engine/games/tic_tac_toe.py").read_text()
    alternate = "    state.to_move = 1 - state.to_move"
    assert rules.count(alternate) == 1
    twice = rules.replace(alternate, f"    if state.moves % 2 == 1:\n    {alternate}")
    (tmp_path / "twice.py").write_text(twice.replace("def tic_tac_toe", "def twice"))
    game = load(str(tmp_path / "twice.py"))
    games = self_play(game, 1)
    rows = np.arange(4)
    batch = make_batch(game, games, rows, np.zeros(4, np.int64), 0.0, with_replies=True)
    assert batch.reply.sum(dim=1).round().tolist() == [1, 0, 1, 0]


def test_without_being_asked_for_replies_take_no_room(played: tuple[Game, Games]) -> None:
    game, games = played
    batch = make_batch(game, games, np.arange(3), np.zeros(3, np.int64), 0.0)
    assert batch.reply.shape == batch.reply_legal.shape == (3, 0)


def test_the_value_target_mixes_result_and_search_or_takes_what_is_known() -> None:
    game = load("tic_tac_toe")
    games = self_play(game, 1)
    row, view = np.array([1]), np.array([0])  # the second player is to move
    games.outcomes[0], games.root_values[1] = 1.0, 0.5
    assert make_batch(game, games, row, view, 0.25).value.item() == pytest.approx(-0.875)
    games.outcomes[0] = np.nan
    assert make_batch(game, games, row, view, 0.25).value.item() == pytest.approx(-0.5)
    games.outcomes[0], games.root_values[1] = 1.0, np.nan
    assert make_batch(game, games, row, view, 0.25).value.item() == -1.0


def test_a_game_without_policies_teaches_the_moves_played() -> None:
    game = load("tic_tac_toe")
    games = self_play(game, 2)
    games.policies = np.zeros((0, game.actions), np.float16)
    batch = make_batch(game, games, np.arange(5), np.zeros(5, np.int64), 0.0)
    assert np.array_equal(batch.policy.argmax(dim=1).numpy(), games.actions[:5])


def test_a_shard_comes_back_as_it_was(played: tuple[Game, Games], tmp_path: Path) -> None:
    _, games = played
    games.save(tmp_path / "shard.safetensors")
    again = Games.load(tmp_path / "shard.safetensors")
    for name, array in vars(games).items():
        assert np.array_equal(array, getattr(again, name), equal_nan=array.dtype.kind == "f")
    assert [path.name for path in tmp_path.iterdir()] == ["shard.safetensors"]


def test_joining_the_selections_gives_the_whole(played: tuple[Game, Games]) -> None:
    _, games = played
    first = np.arange(len(games)) < 2
    whole = Games.join([games.select(first), games.select(~first)])
    assert np.array_equal(whole.actions, games.actions)
    assert np.array_equal(whole.offsets, games.offsets)
    assert np.array_equal(whole.policies, games.policies)


def test_rows_are_drawn_as_often_as_their_weights_say() -> None:
    weights = np.array([0, 1, 0, 3, 0], np.float32)
    rows = draw_rows(weights, 4000, np.random.default_rng(0))
    counts = np.bincount(rows, minlength=5)
    assert counts[[0, 2, 4]].sum() == 0 and counts[3] / counts[1] == pytest.approx(3, rel=0.1)


def test_unfinished_games_come_back_exactly(tmp_path: Path) -> None:
    game = load("tic_tac_toe")
    pool = MatchPool(
        game.native,
        [SearchSettings(visits=9, root_policy="gumbel")],
        iter([Start(i, Position(game).state) for i in range(30)]),
        parallel_games=4,
        workers=1,
        record_policies=True,
        seed=5,
    )
    pool.play([UniformEvaluator(game.actions)], lambda log: False)
    logs = pool.take_unfinished()
    assert len({len(log.actions) for log in logs}) > 1
    for log, again in zip(logs, unpack_logs(pack_logs(game, logs)), strict=True):
        for name, value in vars(log).items():
            assert np.array_equal(value, vars(again)[name]), name
    assert unpack_logs(pack_logs(game, [])) == []
