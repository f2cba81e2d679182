"""Nets, alone and in the search. Timed by `pytest tests/benchmarks --benchmark-enable`."""

import numpy as np
import pytest

from engine import games
from engine.bench import Timed, TimeIsUpError, bench_net, bench_search, full_batch
from engine.errors import UserError
from engine.nets.files import NetInfo, new_net, save_net
from engine.nets.inference import NetEvaluator, choose_device, cpu_count, torch_threads
from mcts import Search, SearchSettings, UniformEvaluator
from selfplay.bench import SUITES, bench_selfplay, run_suites, tables
from selfplay.progress import Silent

CPU = choose_device("cpu")


@pytest.fixture(scope="module")
def small_net(tmp_path_factory):
    """The file of a small untrained net for tic-tac-toe."""
    path = tmp_path_factory.mktemp("nets") / "small.safetensors"
    rules = games.load("tic_tac_toe")
    net = new_net(rules, 1, 8, seed=0)
    save_net(path, net, NetInfo(game="tic_tac_toe", sizes=[3], config=net.config))
    return str(path)


@pytest.mark.parametrize("batch", [1, 64])
@pytest.mark.parametrize("name", ["go9", "tic_tac_toe"])
def test_net(benchmark, name, batch):
    rules = games.load(name)
    evaluator = NetEvaluator(new_net(rules, 4, 32, seed=0), CPU, rules)
    with torch_threads(cpu_count()):
        logits, values, _ = benchmark(evaluator, *full_batch(rules, batch))
    assert logits.shape == (batch, rules.actions)
    assert values.shape == (batch,)


def test_search_with_a_net(benchmark):
    rules = games.load("go9")
    evaluator = NetEvaluator(new_net(rules, 4, 32, seed=0), CPU, rules)
    search = Search(rules.native, SearchSettings(visits=100, leaves_per_batch=16), evaluator)
    state = np.zeros(rules.state.itemsize, np.uint8)
    rules.native.reset(state)

    def run():
        search.set_root(state)
        search.run()

    with torch_threads(cpu_count()):
        benchmark.pedantic(run, rounds=5, warmup_rounds=1)
    assert search.core.root_visits == 100


def test_the_net_suite_reports_its_keys(small_net):
    row = bench_net(games.load("tic_tac_toe"), small_net, CPU, batch=4, seconds=0.02)
    assert set(row) == {"game", "net", "device", "batch", "positions_per_s", "spread"}
    assert (row["game"], row["net"], row["device"], row["batch"]) == (
        "tic_tac_toe",
        small_net,
        "cpu",
        4,
    )
    assert row["positions_per_s"] > 0


@pytest.mark.parametrize("mode", ["deep", "games"])
def test_the_search_suite_reports_its_keys_and_the_efficiency_is_the_quotient(small_net, mode):
    rules = games.load("tic_tac_toe")
    row = bench_search(rules, small_net, CPU, batch=8, seconds=1.0, mode=mode)
    assert set(row) >= {"game", "net", "device", "batch", "mode", "spread"}
    quotient = row["evaluations_per_s"] / row["net_positions_per_s"]
    assert row["efficiency"] == pytest.approx(quotient, abs=0.01)
    assert row["batch"] * row["threads"] <= 8


def test_the_self_play_suite_reports_its_keys(small_net):
    row = bench_selfplay(games.load("tic_tac_toe"), small_net, CPU, visits=4, seconds=1.0)
    assert set(row) >= {
        "game",
        "net",
        "device",
        "simulations_per_move",
        "games_per_hour",
        "evaluations_per_s",
        "efficiency",
        "spread",
    }
    assert row["simulations_per_move"] == 4
    assert 5 <= row["moves_per_game"] <= 9
    assert row["games_per_hour"] > 0


def test_a_timed_evaluator_counts_positions_until_its_time_is_up(monkeypatch):
    now = 0.0
    monkeypatch.setattr("time.perf_counter", lambda: now)
    timed = Timed(UniformEvaluator(9))

    def work():
        nonlocal now
        timed(np.zeros((3, 3, 3, 3), np.uint8), np.zeros((3, 0), np.float32))
        now += 0.5

    assert timed.rate(work, seconds=2.0) == 3 / 0.5
    with pytest.raises(TimeIsUpError):
        work()


def test_all_suites_run_and_make_a_table(small_net):
    rows = run_suites([], "tic_tac_toe", small_net, 0.02, "cpu", Silent())
    rows.pop("peers", None)
    assert list(rows) == SUITES
    assert [row["simulations"] for row in rows["tree"]] == [800, 10_000]
    assert [row["mode"] for row in rows["search"]] == ["deep", "games"]
    assert all(row["game"] == "tic_tac_toe" for part in rows.values() for row in part)
    for name, part in rows.items():
        title, *lines = tables({name: part}).splitlines()
        words = [line.split()[0] for line in lines] if len(part) == 1 else lines[0].split()
        assert [title, *words] == [name, *part[0]]


def test_suites_without_a_net_ask_for_none():
    rows = run_suites(["tree", "board"], "tic_tac_toe", "no such net", 0.01, "cpu", Silent())
    assert set(rows) - {"peers"} == {"board", "tree"}


@pytest.mark.parametrize(
    ("suite", "net", "said"),
    [("bord", "x", "did you mean 'board'"), ("net", "nowhere", "no net 'nowhere'")],
)
def test_an_unknown_suite_or_net_is_a_user_error(suite, net, said):
    with pytest.raises(UserError, match=said):
        run_suites([suite], "tic_tac_toe", net, 0.01, "cpu", Silent())
