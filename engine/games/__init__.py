"""The games that come with move37, each a page of native rules, and how games are found by name.

The function `hex` in `hex.py` makes the game `hex`, or with a size the game `hex7`. Games of one's
own are named by their file, or by the installed package that brings them: see `engine.games.own`.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from typing import cast

from engine.errors import UserError, did_you_mean
from engine.game import Game
from engine.games import own
from engine.games.own import lasting_name

__all__ = ["GO_SIZES", "go_name", "lasting_name", "load", "names"]

GO_SIZES = range(1, 20)

# family -> (the sizes of its square boards, the size of the name without a number)
_SIZED = {
    "othello": (range(4, 9, 2), 8),
    "gomoku": (range(5, 20), 15),
    "hex": (range(2, 20), 11),
    "breakthrough": (range(5, 9), 8),
}
_UNSIZED = ("tic_tac_toe", "connect_four")


def names() -> list[str]:
    """The games that come with move37, Go on square boards only, and those of installed packages."""
    sized = [
        family if size == usual else f"{family}{size}"
        for family, (sizes, usual) in _SIZED.items()
        for size in sizes
    ]
    return [*(f"go{n}" for n in range(2, 20)), *sized, *_UNSIZED, *own.installed_names()]


def go_name(height: int, width: int) -> str:
    """The name of Go on a board of so many rows and columns: `go9`, or `go13x9` with 9 rows."""
    return f"go{width}" if height == width else f"go{width}x{height}"


@cache
def load(name: str) -> Game:
    """The game of that name, or of a file `my_game.py`. Raises UserError when there is none."""
    if name.endswith(".py"):
        return own.load_file(name)
    if match := re.fullmatch(r"go([1-9]\d*)(?:x([1-9]\d*))?", name):
        width, height = int(match[1]), int(match[2] or match[1])
        if width not in GO_SIZES or height not in GO_SIZES:
            raise UserError(f"game '{name}': Go boards have 1 to 19 rows and columns, e.g. go9, go13x9")
        return _make("go", height, width)
    match = re.fullmatch(r"([a-z]+)([1-9]\d*)?", name)
    if match and match[1] in _SIZED:
        sizes, usual = _SIZED[match[1]]
        size = int(match[2] or usual)
        if size not in sizes:
            known = ", ".join(map(str, sizes)) if len(sizes) < 5 else f"{sizes[0]} to {sizes[-1]}"
            raise UserError(f"game '{name}': {match[1]} has sizes {known}, e.g. {match[1]}{sizes[1]}")
        return _make(match[1], size)
    if name in _UNSIZED:
        return _make(name)
    if name in own.installed_names():
        return own.load_installed(name)
    hint = did_you_mean(name, names())
    raise UserError(
        f"unknown game '{name}'{hint}; known: go5 ... go19, {', '.join([*_SIZED, *_UNSIZED])}, or the "
        "file of a game of your own, e.g. my_game.py"
    )


def _make(family: str, *size: int) -> Game:
    maker = getattr(import_module(f"engine.games.{family}"), family)
    return cast(Game, maker(*size))
