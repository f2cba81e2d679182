"""What an evaluator says about a position at once, asked under each symmetry of the board."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine import symmetry
from engine.analyst import HasOutlook
from engine.position import Position
from mcts import Evaluator


@dataclass(frozen=True)
class NetView:
    """An evaluation without a search, in the view of the side to move.

    policy     [A] float32, probabilities that add up to 1, 0 where illegal
    win_rate   in [0, 1], a draw counting as half a win
    score_lead the expected margin in points; None when the evaluator does not know scores
    ownership  [H, W] float32 in [-1, 1], 1 where the point ends as the mover's; None as there
    """

    policy: np.ndarray
    win_rate: float
    score_lead: float | None = None
    ownership: np.ndarray | None = None


def net_views(position: Position, evaluator: Evaluator) -> list[NetView]:
    """An evaluation for each symmetry of the game, the identity first, all of the board as it is."""
    points, actions = position.game.symmetries
    inputs = symmetry.seen(position)
    logits, values, _ = evaluator(*inputs)
    logits = symmetry.turned_back(logits, actions)
    weights = np.exp(logits - logits.max(axis=1, keepdims=True)) * position.legal_mask()
    views = [
        NetView(policy / policy.sum(), float(1 + value) / 2)
        for policy, value in zip(weights, values, strict=True)
    ]
    if not isinstance(evaluator, HasOutlook):
        return views
    scores, ownership = evaluator.outlook(*inputs)
    owners = symmetry.turned_back(ownership.reshape(len(points), -1), points)
    shape = position.game.shape
    return [
        NetView(view.policy, view.win_rate, float(score), owner.reshape(shape))
        for view, score, owner in zip(views, scores, owners, strict=True)
    ]
