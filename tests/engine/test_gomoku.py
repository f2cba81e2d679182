"""Gomoku: every line of five on the board, longer lines in both rules, no line round the edge."""

import numpy as np
import pytest
from diagrams import draw

from engine import games
from engine.position import Position

RULES = games.load("gomoku9")
DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))


def lines(size, length):
    """The cells of each line of that length on the board."""
    for row in range(size):
        for column in range(size):
            for down, right in DIRECTIONS:
                cells = [(row + i * down, column + i * right) for i in range(length)]
                if all(0 <= r < size and 0 <= c < size for r, c in cells):
                    yield [size * r + c for r, c in cells]


def with_stones(cells, player, exactly_five=0, rules=RULES):
    """A position with stones of the player to move on the cells."""
    position = Position(rules)
    position.record["exactly_five"] = exactly_five
    position.record["to_move"] = player
    position.record["cells"][0, cells] = player + 1
    position.record["moves"] = len(cells)
    return position


@pytest.mark.parametrize("exactly_five", [0, 1])
@pytest.mark.parametrize("player", [0, 1])
def test_every_line_of_five_wins_whichever_stone_comes_last_and_four_do_not(player, exactly_five):
    found = list(lines(9, 5))
    assert len(found) == 2 * 9 * 5 + 2 * 5 * 5
    for line in found:
        for last in line:
            others = [cell for cell in line if cell != last]
            four = with_stones(others[:3], player, exactly_five)
            four.play(last)
            assert not four.over
            five = with_stones(others, player, exactly_five)
            five.play(last)
            assert five.over and five.outcome() == 1 - 2 * player


@pytest.mark.parametrize("length", [6, 7, 9])
def test_a_longer_line_wins_in_the_freestyle_game_only(length):
    for line in lines(9, length):
        last = line[4]  # completes it from two shorter parts
        others = [cell for cell in line if cell != last]
        for exactly_five in (0, 1):
            position = with_stones(others, 0, exactly_five)
            position.play(last)
            assert position.over == (exactly_five == 0), draw(position.pieces())


def test_a_stone_that_makes_a_five_and_a_six_wins_the_standard_game():
    row, column = [9 * 4 + c for c in range(5)], [9 * r + 5 for r in range(4)]
    position = with_stones(row + column, 0, exactly_five=1)
    position.play(9 * 4 + 5)  # six along the row, five down the column
    assert position.over and position.outcome() == 1


def test_five_stones_round_the_edge_of_the_board_are_no_line():
    position = with_stones([6, 7, 8, 9], 0)  # the end of row 0 and the start of row 1
    position.play(10)
    assert not position.over


def test_a_full_board_without_a_line_is_a_draw():
    rules = games.load("gomoku5")
    pattern = [int(mark) for mark in "1122122112" * 2 + "11221"]
    position = Position(rules)
    position.record["cells"][0] = pattern
    position.record["cells"][0, 12] = 0
    position.record["moves"] = 24
    position.play(12)
    assert position.over and position.outcome() == 0


def test_the_net_sees_which_rule_is_played():
    assert [with_stones([], 0, rule).encode()[1].tolist() for rule in (0, 1)] == [[0.0], [1.0]]


def test_the_first_move_goes_anywhere():
    assert np.all(Position(games.load("gomoku")).legal_mask() == 1)
