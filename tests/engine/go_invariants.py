"""What must hold inside the record of a Go position, each worked out anew from the stones alone.

`assert_sound` is for both kinds of rules: machine code, and plain Python (`interpreted.py`).
"""

import numpy as np

from engine.games.go import KO_POSITIONAL, KO_SITUATIONAL
from engine.games.go.board import (
    AROUND_BLACK,
    AROUND_EMPTY,
    AROUND_WHITE,
    BLACK,
    EMPTY,
    NO_CHAIN,
    NO_CHAIN_LIBERTIES,
    WALL,
    WHITE,
    WHITE_TO_MOVE,
    ZOBRIST,
)

AROUND = {
    EMPTY: AROUND_EMPTY,
    BLACK: AROUND_BLACK,
    WHITE: AROUND_WHITE,
    WALL: AROUND_BLACK + AROUND_WHITE,
}


def assert_sound(record, shape):
    """A record that the rules made is what the docstrings in board.py say; shape is (rows, columns)."""
    height, width = shape
    board = [r * (width + 1) + c for r in range(1, height + 1) for c in range(1, width + 1)]
    near = {p: (p - width - 1, p - 1, p + 1, p + width + 1) for p in board}
    colour = record["colour"].tolist()
    points = (height + 2) * (width + 1) + 1
    assert [p for p in range(points) if colour[p] != WALL] == board
    assert_chains_sound(record, colour, near)
    for p in board:
        assert record["around"][p] == sum(AROUND[colour[q]] for q in near[p])
    assert_empties_sound(record, [p for p in board if colour[p] == EMPTY])
    assert_ko_point_sound(record, colour, near)
    assert_history_sound(record, colour)
    edges = {tuple(sorted((p, q))) for p in board if is_stone(colour[p]) for q in near[p]}
    assert record["liberties"][NO_CHAIN] == NO_CHAIN_LIBERTIES - len(edges) > 0


def is_stone(colour):
    return colour in (BLACK, WHITE)


def assert_chains_sound(record, colour, near):
    """Chains are the connected stones of a colour, and their lists, sizes and liberties say so."""
    chain = record["chain"].tolist()
    assert all(chain[p] == NO_CHAIN for p, content in enumerate(colour) if not is_stone(content))
    seen = set()
    for p in near:
        if is_stone(colour[p]) and p not in seen:
            stones = connected(colour, near, p)
            seen |= stones
            head = chain[p]
            assert head in stones
            assert {chain[stone] for stone in stones} == {head}
            assert walk(record["next_stone"], p, len(stones)) == sorted(stones)
            assert record["stones"][head] == len(stones)
            pseudo_liberties = sum(colour[q] == EMPTY for stone in stones for q in near[stone])
            assert record["liberties"][head] == pseudo_liberties > 0


def connected(colour, near, start):
    """The points of the start's colour that hang together with it."""
    found, waiting = {start}, [start]
    while waiting:
        for q in near[waiting.pop()]:
            if colour[q] == colour[start] and q not in found:
                found.add(q)
                waiting.append(q)
    return found


def walk(next_stone, start, at_most):
    """The stones on the way round a circular list, sorted."""
    stones = [int(next_stone[start])]
    while stones[-1] != start and len(stones) <= at_most:
        stones.append(int(next_stone[stones[-1]]))
    return sorted(stones)


def assert_empties_sound(record, empty):
    empties = record["empties"][: record["empty_count"]].tolist()
    assert sorted(empties) == empty
    assert [int(record["empty_index"][p]) for p in empties] == list(range(len(empties)))


def assert_ko_point_sound(record, colour, near):
    """A ko point is empty, beset by the side that moved last, and its capture would take one stone."""
    ko = int(record["ko_point"])
    if ko:
        last = int(record["recent"][0])
        mover = WHITE if record["to_move"] == 0 else BLACK
        assert colour[ko] == EMPTY
        assert {colour[q] for q in near[ko]} <= {mover, WALL}
        assert last in near[ko]
        assert [q for q in near[last] if colour[q] == EMPTY] == [ko]


def assert_history_sound(record, colour):
    """The hash is that of the stones; the filter holds each key of the history and no other."""
    key = np.uint64(0)
    for p, content in enumerate(colour):
        if is_stone(content):
            key ^= ZOBRIST[content - 1, p]
    assert record["hash"] == key
    history = record["history"][: record["history_length"]].tolist()
    words = len(record["seen"])
    seen = [0] * words
    for past in history:
        seen[(past >> 6) % words] |= 1 << (past & 63)
    assert record["seen"].tolist() == seen
    if record["moves"] == 0:
        return  # the rules and the side to move may still be edited
    if record["ko_rule"] == KO_POSITIONAL:
        assert history[-1] == key
        assert len(set(history)) == len(history)
    if record["ko_rule"] == KO_SITUATIONAL:
        assert history[-1] == (key ^ WHITE_TO_MOVE if record["to_move"] == 1 else key)
        assert len(history) == record["moves"] + 1
