"""From places that were pointed at to a move."""

from __future__ import annotations

import numpy as np

from engine.errors import UserError
from engine.illegal import why_illegal
from engine.position import Position


def pick(position: Position, first: int | None, place: int) -> int | None:
    """The action meant by pointing at a place, or at one after another in games where pieces move.

    first: the place pointed at before, None at the beginning. Returns None when the place is that of
    a piece to move, so that it becomes the first. Raises UserError, in one line, for what cannot be
    played.
    """
    game = position.game
    notation, mask = game.notation, position.legal_mask()
    legal = [int(action) for action in np.flatnonzero(mask)]
    for action in legal:
        if notation.place(action) == place and notation.origin(action) == first:
            return action
    if any(notation.origin(action) == place for action in legal):
        return None
    where = f"{notation.columns[place % game.shape[1]]}{notation.rows[place // game.shape[1]]}"
    if first is not None:
        raise UserError(f"the piece cannot go to {where}: choose one of the marked places")
    if any(notation.origin(action) is not None for action in legal):
        raise UserError(f"there is no piece of yours at {where} that can move")
    if not all(notation.rows):  # a column is meant, wherever it is pointed at
        return notation.parse(notation.columns[place % game.shape[1]], mask)
    if position.pieces().flat[place]:
        raise UserError(f"{where} is occupied: choose an empty place")
    reason = why_illegal(position, place)
    raise UserError(f"{where} is not a legal move here" + (reason and f": {reason}"))


def targets(position: Position, first: int) -> set[int]:
    """The places to which the piece at a place can go."""
    notation = position.game.notation
    legal = np.flatnonzero(position.legal_mask())
    places = (notation.place(int(a)) for a in legal if notation.origin(int(a)) == first)
    return {place for place in places if place is not None}
