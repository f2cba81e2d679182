"""What a game is, and how its rules become native code; `engine.games` finds games by name.

Legend: H, W board height and width; A actions; C planes; G globals; S symmetries.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import FunctionType
from typing import Any

import numpy as np

from engine.coords import Notation, VertexNotation
from engine.errors import UserError
from mcts import _core


@dataclass(frozen=True)
class Game:
    """A two-player zero-sum board game with full information.

    The rules are plain functions that numba can compile. `state` below is one record of the dtype
    `state`, which must have the int8 fields `to_move` (0 the first player, 1 the second) and
    `over` (1 when the game has ended). All values and scores are the *first player's*.

    reset(state)                  the initial position, with the standard rules and komi
    legal(state, mask)            writes mask [A] uint8, 1 = legal; returns the number of legal actions
    play(state, action)           plays a legal action and sets `to_move` and `over`
    outcome(state)                +1 the first player won, -1 the second, 0 a draw; of a finished game
    position_hash(state)          uint64, equal for equal positions with the same side to move
    encode(state, planes, globals_)
                                  writes planes [C, H, W] uint8 and globals_ [G] float32 as seen by the
                                  side to move; plane 0 its pieces, plane 1 the opponent's
    score(state, ownership)       optional: the final margin; writes ownership [H, W] int8 in {-1, 0, 1}
    playout(state, seed)          optional: a fast random game to the end; returns its moves
    vary(state, seed)             optional: draws what is data in the rules, such as komi, for self-play
    setup(state, action, piece)   optional: edits the position; piece 0 none, 1 first, 2 second player's

    `max_moves` bounds the length of a game. `symmetries` are the index tables that
    `dihedral_symmetries` describes, for the symmetries of the rules and of the initial position. For people there are `rules_text` (one line), `naming` (how the
    actions are called; by default A1 ...), `players` (what the two sides are called) and `slanted`
    (each row is drawn half a place further right, as in Hex).

    Actions 0 ... H * W - 1 (or a multiple of H * W) are places on the board, so that nets can be
    size-agnostic; further ones, such as a pass, come behind.
    """

    name: str
    rules_text: str
    state: np.dtype
    shape: tuple[int, int]
    actions: int
    planes: int
    globals: int
    max_moves: int
    symmetries: tuple[np.ndarray, np.ndarray]
    reset: Callable[[Any], None]
    legal: Callable[[Any, Any], int]
    play: Callable[[Any, int], None]
    outcome: Callable[[Any], float]
    position_hash: Callable[[Any], int]
    encode: Callable[[Any, Any, Any], None]
    score: Callable[[Any, Any], float] | None = None
    playout: Callable[[Any, int], int] | None = None
    vary: Callable[[Any, int], None] | None = None
    setup: Callable[[Any, int, int], None] | None = None
    naming: Notation | None = None
    players: tuple[str, str] = ("X", "O")
    slanted: bool = False

    def __post_init__(self) -> None:
        """Raises UserError for a description that the core or the nets could not work with."""
        mistake = _mistake_in(self)
        if mistake:
            raise UserError(f"game '{self.name}': {mistake}")

    @property
    def area(self) -> int:
        """The number of places on the board, H * W."""
        return self.shape[0] * self.shape[1]

    @property
    def board_actions(self) -> int:
        """The number of actions that begin at a place, a multiple of the area; a pass is none."""
        return self.actions // self.area * self.area

    @property
    def notation(self) -> Notation:
        """How people name the actions."""
        return self.naming or VertexNotation(*self.shape)

    @property
    def family(self) -> str:
        """The name without its size: `go` for `go9` and `go13x9`. Nets fit a family and sizes."""
        return family_of(self.name)

    @cached_property
    def native(self) -> _core.Game:
        """The rules as machine code, for the search core. Compiled on first use, then cached."""
        from engine.native import compile_game

        return compile_game(self)


# How many arguments each rule takes.
_ARITY = {
    "reset": 1, "legal": 2, "play": 2, "outcome": 1, "position_hash": 1, "encode": 3, "score": 2,
    "playout": 2, "vary": 2, "setup": 3,
}  # fmt: skip
MOST_ACTIONS = 2**15 - 1  # records of games hold an action in 16 bits


def _mistake_in(game: Game) -> str:
    """What is wrong with the description of a game, and what to do; empty if nothing is."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", game.name):
        return "its name must be of a-z, 0-9 and _, beginning with a letter"
    fields = game.state.fields
    if fields is None or game.state.hasobject:
        return "its state must be a structured dtype of numbers, e.g. np.dtype([('to_move', np.int8)])"
    for field in ("to_move", "over"):
        if field not in fields:
            return f"its state lacks the field '{field}': add ('{field}', np.int8)"
        if fields[field][0] != np.int8:
            return f"the field '{field}' of its state is {fields[field][0]}: make it np.int8"
    for rule, count in _ARITY.items():
        function = getattr(game, rule)
        if isinstance(function, FunctionType):
            if function.__code__.co_argcount != count:
                given = function.__code__.co_argcount
                return f"{rule} takes {given} arguments, but must take {count}; see engine.game.Game"
        elif function is not None:
            return f"{rule} must be a plain function: leave @njit out there, move37 compiles it"
    if min(game.shape) < 1 or game.planes < 2 or game.globals < 0 or game.max_moves < 1:
        return "shape and max_moves must be positive, globals 0 or more, and planes 2 or more"
    if not game.area <= game.actions <= MOST_ACTIONS:
        return (
            f"it has {game.actions} actions: there must be one for each of the {game.area} places of "
            f"the board, legal or not, before any further ones, and at most {MOST_ACTIONS}"
        )
    points, actions = (np.asarray(table) for table in game.symmetries)
    for what, table, length in (("points", points, game.area), ("actions", actions, game.actions)):
        identity = np.arange(length)
        if table.ndim != 2 or table.shape[1:] != (length,) or not np.array_equal(table[0], identity):
            return (
                f"the {what} table of its symmetries must be [S, {length}] and begin with the identity "
                f"0 ... {length - 1}"
            )
        if not np.array_equal(np.sort(table, axis=1), np.tile(identity, (len(table), 1))):
            return f"each row of the {what} table of its symmetries must hold 0 ... {length - 1} once"
    if len(points) != len(actions):
        return "its symmetries must have as many rows for points as for actions"
    return ""


def family_of(name: str) -> str:
    """The family of the game of that name, as in `Game.family`."""
    return re.sub(r"\d+(x\d+)?$", "", name)


def dihedral_symmetries(
    height: int, width: int, extra_actions: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """The 8 rotations and reflections of a square board (4 of an oblong one, 2 of a line).

    Returns (points [S, H * W] int32, actions [S, H * W + extra_actions] int32) such that
    `seen[i] = original[points[s, i]]` is the board under symmetry s; symmetry 0 is the identity.
    """
    board = np.arange(height * width, dtype=np.int32).reshape(height, width)
    turns = range(4) if height == width else range(0, 4, 2)
    views = [np.rot90(flipped, k) for flipped in (board, np.fliplr(board)) for k in turns]
    distinct = {view.tobytes(): view for view in views}
    return symmetries_of_views(list(distinct.values()), extra_actions)


def mirror_symmetries(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """The identity and the left-right reflection, as in `dihedral_symmetries`."""
    board = np.arange(height * width, dtype=np.int32).reshape(height, width)
    return symmetries_of_views([board, np.fliplr(board)])


def symmetries_of_views(
    views: Sequence[np.ndarray], extra_actions: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Tables as in `dihedral_symmetries` from boards of place numbers, the identity first.

    The extra actions, such as a pass, stay as they are.
    """
    points = np.stack([view.ravel() for view in views]).astype(np.int32)
    count, area = points.shape
    extra = np.tile(np.arange(area, area + extra_actions, dtype=np.int32), (count, 1))
    return points, np.concatenate([points, extra], axis=1)
