"""Evaluators and callers that fail: an error each time, and a search that is none the worse."""

import numpy as np
import pytest
from failing import FAILURES, Failing
from reference_search import HashEvaluator
from searching import new_search, position, searched, snapshot

from engine import games
from mcts import SearchSettings, UniformEvaluator, _core


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("leaves", [1, 4])
def test_a_failing_evaluator_reaches_the_caller_and_the_search_goes_on_as_if_it_had_not(
    failure, leaves
):
    fail, error = FAILURES[failure]
    options = {"visits": 60, "leaves_per_batch": leaves}
    start = position(rules=games.load("connect_four"))
    search = new_search(start, Failing(start.game.actions, fail, failing={3}), **options)
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
    for _ in range(5):  # the failed visits leave no visit in flight: each fails in the same place
        with pytest.raises(RuntimeError, match="no legal move"):
            search.run()
        nodes.add(search.core.nodes)
    assert len(nodes) == 1


def test_the_core_keeps_the_game_alive():
    core = _core.Search(games.load("tic_tac_toe").native, SearchSettings(visits=5).to_core(), 0)
    core.run_uniform()
    assert core.root_visits == 5


@pytest.mark.parametrize("change", ["reset", "play", "replay"])
def test_a_state_that_could_only_be_changed_as_a_copy_is_an_error(change):
    rules = games.load("tic_tac_toe").native
    state = np.zeros((rules.state_bytes, 2), np.uint8)[:, 0]
    arguments = {"reset": (), "play": (4,), "replay": (np.array([4], np.int16),)}[change]
    with pytest.raises(TypeError):
        getattr(rules, change)(state, *arguments)
    assert not state.any()


def test_forced_playouts_wait_for_the_first_result_of_a_move():
    """Else a batch would meet its own leaf at once: with forcing it holds as many as without."""

    def rows(**options):
        class Counting(UniformEvaluator):
            def __call__(self, planes, globals_):
                sizes.append(len(planes))
                return super().__call__(planes, globals_)

        sizes: list[int] = []
        start = position(rules=games.load("go9"))
        searched(start, Counting(82), visits=64, leaves_per_batch=8, **options)
        return sizes[1:-1]

    assert min(rows()) == min(rows(forced_playouts=2.0)) == 8
