"""Othello: known counts, flips in every direction, passes and the end."""

import numpy as np
import pytest
from counting import perft, solve
from diagrams import draw, is_legal, parse, play, tidy

from engine import games
from engine.position import Position

RULES = games.load("othello")


def othello(diagram, to_move=0):
    """A position set up from a diagram."""
    pieces = parse(diagram)
    size = len(pieces)
    position = Position(games.load("othello" if size == 8 else f"othello{size}"))
    words = [sum(1 << int(i) for i in np.flatnonzero(pieces.ravel() == mark)) for mark in (1, 2)]
    position.record["discs"][0] = words
    position.record["to_move"] = to_move
    position.record["places"] = sum(1 << i for i in places(pieces, to_move + 1))
    return position


def flips(pieces, row, column, mark):
    """The places that a disc would flip, by walking from it: slow and plain."""
    size, found = len(pieces), []
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            line, r, c = [], row + down, column + right
            while 0 <= r < size and 0 <= c < size and pieces[r, c] == 3 - mark:
                line.append((r, c))
                r, c = r + down, c + right
            if 0 <= r < size and 0 <= c < size and pieces[r, c] == mark:
                found += line
    return found


def places(pieces, mark):
    rows, columns = np.nonzero(pieces == 0)
    size = len(pieces)
    return [size * r + c for r, c in zip(rows, columns, strict=True) if flips(pieces, r, c, mark)]


def test_the_game_begins_with_four_discs_and_black():
    position = Position(RULES)
    assert draw(position.pieces()) == tidy(
        """
        . . . . . . . .
        . . . . . . . .
        . . . . . . . .
        . . . O X . . .
        . . . X O . . .
        . . . . . . . .
        . . . . . . . .
        . . . . . . . .
        """
    )
    legal = [RULES.notation.name(int(a)) for a in np.flatnonzero(position.legal_mask())]
    assert legal == ["D3", "C4", "F5", "E6"]


PERFT = [4, 12, 56, 244, 1396, 8200, 55092, 390216, 3005288]  # as published by Aart Bik


def test_move_sequences_are_as_many_as_known():
    assert perft(Position(RULES), 9) == PERFT


def test_perfect_play_on_4x4_ends_8_discs_ahead_for_white():
    rules = games.load("othello4")
    assert solve(Position(rules), lambda state: rules.native.score(state)[0]) == -8


@pytest.mark.parametrize("name", ["othello4", "othello6", "othello"])
def test_random_games_agree_with_a_plain_reading_of_the_rules(name):
    rules = games.load(name)
    rng, size = np.random.default_rng(0), rules.shape[0]
    passes = 0
    for _ in range(20):
        position = Position(rules)
        while not position.over:
            pieces, mark = position.pieces().astype(int), position.to_move + 1
            expected = places(pieces, mark) or [size * size]
            assert np.flatnonzero(position.legal_mask()).tolist() == expected
            action = int(rng.choice(expected))
            position.play(action)
            if action < size * size:
                row, column = divmod(action, size)
                for place in [*flips(pieces, row, column, mark), (row, column)]:
                    pieces[place] = mark
            passes += action == size * size
            assert np.array_equal(position.pieces(), pieces)
        assert not places(pieces, 1) and not places(pieces, 2)
        lead = int((pieces == 1).sum()) - int((pieces == 2).sum())
        assert position.outcome() == np.sign(lead) and position.score()[0] == lead
    assert passes > 0


def test_one_disc_flips_runs_in_all_eight_directions_and_only_up_to_a_disc_of_its_own():
    position = othello(
        """
        X . . X . . X .
        . O . O . O . .
        . . O O O . . .
        X O O . O O X .
        . . O O O . . .
        . O . O . O . .
        O . . X . . X .
        O . . O . . . .
        """
    )
    assert draw(play(position, "D4").pieces()) == tidy(
        """
        X . . X . . X .
        . X . X . X . .
        . . X X X . . .
        X X X X X X X .
        . . O X X . . .
        . O . X . X . .
        O . . X . . X .
        O . . O . . . .
        """
    )


def test_no_run_goes_round_the_edge_of_the_board():
    position = othello(
        """
        . . . . . .
        . . . . . O
        O X . . . .
        . . . . . .
        . . . X O O
        O O X . . .
        """
    )
    assert not position.legal_mask()[[5, 11, 23, 24, 29]].any()


def test_the_pass_is_legal_only_without_another_move_and_the_other_side_goes_on():
    position = othello(
        """
        O X . .
        . . . .
        . . . .
        . . O X
        """,
        to_move=1,
    )
    assert not is_legal(position, "pass") and is_legal(position, "C1")
    position = othello(
        """
        X O . .
        . . . .
        . . . .
        . . . .
        """,
        to_move=1,
    )
    assert np.flatnonzero(position.legal_mask()).tolist() == [16]
    play(position, "pass")
    assert not position.over and position.to_move == 0
    assert play(position, "C1").over
    assert position.score()[0] == 3 and position.outcome() == 1
