"""What the net sees of a position of Go."""

import numpy as np

from engine.games.go.board import (
    EMPTY,
    KO_POSITIONAL,
    KO_SITUATIONAL,
    WHITE,
    action_of,
    neighbour,
    rule,
)
from engine.games.go.rules import PASS, fate_of_stone, is_beyond_ko, is_ko, is_possible

PLANES = 14
GLOBALS = 5
KOMI_SCALE = 10.0
KO_PLANE, RECENT_PLANE = 8, 9


@rule
def liberties_up_to_three(state, w, chain):
    """The true liberties of a chain: 1, 2, or 3 for any more."""
    pseudo = state.liberties[chain]
    if state.stones[chain] == 1 or pseudo > 8:  # each liberty counts at most four times
        return min(pseudo, 3)
    first, second = 0, 0
    stone = chain
    while True:
        for direction in range(4):
            q = neighbour(w, stone, direction)
            if state.colour[q] == EMPTY and q not in (first, second):
                if first == 0:
                    first = q
                elif second == 0:
                    second = q
                else:
                    return 3
        stone = state.next_stone[stone]
        if stone == chain:
            return 2 if second != 0 else 1


@rule
def write_planes(state, h, w, planes, globals_):
    """Input planes [PLANES, h, w] uint8 and globals [GLOBALS] float32, for the side to move.

    planes: 0-1 stones (own, opponent's); 2-4 own chains with 1, 2, 3+ liberties; 5-7 the
    opponent's; 8 points forbidden by ko alone; 9-12 the last four moves; 13 ones.
    globals: komi in the mover's favour / 10; the last move was a pass; positional superko;
    situational superko; suicide allowed.
    """
    area = h * w
    own = state.to_move + 1
    for i in range((PLANES - 1) * area):
        planes[i] = 0
    for i in range((PLANES - 1) * area, PLANES * area):
        planes[i] = 1
    if state.empty_count < area:
        write_chains(state, h, w, own, planes)
    if state.prisoners[0] + state.prisoners[1] > 0:  # else no position can come again
        write_forbidden(state, h, w, own, planes)
    for i in range(4):
        if state.recent[i] != PASS:
            planes[(RECENT_PLANE + i) * area + action_of(w, state.recent[i])] = 1

    komi = 0.5 * state.komi_half_points / KOMI_SCALE
    globals_[0] = komi if own == WHITE else -komi
    globals_[1] = 1.0 if state.passes > 0 else 0.0
    globals_[2] = 1.0 if state.ko_rule == KO_POSITIONAL else 0.0
    globals_[3] = 1.0 if state.ko_rule == KO_SITUATIONAL else 0.0
    globals_[4] = float(state.suicide)


@rule
def write_forbidden(state, h, w, own, planes):
    """The plane of the points that only the ko rule forbids."""
    for i in range(state.empty_count):
        p = state.empties[i]
        if p == state.ko_point or not is_beyond_ko(state, p, own):
            fate = fate_of_stone(state, w, p, own)
            if is_possible(state, fate) and is_ko(state, w, p, own, fate):
                planes[KO_PLANE * h * w + action_of(w, p)] = 1


@rule
def write_chains(state, h, w, own, planes):
    """The planes of stones and of their chains' liberties."""
    area = h * w
    for row in range(h):
        for column in range(w):
            p = np.uint32((row + 1) * (w + 1) + column + 1)
            if state.chain[p] != p:
                continue
            count = liberties_up_to_three(state, w, p)
            side = 0 if state.colour[p] == own else 1
            stone = p
            while True:
                action = action_of(w, stone)
                planes[side * area + action] = 1
                planes[(1 + 3 * side + count) * area + action] = 1
                stone = np.uint32(state.next_stone[stone])
                if stone == p:
                    break
