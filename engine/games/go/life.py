"""Which stones and points of Go can never be lost: Benson's unconditional life.

D. B. Benson, "Life in the game of Go", Information Sciences 10 (1976). A *region* of a colour is a
connected set of points without stones of that colour. It is *vital* to a chain that touches all of
the region's empty points: the opponent can never fill it without taking the chain first. Chains
with two vital regions each, in regions that only such chains enclose, live even if their owner
always passes. They are what is left when one strikes out, over and over, the chains with fewer
than two vital regions and then the regions that a struck chain touches.
"""

from collections.abc import Callable
from functools import cache

import numpy as np

from engine.game import Game
from engine.games.go.board import (
    BLACK,
    EMPTY,
    MAX_AREA,
    MAX_POINTS,
    WALL,
    WHITE,
    action_of,
    neighbour,
    point_of,
    rule,
    state_dtype,
    stones_in_chain,
)
from engine.native import compile_question


def pass_alive(game: Game, state: np.ndarray) -> np.ndarray:
    """Who owns what for ever in a state of Go: [H, W] int8, as `write_pass_alive` gives it."""
    owner = np.empty(game.shape, np.int8)
    native_pass_alive(*game.shape)(state.ctypes.data, owner.ctypes.data)
    return owner


@cache
def native_pass_alive(h: int, w: int) -> Callable[[int, int], None]:
    """`write_pass_alive` for one size; compiled on first use, then cached on disk."""

    def write(state, owner):
        write_pass_alive(state, h, w, owner)

    return compile_question(state_dtype(h, w), write)


@rule
def write_pass_alive(state, h, w, owner):
    """Writes owner [h * w] int8: +1 Black's for ever, -1 White's, 0 all other points.

    For ever: whatever the opponent plays, if stones of one's own are never put there (Benson). The
    stones of such chains belong to it, and the regions that are vital to one of them, with any
    stones of the opponent inside.
    """
    for i in range(h * w):
        owner[i] = 0
    for colour in range(BLACK, WHITE + 1):
        mark_pass_alive(state, h, w, colour, owner)


@rule
def mark_pass_alive(state, h, w, colour, owner):
    """Marks the points of one colour, as `write_pass_alive` says."""
    points = np.empty(MAX_AREA, np.uint16)  # the points of all regions, region by region
    ends = np.empty(MAX_AREA, np.uint16)  # where each region's points end
    regions = find_regions(state, h, w, colour, points, ends)
    enclosed = np.ones(MAX_AREA, np.uint8)  # by region: no chain around it is struck out
    alive = np.ones(MAX_POINTS, np.uint8)  # by chain: not struck out
    vital = np.empty(MAX_POINTS, np.uint16)  # by chain: its vital regions
    chains = np.zeros(MAX_AREA, np.uint16)  # by region: the chains it is vital to
    while True:
        vital[:] = 0
        for region in range(regions):
            if enclosed[region]:
                first, end = first_of(ends, region), ends[region]
                chains[region] = count_vital(state, w, colour, points, first, end, vital)
        if not strike_chains(state, h, w, colour, vital, alive):
            break
        for region in range(regions):
            for i in range(first_of(ends, region), ends[region]):
                enclosed[region] &= touches_no_struck(state, w, points[i], colour, alive)
    sign = 1 if colour == BLACK else -1
    for i in range(h * w):
        p = point_of(w, i)
        if state.colour[p] == colour and alive[state.chain[p]]:
            owner[i] = sign
    for region in range(regions):
        if enclosed[region] and chains[region] > 0:
            for i in range(first_of(ends, region), ends[region]):
                owner[action_of(w, points[i])] = sign


@rule
def strike_chains(state, h, w, colour, vital, alive):
    """Strikes out the chains with fewer than two vital regions; returns whether there were any."""
    struck = False
    for i in range(h * w):
        p = point_of(w, i)
        if state.chain[p] == p and state.colour[p] == colour and alive[p] and vital[p] < 2:
            alive[p] = 0
            struck = True
    return struck


@rule
def touches_no_struck(state, w, point, colour, alive):
    """Whether all stones of the colour beside the point are of chains that are not struck out."""
    for direction in range(4):
        q = neighbour(w, point, direction)
        if state.colour[q] == colour and not alive[state.chain[q]]:
            return False
    return True


@rule
def first_of(ends, region):
    """Where the points of a region begin."""
    return 0 if region == 0 else np.int64(ends[region - 1])


@rule
def find_regions(state, h, w, colour, points, ends):
    """Writes the regions of a colour, each beginning with an empty point; returns their number."""
    seen = np.zeros(MAX_POINTS, np.uint8)
    regions, size, checked = 0, 0, 0
    for i in range(h * w):
        p = point_of(w, i)
        if state.colour[p] != EMPTY or seen[p]:
            continue
        seen[p] = 1
        points[size] = p
        size += 1
        while checked < size:
            here = points[checked]
            checked += 1
            for direction in range(4):
                q = neighbour(w, here, direction)
                if state.colour[q] != colour and state.colour[q] != WALL and not seen[q]:
                    seen[q] = 1
                    points[size] = q
                    size += 1
        ends[regions] = size
        regions += 1
    return regions


@rule
def count_vital(state, w, colour, points, first, end, vital):
    """Adds one to `vital` for each chain to which a region is vital; returns how many there are.

    Such a chain touches every empty point of the region, so it is one of those at its first point.
    """
    chains = 0
    for direction in range(4):
        q = neighbour(w, points[first], direction)
        chain = state.chain[q]
        if state.colour[q] != colour:
            continue
        is_vital = True
        for earlier in range(direction):
            is_vital &= state.chain[neighbour(w, points[first], earlier)] != chain
        for i in range(first, end):
            if state.colour[points[i]] == EMPTY:
                is_vital &= stones_in_chain(state, w, points[i], chain) > 0
        if is_vital:
            vital[chain] += 1
            chains += 1
    return chains
