"""What is wrong with the description of a game, before any of its rules is called."""

from __future__ import annotations

import re
from types import FunctionType
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from engine.game import Game

MOST_ACTIONS = 2**15 - 1  # records of games hold an action in 16 bits
ARGUMENTS = {
    "reset": 1, "legal": 2, "play": 2, "outcome": 1, "position_hash": 1, "encode": 3, "score": 2,
    "playout": 2, "vary": 2, "setup": 3,
}  # fmt: skip


def mistake_in(game: Game) -> str:
    """What the core or the nets could not work with, and what to do; empty if there is nothing."""
    parts = (_mistake_in_state, _mistake_in_rules, _mistake_in_sizes, _mistake_in_symmetries)
    return next((mistake for part in parts if (mistake := part(game))), "")


def _mistake_in_state(game: Game) -> str:
    fields = game.state.fields
    if fields is None or game.state.hasobject:
        return "its state must be a structured dtype of numbers, e.g. np.dtype([('to_move', np.int8)])"
    for field in ("to_move", "over"):
        if field not in fields:
            return f"its state lacks the field '{field}': add ('{field}', np.int8)"
        if fields[field][0] != np.int8:
            return f"the field '{field}' of its state is {fields[field][0]}: make it np.int8"
    return ""


def _mistake_in_rules(game: Game) -> str:
    for rule, count in ARGUMENTS.items():
        function = getattr(game, rule)
        if isinstance(function, FunctionType):
            given = function.__code__.co_argcount
            if given != count:
                return f"{rule} takes {given} arguments, but must take {count}; see engine.game.Game"
        elif function is not None:
            return f"{rule} must be a plain function: leave @njit out there, move37 compiles it"
    return ""


def _mistake_in_sizes(game: Game) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", game.name):
        return "its name must be of a-z, 0-9 and _, beginning with a letter"
    if min(game.shape) < 1 or game.planes < 2 or game.globals < 0 or game.max_moves < 1:
        return "shape and max_moves must be positive, globals 0 or more, and planes 2 or more"
    if not game.area <= game.actions <= MOST_ACTIONS:
        return (
            f"it has {game.actions} actions: there must be one for each of the {game.area} places of "
            f"the board, legal or not, before any further ones, and at most {MOST_ACTIONS}"
        )
    return ""


def _mistake_in_symmetries(game: Game) -> str:
    points, actions = (np.asarray(table) for table in game.symmetries)
    for what, table, length in (("points", points, game.area), ("actions", actions, game.actions)):
        identity, end = np.arange(length), length - 1
        name = f"the {what} table of its symmetries"
        if table.ndim != 2 or table.shape[1:] != (length,) or not np.array_equal(table[0], identity):
            return f"{name} must be [S, {length}] and begin with the identity 0 ... {end}"
        if not np.array_equal(np.sort(table, axis=1), np.tile(identity, (len(table), 1))):
            return f"each row of {name} must hold 0 ... {end} once"
    if len(points) != len(actions):
        return "its symmetries must have as many rows for points as for actions"
    return ""
