"""Hex on a rhombus of n x n hexagons, 2x2 to 19x19, with the swap rule.

An action is the place `n * row + column`; each row lies half a place further right than the one
above it, so (row, column) touches (row + 1, column - 1). The first player connects top and bottom,
the second left and right. As its first move the second player may swap: the stone on the board
becomes its own, mirrored across the long diagonal. That is the action behind the last place.
"""

import numba as nb
import numpy as np

from engine.coords import ALL_LETTERS, VertexNotation
from engine.game import Game, symmetries_of_views

SIZES = range(2, 20)
NEIGHBOURS = ((-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0))

rule = nb.njit(nogil=True)


def state_dtype(n: int) -> np.dtype:
    """The record of a position on n x n."""
    return np.dtype(
        [
            ("moves", np.int16),
            ("parent", np.int16, (n * n + 4,)),  # union-find of chains and of the four edges:
            ("cells", np.int8, (n * n,)),  # ... n * n top, + 1 bottom, + 2 left, + 3 right
            ("swap", np.int8),  # 1 when the rules have the swap
            ("to_move", np.int8),
            ("over", np.int8),
        ],
        align=True,
    )


@rule
def find(parent, node):
    """The representative of the chain, shortening the way to it."""
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@rule
def join(parent, a, b):
    parent[find(parent, a)] = find(parent, b)


@rule
def put_stone(state, n, player, action):
    """Puts a stone, joins it to its neighbours and edges, and ends the game when that connects."""
    row, column = action // n, action % n
    state.cells[action] = player + 1
    for down, right in NEIGHBOURS:
        r, c = row + down, column + right
        if 0 <= r < n and 0 <= c < n and state.cells[r * n + c] == player + 1:
            join(state.parent, action, r * n + c)
    along, edge = (column, n * n + 2) if player == 1 else (row, n * n)
    if along == 0:
        join(state.parent, action, edge)
    if along == n - 1:
        join(state.parent, action, edge + 1)
    state.over = find(state.parent, edge) == find(state.parent, edge + 1)


@rule
def may_swap(state):
    return state.swap == 1 and state.moves == 1


@rule
def clear_board(state, n):
    state.cells[:] = 0
    for node in range(n * n + 4):
        state.parent[node] = node


def hex(n: int = 11) -> Game:
    """The game on n x n, named `hex` for 11x11 and else `hex<n>`."""
    area = n * n

    def reset(state):
        clear_board(state, n)
        state.swap = 1
        state.moves = 0
        state.to_move = 0
        state.over = 0

    def legal(state, mask):
        count = 0
        for cell in range(area):
            mask[cell] = state.cells[cell] == 0
            count += mask[cell]
        mask[area] = may_swap(state)
        return count + mask[area]

    def play(state, action):
        if action == area:
            stone = 0
            while state.cells[stone] == 0:
                stone += 1
            clear_board(state, n)
            action = stone % n * n + stone // n
        put_stone(state, n, state.to_move, action)
        state.moves += 1
        state.to_move = 1 - state.to_move

    def outcome(state):
        return 2.0 * state.to_move - 1.0  # the last to move has won: a full board connects one

    def position_hash(state):
        key = np.uint64(4 * state.to_move)
        for cell in range(area):
            key = (key ^ np.uint64(state.cells[cell])) * np.uint64(0x100000001B3)
        return key

    def encode(state, planes, globals_):
        own = state.to_move + 1
        for cell in range(area):
            at_top_or_bottom = cell < n or cell >= area - n
            at_left_or_right = cell % n == 0 or cell % n == n - 1
            planes[cell] = state.cells[cell] == own
            planes[area + cell] = state.cells[cell] == 3 - own
            planes[2 * area + cell] = 1
            planes[3 * area + cell] = at_top_or_bottom if own == 1 else at_left_or_right
            planes[4 * area + cell] = at_left_or_right if own == 1 else at_top_or_bottom
        globals_[0] = may_swap(state)

    board = np.arange(area)
    return Game(
        name="hex" if n == 11 else f"hex{n}",
        rules_text=f"Hex on {n}x{n} with swap: first player top to bottom, second left to right",
        state=state_dtype(n),
        shape=(n, n),
        actions=area + 1,
        planes=5,
        globals=1,
        max_moves=area + 1,
        symmetries=symmetries_of_views([board, board[::-1]], extra_actions=1),
        naming=VertexNotation(n, n, letters=ALL_LETTERS, top_down=True, extra="swap"),
        players=("Red", "Blue"),
        slanted=True,
        reset=reset,
        legal=legal,
        play=play,
        outcome=outcome,
        position_hash=position_hash,
        encode=encode,
    )
