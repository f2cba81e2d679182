"""A position as each symmetry of its game shows it; the tables are those of `Game.symmetries`."""

from __future__ import annotations

import numpy as np

from engine.position import Position


def seen(position: Position) -> tuple[np.ndarray, np.ndarray]:
    """What an evaluator is given, under each symmetry: (planes [S, C, H, W] uint8, globals [S, G])."""
    planes, globals_ = position.encode()
    table = position.game.symmetries[0]
    turned = planes.reshape(len(planes), -1)[:, table].transpose(1, 0, 2)
    shape = (len(table), *planes.shape)
    return np.ascontiguousarray(turned).reshape(shape), np.repeat(globals_[None], len(table), 0)


def turned_back(values: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Values [S, N] of the places or actions that each symmetry shows, put where they belong."""
    original = np.empty_like(values)
    np.put_along_axis(original, table.astype(np.int64), values, axis=1)
    return original
