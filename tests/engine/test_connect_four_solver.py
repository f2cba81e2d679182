"""The solver that measures Connect Four nets is itself right."""

import random

import numpy as np
import pytest
from connect_four_exactness import exactness, held_out_positions
from connect_four_solver import Solver, bits, has_four
from counting import solve as solve_plainly

from engine import games
from engine.position import Position

RULES = games.load("connect_four")


@pytest.fixture(scope="module")
def solver():
    return Solver()


def random_position(moves, seed):
    """A position that is not over after random moves."""
    rng = random.Random(seed)
    while True:
        position = Position(RULES)
        while len(position.actions) < moves and not position.over:
            position.play(int(rng.choice(np.flatnonzero(position.legal_mask()))))
        if not position.over:
            return position


@pytest.mark.parametrize("seed", range(40))
def test_values_are_those_of_a_search_without_any_cleverness(solver, seed):
    position = random_position(32, seed)
    value = solve_plainly(position, RULES.native.outcome) * (1 - 2 * position.to_move)
    assert solver.value(position.pieces(), position.to_move) == value
    assert max(solver.move_values(position).values()) == value


def test_four_in_a_row_on_bitboards_is_four_in_a_row_in_the_rules():
    for seed in range(200):
        rng, position = random.Random(seed), Position(RULES)
        while not position.over:
            position.play(int(rng.choice(np.flatnonzero(position.legal_mask()))))
            mover = 2 - position.to_move
            won = position.over and position.outcome() != 0
            assert has_four(bits(position.pieces() == mover)) == won


def test_a_lost_and_a_drawn_ending(solver):
    lost = Position(RULES)
    for column in "41513":
        lost.play(RULES.notation.parse(column, lost.legal_mask()))
    assert solver.value(lost.pieces(), lost.to_move) == -1  # 2 and 6 both make four
    assert solver.move_values(lost) == dict.fromkeys(np.flatnonzero(lost.legal_mask()).tolist(), -1)


def test_exactness_is_one_for_a_perfect_player_and_less_for_an_undecided_one(solver):
    positions = held_out_positions(30)
    matter = [p for p in positions if len(set(solver.move_values(p).values())) > 1]
    for position in matter:
        values = solver.move_values(position)
        assert exactness(lambda _, known=values: max(known, key=known.get), [position])[:2] == (1, 1)
    count, exact, at_random = exactness(lambda p: np.flatnonzero(p.legal_mask())[0], positions)
    assert count == len(matter) and 0 < exact < 1 and 0.2 < at_random < 0.9
