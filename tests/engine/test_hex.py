"""Hex: who connects what, the swap, and that there is always exactly one winner."""

import numpy as np
import pytest
from counting import solve
from diagrams import draw, is_legal, play, tidy
from hypothesis import given
from hypothesis import strategies as st

from engine import games
from engine.position import Position

NEIGHBOURS = [(-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0)]


def new(size, swap=1):
    position = Position(games.load("hex" if size == 11 else f"hex{size}"))
    position.set_start(swap=swap)
    return position


def connects(pieces, mark):
    """Whether a chain of the mark joins its two edges, by flooding from one: slow and plain."""
    board = pieces if mark == 1 else pieces.T  # the second player's edges are those of the rows
    reached = {(0, c) for c in range(len(board)) if board[0, c] == mark}
    waiting = list(reached)
    while waiting:
        row, column = waiting.pop()
        for down, right in NEIGHBOURS:
            place = (row + down, column + right)
            inside = min(place) >= 0 and max(place) < len(board)
            if inside and place not in reached and board[place] == mark:
                reached.add(place)
                waiting.append(place)
    return any(row == len(board) - 1 for row, _ in reached)


@pytest.mark.parametrize("size", [2, 3, 5, 11])
def test_random_games_end_when_a_side_connects_and_not_before(size):
    rng = np.random.default_rng(size)
    winners = set()
    for _ in range(20):
        position = new(size)
        while not position.over:
            pieces = position.pieces()
            assert not connects(pieces, 1) and not connects(pieces, 2)
            position.play(int(rng.choice(np.flatnonzero(position.legal_mask()))))
        pieces = position.pieces()
        assert connects(pieces, 1) == (position.outcome() == 1)
        assert connects(pieces, 2) == (position.outcome() == -1)
        winners.add(position.outcome())
    assert winners == {1, -1}


@given(order=st.permutations(range(25)))
def test_a_full_board_has_exactly_one_winner(order):
    position = new(5, swap=0)
    for action in order:
        if not position.over:
            position.play(action)
    assert position.over


def test_the_first_player_joins_top_and_bottom_and_the_second_left_and_right():
    first = play(new(3, swap=0), "B1 A1 B2 A2 A3")
    assert draw(first.pieces()) == tidy("O X .\nO X .\nX . .")
    assert first.over and first.outcome() == 1
    second = play(new(3, swap=0), "C3 C1 B3 B2 A1 A2")
    assert draw(second.pieces()) == tidy("X . O\nO O .\n. X X")
    assert not second.legal_mask()[[0, 2]].any()
    assert second.over and second.outcome() == -1


def test_places_that_only_touch_at_the_long_diagonal_are_no_neighbours():
    position = play(new(3, swap=0), "A1 C1 B2 C2 C3")
    assert draw(position.pieces()) == tidy("X . O\n. X O\n. . X")
    assert not position.over


def test_the_swap_mirrors_the_stone_and_gives_it_to_the_second_player():
    position = play(new(5), "C1 swap")
    assert np.flatnonzero(position.pieces()).tolist() == [10]
    assert position.pieces()[2, 0] == 2
    assert position.to_move == 0
    plain = play(new(5), "E5 A3")
    assert not np.array_equal(plain.pieces(), position.pieces())
    assert play(position, "C1").pieces()[0, 2] == 1, "the place that the stone left is free"


def test_a_swapped_stone_connects_like_any_other():
    position = play(new(2), "A1 swap B2 B1")
    assert draw(position.pieces()) == tidy("O O\n. X")
    assert position.over and position.outcome() == -1


@pytest.mark.parametrize(
    ("moves", "swap", "legal"),
    [("", 1, False), ("C3", 1, True), ("C3 A1", 1, False), ("C3 swap", 1, False), ("C3", 0, False)],
)
def test_the_swap_is_legal_only_as_the_second_move(moves, swap, legal):
    assert is_legal(play(new(5, swap), moves), "swap") == legal


@pytest.mark.parametrize("size", [2, 3])
def test_the_first_player_wins_and_with_the_swap_the_second(size):
    worth = new(size).game.native.outcome
    assert solve(new(size, swap=0), worth) == 1  # Nash: an extra stone never harms
    assert solve(new(size), worth) == -1


def test_on_3x3_every_opening_wins_but_those_on_the_own_edges_at_the_acute_corners():
    worth = games.load("hex3").native.outcome
    values = np.zeros((3, 3), int)
    for action in range(9):
        position = new(3, swap=0)
        position.play(action)
        values[divmod(action, 3)] = solve(position, worth)
    assert values.tolist() == [[-1, -1, 1], [1, 1, 1], [1, -1, -1]]
