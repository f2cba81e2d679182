"""Go on any square board from 1x1 to 19x19, as native functions over one fixed-size record.

Rules (all of them data in the record, so one compiled game plays them all):
  * area scoring, komi in half points;
  * `ko_rule`: simple ko, positional superko (default) or situational superko;
  * `suicide`: forbidden (default) or allowed for two stones and more;
  * the game ends after two passes in a row, or after `max_moves(n)` moves.

Coordinates: an *action* is `row * n + column` with row 0 at the top, and `n * n` is the pass.
A *point* is the index into the padded board below, so that every point has four neighbours
and the edge needs no test. Size 3, W = wall:

    point  0  1  2  3        W W W W      Rows are n + 1 wide: the wall on the left of a row
           4  5  6  7        W . . .      is also the wall on the right of the row above.
           8  9 10 11        W . . .
          12 13 14 15        W . . .
          16 17 18 19 20     W W W W W

Chains are circular linked lists (`next_stone`) that share a `chain` number, the point of one
of their stones. For each chain we count *pseudo-liberties*: pairs (stone, empty neighbour).
The count is zero exactly when the chain has no liberty, and merging two chains adds two
numbers. A point p is the chain's last liberty exactly when every pseudo-liberty is at p,
that is when the count equals the number of p's neighbours in the chain.

Superko costs almost nothing: a move at p can only repeat an earlier position if a stone of the
mover's colour has stood on p before and was removed (`vacated`), since the repeated position had
one there. Only then is the hash after the move looked up in the game's history. (A suicide leaves
no stone on p, so it is always looked up.)
"""

import numba as nb
import numpy as np

from engine.game import Game, dihedral_symmetries

EMPTY, BLACK, WHITE, WALL = 0, 1, 2, 3
KO_SIMPLE, KO_POSITIONAL, KO_SITUATIONAL = 0, 1, 2
MAX_SIZE = 19
PLANES = 14
GLOBALS = 5
NO_ACTION = -1
STANDS, DIES_WITH_CHAIN, DIES_ALONE = 0, 1, 2
KOMI_SCALE = 10.0

# Zobrist keys [colour, point]; the last one is the key of "White to move".
ZOBRIST = np.random.default_rng(37).integers(1, 2**63, (2, 21 * 20 + 1), dtype=np.uint64)
WHITE_TO_MOVE = np.uint64(0x9E3779B97F4A7C15)

rule = nb.njit(nogil=True)


def max_moves(n: int) -> int:
    """Moves after which a game on n x n is scored as it stands."""
    return 2 * n * n + 80


def state_dtype(n: int) -> np.dtype:
    """The record of a position on n x n (see the module's docstring for the words)."""
    points = (n + 2) * (n + 1) + 1
    return np.dtype(
        [
            ("hash", np.uint64),  # Zobrist hash of the stones
            ("history", np.uint64, (max_moves(n) + 1,)),  # the positions so far, for superko
            ("history_length", np.int32),
            ("moves", np.int32),  # actions played, passes included
            ("komi_half_points", np.int32),  # twice the komi, in White's favour
            ("prisoners", np.int32, (2,)),  # stones taken by Black, by White
            ("empty_count", np.int32),
            ("recent", np.int16, (4,)),  # the last actions, newest first
            ("chain", np.int16, (points,)),
            ("next_stone", np.int16, (points,)),
            ("liberties", np.int16, (points,)),  # pseudo-liberties, valid at chain numbers
            ("empties", np.int16, (n * n,)),  # the empty points in any order ...
            ("empty_index", np.int16, (points,)),  # ... and where each stands in that list
            ("ko_point", np.int16),  # where a simple ko may not be retaken, else 0
            ("colour", np.int8, (points,)),
            ("vacated", np.int8, (points,)),  # bit c - 1: a stone of colour c was removed here
            ("to_move", np.int8),  # 0 Black, 1 White
            ("passes", np.int8),  # in a row
            ("over", np.int8),
            ("ko_rule", np.int8),
            ("suicide", np.int8),
        ],
        align=True,
    )


# --- The board ------------------------------------------------------------------------------


@rule
def point_of(n, action):
    return (action // n + 1) * (n + 1) + action % n + 1


@rule
def action_of(n, point):
    return (point // (n + 1) - 1) * n + point % (n + 1) - 1


@rule
def neighbour(n, point, direction):
    """The neighbour to the north, west, east or south (direction 0, 1, 2, 3)."""
    if direction == 0:
        return point - (n + 1)
    if direction == 1:
        return point - 1
    if direction == 2:
        return point + 1
    return point + (n + 1)


@rule
def stones_in_chain(state, n, point, chain):
    """How many of the point's neighbours belong to the chain."""
    count = 0
    for direction in range(4):
        q = neighbour(n, point, direction)
        if state.colour[q] != EMPTY and state.chain[q] == chain:
            count += 1
    return count


@rule
def is_last_liberty(state, n, point, chain):
    return state.liberties[chain] == stones_in_chain(state, n, point, chain)


@rule
def put_stone(state, n, point, colour):
    """Puts a stone on an empty point and joins it to its neighbours; captures nothing."""
    last = state.empties[state.empty_count - 1]
    state.empties[state.empty_index[point]] = last
    state.empty_index[last] = state.empty_index[point]
    state.empty_count -= 1

    state.colour[point] = colour
    state.hash ^= ZOBRIST[colour - 1, point]
    state.chain[point] = point
    state.next_stone[point] = point
    state.liberties[point] = 0
    for direction in range(4):
        q = neighbour(n, point, direction)
        if state.colour[q] == EMPTY:
            state.liberties[point] += 1
        elif state.colour[q] != WALL:
            state.liberties[state.chain[q]] -= 1
    for direction in range(4):
        q = neighbour(n, point, direction)
        if state.colour[q] == colour and state.chain[q] != state.chain[point]:
            join_chains(state, state.chain[q], state.chain[point])


@rule
def join_chains(state, kept, joined):
    state.liberties[kept] += state.liberties[joined]
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
def remove_chain(state, n, chain):
    """Takes a chain off the board and returns how many stones it had."""
    colour = state.colour[chain]
    count = 0
    stone = chain
    while True:
        following = state.next_stone[stone]
        state.colour[stone] = EMPTY
        state.hash ^= ZOBRIST[colour - 1, stone]
        state.vacated[stone] |= colour
        state.empties[state.empty_count] = stone
        state.empty_index[stone] = state.empty_count
        state.empty_count += 1
        count += 1
        for direction in range(4):
            q = neighbour(n, stone, direction)
            if state.colour[q] == BLACK or state.colour[q] == WHITE:
                state.liberties[state.chain[q]] += 1
        stone = following
        if stone == chain:
            break
    return count


# --- Legality -------------------------------------------------------------------------------


@rule
def chain_hash(state, chain):
    key = np.uint64(0)
    stone = chain
    while True:
        key ^= ZOBRIST[state.colour[stone] - 1, stone]
        stone = state.next_stone[stone]
        if stone == chain:
            return key


@rule
def repeats_position(state, n, point, colour, fate):
    """Whether the move would recreate an earlier position of the game (superko)."""
    after = state.hash ^ ZOBRIST[colour - 1, point]
    for direction in range(4):
        q = neighbour(n, point, direction)
        if state.colour[q] == 3 - colour and is_last_liberty(state, n, point, state.chain[q]):
            counted = False
            for earlier in range(direction):
                r = neighbour(n, point, earlier)
                if state.colour[r] == 3 - colour and state.chain[r] == state.chain[q]:
                    counted = True
            if not counted:
                after ^= chain_hash(state, state.chain[q])
    if fate == DIES_WITH_CHAIN:
        after = hash_after_suicide(state, n, point, colour)
    if state.ko_rule == KO_SITUATIONAL and colour == BLACK:
        after ^= WHITE_TO_MOVE
    for i in range(state.history_length - 1, -1, -1):  # noqa: SIM110, numba has no such any()
        if state.history[i] == after:
            return True
    return False


@rule
def hash_after_suicide(state, n, point, colour):
    """The hash once the mover's own chains beside the point are removed."""
    after = state.hash
    for direction in range(4):
        q = neighbour(n, point, direction)
        counted = False
        for earlier in range(direction):
            r = neighbour(n, point, earlier)
            if state.colour[r] == colour and state.chain[r] == state.chain[q]:
                counted = True
        if state.colour[q] == colour and not counted:
            after ^= chain_hash(state, state.chain[q])
    return after


@rule
def fate_of_stone(state, n, point, colour):
    """What becomes of a stone on an empty point: STANDS, DIES_WITH_CHAIN or DIES_ALONE."""
    fate = DIES_ALONE
    for direction in range(4):
        q = neighbour(n, point, direction)
        if state.colour[q] == EMPTY:
            return STANDS
        if state.colour[q] == WALL:
            continue
        friend = state.colour[q] == colour
        if friend != is_last_liberty(state, n, point, state.chain[q]):
            return STANDS  # a friend with room, or a capture
        if friend:
            fate = DIES_WITH_CHAIN
    return fate


@rule
def is_possible(state, fate):
    """Whether the rules allow that fate, leaving ko aside."""
    return fate == STANDS or (fate == DIES_WITH_CHAIN and state.suicide == 1)


@rule
def is_ko(state, n, point, colour, fate):
    """Whether the ko rule forbids a stone with a possible fate."""
    if point == state.ko_point:
        return True
    if state.ko_rule == KO_SIMPLE or (fate == STANDS and state.vacated[point] & colour == 0):
        return False
    return repeats_position(state, n, point, colour, fate)


@rule
def is_legal(state, n, point):
    """Whether the side to move may put a stone on the point."""
    if state.colour[point] != EMPTY:
        return False
    colour = state.to_move + 1
    fate = fate_of_stone(state, n, point, colour)
    return is_possible(state, fate) and not is_ko(state, n, point, colour, fate)


@rule
def is_eye(state, n, point, colour):
    """Whether a playout should leave the point alone: a true single-point eye of `colour`."""
    for direction in range(4):
        q = neighbour(n, point, direction)
        if state.colour[q] != colour and state.colour[q] != WALL:
            return False
    walls, enemies = 0, 0
    for corner in (point - n - 2, point - n, point + n, point + n + 2):
        if state.colour[corner] == WALL:
            walls += 1
        elif state.colour[corner] == 3 - colour:
            enemies += 1
    return enemies == 0 if walls > 0 else enemies < 2


# --- The game -------------------------------------------------------------------------------


@rule
def clear_board(state, n):
    width = n + 1
    for p in range((n + 2) * width + 1):
        state.colour[p] = WALL
        state.chain[p] = 0
        state.vacated[p] = 0
        state.liberties[p] = 0
        state.next_stone[p] = 0
        state.empty_index[p] = 0
    for action in range(n * n):
        p = point_of(n, action)
        state.colour[p] = EMPTY
        state.empties[action] = p
        state.empty_index[p] = action
    state.empty_count = n * n
    state.hash = 0
    state.history[0] = 0
    state.history_length = 1
    state.moves = 0
    state.prisoners[0] = 0
    state.prisoners[1] = 0
    for i in range(4):
        state.recent[i] = NO_ACTION
    state.ko_point = 0
    state.to_move = 0
    state.passes = 0
    state.over = 0


@rule
def remember_position(state):
    """Adds the position to the superko history."""
    key = state.hash
    if state.ko_rule == KO_SITUATIONAL and state.to_move == 1:
        key ^= WHITE_TO_MOVE
    if state.history_length < len(state.history):
        state.history[state.history_length] = key
        state.history_length += 1


@rule
def play_stone(state, n, point):
    colour = state.to_move + 1
    put_stone(state, n, point, colour)
    captured = 0
    captured_point = 0
    for direction in range(4):
        q = neighbour(n, point, direction)
        if state.colour[q] == 3 - colour and state.liberties[state.chain[q]] == 0:
            captured += remove_chain(state, n, state.chain[q])
            captured_point = q
    state.prisoners[state.to_move] += captured
    chain = state.chain[point]
    state.ko_point = 0
    if captured == 1 and state.next_stone[point] == point and state.liberties[chain] == 1:
        state.ko_point = captured_point
    if captured == 0 and state.liberties[chain] == 0:
        state.prisoners[1 - state.to_move] += remove_chain(state, n, chain)


@rule
def play_action(state, n, action):
    """Plays a legal action; the caller has checked legality."""
    for i in range(3, 0, -1):
        state.recent[i] = state.recent[i - 1]
    state.recent[0] = action
    state.moves += 1
    if action == n * n:
        state.passes += 1
        state.ko_point = 0
    else:
        state.passes = 0
        play_stone(state, n, point_of(n, action))
    state.to_move = 1 - state.to_move
    if state.passes == 0 or state.ko_rule == KO_SITUATIONAL:
        remember_position(state)
    if state.passes >= 2 or state.moves >= len(state.history) - 1:
        state.over = 1


@rule
def write_legal_mask(state, n, mask):
    count = 1
    for action in range(n * n):
        ok = is_legal(state, n, point_of(n, action))
        mask[action] = ok
        count += ok
    mask[n * n] = 1
    return count


@rule
def write_ownership(state, n, owner):
    """Area ownership [n * n], +1 Black, -1 White, 0 neither; returns Black's lead before komi.

    A point belongs to a colour that has a stone there or alone reaches it through empty points
    (Tromp-Taylor). Dead stones count as alive: play on, or remove them first.
    """
    region = np.empty((MAX_SIZE + 2) * (MAX_SIZE + 1) + 1, np.int16)
    seen = np.zeros((MAX_SIZE + 2) * (MAX_SIZE + 1) + 1, np.uint8)
    lead = 0
    for i in range(n * n):
        p = point_of(n, i)
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
                    q = neighbour(n, here, direction)
                    if state.colour[q] == EMPTY:
                        if seen[q] == 0:
                            seen[q] = 1
                            region[size] = q
                            size += 1
                    elif state.colour[q] != WALL:
                        reached |= state.colour[q]
            who = 1 if reached == BLACK else (-1 if reached == WHITE else 0)
            for j in range(size):
                owner[action_of(n, region[j])] = who
            lead += who * size
    return lead


@rule
def black_score(state, n):
    owner = np.empty(MAX_SIZE * MAX_SIZE, np.int8)
    return write_ownership(state, n, owner) - 0.5 * state.komi_half_points


@rule
def count_liberties(state, n, liberties):
    """Adds up true liberties, at chain numbers: an empty point counts once for each chain."""
    for i in range(state.empty_count):
        a, b, c = -1, -1, -1
        for direction in range(4):
            q = neighbour(n, state.empties[i], direction)
            if state.colour[q] == BLACK or state.colour[q] == WHITE:
                chain = state.chain[q]
                if chain not in (a, b, c):
                    liberties[chain] += 1
                    a, b, c = b, c, chain


@rule
def write_planes(state, n, planes, globals_):
    """Input planes [PLANES, n, n] uint8 and globals [GLOBALS] float32, for the side to move.

    planes: 0-1 stones (own, opponent's); 2-4 own chains with 1, 2, 3+ liberties; 5-7 the
    opponent's; 8 points forbidden by ko alone; 9-12 the last four moves; 13 ones.
    globals: komi in the mover's favour / 10; the last move was a pass; positional superko;
    situational superko; suicide allowed.
    """
    area = n * n
    own = state.to_move + 1
    for i in range((PLANES - 1) * area):
        planes[i] = 0
    for i in range((PLANES - 1) * area, PLANES * area):
        planes[i] = 1

    liberties = np.zeros((MAX_SIZE + 2) * (MAX_SIZE + 1) + 1, np.int16)
    count_liberties(state, n, liberties)
    for i in range(state.empty_count):
        p = state.empties[i]
        fate = fate_of_stone(state, n, p, own)
        if is_possible(state, fate) and is_ko(state, n, p, own, fate):
            planes[8 * area + action_of(n, p)] = 1
    for i in range(area):
        p = point_of(n, i)
        if state.colour[p] != EMPTY:
            count = min(3, liberties[state.chain[p]])
            side = 0 if state.colour[p] == own else 1
            planes[side * area + i] = 1
            planes[(1 + 3 * side + count) * area + i] = 1
    for i in range(4):
        if 0 <= state.recent[i] < area:
            planes[(9 + i) * area + state.recent[i]] = 1

    komi = 0.5 * state.komi_half_points / KOMI_SCALE
    globals_[0] = komi if own == WHITE else -komi
    globals_[1] = 1.0 if state.passes > 0 else 0.0
    globals_[2] = 1.0 if state.ko_rule == KO_POSITIONAL else 0.0
    globals_[3] = 1.0 if state.ko_rule == KO_SITUATIONAL else 0.0
    globals_[4] = float(state.suicide)


@rule
def random_playout(state, n, seed):
    """Plays uniformly random legal moves that fill no eyes to the end; returns the move count."""
    rng = np.uint64(seed) * np.uint64(2) + np.uint64(1)
    while state.over == 0:
        colour = state.to_move + 1
        action = n * n
        untried = state.empty_count
        while untried > 0:
            rng ^= rng << np.uint64(13)
            rng ^= rng >> np.uint64(7)
            rng ^= rng << np.uint64(17)
            i = np.int64((rng >> np.uint64(32)) * np.uint64(untried) >> np.uint64(32))
            p = state.empties[i]
            if not is_eye(state, n, p, colour) and is_legal(state, n, p):
                action = action_of(n, p)
                break
            # Not playable now: move it behind the points still to be tried.
            untried -= 1
            other = state.empties[untried]
            state.empties[i] = other
            state.empties[untried] = p
            state.empty_index[other] = i
            state.empty_index[p] = untried
        play_action(state, n, action)
    return state.moves


@rule
def setup_stone(state, n, action, colour):
    """Puts a setup stone (colour 1 or 2) or clears the point (0); history starts anew."""
    point = point_of(n, action)
    if state.colour[point] != EMPTY:
        # Take the whole chain off and put the other stones back.
        stones = np.empty(MAX_SIZE * MAX_SIZE, np.int16)
        old = state.colour[point]
        count = 0
        stone = state.next_stone[point]
        while stone != point:
            stones[count] = stone
            count += 1
            stone = state.next_stone[stone]
        remove_chain(state, n, state.chain[point])
        for i in range(count):
            put_stone(state, n, stones[i], old)
    if colour != EMPTY:
        put_stone(state, n, point, colour)
    state.vacated[:] = 0
    state.ko_point = 0
    state.history_length = 0
    remember_position(state)


def go(n: int) -> Game:
    """The game of Go on an n x n board, named `go<n>`."""

    def reset(state):
        state.komi_half_points = 14
        state.ko_rule = KO_POSITIONAL
        state.suicide = 0
        clear_board(state, n)

    def legal(state, mask):
        return write_legal_mask(state, n, mask)

    def play(state, action):
        play_action(state, n, action)

    def outcome(state):
        return np.sign(black_score(state, n))

    def score(state, ownership):
        return write_ownership(state, n, ownership) - 0.5 * state.komi_half_points

    def position_hash(state):
        key = state.hash
        if state.to_move == 1:
            key ^= WHITE_TO_MOVE
        return key

    def encode(state, planes, globals_):
        write_planes(state, n, planes, globals_)

    def playout(state, seed):
        return random_playout(state, n, seed)

    def vary(state, seed):
        # Half of the games have the standard komi, the others 5 to 8 in half points.
        if seed % 2 == 0:
            state.komi_half_points = 10 + (seed // 2) % 7

    def setup(state, action, colour):
        setup_stone(state, n, action, colour)

    return Game(
        name=f"go{n}",
        rules_text=f"Go on {n}x{n}: area scoring, positional superko, komi 7",
        state=state_dtype(n),
        shape=(n, n),
        actions=n * n + 1,
        planes=PLANES,
        globals=GLOBALS,
        max_moves=max_moves(n),
        symmetries=dihedral_symmetries(n, n, extra_actions=1),
        reset=reset,
        legal=legal,
        play=play,
        outcome=outcome,
        score=score,
        position_hash=position_hash,
        encode=encode,
        playout=playout,
        vary=vary,
        setup=setup,
    )
