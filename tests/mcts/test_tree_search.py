"""PUCT search: against the formula by hand, against plain Python, and against perfect play."""

from functools import cache

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reference_search import HashEvaluator, ReferenceSearch, statistics

from engine import games
from engine.position import Position
from mcts import Search, SearchSettings, UniformEvaluator, _core

TTT = games.load("tic_tac_toe")
UNIFORM = UniformEvaluator(TTT.actions)


def position(actions=(), rules=TTT):
    found = Position(rules)
    for action in actions:
        found.play(action)
    return found


def new_search(start, evaluator=UNIFORM, seed=0, **options):
    search = Search(start.game.native, SearchSettings(**{"solve": False, **options}), evaluator, seed)
    search.set_root(start.state)
    return search


def searched(start, evaluator=UNIFORM, seed=0, **options):
    search = new_search(start, evaluator, seed, **options)
    search.run()
    return search


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


# --- Root noise -------------------------------------------------------------------------------


def first_visits(**options):
    """The visits of each move when values are all 0, so that only priors steer."""
    start = position()
    search = searched(start, visits=200, noise_total=3.0, **options)
    return {m.action: m.visits for m in search.core.moves()}


def test_noise_differs_by_seed_and_is_the_same_for_the_same_seed():
    assert first_visits(noise_fraction=0.5, seed=1) == first_visits(noise_fraction=0.5, seed=1)
    assert len({tuple(sorted(first_visits(noise_fraction=0.5, seed=s).items())) for s in range(8)}) == 8


def test_a_noise_fraction_of_zero_changes_nothing_whatever_the_seed():
    assert len({tuple(first_visits(noise_fraction=0.0, seed=s).items()) for s in range(4)}) == 1


def test_noise_leaves_the_priors_that_are_reported_as_the_evaluator_gave_them():
    noisy = searched(position(), HashEvaluator(9), visits=20, noise_fraction=0.9)
    plain = searched(position(), HashEvaluator(9), visits=20)
    assert {m.action: m.prior for m in noisy.core.moves()} == {
        m.action: m.prior for m in plain.core.moves()
    }


def noisy_shares(fraction, total, seed):
    """The shares of visits on an empty 9x9 board, which approach the noisy priors."""
    search = new_search(
        position(rules=games.load("go9")),
        seed=seed,
        visits=4001,
        c_puct=100.0,
        noise_fraction=fraction,
        noise_total=total,
    )
    search.core.run_uniform()
    shares = np.zeros(82)
    for move in search.core.moves():
        shares[move.action] = move.visits / 4000
    return shares


def test_noisy_priors_are_a_distribution_with_the_mean_of_the_priors():
    # With all values equal, visits are shared out in proportion to the priors. The mean of the
    # Dirichlet is uniform here, as are the priors: the mean over seeds must be 1 / 82.
    shares = np.array([noisy_shares(1.0, 10.0, seed) for seed in range(40)])
    assert shares.sum(axis=1) == pytest.approx(1.0)
    # One share has variance (1/82)(81/82) / (10 + 1) = 0.0011; the mean of 40 deviates by 0.0053.
    assert abs(shares.mean(axis=0) - 1 / 82).max() < 5 * 0.0053
    # Its square has the mean 0.0011 + 1/82^2, summed over the board 0.102; 0.0122 without noise.
    assert 0.07 < (shares**2).sum(axis=1).mean() < 0.14


def test_half_the_noise_keeps_half_of_every_prior():
    shares = noisy_shares(0.5, 10.0, seed=3)
    assert shares.min() > 0.45 / 82
    assert shares.max() > 2 / 82


def test_uniform_priors_without_noise_share_the_visits_evenly():
    shares = noisy_shares(0.0, 10.0, seed=0)
    assert shares.max() - shares.min() <= 2 / 4000


# --- Keeping the tree -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tic_tac_toe", "connect_four", "go5"])
def test_the_kept_subtree_is_what_a_fresh_search_of_as_many_visits_finds(name):
    """Without noise the rules of selection are the same at the root as anywhere below it."""
    start = position(rules=games.load(name))
    evaluator = HashEvaluator(start.game.actions)
    search = searched(start, evaluator, visits=300)
    for _ in range(4):
        best = search.core.moves()[0]
        line = search.core.principal_variation(best.action)
        mean = best.value if start.to_move == 0 else -best.value
        search.advance(best.action)
        start.play(best.action)
        if start.over:
            break
        assert search.core.root_visits == best.visits
        assert search.core.root_value == pytest.approx(mean, abs=1e-6)
        assert search.core.moves()[0].action == line[1]
        fresh = searched(start, evaluator, visits=best.visits)
        assert_same_statistics(tried(search), tried(fresh))
        assert search.core.nodes == fresh.core.nodes
        search.run()
        fresh = searched(start, evaluator, visits=300)
        assert_same_statistics(tried(search), tried(fresh))


def test_the_kept_subtree_equals_that_of_plain_python_move_by_move():
    evaluator = HashEvaluator(9)
    options = {"visits": 400, "leaves_per_batch": 4}
    start = position()
    search = searched(start, evaluator, **options)
    reference = ReferenceSearch(
        TTT.native, SearchSettings(**{"solve": False, **options}), evaluator, start.state
    )
    reference.run()
    while not start.over:
        action = search.core.choose(0)
        search.advance(action)
        start.play(action)
        reference.root = reference.root.edges[action].child
        assert search.core.root_visits == reference.root.visits
        if start.over:
            break
        assert_same_statistics(tried(search), statistics(reference.root))
        search.run()
        reference.run()
        assert_same_statistics(tried(search), statistics(reference.root))


def test_a_move_never_visited_can_be_followed():
    search = searched(position(), HashEvaluator(9), visits=3)
    unvisited = search.core.moves()[-1]
    assert unvisited.visits == 0
    search.advance(unvisited.action)
    assert search.core.root_visits == 0
    assert search.core.moves() == []
    search.run()
    fresh = searched(position([unvisited.action]), HashEvaluator(9), visits=3)
    assert snapshot(search) == snapshot(fresh)


def test_a_search_that_never_ran_can_be_advanced():
    search = new_search(position(), HashEvaluator(9), visits=30)
    for action in (4, 0):
        search.advance(action)
    search.run()
    assert snapshot(search) == snapshot(searched(position((4, 0)), HashEvaluator(9), visits=30))


def test_advancing_with_leaves_in_flight_gives_them_back():
    search = new_search(position(), HashEvaluator(9), visits=50, leaves_per_batch=4)
    planes, globals_ = np.empty((4, 3, 3, 3), np.uint8), np.empty((4, 0), np.float32)
    for _ in range(3):
        rows = search.core.collect(planes, globals_)
        search.core.absorb(*search.evaluator(planes[:rows], globals_[:rows]))
    best = search.core.moves()[0].action
    search.core.collect(planes, globals_)
    search.advance(best)
    search.run()
    assert search.core.root_visits == 50
    assert sum(m.visits for m in search.core.moves()) == 49


def test_without_reuse_each_move_begins_with_an_empty_tree():
    search = searched(position(), HashEvaluator(9), visits=80, reuse_tree=False)
    action = search.core.choose(0)
    search.advance(action)
    assert search.core.root_visits == 0
    search.run()
    fresh = searched(position([action]), HashEvaluator(9), visits=80)
    assert snapshot(search) == snapshot(fresh)


def test_after_the_last_move_of_a_game_the_root_is_its_result():
    search = searched(position((0, 3, 1, 4)), visits=100)
    search.advance(2)
    search.run()
    assert search.core.done
    assert search.core.root_value == 1.0


def test_memory_does_not_grow_over_a_long_game_whose_tree_is_kept():
    start = position(rules=games.load("go9"))
    search = searched(start, HashEvaluator(82), visits=120, leaves_per_batch=4)
    opening = search.core.bytes
    for _ in range(50):
        action = search.core.choose(0)
        search.advance(action)
        start.play(action)
        if start.over:
            break
        search.run()
        assert search.core.nodes <= 120
        assert search.core.bytes <= 2 * opening
    assert len(start.actions) > 20


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


# --- Choosing a move --------------------------------------------------------------------------


def test_without_temperature_the_most_visited_move_is_chosen():
    search = searched(position(), HashEvaluator(9), visits=60)
    most = max(search.core.moves(), key=lambda m: m.visits)
    assert {search.core.choose(0) for _ in range(5)} == {most.action}


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_with_temperature_moves_are_drawn_in_proportion_to_the_powered_visits(temperature):
    search = searched(
        position(), HashEvaluator(9), visits=100, temperature=temperature, temperature_moves=10
    )
    draws = 4000
    found = np.bincount([search.core.choose(9) for _ in range(draws)], minlength=9) / draws
    weights = np.zeros(9)
    for move in search.core.moves():
        weights[move.action] = move.visits ** (1 / temperature)
    expected = weights / weights.sum()
    deviation = np.sqrt(expected * (1 - expected) / draws)
    assert (abs(found - expected) <= 5 * deviation + 1e-9).all()


def test_with_one_visit_moves_are_drawn_by_their_priors():
    search = searched(position(), HashEvaluator(9), visits=1, temperature=1.0, temperature_moves=1)
    draws = 4000
    found = np.bincount([search.core.choose(0) for _ in range(draws)], minlength=9) / draws
    for move in search.core.moves():
        deviation = (move.prior * (1 - move.prior) / draws) ** 0.5
        assert abs(found[move.action] - move.prior) <= 5 * deviation


def test_the_temperature_ends_after_its_moves():
    search = searched(position(), HashEvaluator(9), visits=50, temperature=10.0, temperature_moves=3)
    assert len({search.core.choose(2) for _ in range(50)}) > 1
    assert len({search.core.choose(3) for _ in range(50)}) == 1


def test_a_tiny_temperature_plays_the_most_visited_move():
    search = searched(position(), HashEvaluator(9), visits=50, temperature=1e-6, temperature_moves=1)
    assert {search.core.choose(0) for _ in range(20)} == {search.core.moves()[0].action}


# --- Evaluators and callers that fail ---------------------------------------------------------


class Failing(HashEvaluator):
    """Fails on its third call, in one of several ways."""

    def __init__(self, actions, failure):
        super().__init__(actions)
        self.failure = failure

    def __call__(self, planes, globals_):
        logits, values = super().__call__(planes, globals_)
        return self.failure(logits, values) if self.calls == 3 else (logits, values)


def raise_error(logits, values):
    raise OSError("the device is gone")


def with_number(which, number):
    def failure(logits, values):
        (logits, values)[which].flat[-1] = number
        return logits, values

    return failure


FAILURES = {
    "raises": (raise_error, OSError),
    "nan value": (with_number(1, np.nan), RuntimeError),
    "nan logit": (with_number(0, np.nan), RuntimeError),
    "infinite logit": (with_number(0, np.inf), RuntimeError),
    "minus infinite logit": (with_number(0, -np.inf), RuntimeError),
    "infinite value": (with_number(1, -np.inf), RuntimeError),
    "too few logits": (lambda p, v: (p[:-1], v), ValueError),
    "too few values": (lambda p, v: (p, v[:-1]), ValueError),
    "too many rows": (lambda p, v: (np.concatenate([p, p]), np.concatenate([v, v])), ValueError),
    "too few actions": (lambda p, v: (p[:, 1:], v), ValueError),
    "too many actions": (lambda p, v: (np.concatenate([p, p], axis=1), v), ValueError),
    "logits without rows": (lambda p, v: (p.ravel(), v), ValueError),
    "values as a column": (lambda p, v: (p, v[:, None]), ValueError),
    "double precision": (lambda p, v: (p.astype(np.float64), v), TypeError),
    "text": (lambda p, v: (p, ["x"] * len(v)), (TypeError, ValueError)),
    "nothing": (lambda p, v: (None, None), (TypeError, ValueError)),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("leaves", [1, 4])
def test_a_failing_evaluator_reaches_the_caller_and_the_search_goes_on_as_if_it_had_not(
    failure, leaves
):
    fail, error = FAILURES[failure]
    options = {"visits": 60, "leaves_per_batch": leaves}
    start = position(rules=games.load("connect_four"))
    search = new_search(start, Failing(start.game.actions, fail), **options)
    with pytest.raises(error):
        search.run()
    search.run()
    assert snapshot(search) == snapshot(searched(start, HashEvaluator(start.game.actions), **options))


def test_logits_that_are_not_contiguous_are_read_by_their_rows():
    class Reversed(HashEvaluator):
        def __call__(self, planes, globals_):
            logits, values = super().__call__(planes, globals_)
            return np.asfortranarray(logits), np.repeat(values, 2)[::2]

    options = {"visits": 60, "leaves_per_batch": 4}
    assert snapshot(searched(position(), Reversed(9), **options)) == snapshot(
        searched(position(), HashEvaluator(9), **options)
    )


@pytest.mark.parametrize("action", [-1, 9, 10**6])
def test_following_an_action_that_does_not_exist_is_an_error(action):
    with pytest.raises(ValueError, match="out of range"):
        new_search(position()).advance(action)


@pytest.mark.parametrize("size", [0, 1, 100])
def test_a_root_of_the_wrong_size_is_an_error(size):
    with pytest.raises(ValueError, match="wrong size"):
        new_search(position()).set_root(np.zeros(size, np.uint8))


@pytest.mark.parametrize(
    ("planes", "globals_"),
    [
        (np.empty((4, 3, 3, 2), np.uint8), np.empty((4, 0), np.float32)),
        (np.empty((4, 3, 3, 3), np.uint8), np.empty((4, 2), np.float32)),
    ],
)
def test_a_batch_of_the_wrong_shape_is_an_error(planes, globals_):
    with pytest.raises(ValueError, match="wrong shape"):
        new_search(position()).core.collect(planes, globals_)


@pytest.mark.parametrize(
    "planes",
    [
        np.empty((4, 3, 3, 3), np.int32),
        np.empty((4, 3, 3, 3), bool),
        np.empty((4, 3, 3, 6), np.uint8)[..., ::2],
    ],
)
def test_a_batch_that_could_only_be_filled_by_a_copy_is_an_error(planes):
    with pytest.raises(TypeError):
        new_search(position()).core.collect(planes, np.empty((4, 0), np.float32))


def test_a_batch_smaller_than_the_leaves_asked_for_is_filled_no_further():
    search = new_search(position(), visits=50, leaves_per_batch=8)
    planes, globals_ = np.empty((2, 3, 3, 3), np.uint8), np.empty((2, 0), np.float32)
    while not search.core.done:
        rows = search.core.collect(planes, globals_)
        assert rows <= 2
        search.core.absorb(np.zeros((rows, 9), np.float32), np.zeros(rows, np.float32))
    assert search.core.root_visits == 50


def test_a_game_without_a_legal_move_in_an_unfinished_position_is_an_error_each_time():
    """The core must neither hang nor take the position for one that waits for its answer."""
    full = position()
    full.record["cells"] = 1  # a full board that does not say it is over
    search = new_search(full, visits=10)
    for _ in range(3):
        with pytest.raises(RuntimeError, match="'tic_tac_toe' has a position that is not over"):
            search.run()
    one_left = position()
    one_left.record["cells"] = [1, 2, 1, 1, 2, 2, 2, 1, 0]
    one_left.record["moves"] = 4  # a lie: the last cell will not end the game
    search = new_search(one_left, visits=10)
    for _ in range(3):
        with pytest.raises(RuntimeError, match="no legal move"):
            search.run()
        assert search.core.root_visits == 1
    two_left = position()
    two_left.record["cells"] = [1, 2, 1, 1, 2, 2, 2, 0, 0]
    search = new_search(two_left, visits=10)
    nodes = set()
    for _ in range(5):  # the failed visits leave no virtual loss: each fails in the same place
        with pytest.raises(RuntimeError, match="no legal move"):
            search.run()
        nodes.add(search.core.nodes)
    assert len(nodes) == 1


def test_the_core_keeps_the_game_alive():
    core = _core.Search(games.load("tic_tac_toe").native, SearchSettings(visits=5).to_core(), 0)
    core.run_uniform()
    assert core.root_visits == 5
