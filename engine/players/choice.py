"""The move that a player makes of its search."""

from __future__ import annotations

from engine.position import Position
from mcts import Search


def choose_move(search: Search, position: Position) -> int:
    """The action that the search chooses, but in Go no pass while the board is open.

    Open is a board of which half is empty before half as many moves as it has points. A net that
    learned from its own games has seen hopeless sides pass there, at no cost that it could notice,
    and passes then too, where people expect a fight. Raises RuntimeError for a search that has not
    begun.
    """
    action = int(search.core.choose(len(position.actions)))
    area = position.game.area
    if position.game.family != "go" or action != area:
        return action
    empty = (position.pieces() == 0).sum()
    if 2 * empty < area or 2 * len(position.actions) >= area:
        return action
    others = (move.action for move in search.core.moves() if move.action != area)
    return int(next(others, action))
