"""Pictures of boards in characters: where each place lies, and discs drawn with quarter blocks.

A board has a *scale* s: neighbours in a row lie 2 s characters apart, rows s lines, so that places
are about square on a screen. Each character holds 2 x 2 quarters, in two colours at most.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

# By the sum of the quarters: 1 upper left, 2 upper right, 4 lower left, 8 lower right.
QUARTERS = " \u2598\u259d\u2580\u2596\u258c\u259e\u259b\u2597\u259a\u2590\u259c\u2584\u2599\u259f\u2588"
FULL = QUARTERS[-1]
_QUARTERS_OF_A_CHARACTER = ((0, 0), (1, 0), (0, 1), (1, 1))


@dataclass(frozen=True)
class Geometry:
    """Where the places of a board [height, width] lie in its picture, without labels.

    lines: pieces stand on the crossings of lines, else in cells. slanted: each row begins half a
    place further to the right than the one above, as on a Hex board.
    """

    height: int
    width: int
    scale: int
    lines: bool = False
    slanted: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """(columns, rows) of the picture in characters."""
        s = self.scale
        shift = s * (self.height - 1) if self.slanted else 0
        if self.lines:
            return 2 * s * self.width + 1 + shift, s * (self.height - 1) + 1 + s // 2 * 2
        return 2 * s * self.width + shift, s * self.height

    def centre(self, row: int, column: int) -> tuple[float, float]:
        """(x, y) of the middle of a place, in characters from the upper left corner."""
        s = self.scale
        x0, y0 = (s + 0.5, s // 2 + 0.5) if self.lines else (s, s / 2)
        return x0 + 2 * s * column + (s * row if self.slanted else 0), y0 + s * row

    def place_at(self, x: int, y: int) -> int | None:
        """The place, row * width + column, that a character belongs to; None outside."""
        row = _nearest(y + 0.5 - self.centre(0, 0)[1], self.scale, self.height)
        if row is None:
            return None
        column = _nearest(x + 0.5 - self.centre(row, 0)[0], 2 * self.scale, self.width)
        return None if column is None else row * self.width + column


def _nearest(offset: float, step: int, count: int) -> int | None:
    """The number of the nearest of `count` points, `step` apart; None beyond half a step."""
    number = math.floor(offset / step + 0.5)
    if number == count and offset == (count - 0.5) * step:
        return count - 1
    return number if 0 <= number < count else None


C = TypeVar("C")
Shape = dict[tuple[int, int], int]  # (x, y) of characters -> the sum of the quarters covered


def _in_disc(across: float, down: float) -> bool:
    return across * across + down * down < 1


def _in_ring(across: float, down: float) -> bool:
    return 0.2 < across * across + down * down < 1


def _in_cross(across: float, down: float) -> bool:
    return max(abs(across), abs(down)) < 0.92 and abs(abs(across) - abs(down)) < 0.3


_OUTLINES = {"disc": _in_disc, "ring": _in_ring, "cross": _in_cross}


@lru_cache
def shape(kind: str, reach: float, fraction_x: float, fraction_y: float) -> Shape:
    """The quarters that a `disc`, `ring` or `cross` covers.

    Its centre is at (fraction_x, fraction_y) of the character (0, 0); reach is its radius in widths
    of a character, which is taken to be half as wide as high.
    """
    inside, span = _OUTLINES[kind], int(reach) + 2
    covered: Shape = {}
    for y in range(-span, span + 1):
        for x in range(-span, span + 1):
            for bit, (right, low) in enumerate(_QUARTERS_OF_A_CHARACTER):
                across = (x + 0.25 + right / 2 - fraction_x) / reach
                down = 2 * (y + 0.25 + low / 2 - fraction_y) / reach
                if inside(across, down):
                    covered[x, y] = covered.get((x, y), 0) | 1 << bit
    return covered


class Canvas(Generic[C]):
    """Quarters in colours over a background, composed to characters.

    Colours are any hashable values; None shows the background.
    """

    def __init__(self) -> None:
        self._cells: dict[tuple[int, int], list[C | None]] = {}

    def stamp(self, shape: Shape, x: int, y: int, colour: C) -> None:
        """Paints a shape whose origin lies at the character (x, y)."""
        for (dx, dy), quarters in shape.items():
            cell = self._cells.setdefault((x + dx, y + dy), [None] * 4)
            for bit in range(4):
                if quarters >> bit & 1:
                    cell[bit] = colour

    def cells(self) -> Iterator[tuple[int, int, str, C | None, C | None]]:
        """The painted characters: (x, y, glyph, its colour, the colour behind).

        None stands for the background. A full character is a space on its colour, which looks well in
        every font.
        """
        for (x, y), quarters in self._cells.items():
            counts = Counter(quarters)
            front, *others = [colour for colour, _ in counts.most_common() if colour is not None]
            back = others[0] if others and None not in counts else None
            mask = sum(1 << bit for bit, colour in enumerate(quarters) if colour == front)
            if QUARTERS[mask] == FULL:
                yield x, y, " ", None, front
            else:
                yield x, y, QUARTERS[mask], front, back
