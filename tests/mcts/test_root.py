"""The root: noise in its priors, and the choice of the move."""

import numpy as np
import pytest
from reference_search import HashEvaluator, ReferenceSearch, statistics
from searching import (
    TTT,
    assert_same_statistics,
    new_search,
    position,
    searched,
    tried,
)

from engine import games
from mcts import SearchSettings

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


@pytest.mark.parametrize("visits", [3, 20, 150])
def test_at_a_noisy_root_an_unvisited_move_is_worth_as_much_as_the_root(visits):
    """With too little noise to matter for the priors; below the root the reduction holds."""
    options = {"visits": visits, "fpu_reduction": 0.8, "noise_fraction": 1e-7}
    reference = ReferenceSearch(
        TTT.native, SearchSettings(solve=False, **options), HashEvaluator(9), position().state
    )
    reference.run()
    search = searched(position(), HashEvaluator(9), **options)
    assert_same_statistics(tried(search), statistics(reference.root))


# --- Some moves only --------------------------------------------------------------------------


def only(*actions):
    return np.isin(np.arange(9), actions).astype(np.uint8)


@pytest.mark.parametrize("root_policy", ["puct", "gumbel"])
def test_a_restricted_root_knows_no_move_but_those_allowed(root_policy):
    search = new_search(position((4,)), HashEvaluator(9), visits=40, root_policy=root_policy)
    search.set_root(position((4,)).state, only(0, 4, 7))  # 4 is occupied
    search.run()
    assert sorted(move.action for move in search.core.moves()) == [0, 7]
    assert sum(move.prior for move in search.core.moves()) == pytest.approx(1)


def test_a_root_without_an_allowed_move_is_an_error():
    with pytest.raises(ValueError, match="allowed"):
        new_search(position((4,))).set_root(position((4,)).state, only(4))


@pytest.mark.parametrize("options", [{}, {"reuse_tree": False}, {"root_policy": "gumbel"}])
def test_after_a_move_was_played_all_moves_are_allowed_again(options):
    search = new_search(position(), HashEvaluator(9), visits=40, **options)
    search.set_root(position().state, only(0, 4))
    search.run()
    search.advance(4)
    search.run()
    assert sorted(move.action for move in search.core.moves()) == [0, 1, 2, 3, 5, 6, 7, 8]


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
