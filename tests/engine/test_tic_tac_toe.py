"""Tic-tac-toe, all of it: the whole game is small enough to be counted."""

from collections import Counter
from functools import cache

import counting
import numpy as np
import pytest
from diagrams import draw, play

from engine import games
from engine.position import Position

RULES = games.load("tic_tac_toe")


@cache
def children(state):
    """The states after each legal action; none when the game is over."""
    return counting.children(RULES, state)


@cache
def results(state):
    """How many games from here end in each outcome."""
    if not children(state):
        return Counter([RULES.native.outcome(np.frombuffer(state, np.uint8).copy())])
    total = Counter()
    for child in children(state):
        total.update(results(child))
    return total


@cache
def value(state):
    """The outcome under perfect play."""
    if not children(state):
        return RULES.native.outcome(np.frombuffer(state, np.uint8).copy())
    best = min if RULES.native.to_move(np.frombuffer(state, np.uint8).copy()) else max
    return best(value(child) for child in children(state))


def reachable():
    found = {Position(RULES).state.tobytes()}
    waiting = list(found)
    while waiting:
        for child in children(waiting.pop()):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return found


def test_there_are_255168_games():
    assert results(Position(RULES).state.tobytes()) == {1: 131_184, -1: 77_904, 0: 46_080}


def test_there_are_5478_positions_958_of_them_finished():
    states = reachable()
    ends = Counter(value(state) for state in states if not children(state))
    assert len(states) == 5478
    assert ends == {1: 626, -1: 316, 0: 16}


def test_there_are_765_positions_up_to_the_eight_symmetries():
    points = RULES.symmetries[0]
    boards = [np.frombuffer(state, RULES.state)[0]["cells"] for state in reachable()]
    assert len({min(board[table].tobytes() for table in points) for board in boards}) == 765


def test_perfect_play_is_a_draw():
    assert value(Position(RULES).state.tobytes()) == 0


def test_every_position_has_its_own_hash():
    hashes = {RULES.native.position_hash(np.frombuffer(s, np.uint8).copy()) for s in reachable()}
    assert len(hashes) == 5478


LINES = ["A3 B3 C3", "A2 B2 C2", "A1 B1 C1", "A3 A2 A1", "B3 B2 B1", "C3 C2 C1", "A3 B2 C1",
         "A1 B2 C3"]  # fmt: skip


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_three_wins_at_once_for_either_side(line):
    others = [f"{letter}{row}" for letter in "ABC" for row in "123" if f"{letter}{row}" not in line]
    mine = line.split()
    first = play(Position(RULES), f"{mine[0]} {others[0]} {mine[1]} {others[1]}")
    assert not first.over
    assert play(first, mine[2]).over
    assert first.outcome() == 1
    for spare in others[2:]:  # the second player's line, unless the first has one before
        second = Position(RULES)
        play(second, f"{others[0]} {mine[0]} {others[1]} {mine[1]} {spare}")
        if not second.over:
            assert play(second, mine[2]).over
            assert second.outcome() == -1
            return
    pytest.fail("no game found in which the second player fills the line")


def test_a_full_board_without_a_line_is_a_draw():
    position = play(Position(RULES), "B2 A3 C3 A1 A2 C2 B3 B1 C1")
    assert draw(position.pieces()) == "O X X\nX X O\nO O X"
    assert position.over
    assert position.outcome() == 0
