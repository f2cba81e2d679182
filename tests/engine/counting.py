"""Counting positions and games, ply by ply, and solving what is small enough."""

from collections import Counter

import numpy as np


def children(rules, state):
    """The states after each legal action; none when the game is over."""
    array = np.frombuffer(state, np.uint8).copy()
    if rules.native.over(array):
        return []
    found = []
    for action in np.flatnonzero(rules.native.legal_mask(array)):
        child = array.copy()
        rules.native.play(child, action)
        found.append(child.tobytes())
    return found


def levels(position, depth):
    """For each ply, the states reached and in how many ways; finished games go no further."""
    level = Counter([position.state.tobytes()])
    yield level
    for _ in range(depth):
        following = Counter()
        for state, ways in level.items():
            for child in children(position.game, state):
                following[child] += ways
        level = following
        yield level


def perft(position, depth):
    """How many sequences of 1 ... depth moves there are, a pass being a move."""
    rules, counts = position.game, []
    for level in levels(position, depth - 1):
        count = 0
        for state, ways in level.items():
            array = np.frombuffer(state, np.uint8).copy()
            if not rules.native.over(array):
                count += ways * int(rules.native.legal_mask(array).sum())
        counts.append(count)
    return counts


def solve(position, worth):
    """The value of a small game under perfect play, the first player's; worth(state) of an end."""
    rules, known = position.game, {}

    def value(state):
        if state not in known:
            following = children(rules, state)
            array = np.frombuffer(state, np.uint8).copy()
            best = min if rules.native.to_move(array) else max
            known[state] = best(map(value, following)) if following else worth(array)
        return known[state]

    return value(position.state.tobytes())
