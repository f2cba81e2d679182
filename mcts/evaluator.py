"""The one seam between search and networks.

Legend: n rows, C planes, H, W board, G globals, A actions.
"""

from typing import Protocol

import numpy as np


class Evaluator(Protocol):
    """Whatever says which moves look good and who is ahead. Called from several threads."""

    def __call__(self, planes: np.ndarray, globals_: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Evaluates positions, each from the view of the side to move.

        planes [n, C, H, W] uint8 and globals_ [n, G] float32 give
        (logits [n, A] float32 over all actions, legal or not; values [n] float32 in [-1, 1]).
        The arrays given are reused by the caller afterwards.
        """
        ...


class UniformEvaluator:
    """Every move as good as the other, every position even: for benchmarks and random players."""

    def __init__(self, actions: int) -> None:
        self.actions = actions

    def __call__(self, planes: np.ndarray, globals_: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Zeros; see `Evaluator`."""
        n = len(planes)
        return np.zeros((n, self.actions), np.float32), np.zeros(n, np.float32)
