"""One deep search, for playing and analysing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import numpy as np

from mcts.evaluator import Evaluator
from mcts.settings import SearchSettings

from . import _core

TOGETHER = 64  # searches that share a batch


class Search:
    """A tree over one position that asks an evaluator for its leaves.

    The core's results (moves, root_value, principal_variation, choose ...) are those of
    `core`, documented in csrc/search.h. Not for use from two threads at once.
    """

    def __init__(
        self, game: _core.Game, settings: SearchSettings, evaluator: Evaluator, seed: int = 0
    ) -> None:
        self.core = _core.Search(game, settings.to_core(), seed)
        self.evaluator = evaluator
        rows = settings.leaves_per_batch
        self._planes = np.empty((rows, game.planes, game.height, game.width), np.uint8)
        self._globals = np.empty((rows, game.globals), np.float32)

    def set_root(self, state: np.ndarray, allowed: np.ndarray | None = None) -> None:
        """Starts from a state [state_bytes] uint8, forgetting the tree.

        With allowed [A] uint8 only the moves marked 1 are searched at this root. Raises ValueError
        when none of them is legal.
        """
        self.core.set_root(state, allowed)

    def advance(self, action: int) -> None:
        """Follows a move that was played; PUCT keeps the tree below it, if `reuse_tree`."""
        self.core.advance(action)

    def run(self, stop: Callable[[], bool] = lambda: False) -> None:
        """Searches until the visits are done or `stop()` says so, asked after each batch."""
        try:
            while not self.core.done and not stop():
                rows = self.core.collect(self._planes, self._globals)
                if rows:
                    self.core.absorb(*self.evaluator(self._planes[:rows], self._globals[:rows]))
        finally:
            self.core.cancel()


def step_together(searches: Sequence[Search], evaluator: Evaluator) -> None:
    """One step of several searches of the same game, with one batch for the leaves of all."""
    try:
        rows = [search.core.collect(search._planes, search._globals) for search in searches]
        if not any(rows):
            return
        pairs = list(zip(searches, rows, strict=True))
        planes = np.concatenate([search._planes[:n] for search, n in pairs])
        globals_ = np.concatenate([search._globals[:n] for search, n in pairs])
        logits, values, all_scores = evaluator(planes, globals_)
        first = 0
        for search, n in pairs:
            own = slice(first, first + n)
            scores = None if all_scores is None else all_scores[own]
            if n:
                search.core.absorb(logits[own], values[own], scores)
            first += n
    finally:
        for search in searches:
            search.core.cancel()


def search_all(
    game: _core.Game, settings: SearchSettings, states: Iterable[np.ndarray], evaluator: Evaluator
) -> Iterator[Search]:
    """The finished search of each of many states [state_bytes] uint8 of one game, in their order.

    The leaves of 64 trees share a batch, and no more trees are in memory. Number i has the seed i.
    """
    numbered = enumerate(states)
    while group := list(islice(numbered, TOGETHER)):
        searches = []
        for seed, state in group:
            searches.append(Search(game, settings, evaluator, seed))
            searches[-1].set_root(state)
        running = searches
        while running := [search for search in running if not search.core.done]:
            step_together(running, evaluator)
        yield from searches
