"""Breakthrough on a square board, 5x5 to 8x8: the first to reach the far row wins.

Each side begins with two rows of pieces, the first player's at the bottom. A piece moves one place
forward, straight or diagonally, onto an empty place, and diagonally also onto an opponent's piece,
which it takes. A side without pieces has lost; there are no draws, and there is always a move.

An action is `area * direction + place`: the place that the piece leaves, and one of six directions:
up and left, up, up and right (the first player's), down and left, down, down and right.
"""

import numba as nb
import numpy as np

from engine.coords import MoveNotation
from engine.game import Game, mirror_symmetries

SIZES = range(5, 9)
DIRECTIONS = ((-1, -1), (-1, 0), (-1, 1), (1, -1), (1, 0), (1, 1))  # (down, right)
MIRRORED = (2, 1, 0, 5, 4, 3)  # the directions with left and right exchanged

rule = nb.njit(nogil=True)


def state_dtype(n: int) -> np.dtype:
    """The record of a position on n x n."""
    return np.dtype(
        [
            ("cells", np.int8, (n * n,)),  # 0 empty, 1 first player, 2 second player
            ("pieces", np.int8, (2,)),  # left of the first player's, of the second's
            ("to_move", np.int8),
            ("over", np.int8),
        ],
        align=True,
    )


@rule
def write_legal_mask(state, n, mask):
    own, first_direction, count = state.to_move + 1, 3 * state.to_move, 0
    forward = -n if own == 1 else n
    for action in range(6 * n * n):
        mask[action] = 0
    for place in range(n * n):
        if state.cells[place] != own:
            continue
        column, ahead = place % n, place + forward
        action = first_direction * n * n + place
        mask[action] = column > 0 and state.cells[ahead - 1] != own
        mask[action + n * n] = state.cells[ahead] == 0
        mask[action + 2 * n * n] = column < n - 1 and state.cells[ahead + 1] != own
        count += mask[action] + mask[action + n * n] + mask[action + 2 * n * n]
    return count


@rule
def play_action(state, n, action):
    mover = state.to_move
    down, right = DIRECTIONS[action // (n * n)]
    place = action % (n * n)
    target = place + down * n + right
    if state.cells[target] != 0:
        state.pieces[1 - mover] -= 1
    state.cells[place] = 0
    state.cells[target] = mover + 1
    reached = target < n if mover == 0 else target >= n * n - n
    state.over = reached or state.pieces[1 - mover] == 0
    state.to_move = 1 - mover


def breakthrough(n: int = 8) -> Game:
    """The game on n x n, named `breakthrough` for 8x8 and else `breakthrough<n>`."""
    area = n * n

    def reset(state):
        state.cells[:] = 0
        state.cells[: 2 * n] = 2
        state.cells[area - 2 * n :] = 1
        state.pieces[:] = 2 * n
        state.to_move = 0
        state.over = 0

    def legal(state, mask):
        return write_legal_mask(state, n, mask)

    def play(state, action):
        play_action(state, n, action)

    def outcome(state):
        return 2.0 * state.to_move - 1.0  # the last to move has won

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
            planes[3 * area + cell] = own == 1  # which way is forward

    points, _ = mirror_symmetries(n, n)
    mirrored = np.concatenate([direction * area + points[1] for direction in MIRRORED])
    return Game(
        name="breakthrough" if n == 8 else f"breakthrough{n}",
        rules_text=f"Breakthrough on {n}x{n}: the first to reach the far row",
        state=state_dtype(n),
        shape=(n, n),
        actions=6 * area,
        planes=4,
        globals=0,
        max_moves=2 * n * (2 * n - 5) + 1,  # each move brings a piece a row forward
        symmetries=(points, np.stack([np.arange(6 * area), mirrored]).astype(np.int32)),
        naming=MoveNotation(n, n, DIRECTIONS),
        players=("White", "Black"),
        reset=reset,
        legal=legal,
        play=play,
        outcome=outcome,
        position_hash=position_hash,
        encode=encode,
    )
