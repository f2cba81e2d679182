"""Many games at once: the loop that keeps the evaluators busy, for self-play and arena alike."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass

import numpy as np

from mcts.evaluator import Evaluator
from mcts.settings import PlayoutCap, Resignation, SearchSettings

from . import _core


@dataclass(frozen=True)
class Start:
    """A game to be played.

    id          seeds the game's random choices and names it in the log
    state       [state_bytes] uint8, the position it begins from
    first_seat  the seat (0 or 1) that plays the first player's moves
    """

    id: int
    state: np.ndarray
    first_seat: int = 0


@dataclass(frozen=True)
class Log:
    """A game: finished, or unfinished and then still without a result.

    actions [P] int16; movers [P] uint8, the player (0 or 1) of each;
    root_values [P] float32, after each search, the first player's view;
    full [P] uint8, 1 where the move had the full search (see `PlayoutCap`);
    policies [P, A] float32, the improved policies, zeros after quick searches, and surprises [P]
    float32, the KL divergence of the improved policy from the net's, in nats; both [0, ...] when
    not recorded;
    resigner is the player (0 or 1) who resigned, or would have in a game played on, else -1;
    resigned says whether that ended the game;
    outcome in {-1, 0, 1} and score are the first player's; ownership [H * W] int8, empty where
    the game has no score or was resigned.
    """

    id: int
    first_seat: int
    start: np.ndarray
    actions: np.ndarray
    movers: np.ndarray
    root_values: np.ndarray
    full: np.ndarray
    policies: np.ndarray
    surprises: np.ndarray
    resigner: int
    resigned: bool
    outcome: float
    score: float
    ownership: np.ndarray


class MatchPool:
    """Plays games on several threads, each with its own share of the parallel games.

    One seat is self-play; two seats are a match, where seat s asks evaluators[s]. Games in flight
    stay in flight between calls of `play`, and `take_unfinished` hands them over to another pool.
    """

    def __init__(
        self,
        game: _core.Game,
        seats: Sequence[SearchSettings],
        starts: Iterator[Start | Log],
        *,
        parallel_games: int,
        workers: int,
        record_policies: bool,
        seed: int,
        playout_cap: PlayoutCap | None = None,
        resignation: Resignation | None = None,
    ) -> None:
        """`starts` are games to be played, new ones or unfinished ones of another pool."""
        workers = max(1, min(workers, parallel_games))
        shares = [len(part) for part in np.array_split(np.arange(parallel_games), workers)]
        self._starts = starts
        self._lock = threading.Lock()
        self._stop = threading.Event()
        options = _options(record_policies, playout_cap, resignation)
        self._pools = [
            _core.Matches(game, [seat.to_core() for seat in seats], share, options, seed)
            for share in shares
        ]
        self._shares = shares
        self._game = game
        self._seats = len(seats)

    @property
    def evaluations(self) -> int:
        """Positions evaluated so far."""
        return sum(pool.evaluations for pool in self._pools)

    @property
    def cache_hits(self) -> int:
        """Evaluations saved so far, because the position had been met before."""
        return sum(pool.cache_hits for pool in self._pools)

    @property
    def moves_played(self) -> int:
        """Moves played so far, those of unfinished games included."""
        return sum(pool.moves_played for pool in self._pools)

    @property
    def bytes(self) -> int:
        """Memory of all trees."""
        return sum(pool.bytes for pool in self._pools)

    def play(self, evaluators: Sequence[Evaluator], on_game: Callable[[Log], bool]) -> None:
        """Plays on until `on_game`, called with each finished game, returns False, or all is played.

        Ctrl-C and exceptions of an evaluator end the call; unfinished games stay in the pool.
        """
        self._stop.clear()
        for pool in self._pools:
            pool.clear_caches()  # the answers of earlier evaluators
        with ThreadPoolExecutor(len(self._pools), "move37-games") as executor:
            try:  # from the first thread on, so that Ctrl-C always stops them
                pending = {
                    executor.submit(self._work, pool, share, evaluators, on_game)
                    for pool, share in zip(self._pools, self._shares, strict=True)
                }
                while pending:  # a bare wait would not hear Ctrl-C
                    done, pending = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
                    for future in done:
                        future.result()
            finally:
                self._stop.set()

    def stop(self) -> None:
        """Ends `play`, from another thread, as if `on_game` had returned False."""
        self._stop.set()

    def take_unfinished(self) -> list[Log]:
        """Takes out the games in flight and those waiting, to be played on by another pool.

        A move not yet chosen is searched for anew there, so a game never mixes two nets in one
        search, and what happens then depends only on the logs and the new pool's seed.
        """
        return [Log(**log) for pool in self._pools for log in pool.take_unfinished()]

    def _work(
        self,
        pool: _core.Matches,
        share: int,
        evaluators: Sequence[Evaluator],
        on_game: Callable[[Log], bool],
    ) -> None:
        game, rows = self._game, pool.capacity
        planes = np.empty((rows, game.planes, game.height, game.width), np.uint8)
        globals_ = np.empty((rows, game.globals), np.float32)
        while not self._stop.is_set():
            self._refill(pool, share)
            for seat in range(self._seats):
                n = pool.fill(seat, planes, globals_)
                if n:
                    pool.absorb(seat, *evaluators[seat](planes[:n], globals_[:n]))
            finished = pool.take_finished()
            with self._lock:
                for log in finished:
                    if not on_game(Log(**log)):
                        self._stop.set()
            if pool.active_games == 0:
                return

    def _refill(self, pool: _core.Matches, share: int) -> None:
        """Keeps as many games queued as could end in one round."""
        if pool.queued_games >= share:
            return
        with self._lock:
            for start in self._starts:
                _add(pool, start)
                if pool.queued_games >= share:
                    return


def _options(
    record_policies: bool, cap: PlayoutCap | None, resignation: Resignation | None
) -> _core.MatchOptions:
    options = _core.MatchOptions()
    options.record_policies = record_policies
    if cap is not None:
        options.full_share, options.quick = cap.full_share, cap.quick.to_core()
    if resignation is not None:
        options.resign_below, options.resign_moves = resignation.below, resignation.moves
        options.play_on_share = resignation.play_on_share
    return options


def _add(pool: _core.Matches, start: Start | Log) -> None:
    if isinstance(start, Start):
        pool.add(start.id, start.state, start.first_seat)
        return
    pool.add_unfinished(
        start.id,
        start.first_seat,
        start.start,
        start.actions,
        start.root_values,
        start.full,
        start.policies,
        start.surprises,
        start.resigner,
    )
