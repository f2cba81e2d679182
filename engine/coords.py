"""The ways to name a place on the board; nothing else converts between them.

    system      type        upper left  lower left  pass  used by
    (row, col)  (int, int)  (0, 0)      (8, 0)      None  SGF library (it counts rows from below)
    action      int         0           72          81    games, nets, search: row * width + col
    vertex      str         A9          A1          pass  people, GTP: no letter I, row 1 below
    column      str         1           1           -     people, in games where discs fall

(for 9x9; the right-most column of 9x9 is J in vertices)
"""

from dataclasses import dataclass

import numpy as np

from engine.errors import UserError

COLUMN_LETTERS = "ABCDEFGHJKLMNOPQRSTUVWXYZ"


def _small_number(text: str) -> int:
    """The number that one or two digits spell, or 0 for any other text."""
    return int(text) if len(text) <= 2 and text.isascii() and text.isdigit() else 0


@dataclass(frozen=True)
class VertexNotation:
    """Actions as vertices such as `D5`; the action after the last point is `pass`."""

    height: int
    width: int

    def name(self, action: int) -> str:
        """The vertex of an action in [0, height * width]."""
        if action == self.height * self.width:
            return "pass"
        row, column = divmod(action, self.width)
        return f"{COLUMN_LETTERS[column]}{self.height - row}"

    def parse(self, text: str, legal_mask: np.ndarray) -> int:
        """The action that a vertex names, in upper or lower case.

        Raises UserError when it is not a vertex of this board or not legal (legal_mask [A] uint8).
        """
        word = text.strip().upper()
        last = f"{COLUMN_LETTERS[self.width - 1]}{self.height}"
        points = self.height * self.width
        if word == "PASS" and len(legal_mask) > points:
            action = points
        else:
            column = COLUMN_LETTERS.find(word[:1]) if word else -1
            number = _small_number(word[1:])
            if not 0 <= column < self.width or not 1 <= number <= self.height:
                raise UserError(f"'{text}' is not a point of this board: type A1 to {last}")
            action = (self.height - number) * self.width + column
        if not legal_mask[action]:
            raise UserError(f"'{text}' is not a legal move here")
        return action


@dataclass(frozen=True)
class ColumnNotation:
    """Actions as column numbers from 1, for games where at most one cell a column is legal."""

    height: int
    width: int

    def name(self, action: int) -> str:
        """The column of an action in [0, height * width), counted from 1."""
        return str(action % self.width + 1)

    def parse(self, text: str, legal_mask: np.ndarray) -> int:
        """The legal action in a column. Raises UserError when there is none."""
        word = text.strip()
        column = _small_number(word) - 1
        if not 0 <= column < self.width:
            raise UserError(f"'{text}' is not a column: type 1 to {self.width}")
        cells = np.flatnonzero(legal_mask[column :: self.width])
        if len(cells) == 0:
            raise UserError(f"'{text}' is not a legal move here: the column is full")
        return int(cells[0]) * self.width + column


Notation = VertexNotation | ColumnNotation
