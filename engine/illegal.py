"""Why a move is not legal, for people."""

from __future__ import annotations

from engine.chains import chains, neighbours
from engine.position import Position


def why_illegal(position: Position, place: int) -> str:
    """What forbids a piece at a place, to be said after a colon; empty where the rules of the game
    give no such reason."""
    game, board = position.game, position.pieces()
    if board.flat[place]:
        return "the place is occupied"
    if game.family != "go":
        return ""
    mine = 1 + position.to_move
    board.flat[place] = mine
    for chain in chains(board):
        free = any(board.flat[beside] == 0 for at in chain for beside in neighbours(at, game.shape))
        captured = board.flat[chain[0]] != mine and not free
        if captured or (place in chain and free):
            return "it would repeat a position (ko)"
    return "it would be suicide"
