"""Keeping the subtree of the move played: what a fresh search of it would have found."""

import numpy as np
import pytest
from reference_search import HashEvaluator, ReferenceSearch, statistics
from searching import TTT, assert_same_statistics, new_search, position, searched, snapshot, tried

from engine import games
from mcts import SearchSettings


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


@pytest.mark.parametrize("visited", [1, 2, 10])
@pytest.mark.parametrize("options", [{}, {"noise_fraction": 0.5}, {"root_policy_temperature": 0.5}])
def test_a_kept_root_says_its_own_priors_however_often_it_was_visited(visited, options):
    def priors(search):
        return {move.action: move.prior for move in search.core.moves()}

    search = new_search(position(), HashEvaluator(9), visits=100, **options)

    def found():
        return [move.action for move in search.core.moves() if move.visits == visited]

    search.run(found)
    action = found()[0]
    search.advance(action)
    assert search.core.root_visits == visited
    expected = pytest.approx(priors(searched(position([action]), HashEvaluator(9), visits=1)))
    assert priors(search) == expected
    search.run()
    assert priors(search) == expected


@pytest.mark.parametrize(("noise_fraction", "different"), [(0.0, 1), (0.5, 6)])
def test_a_kept_root_gets_noise_of_its_own(noise_fraction, different):
    found = set()
    for seed in range(6):
        search = searched(position(), seed=seed, visits=60, noise_fraction=noise_fraction)
        search.advance(4)
        assert search.core.root_visits > 0
        search.core.run_uniform()
        found.add(tuple(sorted(tried(search).items())))
    assert len(found) == different


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
