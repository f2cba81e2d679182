"""Self-play on a Ray cluster: actors on every node, one learner.

The learner puts the weights into Ray's object store once an iteration; each node fetches them
once. Every actor has two orders at a time, and all orders together are one iteration of positions:
so actors play on while the learner learns, and wait when it cannot keep up.

Nodes may come and go, and actors die: their orders are lost, that is the games in flight, and the
next look at the cluster places new actors where there is room.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch

from engine.errors import UserError
from engine.games import load
from engine.nets.inference import Device, NetEvaluator
from engine.nets.net import Net, NetConfig
from mcts import Log
from selfplay.learning.replay import Games, pack_finished, unpack_logs
from selfplay.progress import Reporter
from selfplay.teachers.inbox import Packed
from selfplay.teachers.openings import Openings
from selfplay.teachers.sources import IDS_OF_AN_ACTOR, LocalGames
from selfplay.teachers.teacher import Teacher

ORDERS = 2  # that an actor has at a time, so that it never waits for the next
LOOK_EVERY = 2.0  # seconds between looks at the nodes
REACH_WITHIN = 5.0  # seconds


class Seat(NamedTuple):
    """A place for an actor: the share of its node that it takes."""

    cpus: int
    gpus: int


def seats_of(resources: Mapping[str, float], use_gpus: bool) -> list[Seat]:
    """The actors of a node by its resources: one for each GPU with its share of the cores, or
    one for all the cores."""
    cpus, gpus = int(resources.get("CPU", 0)), int(resources.get("GPU", 0)) if use_gpus else 0
    if gpus:
        return [Seat(max(1, cpus // gpus), 1)] * min(gpus, cpus)
    return [Seat(cpus, 0)] if cpus else []


@dataclass(frozen=True)
class Job:
    """What an actor must know of a stage; `game` is a name or file that every node can load."""

    game: str
    stage: Teacher
    seed: int
    net: NetConfig
    experts: Games | None


class Harvest(NamedTuple):
    """The answer to an order: finished games and how many evaluations they took."""

    games: Packed
    evaluations: int


class Actor:
    """Plays on one seat of the cluster; its games stay in flight from order to order."""

    def __init__(self, job: Job, first_id: int, seat: Seat) -> None:
        self.game, self.net = load(job.game), Net(job.net)
        openings = Openings(self.game, job.stage, job.seed, job.experts)
        self.device = Device(torch.device("cuda" if seat.gpus else "cpu"))
        self.games = LocalGames(openings, self.device, seat.cpus)
        self.games.next_id = first_id
        self.version = -1
        self.evaluator: NetEvaluator | None = None

    def play(self, version: int, weights: dict[str, np.ndarray], wanted: int) -> Harvest:
        """Games with `wanted` positions or a few more, played with these weights."""
        if self.evaluator is None or version != self.version:
            self.games.pause()
            self.net.load_state_dict({k: torch.tensor(v) for k, v in weights.items()})
            self.version, self.evaluator = version, NetEvaluator(self.net, self.device, self.game)
        before = self.games.evaluations
        logs = self.games.more(self.evaluator, wanted, lambda share: None)
        return Harvest(pack_finished(self.game, logs), self.games.evaluations - before)


class Cluster:
    """A Ray cluster that this process has joined or started."""

    def __init__(self, address: str | None = None) -> None:
        """Joins the cluster at `address` (HOST:PORT), at RAY_ADDRESS or on this machine, or else
        starts one here. Raises UserError without Ray and when there is none at that address."""
        try:
            import ray
            import ray.util.scheduling_strategies
        except ImportError as error:
            raise UserError("--cluster needs Ray: pip install 'move37[cluster]'") from error
        self.ray = ray
        address = address or os.environ.get("RAY_ADDRESS")
        if address:
            _check_reachable(address)
        try:
            ray.init(address=address, log_to_driver=False, logging_level="ERROR")
        except (ConnectionError, ValueError, RuntimeError) as error:
            where = f"at '{address}'" if address else "here"
            reason = str(error).splitlines()[0]
            raise UserError(f"cannot join or start a Ray cluster {where}: {reason}") from error

    def seats(self, use_gpus: bool) -> dict[tuple[str, int], Seat]:
        """All seats of the nodes that are alive, by node and number."""
        return {
            (node["NodeID"], number): seat
            for node in self.ray.nodes()
            if node["Alive"]
            for number, seat in enumerate(seats_of(node["Resources"], use_gpus))
        }

    def place(self, node: str, seat: Seat, job: Any, first_id: int) -> Any:
        """Starts an actor on a node; `job` is a reference to a Job."""
        strategy = self.ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(node, soft=False)
        remote = self.ray.remote(Actor).options(
            num_cpus=seat.cpus, num_gpus=seat.gpus, scheduling_strategy=strategy
        )
        return remote.remote(job, first_id, seat)


def _check_reachable(address: str) -> None:
    """Raises UserError when nobody listens at HOST:PORT, which Ray itself takes minutes to say."""
    host, _, port = address.rpartition(":")
    if not port.isdigit() or "/" in host:
        return
    try:
        socket.create_connection((host, int(port)), timeout=REACH_WITHIN).close()
    except OSError as error:
        raise UserError(
            f"no Ray cluster at '{address}': {error}; start one with `ray start --head`"
        ) from error


class ClusterGames:
    """Games that the actors of a cluster play: a `sources.GameSource`."""

    def __init__(self, cluster: Cluster, job: Job, use_gpus: bool, report: Reporter) -> None:
        """Without `use_gpus` the actors leave the GPUs of their nodes alone."""
        self.next_id = self.evaluations = 0
        self.unfinished: list[Log] = []  # games in flight are the actors'
        self.taken: list[str] = []
        self._cluster, self._ray, self._report = cluster, cluster.ray, report
        self._use_gpus = use_gpus
        self._job = self._ray.put(job)
        self._actors: dict[tuple[str, int], Any] = {}
        self._orders: dict[Any, tuple[str, int]] = {}  # answers to come, and from where
        self._seats: dict[tuple[str, int], Seat] = {}  # as last told of
        self._version = 0
        self._looked = float("-inf")

    def play(self, net: Net, wanted: int, on_progress: Callable[[float], None]) -> list[Log]:
        """See `sources.GameSource`. Games may have begun, and some have ended, under the net before.

        Raises what goes wrong inside the actors; their death is no error.
        """
        self._version += 1
        weights = self._ray.put({k: v.cpu().numpy() for k, v in net.state_dict().items()})
        logs: list[Log] = []
        count = 0
        while count < wanted:
            self._look(weights, wanted)
            for place, harvest in self._answers():
                # what Ray hands out is read-only, but the core wants its positions writable
                arrived = unpack_logs({k: v.copy() for k, v in harvest.games.items()})
                logs += arrived
                count += sum(len(log.actions) for log in arrived)
                self.evaluations += harvest.evaluations
                self._order(place, weights, wanted)
            on_progress(count / wanted)
        return logs

    def saved(self) -> None:
        """See `sources.GameSource`: nothing to do."""

    def close(self) -> None:
        """Ends the actors of this stage."""
        for seat in list(self._actors):
            self._ray.kill(self._actors[seat])
            self._lose(seat)

    def _answers(self) -> Iterator[tuple[tuple[str, int], Harvest]]:
        """All answers that are there, after waiting a while for the first."""
        if not self._orders:
            time.sleep(LOOK_EVERY)
            return
        orders, errors = list(self._orders), self._ray.exceptions
        self._ray.wait(orders, timeout=LOOK_EVERY)
        for answer in self._ray.wait(orders, num_returns=len(orders), timeout=0)[0]:
            place = self._orders.pop(answer, None)
            if place is None:  # lost with another order of its actor
                continue
            try:
                yield place, self._ray.get(answer)
            except errors.RayTaskError:
                raise
            except errors.RayError as error:
                if getattr(error, "actor_init_failed", False):
                    raise UserError(f"an actor of the cluster cannot start: {error}") from error
                self._lose(place)

    def _look(self, weights: Any, wanted: int) -> None:
        """Places actors on seats without one, and lets those go whose node is gone."""
        if time.monotonic() < self._looked + LOOK_EVERY:
            return
        self._looked = time.monotonic()
        seats = self._cluster.seats(self._use_gpus)
        before = set(self._actors)
        for place in before - seats.keys():
            self._lose(place)
        for place, seat in seats.items():
            if place not in self._actors:
                self._actors[place] = self._cluster.place(place[0], seat, self._job, self.next_id)
                self.next_id += IDS_OF_AN_ACTOR
        if seats != self._seats:
            self._seats = seats
            nodes = len({node for node, _ in seats})
            cpus, gpus = (sum(column) for column in zip((0, 0), *seats.values(), strict=True))
            self._report.line(
                f"cluster: {len(seats)} actors on {nodes} nodes, {cpus} CPU cores, {gpus} GPUs"
            )
        for place in self._actors.keys() - before:
            for _ in range(ORDERS):
                self._order(place, weights, wanted)

    def _order(self, place: tuple[str, int], weights: Any, wanted: int) -> None:
        share = -(-wanted // (ORDERS * len(self._actors)))
        answer = self._actors[place].play.remote(self._version, weights, share)
        self._orders[answer] = place

    def _lose(self, place: tuple[str, int]) -> None:
        """Forgets an actor and its orders."""
        self._actors.pop(place, None)
        self._orders = {answer: at for answer, at in self._orders.items() if at != place}
