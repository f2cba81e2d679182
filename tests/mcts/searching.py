"""Searches of small games, as the tests of the tree ask for them."""

from functools import cache

import numpy as np
import pytest
from hypothesis import strategies as st

from engine import games
from engine.position import Position
from mcts import Search, SearchSettings, UniformEvaluator

TTT = games.load("tic_tac_toe")
FOUR = games.load("connect_four")


def position(actions=(), rules=TTT):
    found = Position(rules)
    for action in actions:
        found.play(action)
    return found


def new_search(start, evaluator=None, seed=0, **options):
    evaluator = evaluator or UniformEvaluator(start.game.actions)
    plain = {"solve": False, "lcb_stdevs": 0}
    search = Search(start.game.native, SearchSettings(**(plain | options)), evaluator, seed)
    search.set_root(start.state)
    return search


def searched(start, evaluator=None, seed=0, **options):
    search = new_search(start, evaluator, seed, **options)
    search.run()
    return search


def solved(start, evaluator=None, seed=0, **options):
    """A search that carries proven results up the tree."""
    return searched(start, evaluator, seed, **{"solve": True, **options}).core


def tried(search):
    """{action: (visits, value sum in the mover's view)}, as `reference_search.statistics`."""
    return {m.action: (m.visits, m.value * m.visits) for m in search.core.moves() if m.visits}


def snapshot(search):
    """All that the core says about the root, for comparison bit for bit."""
    core = search.core
    rows = [(m.action, m.visits, m.prior, m.value, m.policy) for m in core.moves()]
    lines = [core.principal_variation(row[0]) for row in rows]
    return core.root_visits, core.root_value, core.root_evaluation, rows, lines


def assert_same_statistics(found, expected):
    assert {a: n for a, (n, _) in found.items()} == {a: n for a, (n, _) in expected.items()}
    for action, (_, value_sum) in found.items():
        assert value_sum == pytest.approx(expected[action][1], abs=1e-4)


# A game of tic-tac-toe from numbers: each picks one of the legal moves.
CHOICES = st.lists(st.integers(0, 8), max_size=7)


def from_choices(choices):
    start = position()
    for choice in choices:
        if start.over:
            break
        legal = np.flatnonzero(start.legal_mask())
        start.play(int(legal[choice % len(legal)]))
    return start


@cache
def perfect(state):
    """The first player's outcome under perfect play from a state, given as bytes."""
    here = np.frombuffer(state, np.uint8).copy()
    if TTT.native.over(here):
        return TTT.native.outcome(here)
    outcomes = []
    for action in np.flatnonzero(TTT.native.legal_mask(here)):
        child = here.copy()
        TTT.native.play(child, int(action))
        outcomes.append(perfect(child.tobytes()))
    return max(outcomes) if TTT.native.to_move(here) == 0 else min(outcomes)
