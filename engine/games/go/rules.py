"""The rules of Go: which moves are legal, and what they do.

Superko costs almost nothing: a move at p can only repeat an earlier position if a stone of the
mover's colour has stood on p before and was removed (`vacated`), since the repeated position had
one there. Only then is the hash after the move looked up in the game's history. (A suicide leaves
no stone on p, so it is always looked up.)
"""

import numpy as np

from engine.games.go.board import (
    EMPTY,
    KO_SIMPLE,
    KO_SITUATIONAL,
    WALL,
    WHITE_TO_MOVE,
    ZOBRIST,
    action_of,
    begin_history,
    empty_neighbours,
    is_last_liberty,
    neighbour,
    point_of,
    put_stone,
    remember_position,
    remove_chain,
    rule,
    was_seen,
)

PASS = np.uint32(0)  # the point that stands for a pass
STANDS, DIES_WITH_CHAIN, DIES_ALONE = 0, 1, 2


@rule
def fate_of_stone(state, w, point, colour):
    """What becomes of a stone on an empty point: STANDS, DIES_WITH_CHAIN or DIES_ALONE."""
    if empty_neighbours(state, point) > 0:
        return STANDS
    fate = DIES_ALONE
    for direction in range(4):
        q = neighbour(w, point, direction)
        if state.colour[q] == WALL:
            continue
        friend = state.colour[q] == colour
        if friend != is_last_liberty(state, w, point, state.chain[q]):
            return STANDS  # a friend with room, or a capture
        if friend:
            fate = DIES_WITH_CHAIN
    return fate


@rule
def is_possible(state, fate):
    """Whether the rules allow that fate, leaving ko aside."""
    return fate == STANDS or (fate == DIES_WITH_CHAIN and state.suicide == 1)


@rule
def chain_hash(state, chain):
    key = np.uint64(0)
    stone = chain
    while True:
        key ^= ZOBRIST[np.uint32(state.colour[stone] - 1), stone]
        stone = state.next_stone[stone]
        if stone == chain:
            return key


@rule
def chains_hash(state, w, point, colour, only_captured):
    """The hash of a colour's chains beside the point: of all, or of those it would capture."""
    key = np.uint64(0)
    for direction in range(4):
        q = neighbour(w, point, direction)
        if state.colour[q] != colour:
            continue
        if only_captured and not is_last_liberty(state, w, point, state.chain[q]):
            continue
        counted = False
        for earlier in range(direction):
            counted |= state.chain[neighbour(w, point, earlier)] == state.chain[q]
        if not counted:
            key ^= chain_hash(state, state.chain[q])
    return key


@rule
def repeats_position(state, w, point, colour, fate):
    """Whether the move would recreate an earlier position of the game (superko)."""
    if fate == DIES_WITH_CHAIN:
        after = state.hash ^ chains_hash(state, w, point, colour, False)
    else:
        after = state.hash ^ ZOBRIST[np.uint32(colour - 1), point]
        after ^= chains_hash(state, w, point, 3 - colour, True)
    if state.ko_rule == KO_SITUATIONAL and state.to_move == 0:
        after ^= WHITE_TO_MOVE
    return was_seen(state, after)


@rule
def is_beyond_ko(state, point, colour):
    """A quick test: whether a stone here has room at once and cannot repeat a position."""
    free = state.ko_rule == KO_SIMPLE or state.vacated[point] & colour == 0
    return free and empty_neighbours(state, point) > 0


@rule
def is_ko(state, w, point, colour, fate):
    """Whether the ko rule forbids a stone with a possible fate."""
    if point == state.ko_point:
        return True
    if state.ko_rule == KO_SIMPLE or (fate == STANDS and state.vacated[point] & colour == 0):
        return False
    return repeats_position(state, w, point, colour, fate)


@rule
def is_legal(state, w, point):
    """Whether the side to move may put a stone on an empty point."""
    colour = state.to_move + 1
    if is_beyond_ko(state, point, colour):
        return True
    fate = fate_of_stone(state, w, point, colour)
    return is_possible(state, fate) and not is_ko(state, w, point, colour, fate)


@rule
def write_legal_mask(state, h, w, mask):
    """Writes mask [h * w + 1] and returns the number of legal actions; a pass always is one."""
    colour = state.to_move + 1
    count = 0
    for row in range(h):
        for column in range(w):
            p = np.uint32((row + 1) * (w + 1) + column + 1)
            easy = (state.colour[p] == EMPTY) & is_beyond_ko(state, p, colour)
            mask[row * w + column] = easy
            count += easy
    if count < state.empty_count:
        for i in range(state.empty_count):
            p = state.empties[i]
            if not is_beyond_ko(state, p, colour) and is_legal(state, w, p):
                mask[action_of(w, p)] = 1
                count += 1
    mask[h * w] = 1
    return count + 1


@rule
def play_stone(state, w, point):
    """Plays a legal stone of the side to move: captures, or dies itself."""
    colour = state.to_move + 1
    put_stone(state, w, point, colour)
    captured, captured_point = 0, np.uint32(0)
    for direction in range(4):
        q = neighbour(w, point, direction)
        if state.liberties[state.chain[q]] == 0 and state.colour[q] == 3 - colour:
            captured += remove_chain(state, w, state.chain[q])
            captured_point = q
    state.ko_point = 0
    chain = state.chain[point]
    if captured > 0:
        state.prisoners[state.to_move] += captured
        if captured == 1 and state.stones[chain] == 1 and state.liberties[chain] == 1:
            state.ko_point = captured_point
    elif state.liberties[chain] == 0:
        state.prisoners[1 - state.to_move] += remove_chain(state, w, chain)


@rule
def play_action(state, h, w, action):
    """Plays a legal action; the caller has checked legality."""
    play_point(state, w, PASS if action == h * w else point_of(w, action))


@rule
def play_point(state, w, point):
    """Plays a legal stone of the side to move on a point, or passes (PASS)."""
    if state.moves == 0:  # the start may have been edited since the board was cleared
        begin_history(state)
    for i in range(3, 0, -1):
        state.recent[i] = state.recent[i - 1]
    state.recent[0] = point
    state.moves += 1
    if point == PASS:
        state.passes += 1
        state.ko_point = 0
    else:
        state.passes = 0
        play_stone(state, w, point)
    state.to_move = 1 - state.to_move
    if state.ko_rule == KO_SITUATIONAL or (point != PASS and state.ko_rule != KO_SIMPLE):
        remember_position(state)
    if state.passes >= 2 or state.moves >= len(state.history) - 1:
        state.over = 1
