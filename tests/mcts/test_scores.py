"""Scores beside values, each against its formula."""

import math

import numpy as np
import pytest
from searching import new_search, position, searched, solved

from engine import games
from engine.position import Position
from mcts import Evaluation


class Margins:
    """Values of 0; Black leads by as many points as there are stones."""

    def __init__(self, actions):
        self.actions = actions

    def __call__(self, planes, globals_):
        n = len(planes)
        stones = planes[:, :2].sum(axis=(1, 2, 3))
        scores = np.where(stones % 2 == 0, stones, -stones.astype(np.float32)).astype(np.float32)
        return Evaluation(np.zeros((n, self.actions), np.float32), np.zeros(n, np.float32), scores)


def test_scores_are_the_mean_margin_of_the_visits_in_the_movers_view():
    rules = games.load("go5")
    core = solved(Position(rules), Margins(rules.actions), visits=27, fpu_reduction=0)
    # The root says 0 for Black; each of the 26 first visits says -stones for White: +1 for Black,
    # and a pass leaves the board empty.
    by_action = {move.action: move.score for move in core.moves()}
    assert all(by_action[action] == 1 for action in range(25))
    assert by_action[25] == 0
    assert core.root_score == pytest.approx(25 / 27)


def test_scores_are_the_movers_for_the_second_player_too():
    """Whoever is asked says that the side to move leads by 3: of a move's first visit the opponent."""

    def evaluator(planes, globals_):
        n = len(planes)
        return Evaluation(
            np.zeros((n, 26), np.float32), np.zeros(n, np.float32), np.full(n, 3, np.float32)
        )

    start = position((12,), games.load("go5"))
    assert start.to_move == 1
    core = solved(start, evaluator, visits=3, fpu_reduction=0)
    assert [move.score for move in core.moves() if move.visits == 1] == [-3, -3]
    assert core.root_score == pytest.approx(-(3 - 3 - 3) / 3)  # the first player's view


def test_a_weight_on_the_score_makes_the_larger_margin_more_useful():
    rules = games.load("go5")
    evaluator = Margins(rules.actions)
    weighted = solved(Position(rules), evaluator, visits=27, score_weight=0.5, fpu_reduction=0)
    # The value stays free of the score.
    assert all(move.value == 0 for move in weighted.moves() if move.visits)
    core = searched(Position(rules), evaluator, visits=100, score_weight=0.5).core
    passes = next(move for move in core.moves() if move.action == 25)
    others = [move for move in core.moves() if move.action != 25]
    assert passes.visits < min(move.visits for move in others)


class Leads:
    """Values of 0; Black leads by 10 at the start, by 4 later. Never passes."""

    def __init__(self, start):
        self.stones = start.pieces().astype(bool).sum()

    def __call__(self, planes, globals_):
        logits = np.zeros((len(planes), planes[0, 0].size + 1), np.float32)
        logits[:, -1] = -50
        stones = planes[:, :2].sum(axis=(1, 2, 3))
        mover = -np.sign(globals_[:, 0])  # 1 Black, whose komi is negative; -1 White
        lead = mover * np.where(stones > self.stones, 4, 10).astype(np.float32)
        return Evaluation(logits, np.zeros(len(planes), np.float32), lead)


@pytest.mark.parametrize("size", [5, 9])
@pytest.mark.parametrize("stones", [0, 1])
def test_the_margin_counts_from_what_was_expected_when_the_tree_began(stones, size):
    start = position(range(stones), games.load(f"go{size}"))
    search = new_search(start, Leads(start), visits=2 * size**2, score_weight=0.5)

    def utilities():
        """The mean utilities of the moves visited most, in Black's view."""
        search.run()
        sign = 1 if start.to_move == 0 else -1
        return [sign * move.lcb for move in search.core.moves()[:9] if move.visits > 1]

    expected = 0.5 * 2 / math.pi * math.atan((4 - 10) / size)  # on the scale of the board
    assert utilities() == pytest.approx([expected] * len(utilities())) and utilities()
    best = search.core.moves()[0].action
    start.play(best)
    search.advance(best)
    assert utilities() == pytest.approx([expected] * len(utilities())) and utilities()
    search.set_root(start.state)
    assert utilities() == pytest.approx([0] * len(utilities())) and utilities()


@pytest.mark.parametrize("root_policy", ["puct", "gumbel"])
def test_values_stay_values_when_the_margin_counts_too(root_policy):
    class Ahead:
        """Certain to win, by 50 points."""

        def __call__(self, planes, globals_):
            rows = len(planes)
            win = np.ones(rows, np.float32)
            return Evaluation(np.zeros((rows, 82), np.float32), win, 50 * win)

    core = solved(
        Position(games.load("go9")), Ahead(), visits=8, root_policy=root_policy, score_weight=1.0
    )
    assert all(-1 <= move.value <= 1 for move in core.moves())
    assert -1 <= core.root_value <= 1
