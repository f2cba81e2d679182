"""Draws the board of any game as text, in ASCII or with the colours of a terminal."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TextIO

from engine.game import Game
from engine.position import Position

_BLACK_STONE, _WHITE_STONE, _DOT, _CROSS = "\u25cf", "\u25cb", "\u00b7", "\u253c"


@dataclass(frozen=True)
class Style:
    """How a board looks: one-character marks, and SGR codes (empty for no colour)."""

    empty: str
    star: str
    pieces: tuple[str, str]  # the first player's, the second's
    board_colour: str = ""
    piece_colours: tuple[str, str] = ("", "")
    last_colour: str = ""


PLAIN = Style(".", "+", ("X", "O"))

_STONES = Style(_DOT, _CROSS, (_BLACK_STONE, _WHITE_STONE))
_LETTERS = Style(_DOT, _CROSS, ("X", "O"))
# On a board of its own colour both stones are filled, since an outline there reads as black.
_COLOURED_STONES = Style(
    _DOT, _CROSS, (_BLACK_STONE, _BLACK_STONE),
    board_colour="38;5;94;48;5;179", piece_colours=("38;5;16", "38;5;231"), last_colour="38;5;160",
)  # fmt: skip
_COLOURED_LETTERS = Style(_DOT, _CROSS, ("X", "O"), piece_colours=("1;31", "1;36"), last_colour="1")


def style_for(game: Game, output: TextIO, plain: bool = False) -> Style:
    """The best style that an output can show: PLAIN (ASCII) if asked for or not a terminal.

    The environment variable NO_COLOR turns colours off (https://no-color.org).
    """
    if plain or not output.isatty() or os.environ.get("TERM") == "dumb":
        return PLAIN
    has_stones = game.players == ("Black", "White")
    try:
        f"{_BLACK_STONE}{_WHITE_STONE}{_DOT}{_CROSS}".encode(output.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return PLAIN
    if os.environ.get("NO_COLOR"):
        return _STONES if has_stones else _LETTERS
    return _COLOURED_STONES if has_stones else _COLOURED_LETTERS


def star_points(height: int, width: int) -> set[int]:
    """The actions of the marked points of a Go board; none below 5x5."""
    small, middle = min(height, width), (height // 2, width // 2)
    edge = 3 if small >= 13 else 2
    rows, columns = (edge, height - 1 - edge), (edge, width - 1 - edge)
    points = {(row, column) for row in rows for column in columns} if small >= 7 else set()
    if height % 2 and width % 2 and small >= 5:
        points.add(middle)
        if small >= 15:
            points |= {(row, middle[1]) for row in rows} | {(middle[0], column) for column in columns}
    return {row * width + column for row, column in points}


def last_place(position: Position) -> int | None:
    """Where on the board [0, H * W) the last action went; None for a pass or at the start."""
    return position.game.notation.place(position.actions[-1]) if position.actions else None


def draw(position: Position, style: Style = PLAIN) -> str:
    """The board as lines of text without a final newline, the last move in brackets.

    Column labels stand above and below; row labels on both sides, where rows have names. The rows of
    a slanted board begin each one character further right.
    """
    game = position.game
    height, width = game.shape
    last = last_place(position)
    stars = star_points(height, width) if game.family in ("go", "gomoku") else set()
    columns, rows = game.notation.columns, game.notation.rows
    label_width, cell_width = max(map(len, rows)), max(map(len, columns))
    header = " " * label_width + "".join(f" {column:>{cell_width}}" for column in columns)
    colours = ("", *style.piece_colours)

    lines = [header]
    for row, pieces in enumerate(position.pieces()):
        text = ""
        for column, piece in enumerate(pieces):
            place = row * width + column
            empty = style.star if place in stars else style.empty
            mark = (empty, *style.pieces)[piece].rjust(cell_width)
            text += _gap(place, last, column == 0, style) + _paint(mark, colours[piece], style)
        text += _paint(")", style.last_colour, style) if last == row * width + width - 1 else " "
        board = _paint(text, style.board_colour, None)
        slant = " " * row if game.slanted else ""
        lines.append(f"{slant}{rows[row]:>{label_width}}{board}{rows[row]}".rstrip())
    return "\n".join([*lines, " " * height + header if game.slanted else header])


def _gap(place: int, last: int | None, first_column: bool, style: Style) -> str:
    """What stands before a place: a space, or a bracket next to the last move."""
    if last == place:
        return _paint("(", style.last_colour, style)
    if last is not None and last == place - 1 and not first_column:
        return _paint(")", style.last_colour, style)
    return " "


def _paint(text: str, colour: str, inside: Style | None) -> str:
    """Text in a colour, and after it the board's colour again when painted inside a board."""
    if not colour:
        return text
    board = inside.board_colour if inside else ""
    after = f"\x1b[0;{board}m" if board else "\x1b[0m"
    return f"\x1b[{colour}m{text}{after}"
