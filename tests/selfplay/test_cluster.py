"""Self-play on Ray: places by resources, one learner, and whoever is killed, the run goes on."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.errors import UserError
from engine.nets.files import load_net
from selfplay.config import parse_config
from selfplay.metrics import Metrics
from selfplay.progress import Silent
from selfplay.run import Run
from selfplay.teachers.cluster import Cluster, Seat, seats_of

# One at a time: some kill all actors that they find.
pytestmark = pytest.mark.xdist_group("cluster")

ROOT = Path(__file__).parents[2]
STAGE = {
    "teacher": "search",
    "iterations": 4,
    "parallel_games": 8,
    "positions_per_iteration": 200,
    "match_games": 0,
    "search": {"visits": 8, "root_policy": "gumbel"},
    "learner": {"batch_size": 16},
}


def config(**changes: Any) -> Any:
    net = {"blocks": 1, "channels": 8}
    return parse_config({"game": "tic_tac_toe", "net": net, "stages": [{**STAGE, **changes}]}, "test")


@pytest.mark.parametrize(
    ("resources", "gpus", "seats"),
    [
        ({"CPU": 8.0}, True, [Seat(8, 0)]),
        ({"CPU": 32.0, "GPU": 4.0}, True, [Seat(8, 1)] * 4),
        ({"CPU": 32.0, "GPU": 4.0}, False, [Seat(32, 0)]),
        ({"CPU": 2.0, "GPU": 4.0}, True, [Seat(1, 1)] * 2),
        ({"memory": 1e9}, True, []),  # a node for nothing but the head of the cluster
    ],
)
def test_a_node_gets_an_actor_for_each_gpu_or_one_for_all_its_cores(
    resources: dict[str, float], gpus: bool, seats: list[Seat]
) -> None:
    assert seats_of(resources, gpus) == seats


def test_without_ray_the_error_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"pip install 'move37\[cluster\]'"):
        Cluster()


def test_nothing_but_the_cluster_needs_ray() -> None:
    code = "import sys, selfplay.run, selfplay.train; print('ray' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True, cwd=ROOT) == "False\n"


class Machines:
    """Ray's own cluster of several nodes on one machine."""

    def __init__(self, nodes: int) -> None:
        from ray.cluster_utils import Cluster as RayCluster

        self.ray = RayCluster(initialize_head=True, head_node_args={"num_cpus": 0})
        self.nodes = [self.add() for _ in range(nodes)]
        self.joined = Cluster(self.ray.address)

    def add(self) -> Any:
        """A node of one core; on a busy machine Ray's own patience may not do."""
        for _ in range(3):
            with contextlib.suppress(Exception):
                return self.ray.add_node(num_cpus=1)
        return self.ray.add_node(num_cpus=1)


@pytest.fixture
def machines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], Machines]]:
    ray = pytest.importorskip("ray")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("RAY_worker_niceness", "0")  # or other tests leave the actors no core
    made: list[Machines] = []

    def make(nodes: int) -> Machines:
        made.append(Machines(nodes))
        return made[-1]

    yield make
    ray.shutdown()
    for each in made:
        each.ray.shutdown()


class Heard(Silent):
    """Remembers the lines of a run."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, text: str) -> None:
        self.lines.append(text)

    @property
    def iterations(self) -> int:
        return sum("iteration" in line for line in self.lines)


class StoryOverError(Exception):
    pass


class Story(Heard):
    """After an iteration all actors are killed, after the next a node; a new node comes for it."""

    def __init__(self, cluster: Machines) -> None:
        super().__init__()
        self.cluster = cluster
        self.ends_after: int | None = None

    def line(self, text: str) -> None:
        super().line(text)
        if "iteration" in text and self.iterations == 1:
            for pid in actor_pids():
                os.kill(pid, signal.SIGKILL)
        elif "iteration" in text and self.iterations == 2:
            self.cluster.ray.remove_node(self.cluster.nodes[0], allow_graceful=False)
        elif "on 1 nodes" in text:
            self.cluster.add()
        elif "on 2 nodes" in text and self.iterations >= 2:
            self.ends_after = self.iterations + 2
        elif self.iterations == self.ends_after:
            raise StoryOverError


def actor_pids() -> list[int]:
    """The processes of actors on this machine, from their titles."""
    titles = {p: p.parent.name for p in Path("/proc").glob("[0-9]*/cmdline")}
    found = []
    for path, pid in titles.items():
        try:
            if b"ray::Actor" in path.read_bytes():
                found.append(int(pid))
        except OSError:
            pass
    return found


@pytest.mark.slow
@pytest.mark.parametrize("nodes", [2, 4])
def test_a_cluster_plays_and_one_learner_learns(
    tmp_path: Path, machines: Callable[[int], Machines], nodes: int
) -> None:
    cluster = machines(nodes)
    heard = Heard()
    run = Run.open(tmp_path, config(), heard)
    assert run.go_on(cluster=cluster.joined)
    places = f"cluster: {nodes} actors on {nodes} nodes, {nodes} CPU cores, 0 GPUs"
    assert places in heard.lines
    _, info = load_net(run.net_of_stage(0), run.game)
    assert info.training["positions"] >= 4 * 200 and info.training["evaluations"] > 4 * 200
    rows = [row for row in Metrics(tmp_path, board=False).read() if row["event"] == "iteration"]
    assert [row["number"] for row in rows] == [1, 2, 3, 4]
    assert all(row["illegal_target"] == 0 for row in rows)
    ends = time.monotonic() + 60
    while actor_pids() and time.monotonic() < ends:  # Ray kills without waiting for the end
        time.sleep(0.05)
    assert not actor_pids()  # their stage is over


@pytest.mark.slow
def test_killed_actors_are_replaced_and_nodes_come_and_go(
    tmp_path: Path, machines: Callable[[int], Machines]
) -> None:
    cluster = machines(2)
    run = Run.open(tmp_path, config(iterations=1000), Story(cluster))
    with pytest.raises(StoryOverError):
        run.go_on(cluster=cluster.joined)
    rows = [row for row in Metrics(tmp_path, board=False).read() if row["event"] == "iteration"]
    assert [row["number"] for row in rows] == list(range(1, len(rows) + 1)) and len(rows) >= 4


@pytest.mark.slow
def test_a_killed_driver_resumes_and_loses_only_games_in_flight(
    tmp_path: Path, machines: Callable[[int], Machines]
) -> None:
    cluster = machines(2)
    Run.open(tmp_path, config(iterations=10), Silent())
    code = "import sys; sys.argv[0] = 'move37'; import move37; move37.main()"
    command = [sys.executable, "-c", code, "train", str(tmp_path)]
    command += ["--cluster", "--address", cluster.ray.address]

    def iterations() -> int:
        rows = Metrics(tmp_path, board=False).read()
        return sum(row["event"] == "iteration" for row in rows)

    driver = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    ends = time.monotonic() + 200
    while iterations() < 3 and time.monotonic() < ends:
        time.sleep(0.05)
    driver.kill()
    driver.communicate()
    before = iterations()
    assert 3 <= before < 10
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "resumed after iteration" in again.stderr and "is complete" in again.stdout
    rows = [row for row in Metrics(tmp_path, board=False).read() if row["event"] == "iteration"]
    assert [row["number"] for row in rows] == list(range(1, 11))
    assert rows[-1]["positions"] >= 10 * 200


@pytest.mark.slow
def test_what_goes_wrong_inside_an_actor_is_told(
    tmp_path: Path, machines: Callable[[int], Machines]
) -> None:
    cluster = machines(1)
    run = Run.open(tmp_path, config(), Silent())
    run.config = run.config.model_copy(update={"game": "nowhere.py"})
    with pytest.raises(UserError, match=r"nowhere\.py"):
        run.go_on(cluster=cluster.joined)


def test_an_address_without_a_cluster_is_one_line() -> None:
    pytest.importorskip("ray")
    with pytest.raises(UserError, match=r"127\.0\.0\.1:1"):
        Cluster("127.0.0.1:1")
