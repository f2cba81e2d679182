"""Go: the rules by diagrams and tables.

Known counts stand in test_go_counts.py, games in test_go_games.py, life in test_go_life.py.
"""

import ctypes
import random

import any_go
import numpy as np
import pytest
from diagrams import action_of, draw, go, is_legal, parse, play, tidy
from go_invariants import assert_sound
from go_reference import ReferenceGo, assert_same, liberties, neighbours

from engine import games, native
from engine.games.go import KO_POSITIONAL, KO_SIMPLE, KO_SITUATIONAL
from engine.games.go.board import BLACK, max_moves
from engine.position import Position

KO_RULES = {"simple": KO_SIMPLE, "positional": KO_POSITIONAL, "situational": KO_SITUATIONAL}
EMPTY_5 = "\n".join([". . . . ."] * 5)


def black_prisoners(position):
    return int(position.record["prisoners"][0, 0])


def white_prisoners(position):
    return int(position.record["prisoners"][0, 1])


# --- Captures -------------------------------------------------------------------------------

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


# --- Suicide --------------------------------------------------------------------------------

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


# --- Ko -------------------------------------------------------------------------------------

KO = """
    . . . . .
    . X O . .
    X O . O .
    . X O . .
    . . . . .
    """

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


# --- The end of the game --------------------------------------------------------------------


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


# --- Scoring --------------------------------------------------------------------------------

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
    position = play(go(CAPTURES["a stone in the corner"][0], komi_half_points=0), "A4")
    assert position.score()[0] == 25


# --- Playouts -------------------------------------------------------------------------------

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


# --- Setup ----------------------------------------------------------------------------------


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


# --- What a net sees ------------------------------------------------------------------------


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
