"""What single moves are worth, judged by a search of the position behind each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.position import Position
from mcts import Evaluator, SearchSettings, search_all


def values_of_moves(
    positions: Sequence[Position],
    judged: np.ndarray,
    settings: SearchSettings,
    evaluator: Evaluator,
) -> np.ndarray:
    """The values of the legal moves `judged` [N, A] bool, in [-1, 1] and in the view of who moves;
    [N, A] float64, 0 elsewhere. A move that ends the game has the value of its result."""
    values = np.zeros(judged.shape)
    behind: list[tuple[tuple[int, int], int, np.ndarray]] = []
    for index, action in np.argwhere(judged):
        then = positions[index].copy()
        sign = 1 - 2 * then.to_move
        then.play(int(action))
        if then.over:
            values[index, action] = sign * then.outcome()
        else:
            behind.append(((index, action), sign, then.state))
    if behind:
        native = positions[0].game.native
        searches = search_all(native, settings, (state for *_, state in behind), evaluator)
        for (place, sign, _), search in zip(behind, searches, strict=True):
            values[place] = sign * search.core.root_value
    return values
