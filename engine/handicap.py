"""Where handicap stones stand: the fixed points of GTP 2, section 4.1.1."""

from __future__ import annotations

MAX_FIXED = 9


def most_fixed_stones(height: int, width: int) -> int:
    """How many stones have fixed points: 9 on odd boards from 9x9, 4 from 7x7, else none."""
    if min(height, width) < 7:
        return 0
    return MAX_FIXED if min(height, width) >= 9 and height % 2 and width % 2 else 4


def fixed_handicap(stones: int, height: int, width: int) -> list[int]:
    """The actions of 2 to 9 stones, on the third line of small boards and the fourth from 13x13.

    Raises ValueError when the board has no points for that many.
    """
    if not 2 <= stones <= most_fixed_stones(height, width):
        raise ValueError(f"{stones} stones have no fixed points on {height}x{width}")
    edge = 3 if min(height, width) >= 13 else 2
    top, middle, bottom = edge, height // 2, height - 1 - edge
    left, centre, right = edge, width // 2, width - 1 - edge
    corners = [(bottom, left), (top, right), (top, left), (bottom, right)]
    sides = [(middle, left), (middle, right), (bottom, centre), (top, centre)]
    points = corners[:stones]
    if stones >= 6:
        points += sides[: 2 if stones < 8 else 4]
    if stones >= 5 and stones % 2:
        points.append((middle, centre))
    return [row * width + column for row, column in points]
