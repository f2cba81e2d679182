"""The games that come with move37, each a page of native rules, and how they are found by name."""

from __future__ import annotations

import re
from functools import cache

from engine.errors import UserError, did_you_mean
from engine.game import Game

GO_SIZES = range(1, 20)


def names() -> list[str]:
    """The names of the games that come with move37."""
    return [f"go{n}" for n in range(2, 20)] + ["tic_tac_toe", "connect_four"]


@cache
def load(name: str) -> Game:
    """The game of that name. Raises UserError for an unknown one."""
    if match := re.fullmatch(r"go([1-9]\d*)(?:x([1-9]\d*))?", name):
        width, height = int(match[1]), int(match[2] or match[1])
        if width not in GO_SIZES or height not in GO_SIZES:
            raise UserError(f"game '{name}': Go boards have 1 to 19 rows and columns, e.g. go9, go13x9")
        from engine.games.go import go

        return go(height, width)
    if name == "tic_tac_toe":
        from engine.games.tic_tac_toe import tic_tac_toe

        return tic_tac_toe()
    if name == "connect_four":
        from engine.games.connect_four import connect_four

        return connect_four()
    hint = did_you_mean(name, names())
    raise UserError(f"unknown game '{name}'{hint}; known: go5 ... go19, tic_tac_toe, connect_four")
