"""What a game is, and how its rules become native code; `engine.games` finds games by name.

Legend: H, W board height and width; A actions; C planes; G globals; S symmetries.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from engine.coords import Notation, VertexNotation
from engine.description import mistake_in
from engine.errors import UserError
from mcts import _core


@dataclass(frozen=True)
class Game:
    """A two-player zero-sum board game with full information.

    The rules are plain functions that numba can compile. `state` below is one record of the dtype
    `state`, which must have the int8 fields `to_move` (0 the first player, 1 the second) and
    `over` (1 when the game has ended). All values and scores are the *first player's*.

    reset(state)                  the initial position, with the standard rules and komi: every field
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
    `dihedral_symmetries` describes, for the symmetries of the rules and of the initial position.
    For people there are `rules_text` (one line), `naming` (how the actions are called; by default
    A1 ...), `players` (what the two sides are called) and `slanted` (each row is drawn half a place
    further right, as in Hex).

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
        mistake = mistake_in(self)
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
        """The rules as machine code, for the search core. Compiled on first use, then cached.

        Raises UserError when they cannot be compiled.
        """
        from engine.native import compile_game

        try:
            return compile_game(self)
        except Exception as error:
            reason = next((line for line in str(error).splitlines() if line.strip()), "")
            raise UserError(
                f"game '{self.name}' cannot be compiled, {type(error).__name__}: {reason}; "
                "`move37 check FILE` says where"
            ) from error


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
