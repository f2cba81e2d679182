"""Go: the end of the game, scoring, playouts, setup and what a net sees, by diagrams and tables.

Captures stand in test_go_captures.py, ko in test_go_ko.py, known counts in test_go_counts.py, games in
test_go_games.py, life in test_go_life.py.
"""

import ctypes
import random

import any_go
import numpy as np
import pytest
from diagrams import KO, action_of, draw, go, parse, play, tidy, white_prisoners
from go_invariants import assert_sound
from go_reference import ReferenceGo, assert_same, liberties, neighbours

from engine import games, native
from engine.games.go import KO_POSITIONAL, KO_SIMPLE, KO_SITUATIONAL
from engine.games.go.board import BLACK, max_moves
from engine.position import Position

EMPTY_5 = "\n".join([". . . . ."] * 5)


# --- The end of the game ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moves", "over"),
    [("pass", False), ("pass pass", True), ("pass C3 pass", False), ("pass C3 pass pass", True)],
)
def test_two_passes_in_a_row_end_the_game(moves, over):
    assert play(go(EMPTY_5), moves).over == over


def test_after_the_end_no_move_is_taken():
    position = play(go(EMPTY_5), "pass pass")
    with pytest.raises(ValueError, match="over"):
        position.play(0)


@pytest.mark.parametrize("action", [-1, 0, 26])
def test_an_illegal_action_is_refused_and_changes_nothing(action):
    position = play(go(EMPTY_5), "A5")
    before = position.state.tobytes()
    with pytest.raises(ValueError, match=f"action {action} is not legal"):
        position.play(action)
    assert position.state.tobytes() == before


def test_a_game_without_end_is_cut_at_max_moves():
    position = go(EMPTY_5, ko_rule=KO_SIMPLE, suicide=1)
    for move in range(position.game.max_moves):  # Black fills the board and dies, again and again
        assert not position.over
        position.play(25 if move % 2 else int(np.flatnonzero(position.legal_mask())[0]))
    assert position.over
    assert position.game.max_moves == max_moves(5, 5) == 130
    assert white_prisoners(position) == 50


# --- Scoring ----------------------------------------------------------------------------------

SCORES = {  # name: (diagram, ownership: X Black's, O White's, . nobody's)
    "an empty board is nobody's": (EMPTY_5, EMPTY_5),
    "one stone owns the board": (
        """
        . . .
        . X .
        . . .
        """,
        """
        X X X
        X X X
        X X X
        """,
    ),
    "points between both colours are dame": (
        """
        . X . O .
        . X . O .
        . X . O .
        . X . O .
        . X . O .
        """,
        """
        X X . O O
        X X . O O
        X X . O O
        X X . O O
        X X . O O
        """,
    ),
    "in a seki stones count and shared liberties do not": (
        """
        . X O . X
        X X O X X
        O O O O O
        . O . . O
        O O O O O
        """,
        """
        X X O . X
        X X O X X
        O O O O O
        O O O O O
        O O O O O
        """,
    ),
    "bent four in the corner is not taken by itself": (
        """
        X X X O .
        . O O O .
        O O . . .
        . . . . .
        """,
        """
        X X X O O
        . O O O O
        O O O O O
        O O O O O
        """,
    ),
    "a board of one row": (". X . . O .", "X X . . O O"),
    "dead stones count as alive until they are taken": (
        """
        . . . . .
        . X . . .
        . . . . .
        O O O O O
        . O . O .
        """,
        """
        . . . . .
        . X . . .
        . . . . .
        O O O O O
        O O O O O
        """,
    ),
}


@pytest.mark.parametrize("name", SCORES)
def test_a_point_belongs_to_the_only_colour_that_reaches_it(name):
    diagram, owners = SCORES[name]
    lead, ownership = go(diagram, komi_half_points=0).score()
    assert draw(ownership % 3) == tidy(owners)
    assert lead == ownership.sum()


@pytest.mark.parametrize(
    ("komi_half_points", "score", "outcome"),
    [(0, 5, 1), (9, 0.5, 1), (10, 0, 0), (11, -0.5, -1), (14, -2, -1), (-1, 5.5, 1)],
)
def test_komi_is_whites_and_an_integer_komi_can_draw(komi_half_points, score, outcome):
    five_ahead = """
        . . X O .
        . . X O .
        . . X O .
        . . X O .
        . . X O .
        """
    position = play(go(five_ahead, komi_half_points=komi_half_points), "pass pass")
    assert position.score()[0] == score
    assert position.outcome() == outcome


def test_the_standard_komi_is_seven_points():
    assert Position(games.load("go19")).score()[0] == -7


def test_prisoners_do_not_count_in_area_scoring():
    corner = """
        O X . . .
        . . . . .
        . . . . .
        . . . . .
        . . . . .
        """
    position = play(go(corner, komi_half_points=0), "A4")
    assert position.score()[0] == 25


# --- Playouts ---------------------------------------------------------------------------------

EYES = {  # name: (diagram, vertex, whether it is Black's eye)
    "a corner": ("X X / . X", "A1", True),
    "a corner with a white stone across": ("X O / . X", "A1", False),
    "a corner with an open diagonal": ("X . / . X", "A1", True),
    "an edge": (". . . / X X X / X . X", "B1", True),
    "an edge with one white stone across": (". . . / O X X / X . X", "B1", False),
    "the middle": ("X X X / X . X / X X X", "B2", True),
    "the middle with one white stone across": ("O X X / X . X / X X X", "B2", True),
    "the middle with two white stones across": ("O X X / X . X / X X O", "B2", False),
    "an open neighbour": ("X X / . .", "A1", False),
    "a white neighbour": ("X X X / X . O / X X X", "B2", False),
    "White's eye": ("O O / . O", "A1", False),
}


@pytest.mark.parametrize("name", EYES)
def test_an_eye_has_its_colour_around_it_and_on_enough_diagonals(name):
    diagram, vertex, eye = EYES[name]
    position = any_go.from_pieces(parse(diagram.replace("/", "\n")))
    assert any_go.is_eye(position, action_of(position, vertex), BLACK) == eye


def native_rule(rules, name):
    """A compiled rule as a function of the state's address (and a seed)."""
    address = native.addresses_of_rules(rules)[name]
    return ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_uint64)(address)


@pytest.mark.parametrize("size", [2, 3, 5, 9])
def test_a_playout_ends_in_a_sound_position_where_only_eyes_are_left(size):
    rules = games.load(f"go{size}")
    playout = native_rule(rules, "playout")
    for seed in range(20):
        position = Position(rules)
        moves = playout(position.state.ctypes.data, seed)
        record = position.record[0]
        assert moves == record["moves"] <= rules.max_moves
        assert record["over"] == 1
        board = {divmod(a, size): ".XO"[c] for a, c in enumerate(position.pieces().ravel()) if c}
        assert all(liberties((size, size), board, point) for point in board)
        assert moves < rules.max_moves or size <= 3
        if moves < rules.max_moves:
            assert record["recent"][:2].tolist() == [0, 0]  # passes
            for colour in (0, 1):
                record["to_move"] = colour
                for action in np.flatnonzero(position.legal_mask()[:-1]):
                    assert eye_colour(position.pieces(), action) == colour + 1


def eye_colour(pieces, action):
    """The colour of all neighbours of an empty point, or 0 when they differ or one is empty."""
    row, col = divmod(action, len(pieces))
    colours = {int(pieces[near]) for near in neighbours(pieces.shape, (row, col))}
    return colours.pop() if len(colours) == 1 else 0


def test_a_playout_is_the_same_for_the_same_seed_and_differs_for_others():
    rules = games.load("go9")
    playout = native_rule(rules, "playout")
    ends = []
    for seed in [*range(20), *range(20)]:
        position = Position(rules)
        playout(position.state.ctypes.data, seed)
        ends.append(position.state.tobytes())
    assert ends[:20] == ends[20:]
    assert len(set(ends)) == 20


@pytest.mark.parametrize(
    ("name", "others"),
    [("go9", range(10, 17)), ("go5", range(51)), ("go3", range(19))],
)
def test_half_of_the_games_of_self_play_have_the_standard_komi_and_the_others_one_to_play_for(
    name, others
):
    rules = games.load(name)
    vary = native_rule(rules, "vary")
    komi = []
    for seed in range(2 * len(others)):
        position = Position(rules)
        vary(position.state.ctypes.data, seed)
        komi.append(int(position.record["komi_half_points"][0]))
        position.record["komi_half_points"] = 14
        assert position.state.tobytes() == position.start.tobytes()  # nothing else has changed
    assert komi[1::2] == [14] * len(others)
    assert sorted(komi[::2]) == list(others)


# --- Setup ------------------------------------------------------------------------------------


def test_setup_edits_one_point_whatever_stands_there():
    rng = random.Random(7)
    rules = games.load("go5")
    position, board = Position(rules), {}
    for _ in range(300):
        action, colour = rng.randrange(25), rng.choice([0, 1, 2])
        edited = {**board, divmod(action, 5): ".XO"[colour]}
        edited = {point: mark for point, mark in edited.items() if mark != "."}
        if all(liberties((5, 5), edited, point) for point in edited):
            board = edited
            position.setup(action, colour)
            assert_same(position, ReferenceGo((5, 5), board=board))
            assert_sound(position.record[0], (5, 5))


def test_setup_keeps_the_rules_and_forgets_the_game():
    position = play(go(KO, ko_rule=KO_SITUATIONAL, suicide=1, komi_half_points=3), "C3")
    position.setup(action_of(position, "E5"), 2)
    record = position.record[0]
    rules = [int(record[rule]) for rule in ("ko_rule", "suicide", "komi_half_points")]
    assert rules == [KO_SITUATIONAL, 1, 3]
    assert position.actions == []
    assert record["history_length"] == 1


# --- What a net sees --------------------------------------------------------------------------


def vertex_names(position, plane):
    return " ".join(sorted(position.game.notation.name(a) for a in np.flatnonzero(plane)))


def test_planes_show_stones_liberties_ko_and_last_moves_to_the_side_to_move():
    position = play(go(KO, komi_half_points=15), "A1 pass C3")
    planes, globals_ = position.encode()
    seen = [vertex_names(position, plane) for plane in planes]
    assert seen == [
        "C2 C4 D3",  # White's stones
        "A1 A3 B2 B4 C3",  # Black's
        "",  # White's chains with one liberty,
        "C2 C4",  # two
        "D3",  # and three
        "C3",  # Black's with one,
        "A1",  # two
        "A3 B2 B4",  # and three
        "B3",  # the ko
        "C3",  # the last move
        "",  # the one before was a pass
        "A1",
        "",
        " ".join(sorted(f"{letter}{row}" for letter in "ABCDE" for row in range(1, 6))),
    ]
    assert np.allclose(globals_, [0.75, 0, 1, 0, 0])


@pytest.mark.parametrize(
    ("rules", "moves", "expected"),
    [
        ({}, "", [-0.7, 0, 1, 0, 0]),
        ({}, "C3", [0.7, 0, 1, 0, 0]),
        ({}, "pass", [0.7, 1, 1, 0, 0]),
        ({"komi_half_points": 0, "ko_rule": KO_SIMPLE}, "", [0, 0, 0, 0, 0]),
        ({"ko_rule": KO_SITUATIONAL, "suicide": 1}, "", [-0.7, 0, 0, 1, 1]),
        ({"ko_rule": KO_POSITIONAL, "suicide": 1}, "", [-0.7, 0, 1, 0, 1]),
    ],
)
def test_globals_show_komi_pass_and_rules_to_the_side_to_move(rules, moves, expected):
    assert np.allclose(play(go(EMPTY_5, **rules), moves).encode()[1], expected)
