"""Othello on a square board of even size, 4x4 to 8x8.

An action is the place `n * row + column`, row 0 at the top; the one behind the last is the pass,
legal only when no disc can be placed. The game ends when neither side can place one, and the side
with more discs wins. The discs of a player are the bits of one word, bit `n * row + column`.
"""

import numba as nb
import numpy as np

from engine.coords import VertexNotation
from engine.game import Game, symmetries_of_views

SIZES = range(4, 9, 2)
DIRECTIONS = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
ONE = np.uint64(1)

STATE = np.dtype(
    [
        ("discs", np.uint64, (2,)),  # of the first player, of the second
        ("places", np.uint64),  # where the side to move can place a disc
        ("to_move", np.int8),
        ("over", np.int8),
    ],
    align=True,
)

rule = nb.njit(nogil=True)


@rule
def step(n, discs, down, right):
    """The discs moved one place in a direction; those that leave the board are gone."""
    board = ~np.uint64(0) >> (64 - n * n)
    left_column = board // ((ONE << n) - ONE)  # a one in every digit to the base 2 ** n
    shift = down * n + right
    moved = discs << shift if shift > 0 else discs >> -shift
    if right == 1:
        moved &= ~left_column
    if right == -1:
        moved &= ~(left_column << (n - 1))
    return moved & board


@rule
def places_for(n, own, theirs):
    """Where a disc flips some: at the empty end of a run of theirs that begins next to ours."""
    places = np.uint64(0)
    for down, right in DIRECTIONS:
        run = step(n, own, down, right) & theirs
        for _ in range(n - 3):
            run |= step(n, run, down, right) & theirs
        places |= step(n, run, down, right)
    return places & ~(own | theirs)


@rule
def flipped_by(n, disc, own, theirs):
    flipped = np.uint64(0)
    for down, right in DIRECTIONS:
        run, place = np.uint64(0), step(n, disc, down, right)
        while place & theirs:
            run |= place
            place = step(n, place, down, right)
        if place & own:
            flipped |= run
    return flipped


@rule
def play_action(state, n, action):
    mover, opponent = state.to_move, 1 - state.to_move
    if action < n * n:
        disc = ONE << action
        flipped = flipped_by(n, disc, state.discs[mover], state.discs[opponent])
        state.discs[mover] |= disc | flipped
        state.discs[opponent] &= ~flipped
    state.to_move = opponent
    state.places = places_for(n, state.discs[opponent], state.discs[mover])
    if not state.places and not places_for(n, state.discs[mover], state.discs[opponent]):
        state.over = 1


@rule
def is_set(word, i):
    return (word >> i) & ONE


@rule
def lead(state, n):
    """By how many discs the first player is ahead."""
    total = 0
    for i in range(n * n):
        total += int(is_set(state.discs[0], i)) - int(is_set(state.discs[1], i))
    return total


def othello(n: int = 8) -> Game:
    """The game on n x n, named `othello` for 8x8 and else `othello<n>`."""
    area, half = n * n, n // 2

    def reset(state):
        state.discs[0] = (ONE << (half * n - half)) | (ONE << (half * n + half - 1))
        state.discs[1] = (ONE << (half * n - half - 1)) | (ONE << (half * n + half))
        state.places = places_for(n, state.discs[0], state.discs[1])
        state.to_move = 0
        state.over = 0

    def legal(state, mask):
        count = 0
        for place in range(area):
            mask[place] = is_set(state.places, place)
            count += mask[place]
        mask[area] = count == 0
        return max(count, 1)

    def play(state, action):
        play_action(state, n, action)

    def score(state, ownership):
        for i in range(area):
            ownership[i] = np.int8(is_set(state.discs[0], i)) - np.int8(is_set(state.discs[1], i))
        return float(lead(state, n))

    def outcome(state):
        return float(np.sign(lead(state, n)))

    def position_hash(state):
        key = state.discs[0] * np.uint64(0x9E3779B97F4A7C15)
        key = (key ^ (key >> np.uint64(29)) ^ state.discs[1]) * np.uint64(0xBF58476D1CE4E5B9)
        return key ^ (key >> np.uint64(32)) ^ np.uint64(state.to_move)

    def encode(state, planes, globals_):
        own, theirs = state.discs[state.to_move], state.discs[1 - state.to_move]
        for i in range(area):
            planes[i] = is_set(own, i)
            planes[area + i] = is_set(theirs, i)
            planes[2 * area + i] = 1
            planes[3 * area + i] = is_set(state.places, i)

    board = np.arange(area).reshape(n, n)
    return Game(
        name="othello" if n == 8 else f"othello{n}",
        rules_text=f"Othello on {n}x{n}: most discs win",
        state=STATE,
        shape=(n, n),
        actions=area + 1,
        planes=4,
        globals=0,
        max_moves=2 * area,
        # The other four symmetries of the board would exchange the colours of the first discs.
        symmetries=symmetries_of_views([board, board.T, board[::-1, ::-1], board[::-1, ::-1].T], 1),
        naming=VertexNotation(n, n, top_down=True),
        players=("Black", "White"),
        reset=reset,
        legal=legal,
        play=play,
        outcome=outcome,
        score=score,
        position_hash=position_hash,
        encode=encode,
    )
