"""Names of places: vertices and columns."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.coords import ColumnNotation, VertexNotation
from engine.errors import UserError

SIZES = range(2, 20)


def everything_legal(count):
    return np.ones(count, np.uint8)


@pytest.mark.parametrize(
    ("size", "action", "vertex"),
    [
        (9, 0, "A9"),
        (9, 72, "A1"),
        (9, 80, "J1"),
        (9, 8, "J9"),
        (9, 7, "H9"),
        (9, 40, "E5"),
        (9, 81, "pass"),
        (19, 0, "A19"),
        (19, 18, "T19"),
        (19, 60, "D16"),
        (19, 288, "D4"),
        (19, 361, "pass"),
        (2, 3, "B1"),
    ],
)
def test_a_vertex_counts_columns_from_the_left_and_rows_from_below(size, action, vertex):
    notation = VertexNotation(size, size)
    assert notation.name(action) == vertex
    for text in (vertex, vertex.lower(), f"  {vertex} \n"):
        assert notation.parse(text, everything_legal(size * size + 1)) == action


@pytest.mark.parametrize("size", SIZES)
def test_every_action_of_every_size_has_its_own_vertex_without_the_letter_i(size):
    notation = VertexNotation(size, size)
    legal = everything_legal(size * size + 1)
    names = [notation.name(action) for action in range(size * size + 1)]
    assert [notation.parse(name, legal) for name in names] == list(range(size * size + 1))
    assert not any("I" in name for name in names)


def test_an_oblong_board_has_as_many_letters_as_columns():
    notation = VertexNotation(height=2, width=3)
    names = [notation.name(action) for action in range(6)]
    assert names == ["A2", "B2", "C2", "A1", "B1", "C1"]
    assert [notation.parse(name, everything_legal(6)) for name in names] == list(range(6))


JUNK = [
    "", " ", "5", "E", "I5", "i5", "K5", "A0", "A10", "A-1", "A+1", "A5x", "A 5", "5A", "AA5",
    "D4.0", "passs", "A\u0665", "\u00df1", "A" + "9" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("text", JUNK)
def test_junk_is_refused_with_the_input_and_the_remedy(text):
    with pytest.raises(UserError) as error:
        VertexNotation(9, 9).parse(text, everything_legal(82))
    assert str(error.value) == f"'{text}' is not a point of this board: type A1 to J9"


@given(st.text())
def test_any_text_is_an_action_or_a_user_error(text):
    for notation in (VertexNotation(9, 9), ColumnNotation(6, 7)):
        try:
            action = notation.parse(text, everything_legal(82))
        except UserError as error:
            assert f"'{text}'" in str(error)
        else:
            assert notation.name(action).upper() == text.strip().upper().lstrip("0")


def test_an_illegal_point_is_refused_with_the_input():
    legal = everything_legal(82)
    legal[40] = 0
    with pytest.raises(UserError, match="'e5' is not a legal move here"):
        VertexNotation(9, 9).parse("e5", legal)


def test_a_game_without_a_pass_knows_no_pass():
    with pytest.raises(UserError, match="'pass' is not a point of this board: type A1 to C3"):
        VertexNotation(3, 3).parse("pass", everything_legal(9))


@pytest.mark.parametrize(("action", "column"), [(0, "1"), (6, "7"), (35, "1"), (38, "4"), (41, "7")])
def test_a_column_is_named_from_1_whatever_the_row(action, column):
    assert ColumnNotation(6, 7).name(action) == column


@pytest.mark.parametrize(("column", "action"), [("1", 35), (" 4 ", 17), ("7", 6)])
def test_a_column_means_its_one_legal_cell(column, action):
    legal = np.zeros(42, np.uint8)
    legal[[35, 17, 6]] = 1
    assert ColumnNotation(6, 7).parse(column, legal) == action


def test_a_full_column_is_refused_with_the_input():
    with pytest.raises(UserError, match="'3' is not a legal move here: the column is full"):
        ColumnNotation(6, 7).parse("3", np.zeros(42, np.uint8))


@pytest.mark.parametrize("text", ["", "0", "8", "-1", "+1", "1.0", "A", "pass", "\u0663", "9" * 5000])
def test_junk_is_refused_as_a_column_with_the_input_and_the_remedy(text):
    with pytest.raises(UserError) as error:
        ColumnNotation(6, 7).parse(text, everything_legal(42))
    assert str(error.value) == f"'{text}' is not a column: type 1 to 7"
