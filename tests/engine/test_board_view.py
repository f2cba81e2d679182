"""Boards as text, compared as whole diagrams."""

import io
import textwrap

import pytest
from diagrams import go, play

from engine import games
from engine.board_view import PLAIN, draw, last_place, star_points, style_for
from engine.position import Position


class Screen(io.StringIO):
    """An output that says it is a terminal."""

    def __init__(self, encoding="utf-8"):
        super().__init__()
        self._encoding = encoding

    encoding = property(lambda self: self._encoding)

    def isatty(self):
        return True


def same(drawn, expected):
    assert drawn == textwrap.dedent(expected).strip("\n")


def new(name):
    return Position(games.load(name))


def test_go_has_coordinates_on_all_sides_star_points_and_the_last_move_in_brackets():
    same(
        draw(play(new("go9"), "E5 C3 J9")),
        """
          A B C D E F G H J
        9 . . . . . . . .(X)9
        8 . . . . . . . . . 8
        7 . . + . . . + . . 7
        6 . . . . . . . . . 6
        5 . . . . X . . . . 5
        4 . . . . . . . . . 4
        3 . . O . . . + . . 3
        2 . . . . . . . . . 2
        1 . . . . . . . . . 1
          A B C D E F G H J
        """,
    )


def test_rows_of_a_large_board_line_up():
    lines = draw(play(new("go19"), "K10")).splitlines()
    assert lines[0] == "   A B C D E F G H J K L M N O P Q R S T"
    assert lines[1] == "19 . . . . . . . . . . . . . . . . . . . 19"
    assert lines[10] == "10 . . . + . . . . .(X). . . . . + . . . 10"
    assert lines[19] == " 1 . . . . . . . . . . . . . . . . . . . 1"
    assert lines[20] == lines[0]


def test_a_bracket_at_the_edge_does_not_leak_into_the_next_row():
    same(
        draw(play(new("go3"), "C3 A2")),
        """
          A B C
        3 . . X 3
        2(O). . 2
        1 . . . 1
          A B C
        """,
    )


def test_captured_stones_are_gone_and_a_pass_marks_nothing():
    position = play(go("O X .\n. . .\n. . ."), "A2 pass")
    assert last_place(position) is None
    same(
        draw(position),
        """
          A B C
        3 . X . 3
        2 X . . 2
        1 . . . 1
          A B C
        """,
    )


def test_tic_tac_toe_is_drawn_with_x_and_o():
    same(
        draw(play(new("tic_tac_toe"), "B2 A3")),
        """
          A B C
        3(O). . 3
        2 . X . 2
        1 . . . 1
          A B C
        """,
    )


def test_connect_four_has_column_numbers_and_no_rows():
    assert draw(play(new("connect_four"), "4 4 7")).splitlines() == [
        " 1 2 3 4 5 6 7",
        " . . . . . . .",
        " . . . . . . .",
        " . . . . . . .",
        " . . . . . . .",
        " . . . O . . .",
        " . . . X . .(X)",
        " 1 2 3 4 5 6 7",
    ]


@pytest.mark.parametrize(
    ("size", "count"), [(2, 0), (4, 0), (5, 1), (6, 0), (7, 5), (8, 4), (9, 5), (13, 5), (19, 9)]
)
def test_every_size_has_its_usual_star_points(size, count):
    assert len(star_points(size, size)) == count


def test_star_points_of_an_oblong_board_lie_as_on_square_ones():
    name = games.load("go13x9").notation.name
    assert {name(point) for point in star_points(9, 13)} == {"C3", "L3", "G5", "C7", "L7"}
    assert star_points(6, 9) == set()


def test_star_points_of_19x19_are_on_the_fourth_lines_and_in_the_middle():
    name = games.load("go19").notation.name
    words = ["D4", "D10", "D16", "K4", "K10", "K16", "Q4", "Q10", "Q16"]
    assert sorted(map(name, star_points(19, 19))) == sorted(words)


@pytest.fixture
def colourful(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.mark.usefixtures("colourful")
@pytest.mark.parametrize(
    ("output", "plain"),
    [(io.StringIO(), False), (Screen(), True), (Screen("ascii"), False), (Screen("?"), False)],
    ids=["not a terminal", "asked for", "no such characters", "unknown encoding"],
)
def test_the_plain_style_is_taken_when(output, plain):
    assert style_for(games.load("go5"), output, plain) is PLAIN


@pytest.mark.usefixtures("colourful")
def test_a_dumb_terminal_gets_the_plain_style(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    assert style_for(games.load("go5"), Screen()) is PLAIN


@pytest.mark.usefixtures("colourful")
def test_no_color_keeps_stones_but_drops_colours(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    position = play(new("go3"), "B2 C3")
    same(
        draw(position, style_for(position.game, Screen())),
        """
          A B C
        3 \u00b7 \u00b7(\u25cb)3
        2 \u00b7 \u25cf \u00b7 2
        1 \u00b7 \u00b7 \u00b7 1
          A B C
        """,
    )


@pytest.mark.usefixtures("colourful")
@pytest.mark.parametrize("name", ["go3", "tic_tac_toe", "connect_four"])
def test_colours_change_no_character_of_the_layout_and_end_with_each_line(name):
    position = play(new(name), "2 3" if name == "connect_four" else "B2 C3")
    coloured = draw(position, style_for(position.game, Screen()))
    assert "\x1b[" in coloured
    shown = "".join(part.partition("m")[2] if i else part
                    for i, part in enumerate(coloured.split("\x1b[")))  # fmt: skip
    for fancy, mark in (("\u25cf", "X"), ("\u25cb", "O"), ("\u00b7", "."), ("\u253c", "+")):
        shown = shown.replace(fancy, mark)
    plain = draw(position)
    if name == "go3":  # on the coloured board both stones are filled
        plain = plain.replace("O", "X")
    assert shown == plain
    for line in coloured.splitlines():
        *_, last_code = ["0", *(part.partition("m")[0] for part in line.split("\x1b[")[1:])]
        assert last_code == "0"
