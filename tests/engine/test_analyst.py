"""Reports of a search: against the core's own numbers, the net itself, and the rules."""

import math
from itertools import pairwise

import numpy as np
import pytest

from engine.analyst import Analyst, lower_bound
from engine.errors import UserError
from engine.games import load
from engine.nets.files import load_net
from engine.nets.inference import NetEvaluator, choose_device
from engine.position import Position
from mcts import SearchSettings, UniformEvaluator

GO = load("go9")
SETTINGS = SearchSettings(visits=64, leaves_per_batch=4)
D5, E5 = 4 * 9 + 3, 4 * 9 + 4


@pytest.fixture(scope="module")
def evaluator():
    return NetEvaluator(load_net("go9-imitation", GO)[0], choose_device("cpu"), GO)


@pytest.fixture(scope="module")
def analyst(evaluator):
    return Analyst(GO, evaluator, SETTINGS)


def position(*actions, **fields):
    found = Position(GO)
    found.set_start(**fields)
    for action in actions:
        found.play(action)
    return found


def mask(*actions):
    allowed = np.zeros(GO.actions, np.uint8)
    allowed[list(actions)] = 1
    return allowed


def test_moves_come_best_first_with_their_lines_and_visits(analyst):
    report = analyst.analyse(position(E5))
    assert report.to_move == report.viewer == 1 and report.visits == 64
    assert [move.order for move in report.moves] == list(range(len(report.moves)))
    assert all(a.visits >= b.visits for a, b in pairwise(report.moves))
    assert sum(move.visits for move in report.moves) == 63  # the root's own evaluation is one
    for move in report.moves:
        assert move.line[0] == move.action and len(move.line) == len(move.line_visits)
        assert move.line_visits[0] == move.visits
        assert all(a >= b for a, b in pairwise(move.line_visits))
        assert 0 <= move.lcb <= move.win_rate <= 1
        assert move.prior == report.policy[move.action]


def test_the_policy_is_a_distribution_over_the_legal_moves(analyst):
    policy = analyst.analyse(position(E5), visits=1).policy
    assert policy[E5] == -1
    assert policy[policy >= 0].sum() == pytest.approx(1, abs=1e-5)


def test_the_root_is_the_mean_of_its_visits_and_of_its_own_evaluation(analyst):
    report = analyst.analyse(position())
    total = report.net_win_rate + sum(move.win_rate * move.visits for move in report.moves)
    assert report.win_rate == pytest.approx(total / 64, abs=1e-5)


@pytest.mark.parametrize("length", [1, 2])
def test_ownership_is_the_nets_at_the_ends_of_lines(analyst, evaluator, length):
    """With one allowed move there is one line; Black's view is checked."""
    allowed = mask(D5)
    report = analyst.analyse(position(), visits=1 + length, allowed=allowed, moves_ownership=True)
    (move,) = report.moves
    assert move.action == D5 and len(move.line) == length
    end = position(*move.line)
    owners = evaluator.outlook(*(array[None] for array in end.encode())).ownership
    sign = 1 if end.to_move == 0 else -1
    assert np.allclose(report.ownership, sign * owners[0], atol=1e-5)
    assert np.allclose(report.ownership, move.ownership, atol=1e-6)


def test_leads_are_the_means_of_the_nets_scores_over_the_visits(analyst, evaluator):
    """After two visits: the root's own score, and that of D5, where White is to move."""
    report = analyst.analyse(position(), visits=2, allowed=mask(D5))
    scores = [
        float(evaluator(*(array[None] for array in board.encode())).scores[0])
        for board in (position(), position(D5))
    ]
    assert report.moves[0].score_lead == pytest.approx(-scores[1], abs=1e-3)
    assert report.score_lead == pytest.approx((scores[0] - scores[1]) / 2, abs=1e-3)


def test_the_position_is_the_mean_of_the_lines_weighted_by_visits(analyst):
    report = analyst.analyse(position(E5), moves_ownership=True)
    visits = [move.visits for move in report.moves]
    assert len(set(visits)) > 1
    owners = np.average([move.ownership for move in report.moves], axis=0, weights=visits)
    assert np.allclose(report.ownership, owners, atol=1e-5)
    assert report.score_stdev == pytest.approx(np.sqrt(np.sum(1 - owners**2)), abs=1e-3)


def test_ownership_knows_a_won_corner_from_both_sides(analyst):
    wall = position(*[a for r in range(9) for a in (r * 9 + 3, r * 9 + 5)])
    ours = analyst.analyse(wall)
    assert ours.ownership.shape == (9, 9) and np.abs(ours.ownership).max() <= 1
    assert ours.ownership[:, 0].mean() > 0.5 and ours.ownership[:, 8].mean() < -0.5


def test_the_other_view_turns_everything_over(analyst):
    report = analyst.analyse(position(E5), moves_ownership=True)
    turned = report.seen_by(0)
    assert turned.viewer == 0 and report.seen_by(1) is report
    assert turned.win_rate == pytest.approx(1 - report.win_rate)
    assert turned.score_lead == -report.score_lead
    assert np.array_equal(turned.ownership, -report.ownership)
    for ours, theirs in zip(report.moves, turned.moves, strict=True):
        assert theirs.win_rate <= theirs.lcb == 1 - ours.lcb
        assert theirs.score_lead == -ours.score_lead
    again = turned.seen_by(1)
    assert again.moves[0].lcb == pytest.approx(report.moves[0].lcb)


def test_only_allowed_moves_are_searched_at_the_root_but_all_below_it(analyst):
    report = analyst.analyse(position(), allowed=mask(D5, 0))
    assert {move.action for move in report.moves} <= {D5, 0}
    assert set(np.flatnonzero(report.policy >= 0)) == {D5, 0}
    assert max(len(move.line) for move in report.moves) > 1


def test_allowing_no_legal_move_is_a_mistake_of_the_user(analyst):
    with pytest.raises(UserError, match="none of the allowed moves is legal"):
        analyst.analyse(position(E5), allowed=mask(E5))


def test_reports_come_during_the_search_and_stop_ends_it(analyst):
    seen = []
    final = analyst.analyse(
        position(),
        visits=100_000,
        interval=0,
        on_report=seen.append,
        stop=lambda: len(seen) >= 3,
        ownership=False,
    )
    assert 3 <= len(seen) < 6 and seen[0].visits < seen[1].visits <= final.visits < 100_000
    assert seen[0].moves and final.ownership is None


def test_a_stop_at_once_still_gives_a_move(analyst):
    assert analyst.analyse(position(), stop=lambda: True).moves


def test_a_game_that_is_over_is_scored_by_its_rules(analyst):
    """Black's lone stone owns the board: 81 points less komi 7."""
    report = analyst.analyse(position(E5, 81, 81))
    assert report.to_move == 1 and report.moves == ()
    assert report.win_rate == 0 and report.score_lead == -74
    assert (report.ownership == -1).all()


def test_an_evaluator_without_scores_has_no_leads():
    report = Analyst(GO, UniformEvaluator(GO.actions), SETTINGS).analyse(
        position(), moves_ownership=True
    )
    assert report.score_lead is None and report.ownership is None
    assert report.moves[0].score_lead is None and report.moves[0].ownership is None
    assert report.seen_by(1).score_lead is None


def test_any_game_can_be_analysed():
    game = load("tic_tac_toe")
    board = Position(game)
    for action in (0, 3, 1, 4):
        board.play(action)
    report = Analyst(game, UniformEvaluator(game.actions), SETTINGS).analyse(board)
    assert report.moves[0].action == 2 and report.moves[0].win_rate == 1


def test_the_lower_bound_follows_its_formula_and_is_careful_with_few_visits():
    # 100 visits with a standard error of 0.02: variance 0.04, pooled (99 * 0.04 + 0.24) / 100 = 0.042.
    assert lower_bound(0.6, 100, 0.02) == pytest.approx(0.6 - 1.959964 * math.sqrt(0.00042), abs=1e-6)
    assert lower_bound(0.5, 2, 0.0) < 0.02, "two visits that agree prove nothing"
    assert lower_bound(0.5, 1000, 0.01) > 0.47
    assert lower_bound(0.5, 0, 0.0) == 0
    assert lower_bound(1.0, 5, 0.0) == 1.0


def test_the_standard_error_is_that_of_the_visits(evaluator):
    """The visits of the only move are those of its own search: its root and the moves below."""
    analyst = Analyst(GO, evaluator, SearchSettings(visits=3))
    search = analyst.start(position(), allowed=mask(D5))
    search.run()
    (move,) = [m for m in search.core.moves() if m.visits]
    first, second = (position(*move_line) for move_line in ([D5], search.core.principal_variation(D5)))
    values = [
        float(evaluator(*(array[None] for array in board.encode())).values[0])
        * (1 if board.to_move == 0 else -1)
        for board in (first, second)
    ]
    assert move.value == pytest.approx(np.mean(values), abs=1e-4)
    assert move.error == pytest.approx(np.std(values, ddof=1) / math.sqrt(2), abs=1e-4)


def test_a_glance_is_the_evaluators_word_on_the_position_itself(analyst, evaluator):
    here = position(E5, D5)
    report = analyst.glance(here)
    planes, globals_ = (rows[None] for rows in here.encode())
    outlook = evaluator.outlook(planes, globals_)
    assert report.visits == 1
    assert report.win_rate == pytest.approx((1 + evaluator(planes, globals_).values[0]) / 2)
    assert report.score_lead == pytest.approx(outlook.scores[0], abs=1e-4)
    assert report.ownership == pytest.approx(outlook.ownership[0], abs=1e-5)


def test_a_finished_game_is_known_without_a_net_too():
    end = position(E5, 81, 81)  # Black owns the board
    report = Analyst(GO, UniformEvaluator(GO.actions), SETTINGS).glance(end).seen_by(0)
    assert (report.win_rate, report.score_lead) == (1, 81 - 7)
    assert (report.ownership == 1).all()


def test_many_positions_are_searched_together_like_one_at_a_time(analyst):
    positions = [position(), position(E5), position(E5, D5), position(E5, 81, 81)]
    together = dict(analyst.analyse_all(positions, parallel=3))
    assert sorted(together) == [0, 1, 2, 3]
    for number, here in enumerate(positions):
        alone = analyst.analyse(here)
        assert together[number].visits == alone.visits
        assert together[number].win_rate == pytest.approx(alone.win_rate, abs=0.05)


def test_time_ends_each_of_many_searches_and_stop_ends_them_all(evaluator):
    endless = Analyst(GO, evaluator, SearchSettings(visits=1_000_000))
    found = dict(endless.analyse_all([position(), position(E5)], seconds=0.05))
    assert sorted(found) == [0, 1] and all(report.moves for report in found.values())
    assert list(endless.analyse_all([position()], stop=lambda: True)) == []
