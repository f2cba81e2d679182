"""The one seam between search and networks.

Legend: n rows, C planes, H, W board, G globals, A actions.
"""

from typing import NamedTuple, Protocol

import numpy as np


class Evaluation(NamedTuple):
    """What an evaluator says of n positions, each in the view of the side to move.

    logits [n, A] float32 over all actions, legal or not; values [n] float32 in [-1, 1];
    scores [n] float32, the expected margin in points, or None where the game has none.
    """

    logits: np.ndarray
    values: np.ndarray
    scores: np.ndarray | None = None


class Evaluator(Protocol):
    """Whatever says which moves look good and who is ahead. Called from several threads."""

    def __call__(self, planes: np.ndarray, globals_: np.ndarray) -> Evaluation:
        """Evaluates positions, given as planes [n, C, H, W] uint8 and globals_ [n, G] float32.

        The arrays given are reused by the caller afterwards.
        """
        ...


class UniformEvaluator:
    """Every move as good as the other, every position even: for benchmarks and random players."""

    def __init__(self, actions: int) -> None:
        self.actions = actions

    def __call__(self, planes: np.ndarray, globals_: np.ndarray) -> Evaluation:
        """Zeros; see `Evaluator`."""
        n = len(planes)
        return Evaluation(np.zeros((n, self.actions), np.float32), np.zeros(n, np.float32))
