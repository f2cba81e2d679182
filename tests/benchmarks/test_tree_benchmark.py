"""The tree without a net. Timed by `pytest tests/benchmarks --benchmark-enable`."""

import numpy as np
import pytest

from engine import games
from mcts import SearchSettings, _core
from mcts.bench import bench_tree


@pytest.mark.parametrize("name", ["go9", "go19", "connect_four", "tic_tac_toe"])
@pytest.mark.parametrize("simulations", [100, 800])
def test_uniform_search(benchmark, name, simulations):
    native = games.load(name).native
    state = np.zeros(native.state_bytes, np.uint8)
    native.reset(state)
    search = _core.Search(native, SearchSettings(visits=simulations).to_core(), 0)

    def run():
        search.set_root(state)
        search.run_uniform()

    benchmark(run)
    assert search.root_visits == simulations


def test_keeping_the_subtree_of_a_move(benchmark):
    native = games.load("go9").native

    def searched():
        search = _core.Search(native, SearchSettings(visits=800).to_core(), 0)
        search.run_uniform()
        return (search, search.choose(0)), {}

    benchmark.pedantic(lambda search, action: search.advance(action), setup=searched, rounds=20)


def test_the_tree_suite_reports_its_keys():
    row = bench_tree(games.load("tic_tac_toe").native, simulations=50, seconds=0.01)
    assert set(row) == {
        "game",
        "simulations",
        "simulations_per_s",
        "bytes_per_simulation",
        "spread",
    }
    assert (row["game"], row["simulations"]) == ("tic_tac_toe", 50)
    assert row["simulations_per_s"] > 0
    assert 0 < row["bytes_per_simulation"] < 1000
