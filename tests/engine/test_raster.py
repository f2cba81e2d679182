"""Pictures of boards: geometry, shapes of quarter blocks, and pointing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import games
from engine.errors import UserError
from engine.position import Position
from engine.tui.picking import pick, targets
from engine.tui.picture import Picture, largest_scale
from engine.tui.raster import Canvas, Geometry, shape

BOARDS = st.builds(
    Geometry, st.integers(2, 19), st.integers(2, 19), st.integers(1, 6), st.booleans(), st.booleans()
)


@given(BOARDS)
def test_every_place_is_found_at_its_middle_and_nothing_lies_outside(board):
    columns, rows = board.size
    for place in range(board.height * board.width):
        x, y = board.centre(*divmod(place, board.width))
        assert board.place_at(int(x - 0.25), int(y - 0.25)) == place
        assert 0 <= x < columns and 0 <= y < rows
    assert board.place_at(-1, 0) is None
    assert board.place_at(columns, 0) is None
    assert board.place_at(0, rows) is None


@given(BOARDS)
def test_neighbouring_places_do_not_share_characters(board):
    columns, rows = board.size
    found = {board.place_at(x, y) for x in range(columns) for y in range(rows)} - {None}
    assert found == set(range(board.height * board.width))


def drawn(kind, reach, fraction_x, fraction_y):
    canvas = Canvas()
    canvas.stamp(shape(kind, reach, fraction_x, fraction_y), 4, 3, "stone")
    grid = [[" "] * 9 for _ in range(7)]
    for x, y, glyph, front, _ in canvas.cells():
        grid[y][x] = "\u2588" if front is None else glyph
    return [line for line in ("".join(row).strip() for row in grid) if line]


def test_a_stone_on_a_crossing_at_scale_two_is_a_disc_three_lines_high():
    rows = ["\u2597\u2584\u2596", "\u2590\u2588\u2588\u2588\u258c", "\u259d\u2580\u2598"]
    assert drawn("disc", 1.92, 0.5, 0.5) == rows


def test_a_ring_has_a_hole_and_a_cross_has_none():
    assert (0, 0) not in shape("ring", 4, 0.5, 0.5)
    assert (0, 0) in shape("cross", 4, 0.5, 0.5)


def test_two_colours_meet_in_one_character():
    canvas = Canvas()
    canvas.stamp({(0, 0): 0b0101}, 0, 0, "left")
    canvas.stamp({(0, 0): 0b1010}, 0, 0, "right")
    ((x, y, glyph, front, back),) = canvas.cells()
    assert (x, y) == (0, 0)
    assert (glyph, front, back) in [("\u258c", "left", "right"), ("\u2590", "right", "left")]


@pytest.mark.parametrize("name", ["go9", "go19", "hex", "breakthrough", "connect_four", "tic_tac_toe"])
def test_the_largest_scale_is_the_largest_that_fits(name):
    game = games.load(name)
    for columns, rows in ((45, 21), (80, 40), (200, 80)):
        scale = largest_scale(game, columns, rows)
        width, height = Picture(game, scale).size
        assert scale == 1 or (width <= columns and height <= rows)
        width, height = Picture(game, scale + 1).size
        assert scale == 6 or width > columns or height > rows


# --- Pointing -------------------------------------------------------------------------------


def after(name, moves=""):
    position = Position(games.load(name))
    for word in moves.split():
        position.play(position.game.notation.parse(word, position.legal_mask()))
    return position


def place(position, name):
    labels = [f"{c}{r}" for r in position.game.notation.rows for c in position.game.notation.columns]
    return labels.index(name)


def test_pointing_at_an_empty_point_is_that_move():
    position = after("go5")
    assert position.game.notation.name(pick(position, None, place(position, "C3"))) == "C3"


@pytest.mark.parametrize(
    ("name", "moves", "where", "reason"),
    [
        ("go5", "C3", "C3", "C3 is occupied: choose an empty place"),
        ("go5", "B1 E5 A2 E4", "A1", None),
        ("go5", "B1 E5 A2", "A1", "A1 is not a legal move here: it would be suicide"),
        ("othello", "", "A1", "A1 is not a legal move here"),
        ("breakthrough6", "", "a6", "there is no piece of yours at a6 that can move"),
        ("breakthrough6", "", "a4", "there is no piece of yours at a4 that can move"),
    ],
)
def test_what_cannot_be_played_is_refused_in_one_line(name, moves, where, reason):
    position = after(name, moves)
    if reason is None:
        assert pick(position, None, place(position, where)) is not None
        return
    with pytest.raises(UserError) as caught:
        pick(position, None, place(position, where))
    assert str(caught.value) == reason


def test_a_full_column_is_refused():
    with pytest.raises(UserError, match="the column is full"):
        pick(after("connect_four", "1 1 1 1 1 1"), None, 0)


def test_a_piece_is_picked_up_then_put_down_where_it_can_go():
    position = after("breakthrough6")
    first = place(position, "b2")
    assert pick(position, None, first) is None
    assert targets(position, first) == {place(position, name) for name in ("a3", "b3", "c3")}
    action = pick(position, first, place(position, "c3"))
    assert position.game.notation.name(action) == "b2-c3"
    assert pick(position, first, place(position, "c2")) is None  # another piece instead
