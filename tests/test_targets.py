"""docs/targets.py: what searches would teach a net, on positions whose truth is known."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from engine.games import load
from engine.position import Position
from mcts import Evaluation, SearchSettings
from selfplay.reports.worth import values_of_moves

GAME = load("tic_tac_toe")
spec = importlib.util.spec_from_file_location(
    "targets", Path(__file__).parent.parent / "docs/targets.py"
)
targets = importlib.util.module_from_spec(spec)
spec.loader.exec_module(targets)


def knows_nothing(planes, globals_):
    """The same prior for every move, and a value of zero."""
    return Evaluation(np.zeros((len(planes), 9), np.float32), np.zeros(len(planes), np.float32))


@pytest.fixture
def one_move_wins():
    """X X .   X to move wins with the third cell.
    O O .
    . . ."""
    position = Position(GAME)
    for action in (0, 3, 1, 4):
        position.play(action)
    return [position]


def test_a_search_of_one_visit_teaches_nothing(one_move_wins):
    found = targets.compare(GAME, one_move_wins, {"": SearchSettings(visits=1)}, 20, knows_nothing)[""]
    assert found.gains == pytest.approx([0])
    assert found.divergences == pytest.approx([0])


def test_a_search_that_proves_the_win_teaches_all_there_is_to_gain(one_move_wins):
    searches = {"proof": SearchSettings(visits=200)}
    found = targets.compare(GAME, one_move_wins, searches, 400, knows_nothing)["proof"]
    # Of five moves one wins (+1), one stops O's win and then wins or draws, three let O win (-1).
    assert found.divergences == pytest.approx([np.log(5)], abs=1e-4)
    legal = one_move_wins[0].legal_mask()[None].astype(bool)
    values = values_of_moves(one_move_wins, legal, SearchSettings(visits=400), knows_nothing)
    assert values[0, 2] == 1
    assert found.gains == pytest.approx([1 - values[0, [2, 5, 6, 7, 8]].mean()], abs=1e-4)
