"""How a position stands at a glance: one evaluation, no search."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.analyst import HasOutlook
from engine.position import Position
from mcts import Evaluator


@dataclass(frozen=True)
class Insight:
    """How a position stands; everything is the first player's.

    win_rate   in [0, 1], a draw counting as half a win
    score      the expected margin in points; None when it is not known
    ownership  [H, W] float in [-1, 1], 1 where the point ends as the first player's; None: not known
    """

    win_rate: float
    score: float | None = None
    ownership: np.ndarray | None = None


def glance(evaluator: Evaluator, position: Position) -> Insight:
    """What the rules say of a finished game, else what the evaluator says without a search."""
    game = position.game
    if position.over:
        score, ownership = position.score() if game.score else (None, None)
        return Insight((1 + position.outcome()) / 2, score, ownership)
    sign = 1 - 2 * position.to_move
    planes, globals_ = (rows[None] for rows in position.encode())
    win_rate = (1 + sign * float(evaluator(planes, globals_).values[0])) / 2
    if game.score is None or not isinstance(evaluator, HasOutlook):
        return Insight(win_rate)
    seen = evaluator.outlook(planes, globals_)
    return Insight(win_rate, sign * float(seen.scores[0]), sign * seen.ownership[0])
