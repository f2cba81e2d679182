"""PUCT search: against the formula by hand, against plain Python, and against perfect play."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reference_search import HashEvaluator, ReferenceSearch, statistics
from searching import (
    CHOICES,
    TTT,
    assert_same_statistics,
    from_choices,
    new_search,
    perfect,
    position,
    searched,
    snapshot,
    tried,
)

from engine import games
from engine.position import Position
from mcts import Evaluation, SearchSettings, UniformEvaluator

# --- The formula ------------------------------------------------------------------------------


class TableEvaluator:
    """Priors and the mover's value from a table keyed by the cells that are still empty."""

    def __init__(self, table):
        self.table = table

    def __call__(self, planes, globals_):
        logits = np.full((len(planes), 9), -99.0, np.float32)
        values = np.zeros(len(planes), np.float32)
        for row, board in enumerate(planes.reshape(len(planes), 3, 9)):
            empty = tuple(np.flatnonzero(board[0] + board[1] == 0).tolist())
            priors, values[row] = self.table[empty]
            for action, prior in priors.items():
                logits[row, action] = np.log(prior)
        return logits, values


# Three cells are left and X is to move:     X X O
#                                            O O X
#                                            6 7 8
#
# c = 1, reduction = 0.2. Values in boxes are the evaluator's, all turned to X's view.
#
#                        root [0.1]
#             p=0.3 /    p=0.5 |     \ p=0.2
#              6 [0.2]      7 [-0.6]   8 (never tried)
#          p=0.9 / \ p=0.1
#           7 [0.8]  8
#              |
#           8: draw (0)
#
# visit 1  the root itself: 0.1.
# visit 2  nothing tried: exploration is 0, the largest prior wins: 7 -> -0.6.
# visit 3  7: -0.6 + 0.5 * 1 / 2 = -0.35. Untried: mean (0.1 - 0.6) / 2 = -0.25, less
#          0.2 * sqrt(0.5) = -0.3914; 6: -0.3914 + 0.3 = -0.0914. So 6 -> 0.2.
# visit 4  sqrt(2) = 1.4142. 7: -0.6 + 0.3536 = -0.2464. 6: 0.2 + 0.3 * 1.4142 / 2 = 0.4121.
#          8: (0.1 - 0.6 + 0.2) / 3 - 0.2 * sqrt(0.8) + 0.2828 = 0.0039. So 6, below it the
#          larger prior 7 -> 0.8.
# visit 5  sqrt(3) = 1.7321. 7: -0.167. 6: (0.2 + 0.8) / 2 + 0.3 * 1.7321 / 3 = 0.6732.
#          8: 0.5 / 4 - 0.1789 + 0.3464 = 0.2925. So 6. Below it O sees 7 at -0.8 + 0.9 / 2 = -0.35
#          and 8 at (-0.2 - 0.8) / 2 - 0.2 * sqrt(0.9) + 0.1 = -0.5897. So 7, then 8: a draw, 0.
# visit 6  sqrt(4) = 2. 7: -0.6 + 0.5 = -0.1. 6: 1 / 3 + 0.3 * 2 / 4 = 0.4833.
#          8: 0.5 / 5 - 0.1789 + 0.4 = 0.3211. So 6. Below it O sees 7 at -0.8 / 2 +
#          0.9 * 1.4142 / 3 = 0.0243 and 8 at (-0.2 - 0.8) / 3 - 0.1897 + 0.1414 = -0.3816.
#          So 7, 8: 0 again.
# visit 7  sqrt(5) = 2.2361. 7: -0.6 + 0.559 = -0.041. 6: 1 / 4 + 0.3 * 2.2361 / 5 = 0.3842.
#          8: 0.5 / 6 - 0.1789 + 0.4472 = 0.3516. So 6 for a fifth time.
HAND_START = (0, 2, 1, 3, 5, 4)
HAND_TABLE = {
    (6, 7, 8): ({6: 0.3, 7: 0.5, 8: 0.2}, 0.1),  # X to move
    (7, 8): ({7: 0.9, 8: 0.1}, -0.2),  # O to move after X's 6
    (6, 8): ({6: 0.5, 8: 0.5}, 0.6),  # O to move after X's 7
    (8,): ({8: 1.0}, 0.8),  # X to move after 6, 7
}
HAND_RESULTS = {  # visits of the root: {action: (visits, value sum)}
    1: {},
    2: {7: (1, -0.6)},
    3: {7: (1, -0.6), 6: (1, 0.2)},
    4: {7: (1, -0.6), 6: (2, 1.0)},
    5: {7: (1, -0.6), 6: (3, 1.0)},
    6: {7: (1, -0.6), 6: (4, 1.0)},
    7: {7: (1, -0.6), 6: (5, 1.0)},
}


@pytest.mark.parametrize("visits", HAND_RESULTS)
def test_the_first_visits_go_where_the_formula_by_hand_sends_them(visits):
    search = searched(
        position(HAND_START),
        TableEvaluator(HAND_TABLE),
        visits=visits,
        c_puct=1.0,
        c_puct_base=1e9,
        fpu_reduction=0.2,
    )
    assert_same_statistics(tried(search), HAND_RESULTS[visits])
    total = sum(value_sum for _, value_sum in HAND_RESULTS[visits].values())
    assert search.core.root_value == pytest.approx((0.1 + total) / visits, abs=1e-6)
    assert search.core.root_evaluation == pytest.approx(0.1)


def test_the_principal_variation_is_the_most_visited_line():
    search = searched(
        position(HAND_START), TableEvaluator(HAND_TABLE), visits=7, c_puct=1.0, c_puct_base=1e9
    )
    assert search.core.principal_variation(6) == [6, 7, 8]
    assert search.core.principal_variation(7) == [7]
    assert search.core.principal_variation(8) == [8]
    assert search.core.principal_variation(0) == []


@pytest.mark.parametrize("start", [(), (4,), (0, 4), (0, 1, 4)])
def test_after_each_visit_the_tree_equals_that_of_plain_python(start):
    evaluator = HashEvaluator(9)
    for visits in range(1, 41):
        options = SearchSettings(visits=visits, solve=False)
        reference = ReferenceSearch(TTT.native, options, evaluator, position(start).state)
        reference.run()
        search = searched(position(start), evaluator, visits=visits)
        assert_same_statistics(tried(search), statistics(reference.root))


@settings(max_examples=40)
@given(
    choices=CHOICES,
    visits=st.integers(1, 150),
    leaves=st.sampled_from([1, 2, 4, 32]),
    c_puct=st.floats(0.1, 5),
    c_puct_base=st.sampled_from([10.0, 500.0, 19652.0]),
    fpu_reduction=st.floats(0, 1),
    virtual_loss=st.floats(0, 3),
)
def test_for_all_settings_the_tree_equals_that_of_plain_python(choices, visits, leaves, **options):
    start = from_choices(choices)
    assume(not start.over)
    options = {"visits": visits, "leaves_per_batch": leaves, **options}
    reference = ReferenceSearch(
        TTT.native, SearchSettings(**{"solve": False, **options}), HashEvaluator(9), start.state
    )
    reference.run()
    search = searched(start, HashEvaluator(9), **options)
    assert_same_statistics(tried(search), statistics(reference.root))


@pytest.mark.parametrize("name", ["connect_four", "go5"])
@pytest.mark.parametrize("leaves", [1, 8])
def test_on_larger_boards_too_the_tree_equals_that_of_plain_python(name, leaves):
    start = position(rules=games.load(name))
    evaluator = HashEvaluator(start.game.actions)
    options = {"visits": 200, "leaves_per_batch": leaves}
    native = start.game.native
    reference = ReferenceSearch(
        native, SearchSettings(**{"solve": False, **options}), evaluator, start.state
    )
    reference.run()
    search = searched(start, evaluator, **options)
    assert_same_statistics(tried(search), statistics(reference.root))


def test_priors_are_the_softmax_of_the_logits_over_the_legal_moves():
    start = position([4, 0])
    evaluator = HashEvaluator(9)
    logits, _ = evaluator.one(start.encode()[0])
    legal = [1, 2, 3, 5, 6, 7, 8]
    expected = np.exp(logits[legal]) / np.exp(logits[legal]).sum()
    moves = {m.action: m.prior for m in searched(start, evaluator, visits=5).core.moves()}
    assert [moves[action] for action in legal] == pytest.approx(expected.tolist(), rel=1e-5)
    assert sorted(moves) == legal


@pytest.mark.parametrize("visits", [1, 2, 50])
@pytest.mark.parametrize("temperature", [0.001, 0.5, 2.0])
def test_a_root_temperature_changes_the_search_but_not_the_priors_it_reports(temperature, visits):
    plain = searched(position(), HashEvaluator(9), visits=visits)
    changed = searched(position(), HashEvaluator(9), visits=visits, root_policy_temperature=temperature)
    priors = {m.action: m.prior for m in plain.core.moves()}
    assert {m.action: m.prior for m in changed.core.moves()} == priors
    assert changed.core.root_visits == visits
    if visits == 50:
        assert tried(changed) != tried(plain)


def test_a_cold_root_temperature_tries_nothing_but_the_largest_prior():
    def evaluator(planes, globals_):
        logits = np.tile(np.float32([0, 0, 0, 0, 0, 0.1, 0, 0, 0]), (len(planes), 1))
        return logits, np.zeros(len(planes), np.float32)

    search = searched(position(), evaluator, visits=50, root_policy_temperature=0.001)
    assert tried(search)[5][0] >= 40


# --- Values and results -----------------------------------------------------------------------

# X at 0 and 1, O at 3 and 4: whoever is to move wins at once.
WINNING = [((0, 3, 1, 4), 2, 1), ((0, 3, 1, 4, 8), 5, -1)]


@pytest.mark.parametrize(("start", "move", "sign"), WINNING)
@pytest.mark.parametrize("leaves", [1, 4])
def test_a_win_at_once_gets_nearly_all_visits_and_the_value_one(start, move, sign, leaves):
    search = searched(position(start), visits=400, leaves_per_batch=leaves)
    best = search.core.moves()[0]
    assert best.action == move
    assert best.visits >= 350
    assert best.value == 1.0  # an exact result, in the view of the mover
    assert search.core.root_value * sign > 0.9  # in the first player's view
    assert search.core.choose(0) == move


def test_a_move_that_lets_the_opponent_win_at_once_is_worth_minus_one():
    # X threatens 0, 1, 2; O must play 2, and everything else loses.
    search = searched(position((0, 4, 1)), visits=2000)
    values = {m.action: m.value for m in search.core.moves()}
    assert search.core.moves()[0].action == 2
    assert all(value < -0.6 for action, value in values.items() if action != 2)
    assert values[2] > -0.2


LAST_MOVES = [  # moves before, last move, the first player's result
    ((0, 1, 2, 3, 4, 5, 7, 6), 8, 1),  # X completes 0 4 8
    ((0, 1, 2, 4, 3, 6, 5, 8), 7, 0),  # the board is full
    ((0, 4, 1, 6, 3), 2, -1),  # O completes 2 4 6
]


@pytest.mark.parametrize(("before", "last", "outcome"), LAST_MOVES)
def test_the_last_move_of_a_game_is_worth_exactly_its_result(before, last, outcome):
    start = position(before)
    end = position((*before, last))
    assert end.over
    assert end.outcome() == outcome
    search = searched(start, HashEvaluator(9), visits=60)
    value = next(m.value for m in search.core.moves() if m.action == last)
    assert value == (outcome if start.to_move == 0 else -outcome)
    assert search.core.principal_variation(last) == [last]


def test_a_finished_position_is_done_at_once_with_its_exact_value():
    for line, outcome in [((0, 3, 1, 4, 2), 1), ((0, 3, 1, 4, 8, 5), -1)]:
        search = searched(position(line), visits=50)
        assert search.core.done
        assert search.core.root_value == outcome
        assert search.core.moves() == []
        with pytest.raises(RuntimeError, match="not begun"):
            search.core.choose(0)


@settings(max_examples=25)
@given(choices=CHOICES)
def test_enough_visits_find_a_perfect_move_and_the_value_of_perfect_play(choices):
    start = from_choices(choices)
    assume(not start.over)
    search = new_search(start, visits=20_000, c_puct=2.0)
    search.core.run_uniform()
    value = perfect(start.state.tobytes())
    start.play(search.core.choose(0))
    assert perfect(start.state.tobytes()) == value
    assert search.core.root_value == pytest.approx(value, abs=0.1)


@pytest.mark.parametrize("value", [-0.7, 0.3])
@pytest.mark.parametrize("start", [(), (4,)])
def test_one_visit_says_what_the_evaluator_says_in_the_first_players_view(start, value):
    def evaluator(planes, globals_):
        return np.zeros((len(planes), 9), np.float32), np.full(len(planes), value, np.float32)

    search = searched(position(start), evaluator, visits=1)
    sign = 1 if len(start) % 2 == 0 else -1
    assert search.core.root_value == pytest.approx(sign * value)
    assert search.core.root_visits == 1
    assert all(m.visits == 0 for m in search.core.moves())


def test_values_outside_their_range_are_cut_to_it():
    def evaluator(planes, globals_):
        return np.zeros((len(planes), 9), np.float32), np.full(len(planes), 7, np.float32)

    assert searched(position(), evaluator, visits=1).core.root_value == 1.0


# --- Counting ---------------------------------------------------------------------------------


@settings(max_examples=40)
@given(choices=CHOICES, visits=st.integers(1, 300), leaves=st.sampled_from([1, 4, 32]))
def test_the_root_gets_exactly_the_visits_asked_for_and_its_moves_all_but_one(choices, visits, leaves):
    start = from_choices(choices)
    assume(not start.over)
    evaluator = HashEvaluator(9)
    search = searched(start, evaluator, visits=visits, leaves_per_batch=leaves)
    moves = search.core.moves()
    assert search.core.root_visits == visits
    assert sum(m.visits for m in moves) == visits - 1
    assert evaluator.rows <= visits
    assert sorted(m.action for m in moves) == np.flatnonzero(start.legal_mask()).tolist()
    assert sum(m.prior for m in moves) == pytest.approx(1, abs=1e-5)
    assert sum(m.policy for m in moves) == pytest.approx(1, abs=1e-5)
    assert all(-1 <= m.value <= 1 for m in moves)
    assert [m.visits for m in moves] == sorted((m.visits for m in moves), reverse=True)


@pytest.mark.parametrize("root_policy", ["puct", "gumbel"])
@pytest.mark.parametrize("leaves", [1, 4, 32])
def test_leaves_that_are_given_back_leave_no_trace(leaves, root_policy):
    options = {
        "visits": 120,
        "leaves_per_batch": leaves,
        "root_policy": root_policy,
        "gumbel_scale": 0.0,
    }
    start = position(rules=games.load("connect_four"))
    calm = new_search(start, HashEvaluator(start.game.actions), **options)
    shaken = new_search(start, HashEvaluator(start.game.actions), **options)
    planes = np.empty((leaves, start.game.planes, *start.game.shape), np.uint8)
    globals_ = np.empty((leaves, start.game.globals), np.float32)
    while not calm.core.done:
        for _ in range(3):
            shaken.core.collect(planes, globals_)
            shaken.core.cancel()
        for search in (calm, shaken):
            rows = search.core.collect(planes, globals_)
            search.core.absorb(*search.evaluator(planes[:rows], globals_[:rows]))
        assert snapshot(shaken) == snapshot(calm)
    assert shaken.core.nodes == calm.core.nodes


def test_collecting_again_and_again_takes_no_more_memory():
    rules = games.load("go9")
    search = new_search(position(rules=rules), visits=9, leaves_per_batch=8)
    planes = np.empty((8, rules.native.planes, 9, 9), np.uint8)
    globals_ = np.empty((8, rules.native.globals), np.float32)
    rows = search.core.collect(planes, globals_)
    search.core.absorb(np.zeros((rows, 82), np.float32), np.zeros(rows, np.float32))
    search.core.collect(planes, globals_)
    before = search.core.bytes
    for _ in range(100):
        assert search.core.collect(planes, globals_) == 8
    assert search.core.bytes == before


def test_stop_ends_a_search_early_and_it_can_go_on_as_if_never_stopped():
    answers = iter([False, False, True])
    stopped = new_search(position(), HashEvaluator(9), visits=100)
    stopped.run(lambda: next(answers))
    assert stopped.core.root_visits == 2
    stopped.run()
    assert snapshot(stopped) == snapshot(searched(position(), HashEvaluator(9), visits=100))


# --- Determinism and symmetry -----------------------------------------------------------------


@pytest.mark.parametrize("leaves", [1, 4])
def test_the_same_seed_gives_the_same_search_bit_for_bit(leaves):
    options = {
        "visits": 150,
        "leaves_per_batch": leaves,
        "noise_fraction": 0.25,
        "random_symmetry": True,
    }
    found = [snapshot(searched(position(), HashEvaluator(9), seed=s, **options)) for s in (7, 7, 8)]
    assert found[0] == found[1] != found[2]


class Corner:
    """Likes the corner at the top left of whatever it is shown."""

    def __call__(self, planes, globals_):
        logits = np.zeros((len(planes), 9), np.float32)
        logits[:, 0] = 10
        return logits, np.zeros(len(planes), np.float32)


def test_every_symmetry_is_asked_for():
    seen = set()

    def evaluator(planes, globals_):
        seen.add(planes.tobytes())
        return Evaluation(np.zeros((1, 26), np.float32), np.zeros(1, np.float32))

    rules = games.load("go5")
    start = Position(rules)
    start.play(1)  # B1, which all 8 symmetries move elsewhere
    for seed in range(100):
        searched(start, evaluator, seed=seed, visits=1, random_symmetry=True)
    assert len(seen) == 8


def test_under_random_symmetries_answers_are_turned_back_to_the_board():
    """What the net likes at its top left is one of the four corners, each as often as the others."""
    counts = dict.fromkeys((0, 2, 6, 8), 0)
    for seed in range(400):
        search = searched(position(), Corner(), seed=seed, visits=1, random_symmetry=True)
        counts[search.core.choose(0)] += 1
    assert all(60 < count < 140 for count in counts.values())  # 100 +- 8.7 a corner


def test_an_evaluator_without_a_favourite_side_sees_no_difference_under_symmetries():
    class Neighbours:
        """A policy that turns with the board: cells next to own pieces, weighed by the others."""

        def __call__(self, planes, globals_):
            own, other = planes[:, 0].astype(np.float32), planes[:, 1].astype(np.float32)
            padded = np.pad(own - 0.3 * other, ((0, 0), (1, 1), (1, 1)))
            near = (
                padded[:, :-2, 1:-1] + padded[:, 2:, 1:-1] + padded[:, 1:-1, :-2] + padded[:, 1:-1, 2:]
            )
            value = (own - other).sum(axis=(1, 2)) * 0.1
            return near.reshape(len(planes), 9), value.astype(np.float32)

    start = position((1, 5, 0))  # no symmetry of its own: ties are broken alike
    plain = searched(start, Neighbours(), visits=25)
    turned = searched(start, Neighbours(), visits=25, random_symmetry=True, seed=5)
    assert_same_statistics(tried(turned), tried(plain))


@pytest.mark.parametrize("name", ["tic_tac_toe", "go5"])
@pytest.mark.parametrize("leaves", [1, 4])
def test_the_uniform_search_of_the_core_is_the_one_driven_from_python(name, leaves):
    start = position(rules=games.load(name))
    options = {"visits": 300, "leaves_per_batch": leaves}
    inside = new_search(start, **options)
    inside.core.run_uniform()
    outside = searched(start, UniformEvaluator(start.game.actions), **options)
    assert snapshot(inside) == snapshot(outside)
