"""One short hash of what the search does: as long as it stays, the search has not changed.

Compare the signatures before and after a change that should only make the search faster. They are
of one machine: processors with wider vector instructions add in another order, and a visit that was
decided by the last bit of a float can go elsewhere.
"""

from __future__ import annotations

import hashlib
import random
import zlib
from collections.abc import Iterable

import numpy as np

from mcts import _core
from mcts.evaluator import Evaluation
from mcts.search import Search
from mcts.settings import SearchSettings

POSITIONS = 10
VISITS = 96
PLAYERS = (
    SearchSettings(visits=VISITS),
    SearchSettings(visits=VISITS, leaves_per_batch=8, random_symmetry=True, noise_fraction=0.25),
    SearchSettings(visits=VISITS, root_policy="gumbel"),
    SearchSettings(visits=VISITS, root_policy="gumbel", leaves_per_batch=4, score_weight=0.2),
)


def signature(games: Iterable[_core.Game]) -> str:
    """A hash of searches from random positions, 10 a game: 12 hexadecimal digits."""
    digest = hashlib.sha256()
    for game in games:
        rng, evaluator = random.Random(game.name), _HashEvaluator(game.actions)
        for index in range(POSITIONS):
            search = Search(game, PLAYERS[index % len(PLAYERS)], evaluator, seed=index)
            search.set_root(_position(game, rng, moves=3 * index))
            for _ in range(2):  # the second search goes on in the tree of the first
                search.run()
                visits = sorted((move.action, move.visits) for move in search.core.moves())
                chosen = search.core.choose(0) if visits else -1
                digest.update(f"{game.name} {visits} {chosen} {search.core.solved}\n".encode())
                if visits:
                    search.advance(chosen)
    return digest.hexdigest()[:12]


def _position(game: _core.Game, rng: random.Random, moves: int) -> np.ndarray:
    """The position after some random moves, or the last one before the end of the game."""
    state = np.zeros(game.state_bytes, np.uint8)
    game.reset(state)
    for _ in range(moves):
        legal = np.flatnonzero(game.legal_mask(state))
        child = state.copy()
        game.play(child, int(legal[int(rng.random() * len(legal))]))
        if game.over(child):
            break
        state = child
    return state


class _HashEvaluator:
    """Answers that look random and are the same everywhere: hashes, as fractions that are exact."""

    def __init__(self, actions: int) -> None:
        self.salts = np.array([zlib.crc32(b"%d" % salt) for salt in range(actions + 2)], np.uint64)

    def __call__(self, planes: np.ndarray, globals_: np.ndarray) -> Evaluation:
        rows = np.array([zlib.crc32(row.tobytes()) for row in planes], np.uint64)[:, None]
        noise = ((rows ^ self.salts) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(54)).astype(
            np.float32
        )
        fractions = noise / 512 - 1  # [-1, 1), in steps of 1 / 512
        return Evaluation(4 * fractions[:, 2:], fractions[:, 0].copy(), 8 * fractions[:, 1])
