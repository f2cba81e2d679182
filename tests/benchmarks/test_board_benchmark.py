"""Random games. Timed by `pytest tests/benchmarks --benchmark-enable`, else a single round."""

import numpy as np
import pytest

from engine import games
from engine.bench import bench_rules
from mcts.bench import bench_board, median_rate, random_positions, spread_of

GAMES = ["go9", "go19", "connect_four", "tic_tac_toe"]


@pytest.mark.parametrize("name", GAMES)
def test_random_games(benchmark, name):
    native = games.load(name).native
    state = np.zeros(native.state_bytes, np.uint8)
    native.reset(state)
    moves = benchmark(native.playouts, state, 10, 1)
    assert 0 < moves <= 10 * native.max_moves


def test_the_board_suite_reports_its_keys():
    row = bench_board(games.load("tic_tac_toe").native, seconds=0.01)
    assert set(row) == {
        "game",
        "playouts_per_s",
        "moves_per_s",
        "spread",
        "encodings_per_s",
        "state_bytes",
    }
    assert row["game"] == "tic_tac_toe"
    # Every game of tic-tac-toe has five to nine moves.
    assert 5 * 0.99 <= row["moves_per_s"] / row["playouts_per_s"] <= 9 * 1.01


def test_go_is_measured_with_scores_and_without_superko_too():
    row = bench_rules(games.load("go5"), seconds=0.01)
    assert row["scores_per_s"] > 0
    assert row["simple_ko_playouts_per_s"] > 0
    assert row["state_bytes"] == games.load("go5").state.itemsize


def test_many_positions_at_once_look_like_each_by_itself():
    native = games.load("go5").native
    states = random_positions(native, 40)
    assert len({state.tobytes() for state in states}) > 20
    planes, globals_, masks = native.encode_all(states)
    scores, ownership = native.score_all(states)
    for i, state in enumerate(states):
        assert np.array_equal(planes[i], native.encode(state)[0])
        assert np.array_equal(globals_[i], native.encode(state)[1])
        assert np.array_equal(masks[i], native.legal_mask(state))
        assert scores[i] == native.score(state)[0]
        assert np.array_equal(ownership[i], native.score(state)[1])
    for wrong in (states[0], states[:, 1:]):
        with pytest.raises(ValueError, match="states have the wrong shape"):
            native.encode_all(wrong)


def test_the_spread_is_the_range_over_the_median():
    assert spread_of([2.0, 1.0, 4.0]) == 1.5


def test_a_rate_counts_what_the_steps_did_but_not_the_first(monkeypatch):
    clock = iter(range(1000))  # every look at the clock takes a second
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    amounts = iter([1_000_000] + [7] * 1000)
    assert median_rate(lambda: next(amounts), seconds=10) == (7, 0)
