"""How fast the core is: random games, and a tree without a net. One core of the machine."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from mcts import _core
from mcts.settings import SearchSettings

REPEATS = 5


def bench_board(game: _core.Game, seconds: float = 5.0) -> dict[str, Any]:
    """The rules alone, in one thread; medians of a few repeats that take `seconds` for each figure.

    playouts_per_s, moves_per_s   random games to the end from the initial position, and their spread
                                  (largest less smallest, over the median)
    encodings_per_s               positions of random games: planes, globals and legal moves of each
    scores_per_s                  margin and ownership of each, where the game has a score
    state_bytes                   the size of a position with its history
    """
    moves_per_s, playouts_per_s, spread = playout_rates(game, _initial(game), seconds)
    positions = random_positions(game, 64)  # few enough to stay in the cache

    def encode() -> int:
        game.encode_all(positions)
        return len(positions)

    def score() -> int:
        game.score_all(positions)
        return len(positions)

    row = {
        "game": game.name,
        "playouts_per_s": round(playouts_per_s, 1),
        "moves_per_s": round(moves_per_s),
        "spread": spread,
        "encodings_per_s": round(median_rate(encode, seconds)[0]),
    }
    if game.has_score:
        row["scores_per_s"] = round(median_rate(score, seconds)[0])
    return {**row, "state_bytes": game.state_bytes}


def playout_rates(game: _core.Game, start: np.ndarray, seconds: float) -> tuple[float, float, float]:
    """(moves per second, games per second, spread) of random games from a state."""
    counts = {"playouts": 0, "moves": 0}

    def step() -> int:
        playouts = 16
        counts["moves"] += game.playouts(start, playouts, counts["playouts"])
        counts["playouts"] += playouts
        return playouts

    playouts_per_s, spread = median_rate(step, seconds)
    return playouts_per_s * counts["moves"] / counts["playouts"], playouts_per_s, spread


def random_positions(game: _core.Game, count: int) -> np.ndarray:
    """States [count, state_bytes] from the whole length of random games, the same every time."""
    rng = np.random.default_rng(0)
    every = game.max_moves // 50 + 1
    states: list[np.ndarray] = []
    while len(states) < count:
        state, moves = _initial(game), 0
        while not game.over(state):
            if moves % every == 0:
                states.append(state.copy())
            game.play(state, int(rng.choice(np.flatnonzero(game.legal_mask(state)))))
            moves += 1
    return np.stack(states[:count])


def bench_tree(game: _core.Game, simulations: int = 800, seconds: float = 5.0) -> dict[str, Any]:
    """Searches of the initial position with uniform priors and value 0, in one thread.

    Each search begins with an empty tree. Gives simulations_per_s and its spread, as `bench_board`
    does, and bytes_per_simulation, the memory of a finished tree over its simulations.
    """
    start = _initial(game)
    search = _core.Search(game, SearchSettings(visits=simulations, cache_mib=0).to_core(), 0)

    def step() -> int:
        search.set_root(start)
        search.run_uniform()
        return simulations

    simulations_per_s, spread = median_rate(step, seconds)
    return {
        "game": game.name,
        "simulations": simulations,
        "simulations_per_s": round(simulations_per_s),
        "bytes_per_simulation": round(search.bytes / simulations, 1),
        "spread": spread,
    }


def median_rate(step: Callable[[], int], seconds: float) -> tuple[float, float]:
    """Calls `step`, which returns how much it did, over and over; the first call is not timed.

    Returns (the median amount per second of a few repeats, their spread). The repeats take
    `seconds` together, and a call of `step` at least.
    """
    step()
    rates = []
    for _ in range(REPEATS):
        began, done = time.perf_counter(), 0
        while True:
            done += step()
            elapsed = time.perf_counter() - began
            if elapsed >= seconds / REPEATS:
                break
        rates.append(done / elapsed)
    return statistics.median(rates), spread_of(rates)


def spread_of(rates: list[float]) -> float:
    """Largest less smallest, over the median: how far a figure can be trusted."""
    return round((max(rates) - min(rates)) / statistics.median(rates), 3)


@contextmanager
def one_core() -> Iterator[None]:
    """Keeps this thread, and threads begun meanwhile, on one core; where the platform can do it."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})  # interrupts prefer the first one
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _initial(game: _core.Game) -> np.ndarray:
    state = np.zeros(game.state_bytes, np.uint8)
    game.reset(state)
    return state
