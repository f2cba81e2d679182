"""Go: captures and suicide, by diagrams."""

import pytest
from diagrams import action_of, black_prisoners, draw, go, is_legal, play, tidy, white_prisoners
from go_invariants import assert_sound

from engine import games
from engine.position import Position

# --- Captures ---------------------------------------------------------------------------------

CAPTURES = {  # name: (before with Black to move, moves, after, stones taken by Black, by White)
    "a stone in the corner": (
        """
        O X . . .
        . . . . .
        . . . . .
        . . . . .
        . . . . .
        """,
        "A4",
        """
        . X . . .
        X . . . .
        . . . . .
        . . . . .
        . . . . .
        """,
        1,
        0,
    ),
    "many stones at once": (
        """
        . X X X .
        X O O O .
        . X X O X
        . . . X .
        . . . . .
        """,
        "E4",
        """
        . X X X .
        X . . . X
        . X X . X
        . . . X .
        . . . . .
        """,
        4,
        0,
    ),
    "two chains by one stone": (
        """
        . . . . .
        . X . X .
        X O . O X
        . X . X .
        . . . . .
        """,
        "C3",
        """
        . . . . .
        . X . X .
        X . X . X
        . X . X .
        . . . . .
        """,
        2,
        0,
    ),
    "three chains by one stone": (
        """
        . . X . .
        . X O X .
        X O . O X
        . X . X .
        . . . . .
        """,
        "C3",
        """
        . . X . .
        . X . X .
        X . X . X
        . X . X .
        . . . . .
        """,
        3,
        0,
    ),
    "four chains by one stone": (
        """
        . . X . .
        . X O X .
        X O . O X
        . X O X .
        . . X . .
        """,
        "C3",
        """
        . . X . .
        . X . X .
        X . X . X
        . X . X .
        . . X . .
        """,
        4,
        0,
    ),
    "one chain that touches the stone four times": (
        """
        . X X X X
        X O O O X
        X O . O X
        X O O O X
        X X X X X
        """,
        "C3",
        """
        . X X X X
        X . . . X
        X . X . X
        X . . . X
        X X X X X
        """,
        8,
        0,
    ),
    "only the chains without liberties": (
        """
        . . . . .
        . X . . .
        X O . O .
        . X . . .
        . . . . .
        """,
        "C3",
        """
        . . . . .
        . X . . .
        X . X O .
        . X . . .
        . . . . .
        """,
        1,
        0,
    ),
    "a snapback: one stone given, five taken": (
        """
        . . . . .
        . . . . .
        X X X . .
        O O O X .
        . . O X .
        """,
        "A1 B1 A1",
        """
        . . . . .
        . . . . .
        X X X . .
        . . . X .
        X . . X .
        """,
        5,
        1,
    ),
    "the opponent's stones before one's own": (
        """
        . O X . .
        O X . . .
        X . . . .
        . . . . .
        . . . . .
        """,
        "A5",
        """
        X . X . .
        . X . . .
        X . . . .
        . . . . .
        . . . . .
        """,
        2,
        0,
    ),
    "at the end of a board of one row": ("X X O O .", "E1", "X X . . X", 2, 0),
    "at the end of a board of one column": ("\nX\nO\n.\n.\n", "A2", "\nX\n.\nX\n.\n", 1, 0),
    "in the corner of an oblong board": (
        """
        . . . . . . O
        . . . . . . X
        . . . . . . .
        """,
        "F3",
        """
        . . . . . X .
        . . . . . . X
        . . . . . . .
        """,
        1,
        0,
    ),
    "bent four in the corner": (
        """
        X X X O .
        . O O O .
        O O . . .
        . . . . .
        """,
        "pass A3",
        """
        . . . O .
        O O O O .
        O O . . .
        . . . . .
        """,
        0,
        3,
    ),
}


@pytest.mark.parametrize("name", CAPTURES)
def test_stones_without_liberties_are_taken(name):
    before, moves, after, by_black, by_white = CAPTURES[name]
    position = play(go(before), moves)
    assert draw(position.pieces()) == tidy(after)
    assert (black_prisoners(position), white_prisoners(position)) == (by_black, by_white)


@pytest.mark.parametrize(
    ("stone", "attackers"),
    [
        ("A1", "A2 B1"),
        ("A19", "A18 B19"),
        ("T1", "T2 S1"),
        ("T19", "T18 S19"),
        ("A2", "A1 A3 B2"),
        ("K1", "J1 L1 K2"),
        ("T10", "T9 T11 S10"),
        ("S19", "R19 T19 S18"),
        ("K10", "J10 L10 K9 K11"),
        ("J9", "H9 K9 J8 J10"),
    ],
)
def test_on_19x19_a_stone_dies_exactly_when_all_its_neighbours_are_taken(stone, attackers):
    position = Position(games.load("go19"))
    play(position, f"pass {stone}")
    *first, last = attackers.split()
    for attacker in first:
        play(position, f"{attacker} pass")
        assert black_prisoners(position) == 0
    play(position, last)
    assert black_prisoners(position) == 1
    assert position.pieces().ravel()[action_of(position, stone)] == 0


@pytest.mark.parametrize(
    ("stone", "attackers"),
    [
        ("A1", "A2 B1"),
        ("G1", "F1 G2"),
        ("A4", "A3 B4"),
        ("G4", "G3 F4"),
        ("D1", "C1 E1 D2"),
        ("G2", "G1 G3 F2"),
    ],
)
def test_on_an_oblong_board_the_edges_are_where_they_are(stone, attackers):
    position = play(go("\n".join([". . . . . . ."] * 4)), f"pass {stone}")
    *first, last = attackers.split()
    for attacker in first:
        play(position, f"{attacker} pass")
        assert black_prisoners(position) == 0
    play(position, last)
    assert black_prisoners(position) == 1


def test_on_19x19_one_stone_takes_360():
    rows = ["X " * 18 + "X"] * 19
    rows[9] = "X " * 9 + ". " + "X " * 8 + "X"
    position = play(go("\n".join(rows)), "pass K10")
    assert white_prisoners(position) == 360
    assert position.pieces().sum() == 2
    assert_sound(position.record[0], (19, 19))


def test_on_19x19_a_suicide_of_361_stones_empties_the_board():
    rows = ["X " * 18 + "X"] * 19
    rows[0] = ". " + "X " * 17 + "X"
    full = go("\n".join(rows))
    assert not is_legal(full, "A19")
    full.set_start(suicide=1)
    play(full, "A19")
    assert white_prisoners(full) == 361
    assert not full.pieces().any()
    assert_sound(full.record[0], (19, 19))


# --- Suicide ----------------------------------------------------------------------------------

SUICIDES = {  # name: (diagram with Black to move, vertex, legal, legal when suicide is allowed)
    "a single stone": (
        """
        . O . . .
        O . . . .
        . . . . .
        . . . . .
        . . . . .
        """,
        "A5",
        False,
        False,
    ),
    "a second stone": (
        """
        X . O . .
        O O . . .
        . . . . .
        . . . . .
        . . . . .
        """,
        "B5",
        False,
        True,
    ),
    "a stone that joins two chains in their last liberty": (
        """
        X . X O .
        O O O . .
        . . . . .
        . . . . .
        . . . . .
        """,
        "B5",
        False,
        True,
    ),
    "a stone that captures is no suicide": (
        """
        . O X . .
        O X . . .
        X . . . .
        . . . . .
        . . . . .
        """,
        "A5",
        True,
        True,
    ),
    "a stone beside a friend with a liberty is no suicide": (
        """
        X . O . .
        . O . . .
        . . . . .
        . . . . .
        . . . . .
        """,
        "B5",
        True,
        True,
    ),
    "one friend with a liberty is enough": (
        """
        X . X . .
        O O O . .
        . . . . .
        . . . . .
        . . . . .
        """,
        "B5",
        True,
        True,
    ),
}


@pytest.mark.parametrize("suicide", [0, 1])
@pytest.mark.parametrize("name", SUICIDES)
def test_suicide_is_legal_only_where_allowed_and_never_for_a_single_stone(name, suicide):
    diagram, vertex, *legal = SUICIDES[name]
    assert is_legal(go(diagram, suicide=suicide), vertex) == legal[suicide]


def test_a_suicide_leaves_the_board_and_counts_as_the_opponents_prisoners():
    diagram = SUICIDES["a stone that joins two chains in their last liberty"][0]
    position = play(go(diagram, suicide=1), "B5")
    assert draw(position.pieces()) == tidy(
        """
        . . . O .
        O O O . .
        . . . . .
        . . . . .
        . . . . .
        """
    )
    assert (black_prisoners(position), white_prisoners(position)) == (0, 3)
