"""Orders to the actors of a cluster, with a stand-in for Ray: bounded, replaced when lost, fair."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fake_ray import FakeActor, FakeRay

from engine.games import load
from engine.nets.files import new_net
from engine.nets.net import Net
from mcts import Log
from selfplay.progress import Silent
from selfplay.teachers.cluster import Actor, ClusterGames, Job, Seat
from selfplay.teachers.teacher import SearchStage

GAME = load("tic_tac_toe")
STAGE = SearchStage(parallel_games=4, search={"visits": 4})  # type: ignore[arg-type]


class Lines(Silent):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, text: str) -> None:
        self.lines.append(text)


class FakeCluster:
    """`selfplay.teachers.cluster.Cluster` over the stand-in."""

    def __init__(self, nodes: dict[str, dict[str, float]]) -> None:
        self.ray = FakeRay(nodes)
        self.placed: list[str] = []

    def seats(self, use_gpus: bool) -> dict[tuple[str, int], Seat]:
        return {(node["NodeID"], 0): Seat(1, 0) for node in self.ray.nodes()}

    def place(self, node: str, seat: Seat, job: int, first_id: int) -> FakeActor:
        self.placed.append(node)
        return FakeActor(self.ray, node, Actor(self.ray.objects[job], first_id, seat))


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("selfplay.teachers.cluster.LOOK_EVERY", 0.0)


@pytest.fixture
def net() -> Net:
    return new_net(GAME, 1, 8, 0)


def cluster_of(*names: str) -> tuple[FakeCluster, ClusterGames, Lines]:
    cluster, lines = FakeCluster({name: {"CPU": 1.0} for name in names}), Lines()
    job = Job("tic_tac_toe", STAGE, 0, new_net(GAME, 1, 8, 0).config, None)
    return cluster, ClusterGames(cluster, job, False, lines), lines  # type: ignore[arg-type]


def positions(logs: list[Log]) -> int:
    return sum(len(log.actions) for log in logs)


def play(games: ClusterGames, net: Net, wanted: int = 100) -> list[Log]:
    return games.play(net, wanted, lambda share: None)


def test_orders_are_bounded_however_long_nobody_learns(net: Net) -> None:
    cluster, games, _ = cluster_of("a", "b", "c")
    for _ in range(4):
        assert positions(play(games, net)) >= 100
    assert cluster.ray.most_orders == 6  # two for each actor
    assert games.evaluations > 0


def test_weights_are_put_once_an_iteration(net: Net) -> None:
    cluster, games, _ = cluster_of("a", "b")
    for _ in range(3):
        play(games, net)
    assert len(cluster.ray.objects) == 1 + 3  # the job and three times the weights


def test_actors_play_with_the_weights_of_the_iteration(net: Net) -> None:
    cluster, games, _ = cluster_of("a")
    play(games, net)
    other = new_net(GAME, 1, 8, seed=7)
    play(games, other)
    play(games, other)  # by now no order of the first iteration is left
    actor = cluster.ray.orders[next(iter(cluster.ray.orders))][0].made
    weights = actor.net.state_dict()
    assert all(np.array_equal(weights[k].numpy(), v.numpy()) for k, v in other.state_dict().items())


def test_no_two_actors_play_the_same_games_and_a_resumed_run_plays_others(net: Net) -> None:
    _, games, _ = cluster_of("a", "b")
    ids = [log.id for log in play(games, net, 300)]
    assert len(set(ids)) == len(ids) and len({number >> 32 for number in ids}) == 2
    _, again, _ = cluster_of("a", "b")
    again.next_id = games.next_id
    assert not set(ids) & {log.id for log in play(again, net, 300)}


def test_an_actor_that_dies_is_replaced_and_its_orders_forgotten(net: Net) -> None:
    cluster, games, _ = cluster_of("a", "b")
    cluster.ray.broken = {"b"}
    assert positions(play(games, net)) >= 100
    assert cluster.placed.count("a") == 1 and cluster.placed.count("b") > 1
    cluster.ray.broken = set()
    ids = {log.id >> 32 for _ in range(3) for log in play(games, net)}
    assert len(ids) == 2


@pytest.mark.parametrize("leaves", [True, False])
def test_nodes_come_and_go(net: Net, leaves: bool) -> None:
    cluster, games, heard = cluster_of("a", "b")
    play(games, net)
    change: Callable[[], Any] = (
        (lambda: cluster.ray.alive.pop("b"))
        if leaves
        else (lambda: cluster.ray.alive.update(c={"CPU": 1.0}))
    )
    change()
    assert positions(play(games, net)) >= 100
    count = 1 if leaves else 3
    assert heard.lines[-1] == f"cluster: {count} actors on {count} nodes, {count} CPU cores, 0 GPUs"
    assert len(heard.lines) == 2


def test_the_end_of_a_stage_is_the_end_of_its_actors(net: Net) -> None:
    cluster, games, _ = cluster_of("a", "b")
    play(games, net)
    games.close()
    assert len(cluster.ray.killed) == 2


def test_a_mistake_inside_an_actor_is_raised(net: Net) -> None:
    cluster, games, _ = cluster_of("a")
    cluster.ray.get = lambda answer: (_ for _ in ()).throw(  # type: ignore[method-assign]
        cluster.ray.exceptions.RayTaskError("a bug")
    )
    with pytest.raises(cluster.ray.exceptions.RayTaskError, match="a bug"):
        play(games, net)
