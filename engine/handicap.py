"""Handicap stones of Go on their customary points."""

from __future__ import annotations

from engine.errors import UserError
from engine.game import Game


def handicap_points(game: Game, stones: int) -> list[int]:
    """The actions of a fixed handicap, as GTP's `fixed_handicap` places it.

    Raises UserError unless it is Go on a board and with a number of stones that has such points:
    2 to 9 on odd boards of 9 rows or more, 2 to 4 on 7x7 and on even boards of 8 rows or more.
    """
    size = game.shape[0]
    most = 9 if size % 2 and size >= 9 else 4 if size >= 7 else 0
    if game.family != "go":
        raise UserError(f"handicap {stones}: {game.name} has no handicap stones, leave it out")
    if not 2 <= stones <= most:
        rule = f"2 to {most} stones" if most else "no handicap"
        raise UserError(f"handicap {stones}: a board of {size} rows allows {rule}")
    edge, middle = (3 if size >= 13 else 2), size // 2
    low, high = edge, size - 1 - edge  # rows from above, columns from the left
    corners = [(high, low), (low, high), (high, high), (low, low)]
    sides = [(middle, low), (middle, high), (low, middle), (high, middle)]
    count = stones - stones % 2 if stones > 4 else stones
    points = [*corners, *sides][:count]
    if stones > 4 and stones % 2:
        points.append((middle, middle))
    return [row * size + column for row, column in points]
