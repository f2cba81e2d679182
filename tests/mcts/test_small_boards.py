"""The value of the empty board under area scoring and positional superko, which is known of small ones:
van der Werf, van den Herik and Uiterwijk 2003, "Solving Go on Small Boards"."""

import pytest
from searching import solved

from engine import games
from engine.nets.files import load_net
from engine.nets.inference import NetEvaluator, choose_device
from engine.position import Position
from mcts import Search, SearchSettings


@pytest.mark.parametrize("half_points", [1, 3])
def test_on_a_board_of_two_by_two_black_wins_by_one_point(half_points):
    start = Position(games.load("go2"))
    start.set_start(komi_half_points=half_points)
    core = solved(start, visits=2_000_000)
    assert core.solved
    assert core.root_value == (1 if half_points == 1 else -1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("komi_half_points", "playouts", "winner"),
    [(17, 1, 1), (19, 0, -1)],  # komi 8.5: Black wins all nine points; komi 9.5: there is no tenth
)
def test_on_a_board_of_three_by_three_black_wins_by_nine_points(komi_half_points, playouts, winner):
    start = Position(games.load("go3"))
    start.set_start(komi_half_points=komi_half_points)
    core = solved(start, visits=3_000_000, playouts=playouts)
    assert core.solved
    assert core.root_value == winner


@pytest.mark.slow
@pytest.mark.parametrize(("komi_half_points", "visits", "sign"), [(3, 500_000, 1), (5, 1_500_000, -1)])
def test_on_a_board_of_four_by_four_black_wins_by_two_points(komi_half_points, visits, sign):
    """Too large to be proven, but the search, with random games alone, knows who wins."""
    start = Position(games.load("go4"))
    start.set_start(komi_half_points=komi_half_points)
    core = solved(start, visits=visits, playouts=8)
    assert sign * core.root_value > 0.02


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_on_a_board_of_five_by_five_black_takes_every_point(seed):
    """With the net that learned it, from the middle and at the largest komi that can be won."""
    rules = games.load("go5")
    evaluator = NetEvaluator(load_net("go5", rules)[0], choose_device("cpu"), rules)
    black = SearchSettings(visits=400, leaves_per_batch=4)
    white = SearchSettings(visits=400, leaves_per_batch=4, temperature=1.0, temperature_moves=12)
    players = [Search(rules.native, settings, evaluator, seed) for settings in (black, white)]
    start = Position(rules)
    start.set_start(komi_half_points=2 * 25 - 1)
    moves = []
    while not start.over:
        mover = players[start.to_move]
        mover.set_root(start.state)
        mover.run()
        moves.append(mover.core.choose(len(moves)))
        start.play(moves[-1])
    assert rules.notation.name(moves[0]) == "C3"
    assert start.outcome() == 1
