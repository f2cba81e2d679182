"""Random games of Go: uniformly random legal moves that fill no eyes."""

import numpy as np

from engine.games.go.board import BLACK, WALL, rule
from engine.games.go.rules import PASS, is_legal, play_point

NIBBLE = 15


@rule
def is_eye(state, w, point, colour):
    """Whether a playout should leave the point alone: a true single-point eye of `colour`."""
    around = state.around[point] if colour == BLACK else state.around[point] >> 4
    if around & NIBBLE != 4:
        return False
    walls, enemies = 0, 0
    for corner in (point - w - 2, point - w, point + w, point + w + 2):
        content = state.colour[np.uint32(corner)]
        walls += content == WALL
        enemies += content == 3 - colour
    return enemies == 0 if walls > 0 else enemies < 2


@rule
def random_playout(state, w, seed):
    """Plays to the end; returns the number of moves of the game."""
    rng = np.uint64(seed) * np.uint64(2) + np.uint64(1)
    while state.over == 0:
        colour = state.to_move + 1
        point = PASS
        untried = state.empty_count
        while untried > 0:
            rng ^= rng << np.uint64(13)
            rng ^= rng >> np.uint64(7)
            rng ^= rng << np.uint64(17)
            i = np.uint32((rng >> np.uint64(32)) * np.uint64(untried) >> np.uint64(32))
            p = state.empties[i]
            if not is_eye(state, w, p, colour) and is_legal(state, w, p):
                point = p
                break
            # Not playable now: move it behind the points still to be tried.
            untried -= 1
            other = state.empties[np.uint32(untried)]
            state.empties[i] = other
            state.empties[np.uint32(untried)] = p
            state.empty_index[other] = i
            state.empty_index[p] = untried
        play_point(state, w, point)
    return state.moves
