"""Runs: stages in order, resumed after any stop, described by their own folder."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open

from engine.errors import UserError
from engine.nets import load_net
from selfplay.config import parse_config, read_config
from selfplay.metrics import Metrics
from selfplay.progress import Silent
from selfplay.run import Run

STAGE = {
    "teacher": "search",
    "iterations": 3,
    "parallel_games": 8,
    "positions_per_iteration": 60,
    "window": 100,
    "match_minutes": 1e-6,
    "match_games": 4,
    "match_search": {"visits": 4},
    "search": {"visits": 8, "root_policy": "gumbel"},
    "learner": {"batch_size": 16},
}


def values(**changes: Any) -> dict[str, Any]:
    stage = {**STAGE, **changes}
    return {"game": "tic_tac_toe", "net": {"blocks": 1, "channels": 8}, "stages": [stage]}


def begin(folder: Path, **changes: Any) -> Run:
    return Run.open(folder, parse_config(values(**changes), "test"), Silent())


def test_a_run_ends_with_a_net_that_describes_itself(tmp_path: Path) -> None:
    run = begin(tmp_path / "run")
    assert run.go_on() and run.complete
    net, info = load_net(run.net_of_stage(0), run.game)
    assert info.game == "tic_tac_toe" and info.training["teacher"] == "search"
    assert info.training["positions"] >= 180 and info.strength["against_start"]["games"] == 4
    assert net.config.blocks == 1
    events = [row["event"] for row in Metrics(tmp_path / "run").read()]
    assert events == ["iteration", "match", "iteration", "match", "iteration"]
    assert json.loads((tmp_path / "run/versions.json").read_text())["torch"]


def test_a_finished_run_has_nothing_left_to_do(tmp_path: Path) -> None:
    begin(tmp_path).go_on()
    before = (tmp_path / "metrics.jsonl").read_text()
    assert Run.open(tmp_path, None, Silent()).go_on()
    assert (tmp_path / "metrics.jsonl").read_text() == before


def test_a_run_stopped_by_its_deadline_goes_on_where_it_was(tmp_path: Path) -> None:
    run = begin(tmp_path, iterations=1)
    assert not run.go_on(deadline=time.monotonic())
    assert Run.open(tmp_path, None, Silent()).go_on()


def test_a_killed_run_loses_only_the_iteration_in_progress(tmp_path: Path) -> None:
    """Kill -9 after the second iteration; what was finished is still there, and it ends."""
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, 'tests/selfplay'); import test_run; "
        "test_run.begin(Path(sys.argv[1]), iterations=1000).go_on()"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)])
    metrics = Metrics(tmp_path, board=False)
    try:
        while sum(row["event"] == "iteration" for row in metrics.read()) < 3:
            assert process.poll() is None
            time.sleep(0.05)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    with safe_open(tmp_path / "search.checkpoint", framework="pt") as file:
        done = json.loads(file.metadata()["facts"])["iteration"]
    assert done >= 2
    config = json.loads((tmp_path / "config.json").read_text())
    config["stages"][0]["iterations"] = done + 1
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert Run.open(tmp_path, None, Silent()).go_on()
    numbers = [row["number"] for row in metrics.read() if row["event"] == "iteration"]
    assert numbers[-1] == done + 1


def test_imitation_then_self_play_from_the_same_records(tmp_path: Path) -> None:
    games = "".join(
        f"(;GM[1]SZ[5]KM[{0.5 + i % 3}]RE[B+1];B[c{'bcd'[i % 3]}];W[b{'bcd'[i // 3 % 3]}];B[dd];W[dc]"
        f";B[d{'ab'[i // 9 % 2]}];W[a{'abc'[i // 18 % 3]}])"
        for i in range(54)
    )
    (tmp_path / "games.sgf").write_text(games)
    expert = {
        "teacher": "expert",
        "data": [str(tmp_path / "games.sgf")],
        "held_out": 0.2,
        "measure_every": 5,
        "patience": 6,
        "drops": 1,
        "learner": {"batch_size": 16},
    }
    search = {**STAGE, "iterations": 1, "positions_per_iteration": 100}
    config = {"game": "go5", "net": {"blocks": 1, "channels": 8}, "stages": [expert, search]}
    run = Run.open(tmp_path / "run", parse_config(config, "test"), Silent())
    assert run.go_on()
    first, second = (load_net(run.net_of_stage(i), run.game)[1] for i in (0, 1))
    assert first.strength["held_out"]["top1"] > 0.1
    assert second.training["start"]["teacher"] == "expert"
    assert not list((tmp_path / "run").glob("*.checkpoint"))


def test_a_run_refuses_another_configuration(tmp_path: Path) -> None:
    begin(tmp_path)
    with pytest.raises(UserError, match="another configuration"):
        begin(tmp_path, iterations=9)
    with pytest.raises(UserError, match="no run"):
        Run.open(tmp_path / "nowhere", None, Silent())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"visit": 3}, "visit"),
        ({"search": {"visits": 0}}, "visits"),
        ({"search": {"root_policy": "pucd"}}, "root_policy"),
        ({"passes": "many"}, "passes"),
        ({"learner": {"learning_rat": 1}}, r"did you mean 'learning_rate'"),
    ],
)
def test_a_wrong_setting_is_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        parse_config(values(**change), "run.toml")


def test_a_configuration_is_a_toml_file(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text('game = "go9"\n[[stages]]\nteacher = "search"\nminutes = 5\n')
    assert read_config(path).stages[0].minutes == 5
    path.write_text("game = go9")
    with pytest.raises(UserError, match=r"run\.toml"):
        read_config(path)
