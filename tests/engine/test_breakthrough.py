"""Breakthrough: known counts, how pieces move and take, and the ways to win."""

import numpy as np
import pytest
from counting import perft
from diagrams import draw, parse, play, tidy

from engine import games
from engine.errors import UserError
from engine.position import Position

RULES = games.load("breakthrough6")


def setup(diagram, to_move=0):
    pieces = parse(diagram)
    position = Position(games.load(f"breakthrough{len(pieces)}"))
    position.record["cells"][0] = pieces.ravel()
    position.record["pieces"][0] = [(pieces == 1).sum(), (pieces == 2).sum()]
    position.record["to_move"] = to_move
    return position


def moves(position):
    name = position.game.notation.name
    return {name(int(action)) for action in np.flatnonzero(position.legal_mask())}


@pytest.mark.parametrize(
    ("name", "counts"),
    [  # counted by OpenSpiel as well
        ("breakthrough", [22, 484, 11_132, 256_036]),
        ("breakthrough6", [16, 256, 4_308, 71_478]),
    ],
)
def test_move_sequences_are_as_many_as_known(name, counts):
    assert perft(Position(games.load(name)), 4) == counts


def test_the_first_player_begins_in_the_lower_two_rows():
    assert draw(Position(RULES).pieces()) == tidy(
        """
        O O O O O O
        O O O O O O
        . . . . . .
        . . . . . .
        X X X X X X
        X X X X X X
        """
    )


BLOCKED = """
. . . . . O
. O O O . .
. . X . . .
. X . X O .
. . . . . X
. . . . . .
"""


def test_a_piece_goes_forward_onto_empty_places_and_takes_only_diagonally():
    assert moves(setup(BLOCKED)) == {
        "c4-b5", "c4-d5", "b3-a4", "b3-b4", "d3-d4", "d3-e4", "f2-e3", "f2-f3",
    }  # fmt: skip


def test_the_second_player_moves_down():
    assert moves(setup(BLOCKED, to_move=1)) == {
        "f6-f5", "f6-e5", "b5-a4", "b5-b4", "b5-c4", "c5-b4", "c5-d4", "d5-c4", "d5-d4", "d5-e4",
        "e3-d2", "e3-e2", "e3-f2",
    }  # fmt: skip


def test_a_taken_piece_is_gone_and_its_taker_stands_there():
    position = play(setup(BLOCKED), "c4-d5")
    assert draw(position.pieces()) == tidy(BLOCKED.replace(". O O O .", ". O O X .").replace(
        ". . X . . .", ". . . . . .")
    )  # fmt: skip
    assert position.record["pieces"][0].tolist() == [4, 4]


@pytest.mark.parametrize("text", ["c4-d5", "c4d5", "C4xD5", " c4d5 "])
def test_a_move_may_be_written_in_several_ways(text):
    position = setup(BLOCKED)
    action = RULES.notation.parse(text, position.legal_mask())
    assert RULES.notation.name(action) == "c4-d5"


@pytest.mark.parametrize("player", [0, 1])
def test_reaching_the_far_row_wins(player):
    diagram = ". . . . . .\nX . . . . .\n. . . . . .\n. . . . . .\n. . . . . O\n. . . . . ."
    position = play(setup(diagram, player), "f2-e1" if player else "a5-a6")
    assert position.over and position.outcome() == 1 - 2 * player


@pytest.mark.parametrize("player", [0, 1])
def test_taking_the_last_piece_wins(player):
    diagram = ". . . . . .\n. . . . . .\n. . O . . .\n. X . . . .\n. . . . . .\n. . . . . ."
    position = play(setup(diagram, player), "c4-b3" if player else "b3-c4")
    assert position.over and position.outcome() == 1 - 2 * player


def test_every_game_is_over_by_max_moves_even_when_nobody_takes():
    assert RULES.max_moves == 2 * 6 * 7 + 1
    assert RULES.native.playouts(Position(RULES).state, 2000, 0) <= 2000 * RULES.max_moves


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("b3-b5", "'b3-b5' is not a legal move here"),
        ("d3-c3", "'d3-c3' is not a legal move here"),
        ("b3", "'b3' is not a move: type two places from a1 to f6, such as a2-a3"),
        ("g1-g2", "'g1-g2' is not a move"),
        ("a0-a1", "'a0-a1' is not a move"),
        ("", "'' is not a move"),
        ("b3--b4", "'b3--b4' is not a move"),
    ],
)
def test_what_is_no_move_is_refused_with_the_input_and_the_remedy(text, said):
    with pytest.raises(UserError) as error:
        RULES.notation.parse(text, setup(BLOCKED).legal_mask())
    assert said in str(error.value)


def test_every_action_that_stays_on_the_board_has_its_own_name():
    names = [RULES.notation.name(action) for action in range(RULES.actions)]
    whole = [name for name in names if not name.endswith("-")]
    assert len(set(whole)) == len(whole) == 2 * 5 * (6 + 5 + 5)
