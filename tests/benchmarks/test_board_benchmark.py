"""Random games. Timed by `pytest tests/benchmarks --benchmark-enable`, else a single round."""

import numpy as np
import pytest

from engine import games
from mcts.bench import bench_board, median_rate, spread_of

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
    assert set(row) == {"game", "playouts_per_s", "moves_per_s", "spread"}
    assert row["game"] == "tic_tac_toe"
    # Every game of tic-tac-toe has five to nine moves.
    assert 5 * 0.99 <= row["moves_per_s"] / row["playouts_per_s"] <= 9 * 1.01


def test_the_spread_is_the_range_over_the_median():
    assert spread_of([2.0, 1.0, 4.0]) == 1.5


def test_a_rate_counts_what_the_steps_did_but_not_the_first(monkeypatch):
    clock = iter(range(1000))  # every look at the clock takes a second
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    amounts = iter([1_000_000] + [7] * 1000)
    assert median_rate(lambda: next(amounts), seconds=10) == (7, 0)
