"""The move that a player makes of its search."""

from __future__ import annotations

from engine.passing import is_open
from engine.position import Position
from mcts import Search


def choose_move(search: Search, position: Position) -> int:
    """The action that the search chooses, but in Go no pass while the board is open (see
    `engine.passing`). Raises RuntimeError for a search that has not begun."""
    action = int(search.core.choose(len(position.actions)))
    area = position.game.area
    if action != area or not is_open(position):
        return action
    others = (move.action for move in search.core.moves() if move.action != area)
    return int(next(others, action))
