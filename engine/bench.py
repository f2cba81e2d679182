"""How fast the rules and a net are, and how much of the net's speed is left inside the search.

`net_positions_per_s` is the bare net: its evaluator called over and over with full batches, by as
many threads as the search uses and nothing else to do. `efficiency` is what the search gets out of
the same calls. The two are measured in turns, so that a busy machine is unfair to neither.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import numpy as np

from engine.game import Game
from engine.games.go import KO_SIMPLE
from engine.nets.files import load_net
from engine.nets.inference import Device, NetEvaluator, cpu_count, torch_threads
from engine.nets.tuning import TIMED_VISITS, Tuning, game_threads, worth
from engine.position import Position
from mcts import Evaluation, Evaluator, MatchPool, Search, SearchSettings, Start
from mcts.bench import REPEATS, bench_board, median_rate, playout_rates, spread_of

Mode = Literal["deep", "games"]
MODES: tuple[Mode, ...] = ("deep", "games")
LEAVES = (1, 2, 4, 8, 16, 32, 64)  # a batch, tried in turn
GAMES_A_THREAD = 64  # as in matches


class TimeIsUpError(Exception):
    """Ends a timed run; a pool of games survives it, as it does any exception of an evaluator."""


class Timed:
    """An evaluator that counts what it is asked and raises TimeIsUpError when its time is over."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self._rows: list[int] = []  # appending is safe from several threads
        self._end = 0.0

    def __call__(self, planes: np.ndarray, globals_: np.ndarray) -> Evaluation:
        """See `mcts.Evaluator`."""
        if self._rows and time.perf_counter() >= self._end:  # a rate needs one answer at least
            raise TimeIsUpError
        answer = self.evaluator(planes, globals_)
        self._rows.append(len(planes))
        return answer

    def rate(self, work: Callable[[], object], seconds: float) -> float:
        """Repeats the work, which calls this evaluator, for some seconds: positions per second."""
        self._rows.clear()
        began = time.perf_counter()
        self._end = began + seconds
        try:
            while True:
                work()
        except TimeIsUpError:
            return sum(self._rows) / (time.perf_counter() - began)

    def stop(self) -> None:
        """Ends the timed run in all its threads."""
        self._end = 0.0


def bench_rules(game: Game, seconds: float = 5.0) -> dict[str, Any]:
    """`mcts.bench.bench_board`, and of Go, whose standard rules look for superko, what it is without.

    simple_ko_playouts_per_s   random games a second under simple ko
    """
    row = bench_board(game.native, seconds)
    if "ko_rule" in (game.state.names or ()):
        position = Position(game)
        position.set_start(ko_rule=KO_SIMPLE)
        rate = playout_rates(game.native, position.state, seconds)[1]
        row["simple_ko_playouts_per_s"] = round(rate, 1)
    return row


def bench_net(
    game: Game, net: str, device: Device, batch: int = 64, seconds: float = 5.0
) -> dict[str, Any]:
    """The bare net called from one thread with numpy batches, transfers included.

    On a CPU torch uses all cores. Gives positions_per_s, a median, and its spread. Raises UserError
    when the net does not exist or fit.
    """
    evaluator = NetEvaluator(load_net(net, game)[0], device, game)
    planes, globals_ = full_batch(game, batch)

    def step() -> int:
        evaluator(planes, globals_)
        return batch

    with torch_threads(cpu_count()):
        positions_per_s, spread = median_rate(step, seconds)
    return {
        "game": game.name,
        "net": net,
        "device": str(device),
        "batch": batch,
        "positions_per_s": round(positions_per_s, 1),
        "spread": spread,
    }


def bench_search(
    game: Game,
    net: str,
    device: Device,
    batch: int = 64,
    seconds: float = 20.0,
    mode: Mode = "deep",
) -> dict[str, Any]:
    """A net inside the search: how many positions a second are evaluated, beside the bare net.

    deep    one tree that collects `batch` leaves at a time, as in play and analysis; one thread
            calls the net, and on a CPU torch uses all cores
    games   games side by side, `batch` in all, each tree one leaf at a time, as in matches;
            several threads call the net with their share, and on a CPU torch uses one core each

    Gives evaluations_per_s and net_positions_per_s, both medians, their quotient efficiency, and
    the spread of evaluations_per_s. Raises UserError when the net does not exist or fit.
    """
    timed = Timed(NetEvaluator(load_net(net, game)[0], device, game))
    workers = 1 if mode == "deep" else worker_count(device, batch)
    search = _deep_search(game, timed, batch) if mode == "deep" else _games(game, timed, batch, workers)
    with torch_threads(cpu_count() if mode == "deep" else 1):
        row = compare_with_bare_net(game, timed, search, batch // workers, workers, seconds)
    return {
        "game": game.name,
        "net": net,
        "device": str(device),
        "mode": mode,
        "batch": batch // workers,
        "threads": workers,
        **row,
    }


def tune_search(
    game: Game,
    net: str,
    device: Device,
    seconds: float = 2.0,
    on_progress: Callable[[float], None] = lambda share: None,
) -> tuple[Tuning, dict[str, list[dict[str, Any]]]]:
    """What suits this machine and net, and the tables it is read from; `seconds` for each figure.

    deep    one tree, by leaves a batch; useful_per_s is the speed times `worth`, at TIMED_VISITS
    games   games side by side, GAMES_A_THREAD for each thread that plays them; on a CPU torch uses
            one core each

    All are measured in turns, medians of REPEATS. Of nearly equal numbers of threads the smaller is
    chosen. Raises UserError when the net does not exist or fit.
    """
    timed = Timed(NetEvaluator(load_net(net, game)[0], device, game))
    threads = sorted({min(2**n, cpu_count()) for n in range(cpu_count().bit_length() + 1)})
    deep = {leaves: _deep_search(game, timed, leaves) for leaves in LEAVES}
    games = {count: _games(game, timed, GAMES_A_THREAD * count, count) for count in threads}
    with torch_threads(cpu_count()):
        speeds = _in_turns(timed, deep, seconds, lambda share: on_progress(share / 2))
    with torch_threads(1):
        rates = _in_turns(timed, games, seconds, lambda share: on_progress((1 + share) / 2))
    best = min(count for count in threads if rates[count] >= 0.97 * max(rates.values()))
    tuning = Tuning(threads=best, speeds=speeds)
    leaves = tuning.leaves(TIMED_VISITS)
    tables = {
        "deep": [
            {
                "leaves_per_batch": n,
                "evaluations_per_s": rate,
                f"worth_at_{TIMED_VISITS}": round(worth(n, TIMED_VISITS), 3),
                "useful_per_s": round(rate * worth(n, TIMED_VISITS), 1),
                "chosen": n == leaves,
            }
            for n, rate in speeds.items()
        ],
        "games": [
            {"threads": count, "evaluations_per_s": rate, "chosen": count == best}
            for count, rate in rates.items()
        ],
    }
    return tuning, tables


def _in_turns(
    timed: Timed,
    works: dict[int, Callable[[], object]],
    seconds: float,
    on_progress: Callable[[float], None],
) -> dict[int, float]:
    """Evaluations per second of each work, medians of turns that take `seconds` together."""
    rates: dict[int, list[float]] = {key: [] for key in works}
    for turn in range(1 + REPEATS):  # the first warms up
        for key, work in works.items():
            rate = timed.rate(work, seconds / REPEATS)
            rates[key] += [rate] if turn else []
        on_progress((turn + 1) / (1 + REPEATS))
    return {key: round(statistics.median(turns), 1) for key, turns in rates.items()}


def compare_with_bare_net(
    game: Game,
    timed: Timed,
    search: Callable[[], object],
    batch: int,
    threads: int,
    seconds: float,
) -> dict[str, float]:
    """Measures a search and the bare net in turns, in `seconds` together.

    `search` calls `timed`; `batch` is what the bare net gets in one call of each thread.
    """
    planes, globals_ = full_batch(game, batch)

    def call_for_ever() -> None:
        while True:
            timed(planes, globals_)

    def bare() -> None:
        if threads == 1:  # from the thread that searches: OpenMP waits otherwise in another one
            call_for_ever()
        with ThreadPoolExecutor(threads) as executor:
            try:
                for job in [executor.submit(call_for_ever) for _ in range(threads)]:
                    job.result()
            finally:  # of Ctrl-C too
                timed.stop()

    turn = seconds / (2 * REPEATS)
    timed.rate(bare, turn / 4)
    timed.rate(search, turn / 4)
    pairs = [(timed.rate(search, turn), timed.rate(bare, turn)) for _ in range(REPEATS)]
    inside, outside = ([pair[i] for pair in pairs] for i in range(2))
    evaluations, positions = statistics.median(inside), statistics.median(outside)
    return {
        "evaluations_per_s": round(evaluations, 1),
        "net_positions_per_s": round(positions, 1),
        "efficiency": round(evaluations / positions, 3),
        "spread": spread_of(inside),
    }


def worker_count(device: Device, parallel_games: int) -> int:
    """How many threads play so many games."""
    return max(1, min(game_threads(device), parallel_games))


def full_batch(game: Game, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """The initial position `rows` times: planes [rows, C, H, W] uint8, globals [rows, G] float32."""
    planes, globals_ = Position(game).encode()
    return np.repeat(planes[None], rows, axis=0), np.repeat(globals_[None], rows, axis=0)


def _deep_search(game: Game, evaluator: Evaluator, batch: int) -> Callable[[], object]:
    """Searches of the initial position, each large enough to fill most of its batches."""
    settings = SearchSettings(visits=max(800, 32 * batch), leaves_per_batch=batch, cache_mib=0)
    search = Search(game.native, settings, evaluator)
    start = Position(game).state

    def work() -> None:
        search.set_root(start)
        search.run()

    return work


def _games(game: Game, evaluator: Evaluator, parallel: int, workers: int) -> Callable[[], object]:
    """Self-play without end, with moves drawn by visits so that no two games are alike."""
    pool = MatchPool(
        game.native,
        [SearchSettings(visits=100, temperature=1.0, temperature_moves=1_000_000, cache_mib=0)],
        endless_starts(game),
        parallel_games=parallel,
        workers=workers,
        record_policies=False,
        seed=0,
    )
    return lambda: pool.play([evaluator], lambda log: True)


def endless_starts(game: Game) -> Iterator[Start]:
    """The initial position again and again, numbered from 0."""
    state = Position(game).state
    return (Start(index, state) for index in itertools.count())
