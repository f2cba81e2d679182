"""Gomoku: five in a row on a square board, 5x5 to 19x19.

An action is the place `n * row + column`, row 0 at the top. In the freestyle game, the default,
five or more in a row win; with `exactly_five` set, the standard game, six and more do not count.
"""

import numba as nb
import numpy as np

from engine.coords import ALL_LETTERS, VertexNotation
from engine.game import Game, dihedral_symmetries

SIZES = range(5, 20)
DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))

rule = nb.njit(nogil=True)


def state_dtype(n: int) -> np.dtype:
    """The record of a position on n x n."""
    return np.dtype(
        [
            ("moves", np.int16),
            ("cells", np.int8, (n * n,)),  # 0 empty, 1 first player, 2 second player
            ("exactly_five", np.int8),  # 1 in the standard game: six in a row do not win
            ("to_move", np.int8),
            ("over", np.int8),
            ("winner", np.int8),  # +1 the first player, -1 the second, 0 nobody
        ],
        align=True,
    )


@rule
def run_length(cells, n, action, down, right):
    """How many stones like the one at the action follow it in one direction."""
    length = 0
    row, column = action // n + down, action % n + right
    while 0 <= row < n and 0 <= column < n and cells[row * n + column] == cells[action]:
        length += 1
        row += down
        column += right
    return length


@rule
def wins(state, n, action):
    """Whether the stone at the action completes a row."""
    for down, right in DIRECTIONS:
        length = 1 + run_length(state.cells, n, action, down, right)
        length += run_length(state.cells, n, action, -down, -right)
        if length == 5 or (length > 5 and not state.exactly_five):
            return True
    return False


def gomoku(n: int = 15) -> Game:
    """The game on n x n, named `gomoku` for 15x15 and else `gomoku<n>`."""
    area = n * n

    def reset(state):
        state.cells[:] = 0
        state.exactly_five = 0
        state.moves = 0
        state.to_move = 0
        state.over = 0
        state.winner = 0

    def legal(state, mask):
        for cell in range(area):
            mask[cell] = state.cells[cell] == 0
        return area - state.moves

    def play(state, action):
        state.cells[action] = state.to_move + 1
        state.moves += 1
        if wins(state, n, action):
            state.winner = 1 - 2 * state.to_move
            state.over = 1
        elif state.moves == area:
            state.over = 1
        state.to_move = 1 - state.to_move

    def outcome(state):
        return float(state.winner)

    def position_hash(state):
        key = np.uint64(4 * state.to_move)
        for cell in range(area):
            key = (key ^ np.uint64(state.cells[cell])) * np.uint64(0x100000001B3)
        return key

    def encode(state, planes, globals_):
        own = state.to_move + 1
        for cell in range(area):
            planes[cell] = state.cells[cell] == own
            planes[area + cell] = state.cells[cell] == 3 - own
            planes[2 * area + cell] = 1
        globals_[0] = state.exactly_five

    return Game(
        name="gomoku" if n == 15 else f"gomoku{n}",
        rules_text=f"Gomoku on {n}x{n}: five or more in a row",
        state=state_dtype(n),
        shape=(n, n),
        actions=area,
        planes=3,
        globals=1,
        max_moves=area,
        symmetries=dihedral_symmetries(n, n),
        naming=VertexNotation(n, n, letters=ALL_LETTERS),
        players=("Black", "White"),
        reset=reset,
        legal=legal,
        play=play,
        outcome=outcome,
        position_hash=position_hash,
        encode=encode,
    )
