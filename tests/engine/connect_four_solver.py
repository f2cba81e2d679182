"""Exact values of Connect Four positions: alpha-beta on bitboards with a transposition table.

Each column has seven bits, the lowest for its lowest disc; the seventh stays empty, so that no line
goes round the edge. `mask` holds all discs, `own` those of the side to move. Values are the mover's:
+1 won, 0 drawn, -1 lost.
"""

import numba as nb
import numpy as np

ONE = np.uint64(1)
COLUMN = np.uint64(0b111111)
BOTTOM = sum(ONE << np.uint64(7 * column) for column in range(7))
BOARD = BOTTOM * COLUMN
CENTRE_FIRST = (3, 2, 4, 1, 5, 0, 6)
DIRECTIONS = (1, 6, 7, 8)
TABLE = 1 << 22
AT_LEAST_DRAWN, AT_MOST_DRAWN = 2, -2  # in the table: all that a narrow window has told


@nb.njit
def has_four(discs):
    for step in DIRECTIONS:
        pairs = discs & (discs >> step)
        if pairs & (pairs >> (2 * step)):
            return True
    return False


@nb.njit
def winning_places(discs, mask):
    """The empty places where one more disc makes four in a row, reachable now or later."""
    places = np.uint64(0)
    for step in DIRECTIONS:
        for gap in range(4):
            if step == 1 and gap < 3:
                continue  # upwards only on top
            line = BOARD
            for i in range(4):
                if i != gap:
                    shift = (gap - i) * step
                    line &= discs << shift if shift > 0 else discs >> -shift
            places |= line
    return places & ~mask & BOARD


@nb.njit
def solve(own, mask, alpha, beta, keys, values):
    """The value of a position without four in a row, as far as it lies in [alpha, beta]."""
    theirs = own ^ mask
    playable = (mask + BOTTOM) & BOARD
    if winning_places(own, mask) & playable:
        return 1
    threats = winning_places(theirs, mask)
    forced = threats & playable
    if forced:
        if forced & (forced - ONE):
            return -1  # two at once
        playable = forced
    playable &= ~(threats >> ONE)  # never below a place where the opponent wins
    if not playable:
        return 0 if mask == BOARD else -1
    key = own + mask + BOTTOM  # unique: the sum marks the top of each column
    slot = np.int64((key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(42))
    if keys[slot] == key:
        known = values[slot]
        if (known == AT_LEAST_DRAWN and beta <= 0) or (known == AT_MOST_DRAWN and alpha >= 0):
            return 0
        if -1 <= known <= 1:
            return known
    best = -1
    for column in CENTRE_FIRST:
        move = playable & (COLUMN << (7 * column))
        if move:
            value = -solve(theirs, mask | move, -beta, -max(alpha, best), keys, values)
            best = max(best, value)
            if best >= beta:
                break
    keys[slot] = key
    values[slot] = best
    if best == 0 and beta <= 0:
        values[slot] = AT_LEAST_DRAWN
    if best == 0 and alpha >= 0:
        values[slot] = AT_MOST_DRAWN
    return best


class Solver:
    """Values of positions and of all their moves; the table is kept from one to the next."""

    def __init__(self):
        self.keys = np.zeros(TABLE, np.uint64)
        self.values = np.zeros(TABLE, np.int8)

    def value(self, pieces, to_move):
        """The mover's value of a board [6, 7] (0 empty, 1 first, 2 second) that is not over."""
        own, mask = bits(pieces == to_move + 1), bits(pieces != 0)
        return int(solve(own, mask, -1, 1, self.keys, self.values))

    def move_values(self, position):
        """{action: the mover's value} of each legal action of an `engine.position.Position`."""
        values = {}
        for action in np.flatnonzero(position.legal_mask()).tolist():
            child = position.copy()
            child.play(action)
            mover = 1 - 2 * position.to_move
            values[action] = (
                int(child.outcome()) * mover
                if child.over
                else -self.value(child.pieces(), child.to_move)
            )
        return values


def bits(places):
    """A board [6, 7] of truth values as a bitboard."""
    word = 0
    for row, column in np.argwhere(places):
        word |= 1 << (7 * int(column) + 5 - int(row))
    return np.uint64(word)
