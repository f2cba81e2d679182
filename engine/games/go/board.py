"""The board of Go: the record of a position, its stones and their chains.

Coordinates: an *action* is `row * w + column` with row 0 at the top, and `h * w` is the pass.
A *point* is the index into the padded board below, so that every point has four neighbours
and the edge needs no test. Height 3, width 3, W = wall:

    point  0  1  2  3        W W W W      Rows are w + 1 wide: the wall on the left of a row
           4  5  6  7        W . . .      is also the wall on the right of the row above.
           8  9 10 11        W . . .
          12 13 14 15        W . . .
          16 17 18 19 20     W W W W W

Chains are circular linked lists (`next_stone`) that share a `chain` number, the point of one
of their stones. For each chain we count *pseudo-liberties*: pairs (stone, empty neighbour).
The count is zero exactly when the chain has no liberty, and merging two chains adds two
numbers. A point p is the chain's last liberty exactly when every pseudo-liberty is at p,
that is when the count equals the number of p's neighbours in the chain.

Two choices keep the hot path free of unpredictable branches (docs/board.md measures them):
  * `around` counts the neighbours of each point by content, packed in one number; most questions
    (is this an eye, has a stone here room?) need only it;
  * points without a stone belong to chain 0, whose liberties nobody reads, so counting liberties
    of "all four neighbours" needs no test of what stands there.
"""

from typing import Any

import numba as nb
import numpy as np

EMPTY, BLACK, WHITE, WALL = 0, 1, 2, 3
NO_CHAIN = 0
NO_CHAIN_LIBERTIES = 16384  # less one for each edge with a stone: never counts down to zero
KO_SIMPLE, KO_POSITIONAL, KO_SITUATIONAL = 0, 1, 2
MAX_SIZE = 19
MAX_AREA = MAX_SIZE * MAX_SIZE
MAX_POINTS = (MAX_SIZE + 2) * (MAX_SIZE + 1) + 1

# `around` packs three counts, four bits each; a wall counts as a stone of both colours.
EMPTY_SHIFT = 8
AROUND_BLACK, AROUND_WHITE, AROUND_EMPTY = 1, 1 << 4, 1 << EMPTY_SHIFT

# Zobrist keys [colour, point]; the last one is the key of "White to move".
ZOBRIST = np.random.default_rng(37).integers(1, 2**63, (2, MAX_POINTS), dtype=np.uint64)
WHITE_TO_MOVE = np.uint64(0x9E3779B97F4A7C15)

# A part of the rules, for use in other parts; without the wrappers that Python and C would need to
# call it, the rules compile a fifth faster.
_WITHOUT_WRAPPERS: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
rule = nb.njit(nogil=True, error_model="numpy", forceinline=True, **_WITHOUT_WRAPPERS)


def max_moves(h: int, w: int) -> int:
    """Moves after which a game on h x w is scored as it stands."""
    return 2 * h * w + 80


def seen_words(h: int, w: int) -> int:
    """64-bit words of the filter over the history: a power of two, at least 8 bits a position."""
    return 1 << max(0, (max_moves(h, w) // 8 - 1).bit_length())


def state_dtype(h: int, w: int) -> np.dtype:
    """The record of a position on h rows of w points (see the module's docstring for the words)."""
    points = (h + 2) * (w + 1) + 1
    return np.dtype(
        [
            ("hash", np.uint64),  # Zobrist hash of the stones
            ("komi_half_points", np.int32),  # twice the komi, in White's favour
            ("prisoners", np.int32, (2,)),  # stones taken by Black, by White
            ("moves", np.int32),  # actions played, passes included
            ("empty_count", np.int32),
            ("history_length", np.int32),
            ("recent", np.uint16, (4,)),  # the last points played, newest first; 0 = none
            ("ko_point", np.uint16),  # where a simple ko may not be retaken, else 0
            ("to_move", np.int8),  # 0 Black, 1 White
            ("passes", np.int8),  # in a row
            ("over", np.int8),
            ("ko_rule", np.int8),
            ("suicide", np.int8),
            ("colour", np.int8, (points,)),
            ("vacated", np.int8, (points,)),  # bit c - 1: a stone of colour c was removed here
            ("around", np.int16, (points,)),  # what the four neighbours are, packed
            ("chain", np.uint16, (points,)),
            ("next_stone", np.uint16, (points,)),
            ("liberties", np.int16, (points,)),  # pseudo-liberties, valid at chain numbers
            ("stones", np.int16, (points,)),  # in the chain, valid at chain numbers
            ("empties", np.uint16, (h * w,)),  # the empty points in any order ...
            ("empty_index", np.uint16, (points,)),  # ... and where each stands in that list
            ("seen", np.uint64, (seen_words(h, w),)),  # a bit set for each hash in the history ...
            ("history", np.uint64, (max_moves(h, w) + 1,)),  # ... of the positions so far
        ],
        align=True,
    )


@rule
def point_of(w, action):
    return np.uint32((action // w + 1) * (w + 1) + action % w + 1)


@rule
def action_of(w, point):
    return (np.int64(point) // (w + 1) - 1) * w + np.int64(point) % (w + 1) - 1


@rule
def neighbour(w, point, direction):
    """The neighbour to the north, west, east or south (direction 0, 1, 2, 3)."""
    if direction == 0:
        return np.uint32(point - (w + 1))
    if direction == 1:
        return np.uint32(point - 1)
    if direction == 2:
        return np.uint32(point + 1)
    return np.uint32(point + (w + 1))


@rule
def around_colour(colour):
    return AROUND_BLACK if colour == BLACK else AROUND_WHITE


@rule
def empty_neighbours(state, point):
    return state.around[point] >> EMPTY_SHIFT


@rule
def stones_in_chain(state, w, point, chain):
    """How many of the point's neighbours belong to the chain."""
    count = 0
    for direction in range(4):
        count += state.chain[neighbour(w, point, direction)] == chain
    return count


@rule
def is_last_liberty(state, w, point, chain):
    return state.liberties[chain] == stones_in_chain(state, w, point, chain)


@rule
def put_stone(state, w, point, colour):
    """Puts a stone on an empty point and joins it to its neighbours; captures nothing."""
    state.empty_count -= 1
    last = state.empties[np.uint32(state.empty_count)]
    index = state.empty_index[point]
    state.empties[index] = last
    state.empty_index[last] = index

    state.colour[point] = colour
    state.hash ^= ZOBRIST[np.uint32(colour - 1), point]
    state.chain[point] = point
    state.next_stone[point] = point
    state.stones[point] = 1
    state.liberties[point] = empty_neighbours(state, point)
    change = around_colour(colour) - AROUND_EMPTY
    for direction in range(4):
        q = neighbour(w, point, direction)
        state.around[q] += change
        state.liberties[state.chain[q]] -= 1
    for direction in range(4):
        q = neighbour(w, point, direction)
        if state.colour[q] == colour and state.chain[q] != state.chain[point]:
            join_chains(state, state.chain[q], state.chain[point])


@rule
def join_chains(state, first, second):
    """Makes one chain of two; the larger one keeps its number."""
    kept, joined = first, second
    if state.stones[first] < state.stones[second]:
        kept, joined = second, first
    state.liberties[kept] += state.liberties[joined]
    state.stones[kept] += state.stones[joined]
    stone = joined
    while True:
        state.chain[stone] = kept
        stone = state.next_stone[stone]
        if stone == joined:
            break
    swap = state.next_stone[kept]
    state.next_stone[kept] = state.next_stone[joined]
    state.next_stone[joined] = swap


@rule
def remove_chain(state, w, chain):
    """Takes a chain off the board and returns how many stones it had."""
    colour = state.colour[chain]
    change = AROUND_EMPTY - around_colour(colour)
    count = state.stones[chain]
    stone = chain
    while True:
        following = state.next_stone[stone]
        state.colour[stone] = EMPTY
        state.chain[stone] = NO_CHAIN
        state.hash ^= ZOBRIST[np.uint32(colour - 1), stone]
        state.vacated[stone] |= colour
        index = np.uint32(state.empty_count)
        state.empties[index] = stone
        state.empty_index[stone] = index
        state.empty_count += 1
        for direction in range(4):
            q = neighbour(w, stone, direction)
            state.around[q] += change
            state.liberties[state.chain[q]] += 1
        stone = following
        if stone == chain:
            break
    return count


@rule
def clear_board(state, h, w):
    """The empty board, Black to move, with the rules and the komi as they are."""
    for p in range((h + 2) * (w + 1) + 1):
        state.colour[p] = WALL
        state.vacated[p] = 0
        state.around[p] = 0
        state.chain[p] = NO_CHAIN
        state.next_stone[p] = 0
        state.liberties[p] = 0
        state.stones[p] = 0
        state.empty_index[p] = 0
    state.liberties[NO_CHAIN] = NO_CHAIN_LIBERTIES
    for action in range(h * w):
        p = point_of(w, action)
        state.colour[p] = EMPTY
        state.empties[action] = p
        state.empty_index[p] = action
    for action in range(h * w):
        p = point_of(w, action)
        for direction in range(4):
            wall = state.colour[neighbour(w, p, direction)] == WALL
            state.around[p] += AROUND_BLACK + AROUND_WHITE if wall else AROUND_EMPTY
    state.empty_count = h * w
    state.hash = 0
    state.moves = 0
    state.prisoners[0] = 0
    state.prisoners[1] = 0
    for i in range(4):
        state.recent[i] = 0
    state.ko_point = 0
    state.to_move = 0
    state.passes = 0
    state.over = 0
    begin_history(state)


@rule
def begin_history(state):
    """Makes the position the first one of the superko history."""
    for i in range(len(state.seen)):
        state.seen[i] = 0
    state.history_length = 0
    remember_position(state)


@rule
def remember_position(state):
    """Adds the position to the superko history."""
    key = state.hash
    if state.ko_rule == KO_SITUATIONAL and state.to_move == 1:
        key ^= WHITE_TO_MOVE
    if state.history_length < len(state.history):
        state.history[np.uint32(state.history_length)] = key
        state.history_length += 1
        state.seen[seen_word(state, key)] |= np.uint64(1) << (key & np.uint64(63))


@rule
def seen_word(state, key):
    return np.uint32((key >> np.uint64(6)) & np.uint64(len(state.seen) - 1))


@rule
def was_seen(state, key):
    """Whether a key is in the superko history; the filter answers most questions."""
    if (state.seen[seen_word(state, key)] >> (key & np.uint64(63))) & np.uint64(1) == 0:
        return False
    for i in range(state.history_length):  # noqa: SIM110, numba has no such any()
        if state.history[np.uint32(i)] == key:
            return True
    return False


@rule
def setup_stone(state, w, action, colour):
    """Puts a setup stone (colour 1 or 2) or clears the point (0); history starts anew."""
    point = point_of(w, action)
    if state.colour[point] != EMPTY:
        # Take the whole chain off and put the other stones back.
        stones = np.empty(MAX_AREA, np.uint16)
        old = state.colour[point]
        count = 0
        stone = state.next_stone[point]
        while stone != point:
            stones[count] = stone
            count += 1
            stone = state.next_stone[stone]
        remove_chain(state, w, state.chain[point])
        for i in range(count):
            put_stone(state, w, np.uint32(stones[i]), np.int64(old))
    if colour != EMPTY:
        put_stone(state, w, point, np.int64(colour))
    state.vacated[:] = 0
    state.ko_point = 0
    begin_history(state)
