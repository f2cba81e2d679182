"""Lower confidence bounds, forced playouts and ending early, each against its formula."""

import math

import numpy as np
import pytest
from reference_search import HashEvaluator
from searching import FOUR, new_search, position, searched, snapshot, solved

from engine import games
from engine.position import Position
from mcts import Search, SearchSettings, UniformEvaluator

# --- Choosing by the lower confidence bound ---------------------------------------------------------


def test_the_lower_confidence_bound_is_the_mean_less_its_standard_errors():
    core = searched(position(), HashEvaluator(9), visits=300, lcb_stdevs=2.0).core
    doubled = searched(position(), HashEvaluator(9), visits=300, lcb_stdevs=4.0).core
    for one, two in zip(core.moves(), doubled.moves(), strict=True):
        assert one.value - one.lcb == pytest.approx((two.value - two.lcb) / 2, abs=1e-5)
        if one.visits < 2:
            assert one.lcb == -math.inf


def test_with_lcb_the_surer_of_the_much_visited_moves_is_chosen():
    for seed in range(20):
        start = position((0, 4, 8)[: seed % 4])
        core = searched(start, HashEvaluator(9), visits=60 + seed, lcb_stdevs=3.0).core
        moves = core.moves()
        most = max(move.visits for move in moves)
        enough = [move for move in moves if move.visits >= 0.15 * most]
        assert core.choose(9) == moves[0].action == max(enough, key=lambda move: move.lcb).action
        assert [m.visits for m in moves[1:]] == sorted((m.visits for m in moves[1:]), reverse=True)


# Of moves with about 15 % of the most visited one's visits, those whose bound is the largest of all.
SHARES = [
    ((), 39, (7, 3, 20), True),  # just 15 %
    ((3, 4), 281, (0, 23, 153), True),
    ((3, 0), 259, (8, 19, 127), False),
]


@pytest.mark.parametrize(("start", "visits", "move", "counts"), SHARES)
def test_the_bound_of_a_move_counts_from_15_percent_of_the_most_visited_on(start, visits, move, counts):
    core = searched(position(start), HashEvaluator(9), visits=visits, c_puct=2.0, lcb_stdevs=0.01).core
    moves = core.moves()
    best = max(moves, key=lambda move: move.lcb)
    assert (best.action, best.visits, max(move.visits for move in moves)) == move
    assert (core.choose(9) == best.action) == counts


def test_the_lower_confidence_bound_of_a_proven_move_is_its_result():
    proven = 0
    for seed in range(8):
        core = solved(
            position((0, 4, 8)), HashEvaluator(9), seed, visits=60 + 20 * seed, lcb_stdevs=2.0
        )
        for move in core.moves():
            if move.visits > 0 and move.value in (-1, 0, 1):
                proven += 1
                assert (move.lcb, move.error) == (move.value, 0)
    assert proven > 5


# --- Forced playouts --------------------------------------------------------------------------------


def test_forced_playouts_give_each_tried_move_its_share_and_the_policy_takes_them_back():
    options = {"visits": 400}
    evaluator = HashEvaluator(FOUR.actions)
    forced = searched(position(rules=FOUR), evaluator, forced_playouts=2.0, **options).core
    total = forced.root_visits - 1
    for move in forced.moves():
        if move.visits:
            assert move.visits >= math.floor(math.sqrt(2 * move.prior * total)) - 1
    visits = {move.action: move.visits for move in forced.moves()}
    policy = {move.action: move.policy for move in forced.moves()}
    best = max(visits, key=visits.get)
    shares = {action: count / total for action, count in visits.items()}
    assert policy[best] > shares[best]
    assert all(policy[a] <= shares[a] * (policy[best] / shares[best]) + 1e-6 for a in policy)
    assert sum(policy.values()) == pytest.approx(1)


@pytest.mark.parametrize("visits", [40, 100, 300])
def test_pruning_takes_no_more_than_keeps_the_most_visited_move_ahead(visits):
    evaluator = HashEvaluator(FOUR.actions)
    core = searched(position(rules=FOUR), evaluator, visits=visits, forced_playouts=2.0).core
    moves = core.moves()
    best, total = moves[0], core.root_visits - 1
    factor = (1.25 + math.log((total + 1 + 19652) / 19652)) * math.sqrt(total)
    top = best.value + factor * best.prior / (1 + best.visits)

    def kept(move):
        if move is best:
            return move.visits
        behind = (n for n in range(move.visits) if move.value + factor * move.prior / (1 + n) <= top)
        left = max(move.visits - math.sqrt(2 * move.prior * total), next(behind, move.visits))
        return left if left > 1 else 0  # a single visit tells too little

    weights = np.array([kept(move) for move in moves])
    assert [move.policy for move in moves] == pytest.approx(weights / weights.sum(), abs=1e-5)


# --- Ending early -----------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [(), (4,), (0, 4), (4, 0, 8)])
def test_stopping_early_never_changes_the_move(start):
    options = {"visits": 300}
    full = searched(position(start), HashEvaluator(9), **options).core
    early = searched(position(start), HashEvaluator(9), stop_early=True, **options).core
    assert early.choose(9) == full.choose(9)
    assert early.root_visits <= full.root_visits


@pytest.mark.parametrize("start", [(), (4,), (5, 7, 3), (3, 6, 1, 8), (0, 4, 8)])
@pytest.mark.parametrize("visits", [20, 31, 48])
@pytest.mark.parametrize("solve", [False, True])
def test_a_search_stops_when_one_move_is_further_ahead_than_there_are_visits_left(start, visits, solve):
    """Moves proven to lose need not be caught up with."""
    options = {"visits": visits, "solve": solve}
    unhurried = new_search(position(start), HashEvaluator(9), **options)

    def settled():
        counts = [move.visits for move in unhurried.core.moves() if not move.ruled_out]
        first, second = sorted([0, 0, *counts])[:-3:-1]
        return first - second > visits - unhurried.core.root_visits

    unhurried.run(settled)
    early = searched(position(start), HashEvaluator(9), **options, stop_early=True)
    assert snapshot(early) == snapshot(unhurried)


def test_a_search_stops_when_all_moves_but_one_are_proven_to_lose():
    columns = (0, 3, 1, 3, 6, 3)  # the second player threatens a fourth one in the middle
    start = position(rules=FOUR)
    for column in columns:
        start.play(next(a for a in np.flatnonzero(start.legal_mask()) if a % 7 == column))
    core = solved(start, visits=100_000, stop_early=True)
    assert [move.action % 7 for move in core.moves() if not move.ruled_out] == [3]
    assert core.root_visits < 1000 and not core.solved


def test_a_tree_ends_where_its_memory_does():
    rules = games.load("go9")
    core = solved(Position(rules), visits=100_000, memory_mib=4)
    assert core.root_visits < 30_000
    assert core.bytes < 8 * 2**20


def test_a_search_whose_memory_was_full_begins_anew_at_the_next_position():
    start = Position(games.load("go9"))
    search = Search(
        start.game.native,
        SearchSettings(visits=100_000, memory_mib=1),
        UniformEvaluator(start.game.actions),
    )
    visits = []
    for _ in range(2):
        search.set_root(start.state)
        search.run()
        visits.append(search.core.root_visits)
    assert min(visits) > 500
    search.advance(search.core.choose(0))
    search.run()
    assert search.core.root_visits > 10
