"""Go: the three ko rules, by diagrams."""

import pytest
from diagrams import KO, black_prisoners, draw, go, is_legal, play, tidy, white_prisoners

from engine.games.go import KO_POSITIONAL, KO_SIMPLE, KO_SITUATIONAL

KO_RULES = {"simple": KO_SIMPLE, "positional": KO_POSITIONAL, "situational": KO_SITUATIONAL}


SEND_TWO = """
    . . . . .
    . . . . .
    . . . . .
    O O X . .
    . X . X .
    """

TRIPLE_KO = """
    . X O . . . . . .
    X O . O . . . . .
    . X O . . . . . .
    X . X O . . . . .
    . X O . . . . . .
    X O . O . . . . .
    . X O . . . . . .
    . . . . . . . . .
    . . . . . . . . .
    """

DOUBLE_KO = """
    . X O .
    X O . O
    . X O .
    X . X O
    . X O .
    . . . .
    """

TWO_TAKE_ONE = """
    . . . . .
    . . . . .
    . . . . .
    X X O . .
    O . X O .
    """

SUICIDE = """
    . . O . .
    O O . . .
    . . . . .
    . . . . .
    . . . . .
    """

ALL = {"simple", "positional", "situational"}
KO_CASES = {  # name: (diagram, rules, moves, vertex, ko rules that allow it, those that forbid it)
    "a ko is not retaken at once": (KO, {}, "C3", "B3", set(), ALL),
    "it is after an exchange elsewhere": (KO, {}, "C3 E1 E5", "B3", ALL, set()),
    "a pass and a move elsewhere will do": (KO, {}, "C3 pass E5", "B3", ALL, set()),
    "two stones that took one may be taken": (TWO_TAKE_ONE, {}, "pass B1", "C1", ALL, set()),
    "a ko on a board of one row": (". X O .", {}, "D1", "C1", set(), ALL),
    "a ko on a board of one column": ("\n.\nX\nO\n.\n", {}, "A1", "A2", set(), ALL),
    "double ko, each takes one": (DOUBLE_KO, {}, "C5", "B3", ALL, set()),
    "double ko, neither is retaken at once": (DOUBLE_KO, {}, "C5 B3", "C3", set(), ALL),
    "double ko, after a pass": (DOUBLE_KO, {}, "C5 B3 pass", "B5", ALL, set()),
    "double ko, back at the start with the other side to move": (
        DOUBLE_KO,
        {},
        "C5 B3 pass B5",
        "C3",
        {"simple", "situational"},
        {"positional"},
    ),
    "two stones are sent": (SEND_TWO, {}, "A1", "C1", ALL, set()),
    "one is returned": (
        SEND_TWO,
        {},
        "A1 C1",
        "B1",
        {"simple", "situational"},
        {"positional"},
    ),
    "two are sent again": (
        SEND_TWO,
        {},
        "A1 C1 B1 pass",
        "A1",
        {"simple"},
        {"situational"},
    ),
    "triple ko, the last move but one": (TRIPLE_KO, {}, "C8 B6 C4 B8", "C6", ALL, set()),
    "triple ko, back at the start": (
        TRIPLE_KO,
        {},
        "C8 B6 C4 B8 C6",
        "B4",
        {"simple"},
        {"positional", "situational"},
    ),
    "triple ko, with an exchange": (TRIPLE_KO, {}, "C8 B6 C4 B8 C6 J1 J9", "B4", ALL, set()),
    # The stone of a suicide leaves its point at once, so no stone was ever taken from B5.
    "a suicide back to the start, the other side to move": (
        SUICIDE,
        {"suicide": 1},
        "A5 pass",
        "B5",
        {"simple", "situational"},
        {"positional"},
    ),
    "a suicide back to the start, the same side to move": (
        SUICIDE,
        {"suicide": 1, "to_move": 1},
        "pass A5 pass",
        "B5",
        {"simple"},
        {"positional", "situational"},
    ),
}


@pytest.mark.parametrize("ko", KO_RULES)
@pytest.mark.parametrize("name", KO_CASES)
def test_ko_rules_differ_exactly_where_they_should(name, ko):
    diagram, rules, moves, vertex, allowed, forbidden = KO_CASES[name]
    if ko in allowed | forbidden:
        position = play(go(diagram, ko_rule=KO_RULES[ko], **rules), moves)
        assert is_legal(position, vertex) == (ko in allowed)


def test_a_retaken_ko_is_back_where_it_was_but_for_the_exchange():
    position = play(go(KO), "C3 E1 E5 B3")
    assert draw(position.pieces()) == tidy(
        """
        . . . . X
        . X O . .
        X O . O .
        . X O . .
        . . . . O
        """
    )
    assert (black_prisoners(position), white_prisoners(position)) == (1, 1)


def test_a_stone_that_takes_one_and_breathes_elsewhere_makes_no_ko():
    position = play(go(KO.replace("X O . O .", "X O . . .")), "C3")
    assert is_legal(position, "B3") is False  # suicide, not ko
    assert not position.encode()[0][8].any()
