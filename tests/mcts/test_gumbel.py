"""Gumbel search (Danihelka et al. 2022) against tables by hand and against plain Python."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reference_search import HashEvaluator, ReferenceSearch, considered_visits, statistics
from searching import CHOICES, TTT, from_choices, position, searched

from engine import games
from mcts import Search, SearchSettings, _core

GUMBEL = {"root_policy": "gumbel", "gumbel_scale": 0.0}
PUCT = {"root_policy": "puct", "completed_q": True}


def gumbel(start, evaluator, seed=0, **options):
    return searched(start, evaluator, seed, **{**GUMBEL, **options}).core


def referenced(start, evaluator, **options):
    options = SearchSettings(**{"solve": False, **GUMBEL, **options})
    reference = ReferenceSearch(start.game.native, options, evaluator, start.state)
    reference.run()
    return reference


class Fixed:
    """The same logits for every position and a value of zero for the side to move."""

    def __init__(self, logits, value=0.0):
        self.logits, self.value = np.asarray(logits, np.float32), value

    def __call__(self, planes, globals_):
        rows = len(planes)
        return np.tile(self.logits, (rows, 1)), np.full(rows, self.value, np.float32)


# --- The schedule of sequential halving -------------------------------------------------------

# By hand: (considered, simulations) -> the visits that the move to try must have. For 4 and 16
# there are log2(4) = 2 phases of 8 simulations: 4 moves get 2 visits each, then 2 moves 4 each.
SCHEDULES = {
    (1, 4): [0, 1, 2, 3],
    (0, 3): [0, 1, 2],
    (2, 6): [0, 0, 1, 1, 2, 2],
    (4, 4): [0, 0, 0, 0],
    (4, 8): [0, 0, 0, 0, 1, 1, 2, 2],
    (4, 16): [0] * 4 + [1] * 4 + [2, 2, 3, 3, 4, 4, 5, 5],
    # 3 moves have ceil(log2 3) = 2 phases; 12 / (2 * 3) = 2 visits each, then 12 / (2 * 2) = 3.
    (3, 12): [0] * 3 + [1] * 3 + [2, 2, 3, 3, 4, 4],
    # Too few simulations for the halving to end: the list is cut.
    (16, 8): [0] * 8,
    (8, 24): [0] * 8 + [1] * 4 + [2] * 4 + [3, 3, 4, 4, 5, 5, 6, 6],
    # A remainder goes on with the last two.
    (4, 11): [0] * 4 + [1, 1, 2, 2, 3, 3, 4],
    (16, 16): [0] * 16,
}


@pytest.mark.parametrize(("considered", "simulations"), SCHEDULES)
def test_the_schedule_is_the_one_by_hand(considered, simulations):
    expected = SCHEDULES[considered, simulations]
    assert _core.considered_visits_schedule(considered, simulations) == expected


@given(considered=st.integers(0, 400), simulations=st.integers(1, 1000))
def test_the_schedule_equals_that_of_plain_python_and_can_be_kept(considered, simulations):
    schedule = _core.considered_visits_schedule(considered, simulations)
    assert schedule == considered_visits(considered, simulations)
    visits = [0] * max(1, considered)
    for wanted in schedule:
        assert wanted in visits  # there always is a move with just these visits
        visits[visits.index(wanted)] += 1


# --- Sequential halving -----------------------------------------------------------------------


def test_with_equal_values_the_visits_follow_the_schedule_and_the_priors():
    # 16 simulations on the 4 largest of 9 priors: two visits each, then four more for two of them.
    logits = [0.9, 0.1, 0.8, 0.2, 0.7, 0.3, 0.6, 0.4, 0.5]
    core = gumbel(position(), Fixed(logits), visits=17, gumbel_considered=4)
    assert {m.action: m.visits for m in core.moves() if m.visits} == {0: 6, 2: 6, 4: 2, 6: 2}


@settings(max_examples=60)
@given(
    choices=CHOICES,
    visits=st.integers(1, 120),
    considered=st.integers(1, 12),
    leaves=st.sampled_from([1, 1, 4, 32]),
    c_visit=st.floats(0, 60),
    c_scale=st.floats(0.01, 1),
)
def test_the_search_equals_that_of_plain_python(choices, visits, considered, leaves, c_visit, c_scale):
    start = from_choices(choices)
    assume(not start.over)
    options = {
        "visits": visits,
        "gumbel_considered": considered,
        "leaves_per_batch": leaves,
        "gumbel_c_visit": c_visit,
        "gumbel_c_scale": c_scale,
    }
    core = gumbel(start, HashEvaluator(9), **options)
    reference = referenced(start, HashEvaluator(9), **options)
    expected = statistics(reference.root)
    assert {m.action: m.visits for m in core.moves() if m.visits} == {
        action: count for action, (count, _) in expected.items()
    }
    q, policy = reference.completed_q(reference.root), reference.improved_policy()
    for move in core.moves():
        assert move.value == pytest.approx(q[move.action], abs=1e-4)
        assert move.policy == pytest.approx(policy[move.action], abs=2e-3)
    most = max((count for count, _ in expected.values()), default=0)
    finalists = [a for a, edge in reference.root.edges.items() if edge.visits == most]
    best = max(finalists, key=lambda a: reference.gumbel_score(reference.root, a, q[a]))
    assert core.choose(0) == best


@pytest.mark.parametrize("visits", [2, 3, 9, 17, 33, 64, 200])
@pytest.mark.parametrize("considered", [1, 2, 4, 16])
@pytest.mark.parametrize("leaves", [1, 4, 32])
def test_the_visits_of_the_moves_are_those_the_schedule_hands_out(visits, considered, leaves):
    start = position(rules=games.load("go5"))
    core = gumbel(
        start,
        HashEvaluator(26),
        seed=3,
        visits=visits,
        gumbel_considered=considered,
        gumbel_scale=1.0,
        leaves_per_batch=leaves,
    )
    counts = [0] * 26
    for wanted in considered_visits(considered, visits - 1):
        counts[counts.index(wanted)] += 1
    assert [m.visits for m in core.moves()] == sorted(counts, reverse=True)
    assert core.root_visits == visits


def test_no_more_moves_are_considered_than_are_legal():
    start = position((0, 2, 1, 3, 5, 4))  # three cells are left
    core = gumbel(start, Fixed(np.zeros(9)), visits=7, gumbel_considered=16)
    assert sorted(m.visits for m in core.moves()) == [1, 2, 3]
    only = position((0, 1, 2, 4, 3, 6, 5, 8))  # one
    core = gumbel(only, Fixed(np.zeros(9)), visits=7)
    assert [(m.action, m.visits, m.policy) for m in core.moves()] == [(7, 6, 1.0)]
    assert core.choose(0) == 7


# --- Completed Q and the improved policy ------------------------------------------------------


# X X O      X is to move; priors 0.5, 0.3, 0.2 for the cells 6, 7, 8 and value 0.1.
# O O X      Two simulations try the two largest priors. The evaluator answers O with 0.6 after 6
# 6 7 8      and with -0.2 after 7: q(6) = -0.6, q(7) = 0.2 for X.
#
# Equation 33: the mean of the visited under the priors is (0.5 * -0.6 + 0.3 * 0.2) / 0.8 = -0.3,
# so v_mix = (0.1 + 2 * -0.3) / (1 + 2) = -0.16667, which is the completed q of 8.
#
# sigma(q) = (c_visit + 1) * c_scale * q with c_visit = 3, c_scale = 0.5: 2 q. The policy is
# proportional to 0.5 exp(-1.2), 0.3 exp(0.4), 0.2 exp(-0.33333)
#             = 0.150597,    0.447547,    0.143306 with the sum 0.741451.
BY_HAND = {6: (-0.6, 0.203112), 7: (0.2, 0.603610), 8: (-0.166667, 0.193278)}


class ByHand:
    def __call__(self, planes, globals_):
        logits = np.full((len(planes), 9), -50.0, np.float32)
        logits[:, 6:] = np.log([0.5, 0.3, 0.2])
        values = np.zeros(len(planes), np.float32)
        for row, board in enumerate(planes.reshape(-1, 3, 9)):
            empty = tuple(np.flatnonzero(board[0] + board[1] == 0).tolist())
            values[row] = {(6, 7, 8): 0.1, (7, 8): 0.6, (6, 8): -0.2}[empty]
        return logits, values


@pytest.mark.parametrize("leaves", [1, 2])
@pytest.mark.parametrize(
    "rule", [{"gumbel_considered": 2}, {"root_policy": "puct", "completed_q": True}]
)
def test_completed_q_and_improved_policy_are_those_by_hand(leaves, rule):
    core = gumbel(
        position((0, 2, 1, 3, 5, 4)),
        ByHand(),
        **rule,
        visits=3,
        gumbel_c_visit=3.0,
        gumbel_c_scale=0.5,
        leaves_per_batch=leaves,
    )
    moves = {m.action: m for m in core.moves()}
    assert {a: m.visits for a, m in moves.items()} == {6: 1, 7: 1, 8: 0}
    for action, (value, policy) in BY_HAND.items():
        assert moves[action].value == pytest.approx(value, abs=1e-5)
        assert moves[action].policy == pytest.approx(policy, abs=1e-5)
    if "root_policy" in rule:  # the mean of what was seen: (0.1 - 0.6 + 0.2) / 3
        assert core.root_value == pytest.approx(-0.1, abs=1e-5)
    else:  # the mean under the improved policy: 0.2031 * -0.6 + 0.6036 * 0.2 + 0.1933 * -0.1667
        assert core.root_value == pytest.approx(-0.033358, abs=1e-5)
        assert core.choose(0) == 7


@given(seed=st.integers(0, 2**32), visits=st.integers(2, 60), noise=st.floats(0, 1))
def test_puct_with_completed_q_learns_from_priors_without_their_noise(seed, visits, noise):
    options = {"noise_fraction": noise, "root_policy_temperature": 1.5, "gumbel_c_scale": 0.1}
    moves = gumbel(position(), HashEvaluator(9), seed, **PUCT, **options, visits=visits).moves()
    prior, q, n = (np.array([getattr(m, name) for m in moves]) for name in ("prior", "value", "visits"))
    expected = prior * np.exp((50 + n.max()) * 0.1 * q)
    assert [m.policy for m in moves] == pytest.approx(expected / expected.sum(), abs=1e-4)
    untried = q[n == 0]
    assert np.ptp(untried) <= 1e-6 if len(untried) else True


def test_the_root_value_is_the_first_players_view():
    for start, sign in [((0, 3, 1, 4), 1), ((0, 3, 1, 4, 8), -1)]:  # the side to move wins at once
        core = gumbel(position(start), Fixed(np.zeros(9)), visits=33)
        assert core.root_value * sign > 0.9
        assert core.moves()[0].value == 1.0
        assert core.choose(0) == core.moves()[0].action == (2 if sign == 1 else 5)


@pytest.mark.parametrize("value", [-0.4, 0.9])
def test_before_any_simulation_the_policy_is_the_prior_and_the_value_the_evaluators(value):
    logits = np.arange(9) / 3
    core = gumbel(position(), Fixed(logits, value), visits=1)
    priors = np.exp(logits) / np.exp(logits).sum()
    assert {m.action: m.policy for m in core.moves()} == pytest.approx(
        dict(enumerate(priors.tolist())), abs=1e-6
    )
    assert core.root_value == pytest.approx(value, abs=1e-6)
    assert core.choose(0) == 8


@settings(max_examples=30)
@given(seed=st.integers(0, 1000), visits=st.integers(2, 60))
def test_the_improved_policy_is_no_worse_than_the_prior_by_its_own_values(seed, visits):
    """The point of the method: the mean of the completed values rises (section 4 of the paper)."""
    rng = np.random.default_rng(seed)
    start = position([int(a) for a in rng.permutation(9)[: rng.integers(0, 4)]])
    core = gumbel(start, HashEvaluator(9), seed=seed, visits=visits, gumbel_scale=1.0)
    moves = core.moves()
    improved = sum(m.policy * m.value for m in moves)
    assert improved >= sum(m.prior * m.value for m in moves) - 1e-6
    assert sum(m.policy for m in moves) == pytest.approx(1, abs=1e-5)


# --- The noise --------------------------------------------------------------------------------


def choices(scale, seeds, **options):
    logits = np.log([0.3, 0.05, 0.2, 0.05, 0.1, 0.05, 0.1, 0.05, 0.1])
    return [
        gumbel(position(), Fixed(logits), seed=s, gumbel_scale=scale, **options).choose(0)
        for s in seeds
    ]


def test_without_noise_every_seed_chooses_alike():
    assert len(set(choices(0.0, range(20), visits=9))) == 1


@pytest.mark.parametrize("visits", [3, 9])
def test_when_values_are_equal_the_choice_is_a_sample_of_the_priors(visits):
    """The Gumbel-max trick. Nine visits end no game of tic-tac-toe, so all values are zero."""
    draws = 2000
    found = np.bincount(choices(1.0, range(draws), visits=visits), minlength=9) / draws
    expected = np.array([0.3, 0.05, 0.2, 0.05, 0.1, 0.05, 0.1, 0.05, 0.1])
    deviation = np.sqrt(expected * (1 - expected) / draws)
    assert (abs(found - expected) <= 5 * deviation).all()


def test_the_same_seed_chooses_alike():
    assert choices(1.0, range(30), visits=17) == choices(1.0, range(30), visits=17)


def test_each_search_of_a_game_draws_new_noise():
    search = Search(
        TTT.native,
        SearchSettings(root_policy="gumbel", visits=3, gumbel_considered=2),
        Fixed(np.zeros(9)),
        seed=1,
    )
    found = set()
    for _ in range(12):
        search.set_root(position().state)
        search.run()
        found.add(tuple(sorted(m.action for m in search.core.moves() if m.visits)))
    assert len(found) > 4


def test_the_tree_is_not_kept_because_its_visits_would_spoil_the_halving():
    search = Search(
        TTT.native, SearchSettings(root_policy="gumbel", visits=17), HashEvaluator(9), seed=1
    )
    search.set_root(position().state)
    search.run()
    search.advance(search.core.choose(0))
    assert search.core.root_visits == 0
    search.run()
    assert search.core.root_visits == 17
