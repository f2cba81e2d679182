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

GO_SIZES = range(2, 20)

# family -> (its sizes, the size of the name without a number)
_SIZED = {
    "go": (GO_SIZES, None),
    "othello": (range(4, 9, 2), 8),
    "gomoku": (range(5, 20), 15),
    "hex": (range(2, 20), 11),
    "breakthrough": (range(5, 9), 8),
}
_UNSIZED = ("tic_tac_toe", "connect_four")


def names() -> list[str]:
    """The names of the games that come with move37 and of those that installed packages bring."""
    sized = [
        family if size == default else f"{family}{size}"
        for family, (sizes, default) in _SIZED.items()
        for size in sizes
    ]
    return [*sized, *_UNSIZED, *own.installed_names()]


@cache
def load(name: str) -> Game:
    """The game of that name, or of a file `my_game.py`. Raises UserError when there is none."""
    if name.endswith(".py"):
        return own.load_file(name)
    match = re.fullmatch(r"([a-z_]+?)([1-9]\d*)?", name)
    family, number = match.groups() if match else ("", None)
    if family in _SIZED:
        sizes, default = _SIZED[family]
        size = int(number) if number else default
        if size in sizes:
            return _make(family, size)
        if number:
            step = " in steps of 2" if sizes.step == 2 else ""
            example = family if default else f"{family}9"
            raise UserError(
                f"game '{name}': {family.capitalize()} boards have {sizes[0]} to {sizes[-1]} rows"
                f"{step}, e.g. --game {example}"
            )
    if name in _UNSIZED:
        return _make(name)
    if name in own.installed_names():
        return own.load_installed(name)
    hint = did_you_mean(name, names())
    raise UserError(
        f"unknown game '{name}'{hint}; known: go5 ... go19, {', '.join([*list(_SIZED)[1:], *_UNSIZED])}, "
        "or the file of a game of your own, e.g. my_game.py"
    )


def _make(family: str, *size: int) -> Game:
    maker = getattr(import_module(f"engine.games.{family}"), family)
    return cast(Game, maker(*size))
