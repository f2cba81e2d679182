"""Tic-tac-toe: the smallest complete game, and the one to copy for a game of your own.

An action is the cell `3 * row + column`. The first player is 0, the second is 1.
"""

import numba as nb
import numpy as np

from engine.game import Game, dihedral_symmetries

STATE = np.dtype(
    [
        ("cells", np.int8, (9,)),  # 0 empty, 1 first player, 2 second player
        ("to_move", np.int8),
        ("over", np.int8),
        ("winner", np.int8),  # +1 the first player, -1 the second, 0 nobody
        ("moves", np.int8),
    ],
    align=True,
)


def reset(state):
    state.cells[:] = 0
    state.to_move = 0
    state.over = 0
    state.winner = 0
    state.moves = 0


def legal(state, mask):
    count = 0
    for cell in range(9):
        mask[cell] = state.cells[cell] == 0
        count += mask[cell]
    return count


@nb.njit
def has_line(cells, mark):
    for i in range(3):
        if cells[3 * i] == mark and cells[3 * i + 1] == mark and cells[3 * i + 2] == mark:
            return True
        if cells[i] == mark and cells[i + 3] == mark and cells[i + 6] == mark:
            return True
    if cells[4] != mark:
        return False
    return (cells[0] == mark and cells[8] == mark) or (cells[2] == mark and cells[6] == mark)


def play(state, action):
    mark = state.to_move + 1
    state.cells[action] = mark
    state.moves += 1
    if has_line(state.cells, mark):
        state.winner = 1 - 2 * state.to_move
        state.over = 1
    elif state.moves == 9:
        state.over = 1
    state.to_move = 1 - state.to_move


def outcome(state):
    return float(state.winner)


def position_hash(state):
    key = np.uint64(0)
    for cell in range(9):
        key = key * np.uint64(3) + np.uint64(state.cells[cell])
    return key


def encode(state, planes, globals_):
    own = state.to_move + 1
    for cell in range(9):
        planes[cell] = state.cells[cell] == own
        planes[9 + cell] = state.cells[cell] == 3 - own
        planes[18 + cell] = 1


def tic_tac_toe() -> Game:
    """The game, named `tic_tac_toe`."""
    return Game(
        name="tic_tac_toe",
        rules_text="Tic-tac-toe: three in a row on 3x3",
        state=STATE,
        shape=(3, 3),
        actions=9,
        planes=3,
        globals=0,
        max_moves=9,
        symmetries=dihedral_symmetries(3, 3),
        reset=reset,
        legal=legal,
        play=play,
        outcome=outcome,
        position_hash=position_hash,
        encode=encode,
    )
