"""Where the learner's games come from: this machine, others that share its folder, or a cluster.

The learner sees one seam, `GameSource`. `LocalGames` is the self-play of one machine, whoever asks
for it: the learner itself, an actor of a shared folder (selfplay/actor.py) or one of a Ray
cluster (selfplay/teachers/cluster.py).
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from engine.nets.inference import Device, NetEvaluator, torch_threads
from engine.nets.net import Net
from mcts import Evaluator, Log, MatchPool, Start
from selfplay.teachers.inbox import Inbox
from selfplay.teachers.openings import Openings

IDS_OF_AN_ACTOR = 2**32  # numbers of games that an actor may use, so that no two games are alike
LOOK_EVERY = 1.0  # seconds between looks into the inbox


class GameSource(Protocol):
    """Plays games for the learner.

    next_id       the number of the next game, or of the next actor's first
    evaluations   positions evaluated since the stage began
    unfinished    games in flight that a checkpoint keeps
    taken         names of what was given but not played here, until `saved`
    """

    next_id: int
    evaluations: int
    unfinished: list[Log]
    taken: list[str]

    def play(self, net: Net, wanted: int, on_progress: Callable[[float], None]) -> list[Log]:
        """Finished games with `wanted` positions or a few more, those to come played by `net`."""
        ...

    def saved(self) -> None:
        """What was given so far is safe in a checkpoint; what it names as taken is not given again."""

    def close(self) -> None:
        """The stage is over or interrupted."""


class _Harvest:
    """The finished games of one call, from several threads."""

    def __init__(self, wanted: int, on_progress: Callable[[float], None]) -> None:
        self.logs: list[Log] = []
        self.missing = self._wanted = wanted  # positions
        self._on_progress = on_progress
        self._lock = threading.Lock()

    def add(self, logs: list[Log]) -> bool:
        """Whether more are needed."""
        with self._lock:
            self.logs += logs
            self.missing -= sum(len(log.actions) for log in logs)
            self._on_progress(1 - self.missing / self._wanted)
            return self.missing > 0


class LocalGames:
    """Games of this machine, and those that actors leave in the run folder."""

    def __init__(
        self, openings: Openings, device: Device, workers: int, inbox: Inbox | None = None
    ) -> None:
        self.openings, self.device, self.workers, self.inbox = openings, device, workers, inbox
        self.next_id = self.evaluations = 0
        self.unfinished: list[Log] = []
        self.taken = inbox.taken if inbox else []  # one list for both
        self._pool: MatchPool | None = None

    def play(self, net: Net, wanted: int, on_progress: Callable[[float], None]) -> list[Log]:
        """See `GameSource`. What happens depends on the seed, next_id, unfinished and the net alone,
        unless actors help."""
        try:
            return self.more(NetEvaluator(net, self.device, self.openings.game), wanted, on_progress)
        finally:
            self.pause()

    def more(
        self, evaluator: Evaluator, wanted: int, on_progress: Callable[[float], None]
    ) -> list[Log]:
        """As `play`, but the games stay in flight: the next call goes on with them."""
        harvest = _Harvest(wanted, on_progress)
        pool = self._pool = self._pool or self._new_pool()
        before = pool.evaluations
        with torch_threads(1), self._helped(pool, harvest):
            pool.play([evaluator], lambda log: harvest.add([log]))
        self.evaluations += pool.evaluations - before
        return harvest.logs

    @contextlib.contextmanager
    def _helped(self, pool: MatchPool, harvest: _Harvest) -> Iterator[None]:
        """Meanwhile takes up what actors leave in the inbox."""
        if self.inbox is None:
            yield
            return
        inbox, over = self.inbox, threading.Event()

        def watch() -> None:
            while not over.is_set():
                logs, evaluations = inbox.take(harvest.missing)
                self.evaluations += evaluations
                harvest.add(logs)
                if harvest.missing <= 0:
                    pool.stop()  # again and again, as the pool may not have begun
                over.wait(LOOK_EVERY)

        with ThreadPoolExecutor(1, "move37-inbox") as executor:
            watching = executor.submit(watch)
            try:
                yield
            finally:
                over.set()
                watching.result()

    def pause(self) -> None:
        """Takes the games out of flight; a move half searched will be searched anew.

        So no search mixes two nets, and a resumed run goes on exactly as it would have.
        """
        if self._pool is not None:
            self.unfinished = self._pool.take_unfinished()
            self._pool = None

    def saved(self) -> None:
        """See `GameSource`."""
        if self.inbox is not None:
            self.inbox.clear()

    def close(self) -> None:
        """See `GameSource`."""

    def _new_pool(self) -> MatchPool:
        stage = self.openings.stage
        return MatchPool(
            self.openings.game.native,
            [stage.search],
            itertools.chain(self.unfinished, self._starts()),
            parallel_games=stage.parallel_games,
            workers=self.workers,
            record_policies=stage.record_policies,
            seed=self.openings.seed,
            playout_cap=stage.playout_cap,
            resignation=stage.resignation,
        )

    def _starts(self) -> Iterator[Start]:
        while True:
            start = self.openings.start(self.next_id)
            self.next_id += 1
            yield start
