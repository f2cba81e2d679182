"""Connect Four on six rows and seven columns.

An action is the cell `7 * row + column` (row 0 at the top) where the disc comes to rest, so at
most one cell of each column is legal; players name the column alone.
"""

import numba as nb
import numpy as np

from engine.coords import ColumnNotation
from engine.game import Game, mirror_symmetries

ROWS, COLUMNS = 6, 7
CELLS = ROWS * COLUMNS

STATE = np.dtype(
    [
        ("cells", np.int8, (CELLS,)),  # 0 empty, 1 first player, 2 second player
        ("height", np.int8, (COLUMNS,)),  # discs in each column
        ("to_move", np.int8),
        ("over", np.int8),
        ("winner", np.int8),  # +1 the first player, -1 the second, 0 nobody
        ("moves", np.int8),
    ],
    align=True,
)


def reset(state):
    state.cells[:] = 0
    state.height[:] = 0
    state.to_move = 0
    state.over = 0
    state.winner = 0
    state.moves = 0


def legal(state, mask):
    count = 0
    for cell in range(CELLS):
        mask[cell] = 0
    for column in range(COLUMNS):
        if state.height[column] < ROWS:
            mask[(ROWS - 1 - state.height[column]) * COLUMNS + column] = 1
            count += 1
    return count


@nb.njit
def run_length(cells, action, down, right, mark):
    """How many of the mark's discs follow the cell in one direction."""
    length = 0
    row, column = action // COLUMNS + down, action % COLUMNS + right
    while 0 <= row < ROWS and 0 <= column < COLUMNS and cells[row * COLUMNS + column] == mark:
        length += 1
        row += down
        column += right
    return length


@nb.njit
def completes_four(cells, action, mark):
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        ahead = run_length(cells, action, down, right, mark)
        behind = run_length(cells, action, -down, -right, mark)
        if ahead + behind >= 3:
            return True
    return False


def play(state, action):
    mark = state.to_move + 1
    state.cells[action] = mark
    state.height[action % COLUMNS] += 1
    state.moves += 1
    if completes_four(state.cells, action, mark):
        state.winner = 1 - 2 * state.to_move
        state.over = 1
    elif state.moves == CELLS:
        state.over = 1
    state.to_move = 1 - state.to_move


def outcome(state):
    return float(state.winner)


def position_hash(state):
    key = np.uint64(0)
    for cell in range(CELLS):
        key = (key ^ np.uint64(state.cells[cell])) * np.uint64(0x100000001B3)
    return key


def encode(state, planes, globals_):
    own = state.to_move + 1
    for cell in range(CELLS):
        planes[cell] = state.cells[cell] == own
        planes[CELLS + cell] = state.cells[cell] == 3 - own
        planes[2 * CELLS + cell] = 1


def connect_four() -> Game:
    """The game, named `connect_four`."""
    return Game(
        name="connect_four",
        rules_text="Connect Four: four in a row on 6x7, discs fall",
        state=STATE,
        shape=(ROWS, COLUMNS),
        actions=CELLS,
        planes=3,
        globals=0,
        max_moves=CELLS,
        symmetries=mirror_symmetries(ROWS, COLUMNS),
        naming=ColumnNotation(ROWS, COLUMNS),
        reset=reset,
        legal=legal,
        play=play,
        outcome=outcome,
        position_hash=position_hash,
        encode=encode,
    )
