"""The ways to name a place on the board; nothing else converts between them.

    system      type        upper left  lower left  pass  used by
    (row, col)  (int, int)  (0, 0)      (8, 0)      None  SGF library (it counts rows from below)
    action      int         0           72          81    games, nets, search: row * width + col
    vertex      str         A9          A1          pass  people, GTP: no letter I, row 1 below
    column      str         1           1           -     people, in games where discs fall
    move        str         a8-b7       a1-b2       -     people, in games where pieces move

(for 9x9; the right-most column of 9x9 is J in vertices. Games other than Go may count their rows
from above and use the letter I.)
"""

import re
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from engine.errors import UserError

COLUMN_LETTERS = "ABCDEFGHJKLMNOPQRSTUVWXYZ"
ALL_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _small_number(text: str) -> int:
    """The number that one or two digits spell, or 0 for any other text."""
    return int(text) if len(text) <= 2 and text.isascii() and text.isdigit() else 0


class Notation(Protocol):
    """How people name the actions of a game, and the columns and rows of its board."""

    @property
    def columns(self) -> list[str]:
        """The labels of the columns, from the left."""

    @property
    def rows(self) -> list[str]:
        """The labels of the rows, from above; empty where rows have no names."""

    def name(self, action: int) -> str:
        """What people call an action."""

    def place(self, action: int) -> int | None:
        """Where on the board, `row * width + column`, an action puts a piece; None for nowhere."""

    def origin(self, action: int) -> int | None:
        """Where on the board the piece that an action moves stands; None for a new piece."""

    def parse(self, text: str, legal_mask: np.ndarray) -> int:
        """The action that a text names; legal_mask is [A] uint8.

        Raises UserError when it names none, or one that is not legal.
        """


@dataclass(frozen=True)
class VertexNotation:
    """Actions as vertices such as `D5`; the action after the last point is `extra`, e.g. `pass`.

    letters name the columns. top_down: row 1 is at the top, as in Othello and Hex.
    """

    height: int
    width: int
    letters: str = COLUMN_LETTERS
    top_down: bool = False
    extra: str = "pass"

    @property
    def columns(self) -> list[str]:
        return list(self.letters[: self.width])

    @property
    def rows(self) -> list[str]:
        numbers = [str(number) for number in range(1, self.height + 1)]
        return numbers if self.top_down else numbers[::-1]

    def name(self, action: int) -> str:
        """The vertex of an action in [0, height * width]."""
        if action == self.height * self.width:
            return self.extra
        row, column = divmod(action, self.width)
        return f"{self.columns[column]}{self.rows[row]}"

    def place(self, action: int) -> int | None:
        """The action itself, if it is a point."""
        return action if action < self.height * self.width else None

    def origin(self, action: int) -> None:
        """None: every piece is a new one."""

    def parse(self, text: str, legal_mask: np.ndarray) -> int:
        """The action that a vertex names, in upper or lower case.

        Raises UserError when it is not a vertex of this board or not legal (legal_mask [A] uint8).
        """
        word = text.strip().upper()
        points = self.height * self.width
        if word == self.extra.upper() and len(legal_mask) > points:
            action = points
        else:
            column = self.letters.find(word[:1], 0, self.width) if word else -1
            number = _small_number(word[1:])
            if column < 0 or not 1 <= number <= self.height:
                last = f"{self.letters[self.width - 1]}{self.height}"
                raise UserError(f"'{text}' is not a point of this board: type A1 to {last}")
            row = number - 1 if self.top_down else self.height - number
            action = row * self.width + column
        if not legal_mask[action]:
            raise UserError(f"'{text}' is not a legal move here")
        return action


@dataclass(frozen=True)
class ColumnNotation:
    """Actions as column numbers from 1, for games where at most one cell a column is legal."""

    height: int
    width: int

    @property
    def columns(self) -> list[str]:
        return [str(column) for column in range(1, self.width + 1)]

    @property
    def rows(self) -> list[str]:
        return [""] * self.height

    def name(self, action: int) -> str:
        """The column of an action in [0, height * width), counted from 1."""
        return str(action % self.width + 1)

    def place(self, action: int) -> int | None:
        """The action itself: where the piece comes to rest."""
        return action

    def origin(self, action: int) -> None:
        """None: every piece is a new one."""

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


@dataclass(frozen=True)
class MoveNotation:
    """Actions `direction * height * width + place` as moves such as `a2-b3`, row 1 at the bottom.

    directions are (down, right) steps. `a2b3` and `a2xb3` are understood as well.
    """

    height: int
    width: int
    directions: tuple[tuple[int, int], ...]

    @property
    def columns(self) -> list[str]:
        return list(ALL_LETTERS[: self.width].lower())

    @property
    def rows(self) -> list[str]:
        return [str(number) for number in range(self.height, 0, -1)]

    def name(self, action: int) -> str:
        """Where the piece comes from and where it goes to; `-` for what is off the board."""
        target = self.place(action)
        return f"{self._square(self.origin(action))}-{'' if target is None else self._square(target)}"

    def place(self, action: int) -> int | None:
        """Where the piece goes to."""
        row, column = divmod(self.origin(action), self.width)
        down, right = self.directions[action // (self.height * self.width)]
        row, column = row + down, column + right
        inside = 0 <= row < self.height and 0 <= column < self.width
        return row * self.width + column if inside else None

    def origin(self, action: int) -> int:
        """Where the piece comes from."""
        return action % (self.height * self.width)

    def parse(self, text: str, legal_mask: np.ndarray) -> int:
        """The action that a move names, in upper or lower case.

        Raises UserError when it is not a move or not legal (legal_mask [A] uint8).
        """
        word = text.strip().lower()
        match = re.fullmatch(r"([a-z][0-9]{1,2})[-x]?([a-z][0-9]{1,2})", word, re.ASCII)
        actions = [a for a in np.flatnonzero(legal_mask).tolist() if match and self._says(a, match)]
        if actions:
            return int(actions[0])
        if match and all(self._is_square(part) for part in match.groups()):
            raise UserError(f"'{text}' is not a legal move here")
        last = f"{self.columns[-1]}{self.height}"
        raise UserError(f"'{text}' is not a move: type two places from a1 to {last}, such as a2-a3")

    def _square(self, place: int) -> str:
        row, column = divmod(place, self.width)
        return f"{self.columns[column]}{self.rows[row]}"

    def _is_square(self, word: str) -> bool:
        return word[0] in self.columns and word[1:] in self.rows

    def _says(self, action: int, match: re.Match[str]) -> bool:
        return self.name(action) == "-".join(match.groups())
