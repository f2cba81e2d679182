"""Pass-alive stones and points of Go: diagrams, and Benson's definition taken literally."""

import random

import any_go
import numpy as np
import pytest
from diagrams import draw, go, parse, tidy
from go_reference import all_points, pass_alive
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import games
from engine.games.go import life
from engine.position import Position

LIFE = {  # name: (diagram, X Black's for ever, O White's, . neither's)
    "an empty board is nobody's": (
        """
        . . . .
        . . . .
        """,
        """
        . . . .
        . . . .
        """,
    ),
    "two eyes live": (
        """
        . X . X .
        X X X X .
        . . . . .
        . . . . .
        """,
        """
        X X X X .
        X X X X .
        . . . . .
        . . . . .
        """,
    ),
    "one eye does not": (
        """
        . X . . .
        X X . . .
        . . . . .
        """,
        """
        . . . . .
        . . . . .
        . . . . .
        """,
    ),
    "an eye and the wide rest of the board are not two": (
        """
        . X . .
        X X . .
        """,
        """
        . . . .
        . . . .
        """,
    ),
    "a false eye is none": (
        """
        . X . X O
        X X O O O
        O O O . .
        . . . . .
        """,
        """
        . . . . .
        . . . . .
        . . . . .
        . . . . .
        """,
    ),
    "a chain with one eye dies beside one that lives": (
        """
        . X O . .
        X O O . .
        X X X O .
        . X . X O
        X X X X O
        """,
        """
        . . . . .
        X . . . .
        X X X . .
        X X X X .
        X X X X .
        """,
    ),
    "a string of eyes: each stone has two": (
        """
        . X O . O
        X . X O O
        O X . X O
        O O X . X
        . O O X .
        """,
        """
        X X . . .
        X X X . .
        . X X X .
        . . X X X
        . . . X X
        """,
    ),
    "an eye may be large if the chain touches every empty point of it": (
        """
        . . X . X .
        X X X X X .
        . . . . . .
        """,
        """
        X X X X X .
        X X X X X .
        . . . . . .
        """,
    ),
    "an eye is not vital with a point out of touch": (
        """
        . . . X .
        . . . X X
        . . . X X
        X X X X X
        """,
        """
        . . . . .
        . . . . .
        . . . . .
        . . . . .
        """,
    ),
    "captives inside a vital region are its owner's": (
        """
        . X O . X . X
        X X X X X X X
        . . . . . . .
        """,
        """
        X X X X X X X
        X X X X X X X
        X X X X X X X
        """,
    ),
    "a dead stone inside": (
        """
        . O X . X O .
        X X X X X O O
        O O O O O O .
        """,
        """
        X X X X X O O
        X X X X X O O
        O O O O O O O
        """,
    ),
    "both colours at once": (
        """
        . X . X O . O .
        X X X X O O O O
        """,
        """
        X X X X O O O O
        X X X X O O O O
        """,
    ),
    "a seki is alive by reading, not by Benson": (
        """
        . X O . X O .
        X X O . X O O
        O O O X X O .
        X X X X X O O
        . X . X X O .
        """,
        """
        . . . . X O O
        . . . . X O O
        . . . X X O O
        X X X X X O O
        X X X X X O O
        """,
    ),
    "bent four in the corner": (
        """
        X X X O .
        . O O O .
        O O . . .
        . . . . .
        """,
        """
        . . . . .
        . . . . .
        . . . . .
        . . . . .
        """,
    ),
    "a line with two eyes": (". X . X . O", "X X X X X X"),
    "a column": ("\n.\nX\n.\nX\n.\n", "\nX\nX\nX\nX\nX\n"),
}


@pytest.mark.parametrize("name", LIFE)
def test_pass_alive_is_what_can_never_be_lost(name):
    diagram, expected = LIFE[name]
    pieces = parse(diagram)
    position = any_go.from_pieces(pieces)
    assert draw(any_go.pass_alive(position) % 3) == tidy(expected)
    assert draw(by_definition(pieces)) == tidy(expected)


def by_definition(pieces):
    """Who owns what for ever: [H, W], 1 Black, 2 White, 0 neither, from the reference."""
    points = all_points(pieces.shape)
    board = {point: ".XO"[pieces[point]] for point in points if pieces[point]}
    owners = pass_alive(pieces.shape, board)
    return np.array([".XO".index(owners.get(p, ".")) for p in points]).reshape(pieces.shape)


@settings(max_examples=60)
@given(height=st.integers(1, 6), width=st.integers(1, 6), seed=st.integers(0, 2**32 - 1))
def test_in_every_position_of_a_random_game_the_definition_says_the_same(height, width, seed):
    rng = random.Random(seed)
    position = Position(any_go.load(height, width))
    while not position.over and len(position.actions) < 100:
        legal = np.flatnonzero(position.legal_mask()[:-1]).tolist()
        position.play(rng.choice(legal) if legal else position.game.area)
        if len(position.actions) % 5 == 0:
            assert np.array_equal(any_go.pass_alive(position) % 3, by_definition(position.pieces()))


def test_after_a_playout_most_of_the_board_is_alive_for_the_one_who_owns_it():
    alive = 0
    for seed in range(10):
        position = Position(any_go.load(9, 9))
        any_go.playout(position, seed)
        owner = any_go.pass_alive(position)
        assert np.array_equal(owner % 3, by_definition(position.pieces()))
        assert (owner == position.score()[1])[owner != 0].all()
        alive += int((owner != 0).sum())
    assert alive > 10 * 81 / 2


def test_what_is_alive_in_a_state_of_a_game():
    diagram, expected = LIFE["a string of eyes: each stone has two"]
    position = go(diagram)
    assert position.game is games.load("go5")
    assert draw(life.pass_alive(position.game, position.state) % 3) == tidy(expected)
