"""Counting a finished game of Go."""

import numpy as np

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
)


@rule
def write_ownership(state, h, w, owner):
    """Area ownership [h * w], +1 Black, -1 White, 0 neither; returns Black's lead before komi.

    A point belongs to a colour that has a stone there or alone reaches it through empty points
    (Tromp-Taylor). Dead stones count as alive: play on, or remove them first.
    """
    region = np.empty(MAX_AREA, np.uint16)
    seen = np.zeros(MAX_POINTS, np.uint8)
    lead = 0
    for i in range(h * w):
        p = point_of(w, i)
        if state.colour[p] == BLACK:
            owner[i] = 1
            lead += 1
        elif state.colour[p] == WHITE:
            owner[i] = -1
            lead -= 1
        elif seen[p] == 0:
            size, checked, reached = 1, 0, 0
            region[0] = p
            seen[p] = 1
            while checked < size:
                here = region[checked]
                checked += 1
                for direction in range(4):
                    q = neighbour(w, here, direction)
                    if state.colour[q] == EMPTY:
                        if seen[q] == 0:
                            seen[q] = 1
                            region[size] = q
                            size += 1
                    elif state.colour[q] != WALL:
                        reached |= state.colour[q]
            who = 1 if reached == BLACK else (-1 if reached == WHITE else 0)
            for j in range(size):
                owner[action_of(w, region[j])] = who
            lead += who * size
    return lead


@rule
def black_score(state, h, w):
    """Black's margin in points, komi included."""
    owner = np.empty(MAX_AREA, np.int8)
    return write_ownership(state, h, w, owner) - 0.5 * state.komi_half_points
