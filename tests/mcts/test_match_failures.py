"""Evaluators and callers that fail amid many games: an error each time, and no game is lost."""

import numpy as np
import pytest
from failing import FAILURES, Failing
from playing import new_pool, play_all, same_games, starts
from reference_search import HashEvaluator
from searching import TTT

from mcts import SearchSettings, UniformEvaluator, _core


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("workers", [1, 3])
def test_a_failing_evaluator_reaches_the_caller_and_no_game_is_harmed(failure, workers):
    fail, error = FAILURES[failure]
    options = {"visits": 9, "leaves_per_batch": 2, "parallel": 6, "seats": 2}
    expected = play_all(new_pool(starts(15), **options), HashEvaluator(9), HashEvaluator(9))

    pool = new_pool(starts(15), workers=workers, **options)
    logs = {}

    def keep(log):
        assert log.id not in logs
        logs[log.id] = log
        return True

    evaluators = [HashEvaluator(9), Failing(9, fail, failing={3, 30})]
    failures = 0
    while len(logs) < 15:
        try:
            pool.play(evaluators, keep)
        except error:
            failures += 1
    assert failures in (1, 2)  # two workers may fail in the same call of play
    assert same_games(logs, expected)


def test_an_error_of_on_game_reaches_the_caller():
    def broken(log):
        raise KeyError("no room")

    pool = new_pool(starts(3))
    with pytest.raises(KeyError, match="no room"):
        pool.play([HashEvaluator(9)], broken)


def test_an_error_of_the_starts_reaches_the_caller():
    def broken():
        yield from starts(1)
        raise KeyError("no more")

    with pytest.raises(KeyError, match="no more"):
        new_pool(broken()).play([HashEvaluator(9)], lambda log: True)


# --- The core's own checks --------------------------------------------------------------------


def new_core(seats=1, parallel=2):
    settings = [SearchSettings(visits=4).to_core()] * seats
    core = _core.Matches(TTT.native, settings, parallel, _core.MatchOptions(), 0)
    for start in starts(2):
        core.add(start.id, start.state, 0)
    return core


def batch(rows):
    return np.empty((rows, 3, 3, 3), np.uint8), np.empty((rows, 0), np.float32)


def answers(rows):
    return np.zeros((rows, 9), np.float32), np.zeros(rows, np.float32)


@pytest.mark.parametrize("seat", [-1, 1, 2, 1000])
def test_a_seat_that_does_not_exist_is_an_error(seat):
    core = new_core()
    with pytest.raises(ValueError, match="no such seat"):
        core.fill(seat, *batch(2))
    with pytest.raises(ValueError, match="no such seat"):
        core.absorb(seat, *answers(2))


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_answers_must_be_as_many_as_the_rows_filled(rows):
    core = new_core()
    assert core.fill(0, *batch(2)) == 2
    with pytest.raises(ValueError, match="wrong shape"):
        core.absorb(0, *answers(rows))
    core.absorb(0, *answers(2))
    with pytest.raises(ValueError, match="wrong shape"):
        core.absorb(0, *answers(2))  # nothing waits any more


def test_games_that_find_no_room_in_the_batch_wait_for_the_next():
    core = new_core()
    while core.active_games:
        rows = core.fill(0, *batch(1))
        assert rows <= 1
        core.absorb(0, *answers(rows))
    assert sorted(log["id"] for log in core.take_finished()) == [0, 1]
    assert core.take_finished() == []


@pytest.mark.parametrize("seats", [0, 3])
def test_a_match_has_one_or_two_seats(seats):
    with pytest.raises(ValueError, match="one or two seats"):
        new_core(seats)


def test_a_start_of_the_wrong_size_or_seat_is_an_error():
    core = new_core()
    with pytest.raises(ValueError, match="wrong size"):
        core.add(1, np.zeros(3, np.uint8), 0)
    with pytest.raises(ValueError, match="first_seat"):
        core.add(1, starts(1)[0].state, 2)


def test_a_batch_that_could_only_be_filled_by_a_copy_is_an_error():
    with pytest.raises(TypeError):
        new_core().fill(0, np.empty((2, 3, 3, 3), np.int32), np.empty((2, 0), np.float32))


@pytest.mark.parametrize("recorded", [False, True])
def test_unfinished_games_with_policies_go_to_no_pool_without_nor_the_other_way(recorded):
    first = new_pool(starts(8), record=recorded, temperature=1.0, temperature_moves=99)
    first.play([UniformEvaluator(9)], lambda log: False)
    other = new_pool(first.take_unfinished(), record=not recorded)
    with pytest.raises(ValueError, match="recorded"):
        other.play([UniformEvaluator(9)], lambda log: True)
