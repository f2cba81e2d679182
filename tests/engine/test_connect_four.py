"""Connect Four: known counts, wins in every direction, draws."""

import numpy as np
import pytest
from counting import levels
from diagrams import draw, play, tidy

from engine import games
from engine.errors import UserError
from engine.position import Position

RULES = games.load("connect_four")


def test_move_sequences_and_positions_are_as_many_as_known_and_hashes_tell_them_apart():
    sequences, positions = [], []
    for level in levels(Position(RULES), 8):
        sequences.append(level.total())
        positions.append(len(level))
        hashes = {RULES.native.position_hash(np.frombuffer(s, np.uint8).copy()) for s in level}
        assert len(hashes) == len(level)
    assert sequences == [1, 7, 49, 343, 2401, 16807, 117649, 823536, 5673234]
    assert positions == [1, 7, 49, 238, 1120, 4263, 16422, 54859, 184275]  # OEIS A212693


WINS = {  # name: (moves, the board at the end, outcome)
    "along the bottom, from the left edge": (
        "1 1 2 2 3 3 4",
        """
        . . . . . . .
        . . . . . . .
        . . . . . . .
        . . . . . . .
        O O O . . . .
        X X X X . . .
        """,
        1,
    ),
    "along the bottom, to the right edge": (
        "7 7 6 6 5 5 4",
        """
        . . . . . . .
        . . . . . . .
        . . . . . . .
        . . . . . . .
        . . . . O O O
        . . . X X X X
        """,
        1,
    ),
    "by the disc in the gap": (
        "1 1 2 2 4 4 3",
        """
        . . . . . . .
        . . . . . . .
        . . . . . . .
        . . . . . . .
        O O . O . . .
        X X X X . . .
        """,
        1,
    ),
    "upwards": (
        "7 1 7 1 7 1 7",
        """
        . . . . . . .
        . . . . . . .
        . . . . . . X
        O . . . . . X
        O . . . . . X
        O . . . . . X
        """,
        1,
    ),
    "upwards to the top, by the second player": (
        "1 2 1 4 4 1 3 1 5 1 5 1",
        """
        O . . . . . .
        O . . . . . .
        O . . . . . .
        O . . . . . .
        X . . X X . .
        X O X O X . .
        """,
        -1,
    ),
    "along a rising diagonal": (
        "1 2 2 3 3 4 3 4 4 6 4",
        """
        . . . . . . .
        . . . . . . .
        . . . X . . .
        . . X X . . .
        . X X O . . .
        X O O O . O .
        """,
        1,
    ),
    "along a falling diagonal": (
        "7 6 6 5 5 4 5 4 4 2 4",
        """
        . . . . . . .
        . . . . . . .
        . . . X . . .
        . . . X X . .
        . . . O X X .
        . O . O O O X
        """,
        1,
    ),
}


@pytest.mark.parametrize("name", WINS)
def test_four_in_a_row_win_at_once(name):
    moves, diagram, outcome = WINS[name]
    *before, last = moves.split()
    position = play(Position(RULES), " ".join(before))
    assert not position.over
    play(position, last)
    assert draw(position.pieces()) == tidy(diagram)
    assert position.over
    assert position.outcome() == outcome
    with pytest.raises(ValueError, match="over"):
        position.play(int(np.flatnonzero(position.legal_mask())[0]))


def every_line():
    """The cells of each of the 69 lines of four."""
    for row in range(6):
        for col in range(7):
            for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
                cells = [(row + i * down, col + i * right) for i in range(4)]
                if all(0 <= r < 6 and 0 <= c < 7 for r, c in cells):
                    yield [7 * r + c for r, c in cells]


@pytest.mark.parametrize("player", [0, 1])
def test_each_of_the_69_lines_wins_whichever_disc_comes_last_and_three_do_not(player):
    lines = list(every_line())
    assert len(lines) == 69
    for line in lines:
        for last in line:
            position = Position(RULES)
            record = position.record
            record["to_move"] = player
            others = [cell for cell in line if cell != last]
            record["cells"][0, others[:2]] = player + 1
            record["height"][0, last % 7] = 5 - last // 7
            lacking = position.copy()
            record["cells"][0, others[2]] = player + 1
            position.play(last)
            assert position.over
            assert position.outcome() == 1 - 2 * player
            lacking.play(last)
            assert not lacking.over


def test_four_discs_round_the_edge_of_the_board_are_no_line():
    position = Position(RULES)
    position.record["cells"][0, [5, 6, 8]] = 1  # row 0 from the right, and on in row 1
    position.record["height"][0, 0] = 4
    position.play(7)
    assert not position.over


def test_a_full_board_without_four_in_a_row_is_a_draw():
    columns = "1 2 1 2 1 2 2 1 2 1 2 1 3 4 3 4 3 4 4 3 4 3 4 3 5 6 5 6 5 6 6 5 6 5 6 5 7 7 7 7 7 7"
    *before, last = columns.split()
    position = play(Position(RULES), " ".join(before))
    assert not position.over
    play(position, last)
    assert draw(position.pieces()).count(".") == 0
    assert position.over
    assert position.outcome() == 0


def test_a_full_column_takes_no_seventh_disc():
    position = play(Position(RULES), "1 1 1 1 1 1")
    assert position.legal_mask().sum() == 6
    with pytest.raises(UserError, match="'1' is not a legal move here"):
        play(position, "1")
