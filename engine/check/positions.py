"""What the rules say of one position, and what one action may change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.check.guarded import Guarded, MistakeError, Rules

NO_ACTION = "legal knows no action, but the game is not over: set over, or have a pass"


@dataclass(frozen=True)
class Seen:
    """All that the rules say about a state."""

    to_move: int
    over: bool
    legal: np.ndarray  # [A] uint8
    planes: np.ndarray  # [C, H * W] uint8
    globals_: np.ndarray  # [G] float32
    key: int
    outcome: float | None

    def pieces(self, player: int) -> np.ndarray:
        """Where the player's pieces are, [H * W] bool."""
        own: np.ndarray = self.planes[0 if player == self.to_move else 1] != 0
        return own

    def same_position(self) -> tuple[Any, ...]:
        """What must be equal in equal positions."""
        arrays = (self.legal, self.planes, self.globals_)
        return (self.to_move, self.over, *(array.tobytes() for array in arrays))


def look(rules: Rules, state: Guarded) -> Seen:
    """Asks the rules everything about a state. Raises MistakeError for an answer out of range."""
    game = rules.game
    record = state.bytes.view(game.state)
    to_move, over = int(record["to_move"][0]), int(record["over"][0])
    if to_move not in (0, 1) or over not in (0, 1):
        raise MistakeError(f"to_move is {to_move} and over is {over}: each must be 0 or 1")
    legal, count = np.zeros(game.actions, np.uint8), 0
    if not over:
        count, (legal,) = rules.filled("legal", state, (game.actions, np.uint8))
    if legal.max() > 1:
        raise MistakeError(f"legal writes {legal.max()} for action {legal.argmax()}: write 1 or 0")
    if count != legal.sum():
        raise MistakeError(f"legal returns {count}, but {legal.sum()} actions are 1 in its mask")
    if not over and count == 0:
        raise MistakeError(NO_ACTION)
    buffers = (game.planes * game.area, np.uint8), (game.globals, np.float32)
    _, (planes, globals_) = rules.filled("encode", state, *buffers)
    if planes.max() > 1:
        where = int(planes.argmax())
        raise MistakeError(
            f"encode writes {planes[where]} on plane {where // game.area}: planes hold 0 or 1, other "
            "numbers belong in globals"
        )
    if not np.isfinite(globals_).all():
        raise MistakeError(f"encode writes {globals_.tolist()} as globals: numbers must be finite")
    planes = planes.reshape(game.planes, game.area)
    if np.any(planes[0] & planes[1]):
        raise MistakeError(
            "encode marks a place on both planes 0 and 1: a piece is the mover's or the opponent's"
        )
    outcome = float(rules("outcome", state)) if over else None
    if outcome not in (None, -1.0, 0.0, 1.0):
        raise MistakeError(f"outcome is {outcome}: it must be +1, 0 or -1")
    if over and game.score is not None:
        margin, (ownership,) = rules.filled("score", state, (game.area, np.int8))
        if np.sign(margin) != outcome or np.abs(ownership.astype(int)).max() > 1:
            raise MistakeError(
                f"score is {margin:g} where outcome is {outcome:g}: both are the first player's, and "
                "ownership is +1, 0 or -1"
            )
    keys = [int(rules("position_hash", state)) for _ in range(2)]
    if keys[0] != keys[1]:
        raise MistakeError("position_hash answers differently when asked again: it must not be random")
    return Seen(to_move, bool(over), legal, planes, globals_, keys[0], outcome)


def after(rules: Rules, state: Guarded, seen: Seen, action: int) -> tuple[Guarded, Seen]:
    """The state after an action, and what the rules say about it."""
    following = Guarded(rules.game.state.itemsize, np.uint8)
    following.bytes[:] = state.bytes
    rules("play", following, action)
    if following.bytes.tobytes() == state.bytes.tobytes():
        raise MistakeError(
            f"legal allows action {action}, but play changes nothing: one of them is wrong"
        )
    result = look(rules, following)
    mover = seen.to_move
    gained = result.pieces(1 - mover) & ~seen.pieces(1 - mover)
    if gained.any():
        raise MistakeError(
            f"after action {action} of player {mover} the opponent has a new piece at place "
            f"{int(np.flatnonzero(gained)[0])}: encode must write the pieces of the side to move on "
            "plane 0 and the others on plane 1, and play must change to_move"
        )
    same_board = all(np.array_equal(result.pieces(p), seen.pieces(p)) for p in (0, 1))
    if same_board and action < rules.game.board_actions:
        raise MistakeError(
            f"legal allows action {action}, but play leaves the board as it was: is the place taken?"
        )
    return following, result
