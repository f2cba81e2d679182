"""When a pass makes no sense in Go: while the board is open.

Open is a board of which half is empty before half as many moves as it has points. A net that
learned from its own games has seen hopeless sides pass there, at no cost that it could notice, and
passes then too, where people expect a fight.
"""

from __future__ import annotations

import numpy as np

from engine.position import Position


def is_open(position: Position) -> bool:
    """Whether this is Go on an open board."""
    area = position.game.area
    if position.game.family != "go" or 2 * len(position.actions) >= area:
        return False
    return bool(2 * (position.pieces() == 0).sum() >= area)


def moves_to_search(position: Position) -> np.ndarray | None:
    """The moves to search at the root, [A] uint8; None for all.

    After a pass on an open board a second one would end the game, and a proof that it wins would
    end the search: it is left out.
    """
    area = position.game.area
    if not is_open(position) or position.actions[-1:] != [area]:
        return None
    moves: np.ndarray = position.legal_mask().copy()
    moves[area] = 0
    return moves if moves.any() else None
