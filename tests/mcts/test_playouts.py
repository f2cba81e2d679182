"""Random games instead of an evaluator."""

import pytest
from searching import FOUR, TTT, new_search, position, searched, solved

from engine import games
from engine.position import Position


@pytest.mark.parametrize("rules", [TTT, FOUR])
def test_with_playouts_no_evaluator_is_asked_and_the_visits_add_up(rules):
    def never(planes, globals_):
        raise AssertionError("asked")

    core = searched(Position(rules), never, visits=600, playouts=2).core
    assert core.root_visits == 600
    assert sum(move.visits for move in core.moves()) == 599


@pytest.mark.parametrize("playouts", [1, 4])
def test_the_caller_hears_of_the_search_after_256_random_games(playouts):
    search = new_search(position(rules=FOUR), visits=10_000, playouts=playouts)
    assert search.core.collect(search._planes, search._globals) == 0
    assert search.core.root_visits == 256 // playouts


def test_playouts_favour_the_middle_columns_and_the_first_player():
    core = solved(Position(FOUR), visits=20_000, playouts=1, c_puct=3.0)
    value = {move.action % 7: move.value for move in core.moves()}
    assert core.choose(99) % 7 in (2, 3, 4)
    assert value[3] > max(value[0], value[6])
    assert core.root_value > 0


def test_playouts_give_scores_in_games_that_have_them():
    start = Position(games.load("go5"))
    core = solved(start, visits=3000, playouts=1)
    assert core.root_score + 7 > 2  # Black's lead on the board, without the komi
