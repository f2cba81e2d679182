"""Discoveries: a good move that imitation never considers is found, and no other."""

from pathlib import Path

import numpy as np
import pytest

from engine.errors import UserError
from engine.games import load
from engine.position import Position
from engine.records.files import read_records
from engine.records.record import GameRecord
from mcts import Evaluation, SearchSettings, UniformEvaluator, search_all
from selfplay.learning.replay import Games
from selfplay.progress import Silent
from selfplay.reports.discoveries import (
    Discovery,
    best_first,
    examine,
    find_discoveries,
    likely_rows,
    markdown,
    sgf,
)

TTT = load("tic_tac_toe")


class Partial(UniformEvaluator):
    """A net that knows nothing but what it thinks of one action: below 0 it cannot imagine it, above
    it all but plays it."""

    def __init__(self, actions: int, action: int, logit: float) -> None:
        super().__init__(actions)
        self.action, self.logit = action, logit

    def __call__(self, planes: np.ndarray, globals_: np.ndarray) -> Evaluation:
        evaluation = super().__call__(planes, globals_)
        evaluation.logits[:, self.action] = self.logit
        return evaluation


def position(*cells: int) -> Position:
    played = Position(TTT)
    for cell in cells:
        played.play(cell)
    return played


def test_a_winning_move_that_imitation_cannot_imagine_is_a_discovery() -> None:
    # X has 0 and 1 and wins at 2; O has 3 and 4.
    (found,) = examine([position(0, 3, 1, 4)], Partial(9, 2, -20), UniformEvaluator(9), 100, 0.1)
    assert found.action == 2 and found.prior < 1e-3 and found.value == 1.0
    assert {action for action, _, _ in found.considered} == {5, 6, 7, 8}
    assert 0.1 <= found.margin <= 2


def test_the_values_are_the_movers_also_for_the_second_player() -> None:
    # O has 3 and 4 and wins at 5; else X wins, who threatens 1 and 5.
    seconds = position(0, 3, 2, 4, 8)
    (found,) = examine([seconds], Partial(9, 5, -20), UniformEvaluator(9), 100, 0.1)
    assert found.action == 5 and found.value == 1.0


def test_of_many_positions_each_is_examined_for_itself() -> None:
    wins, drawn = position(0, 3, 1, 4), position(4)
    positions = [drawn, wins, drawn, wins]
    found = examine(positions, Partial(9, 2, -20), UniformEvaluator(9), 100, 0.1)
    assert [discovery.position.actions for discovery in found] == [wins.actions] * 2


def test_the_largest_margin_comes_first_and_the_same_move_once() -> None:
    def found(value: float, *cells: int) -> Discovery:
        return Discovery(position(*cells), 2, 0.0001, value, [(8, 0.5, 0.0)], "")

    small, large, again = found(0.2, 0, 3, 1, 4), found(0.6, 0, 3), found(0.1, 1, 3, 0, 4)
    assert best_first([again, small, large]) == [large, small]


def test_a_move_that_imitation_considers_is_no_discovery() -> None:
    uniform = UniformEvaluator(9)
    assert examine([position(0, 3, 1, 4)], uniform, uniform, 100, 0.1) == []


def test_a_move_no_better_than_the_considered_ones_is_no_discovery() -> None:
    # Both 2 and 6 win for X, who has 0, 1 and 3; imitation knows 6.
    two_wins = position(0, 4, 1, 5, 3, 8)
    assert examine([two_wins], Partial(9, 2, -20), UniformEvaluator(9), 100, 0.1) == []


def test_a_pass_is_no_discovery() -> None:
    """White has passed, the board is Black's: to pass wins at once, as the search finds out."""
    go = load("go5")
    leads = Position(go)
    for action in (12, 25, 7, 25):
        leads.play(action)
    cannot_pass = Partial(26, 25, -20)
    settings = SearchSettings(visits=200)
    (search,) = search_all(go.native, settings, [leads.state], UniformEvaluator(26))
    assert search.core.choose(4) == 25 and search.core.root_value == 1
    assert examine([leads], cannot_pass, UniformEvaluator(26), 200, 0.1) == []


@pytest.mark.parametrize(("imitation", "found"), [(0, [0]), (25, [])])
def test_where_imitation_would_pass_nothing_is_looked_for(imitation: int, found: list[int]) -> None:
    go = load("go5")
    game = Games(
        starts=Position(go).state[None],
        start_of=np.zeros(1, np.int32),
        offsets=np.array([0, 1]),
        actions=np.array([3], np.int16),
        weights=np.ones(1, np.float32),
        advantages=np.ones(1, np.float32),
        policies=np.zeros((0, go.actions), np.float16),
        root_values=np.full(1, np.nan, np.float32),
        outcomes=np.ones(1, np.float32),
        scores=np.full(1, np.nan, np.float32),
        ownership=np.zeros((1, go.area), np.int8),
    )
    before, after = (Partial(go.actions, action, 20) for action in (imitation, 12))
    assert likely_rows(go, game, before, after, 10, np.random.default_rng(0)) == found


def test_the_table_names_the_move_and_shows_the_board() -> None:
    (found,) = examine([position(0, 3, 1, 4)], Partial(9, 2, -20), UniformEvaluator(9), 100, 0.1)
    text = markdown(TTT, [found], 100, 0.1)
    assert "## 1. X plays C3" in text and "searches of 1,000 visits" in text
    assert "| 1 | , move 5 | C3 |" in text


def test_the_sgf_ends_with_the_move_and_a_comment(tmp_path: Path) -> None:
    game = load("go5")
    played = Position(game)
    played.play(12)
    found = Discovery(played, 7, 0.0004, 0.5, [(11, 0.6, 0.1)], "self-play")
    path = tmp_path / "found.sgf"
    path.write_text(sgf(found) * 2)
    records = list(read_records([path]))
    assert len(records) == 2
    assert isinstance(records[0], GameRecord) and records[0].moves == [(0, 12), (1, 7)]
    assert "C[C4 wins 75%; imitation gives it 1 in 2,500 and considers B3 60% (55%)]" in sgf(found)


def test_a_folder_that_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no run folder"):
        find_discoveries(tmp_path, 1, 2, 0.1, 1, "cpu", 0, Silent())
