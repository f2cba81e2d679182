"""What suits a machine: measured once, kept, and never bought with more strength than it brings."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.bench import tune_search
from engine.errors import UserError
from engine.games import load
from engine.gtp.thinker import DEFAULT_VISITS
from engine.nets.inference import choose_device, cpu_count
from engine.nets.machine import keep, recall
from engine.nets.pace import Pace
from engine.nets.tuning import (
    TIMED_VISITS,
    WORTH,
    Tuning,
    default_tuning,
    game_threads,
    keep_tuning,
    search_of,
    tuning_of,
    worth,
)
from engine.play.setup import GameSetup
from selfplay.bench import run_tuning, tables
from selfplay.progress import Silent

CPU = choose_device("cpu")
NET = "tic_tac_toe"
FAST = Tuning(threads=3, speeds={1: 100.0, 2: 1000.0})


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "move37" / "machine.json"


def test_a_leaf_at_a_time_is_worth_all_its_visits_and_a_larger_batch_less():
    for visits in (1, 64, 10_000):
        shares = [worth(leaves, visits) for leaves in (1, 2, 4, 8, 16, 32, 64)]
        assert shares[0] == 1
        assert shares == sorted(shares, reverse=True)
        assert min(shares) > 0
    assert [worth(1 + round(100 * share), 100) for share in WORTH] == list(WORTH.values())
    assert worth(8, 100) < worth(8, 1000)


@given(st.lists(st.floats(1, 1e6), min_size=7, max_size=7), st.integers(1, 100_000))
def test_no_batch_is_chosen_that_costs_more_than_it_gains(rates, visits):
    speeds = dict(zip((1, 2, 4, 8, 16, 32, 64), rates, strict=True))
    leaves = Tuning(threads=1, speeds=speeds).leaves(visits)
    assert speeds[leaves] * worth(leaves, visits) >= speeds[1]


def test_speed_that_costs_nothing_is_taken_only_as_far_as_it_was_measured():
    tuning = Tuning(threads=1, speeds={n: 1000.0**n for n in (1, 2, 4, 8, 16, 32, 64)})
    assert [tuning.leaves(visits) for visits in (1, 16, 64)] == [1, 4, 16]
    flat = Tuning(threads=1, speeds=dict.fromkeys((1, 2, 4, 8, 16, 32, 64), 100.0))
    assert flat.leaves(100_000) == 1


def test_what_was_measured_is_found_by_net_and_device(own_cache):
    assert tuning_of(CPU, NET) == default_tuning(CPU)
    assert keep_tuning(CPU, NET, FAST) == own_cache
    assert tuning_of(CPU, NET) == FAST
    assert tuning_of(CPU, "go9-imitation") == default_tuning(CPU)
    assert tuning_of(choose_device("openvino"), NET).threads == cpu_count()
    assert search_of(100, CPU, NET).leaves_per_batch == 2
    alone = search_of(100, CPU, None)
    assert (alone.leaves_per_batch, alone.playouts) == (1, 1), "there is no net to wait for"
    assert search_of(None, CPU, NET).visits > TIMED_VISITS


def test_threads_for_games_are_those_measured_last(own_cache):
    assert game_threads(CPU) == cpu_count()
    for net, threads in ((NET, 5), ("go9-imitation", 4), (NET, 3)):
        keep_tuning(CPU, net, Tuning(threads=threads, speeds={1: 1.0}))
    assert game_threads(CPU) == 3
    assert len(next(iter(json.loads(own_cache.read_text()).values()))["Tuning"]) == 2


@pytest.mark.parametrize("text", ["", "[]", '{"x": 1}', "not JSON", '{"cpu, x86_64, 1 core": 3}'])
def test_a_file_that_says_nothing_is_as_none(own_cache, text):
    own_cache.parent.mkdir()
    own_cache.write_text(text)
    assert tuning_of(CPU, NET) == default_tuning(CPU)
    keep_tuning(CPU, NET, FAST)
    assert tuning_of(CPU, NET) == FAST


def test_pace_and_tuning_are_kept_side_by_side():
    keep_tuning(CPU, NET, FAST)
    keep(Pace(visits_per_s=5, measured_at=0), CPU, NET)
    assert recall(Pace, CPU)[NET].visits_per_s == 5
    assert tuning_of(CPU, NET) == FAST


def test_a_game_against_the_bot_uses_what_was_measured_unless_told_otherwise():
    setup = GameSetup(game="tic_tac_toe", visits=DEFAULT_VISITS, device="cpu")
    before = setup.settings(has_net=True).leaves_per_batch
    assert before == default_tuning(CPU).leaves(DEFAULT_VISITS)
    keep_tuning(CPU, NET, Tuning(threads=1, speeds={1: 1.0}))
    assert setup.settings(has_net=True).leaves_per_batch == 1


def test_tuning_tries_every_batch_and_keeps_its_choice(own_cache):
    rows = run_tuning(["search"], "tic_tac_toe", NET, 0.01, "cpu", Silent())
    kept = tuning_of(CPU, NET)
    assert own_cache.exists()
    assert list(kept.speeds) == [row["leaves_per_batch"] for row in rows["deep"]]
    assert [row["threads"] for row in rows["games"] if row["chosen"]] == [kept.threads]
    assert sum(row["chosen"] for row in rows["deep"]) == 1
    assert "leaves_per_batch" in tables(rows)


def test_only_the_search_is_tuned():
    with pytest.raises(UserError, match="move37 bench search --tune"):
        run_tuning(["board"], "tic_tac_toe", NET, 0.01, "cpu", Silent())
    with pytest.raises(UserError, match="there is no net 'nowhere'"):
        tune_search(load("tic_tac_toe"), "nowhere", CPU, 0.01)


def test_a_cache_that_cannot_be_written_is_one_line_and_the_tables_are_shown(own_cache):
    own_cache.parent.parent.joinpath("move37").write_text("in the way")
    assert run_tuning(["search"], "tic_tac_toe", NET, 0.01, "cpu", Silent()).keys() == {"deep", "games"}
    with pytest.raises(UserError, match=r"cannot write '.*machine.json': .*; set XDG_CACHE_HOME"):
        keep_tuning(CPU, NET, FAST)
