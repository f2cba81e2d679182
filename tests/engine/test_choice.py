"""The move made of a search: what it chooses, but no pass while a Go board is open."""

import math

import numpy as np
import pytest

from engine.analyst import Analyst
from engine.games import load
from engine.gtp.board import Board
from engine.gtp.thinker import Limits
from engine.gtp.thinker import Thinker as GtpThinker
from engine.passing import moves_to_search
from engine.players.bot import Bot, Thinker, never
from engine.players.choice import choose_move
from engine.players.named import SearchPlayer
from engine.position import Position
from engine.rules import parse_rules
from mcts import Search, SearchSettings, UniformEvaluator

GO = load("go9")
PASS = GO.area


class Passes(UniformEvaluator):
    """Expects everybody to pass, and if not, Black to play on D4."""

    def __call__(self, planes, globals_):
        evaluation = super().__call__(planes, globals_)
        logits = np.zeros_like(evaluation.logits)
        logits[:, PASS], logits[:, vertex("D4")] = 9, 5
        return evaluation._replace(logits=logits)


def vertex(name):
    return GO.notation.parse(name, np.ones(GO.actions, np.uint8))


def searched(position, visits, allowed=None):
    settings = SearchSettings(visits=visits, solve=False)
    search = Search(GO.native, settings, Passes(GO.actions))
    search.set_root(position.state, allowed)
    search.run()
    return search


@pytest.mark.parametrize("visits", [1, 50])
def test_a_search_that_would_pass_on_an_open_board_plays_its_next_best_move(visits):
    search = searched(Position(GO), visits)
    assert search.core.choose(0) == PASS
    assert choose_move(search, Position(GO)) == vertex("D4")


def test_an_open_board_is_half_empty_and_young():
    def chosen(stones=0, moves=0):
        """With so many black stones set up, and so many moves of which White's are passes."""
        position = Position(GO)
        for point in range(stones):
            position.setup(point, 1)
        for ply in range(moves):
            position.play(PASS if ply % 2 else ply // 2)
        return choose_move(searched(position, 1), position)

    assert chosen(stones=40) == vertex("D4")
    assert chosen(stones=41) == PASS
    assert chosen(moves=40) == vertex("D4")
    assert chosen(moves=41) == PASS


def test_a_pass_that_is_all_that_is_allowed_is_played():
    allowed = np.zeros(GO.actions, np.uint8)
    allowed[PASS] = 1
    assert choose_move(searched(Position(GO), 1, allowed), Position(GO)) == PASS


def test_whoever_plays_for_people_plays_on():
    settings = SearchSettings(visits=30)
    evaluator = Passes(GO.actions)
    of_terminals = Thinker(GO, Bot(evaluator, settings), 0).choose(Position(GO), never)
    of_gtp = GtpThinker(lambda game, level=None: evaluator, settings, Limits(visits=30))
    board = Board(GO, parse_rules("chinese"), 7)
    assert of_terminals.action == vertex("D4")
    assert of_gtp.choose(board, 0, math.inf, never).action == vertex("D4")
    assert SearchPlayer(GO, settings, evaluator).choose(Position(GO)) == vertex("D4")


def test_after_a_pass_on_an_open_board_the_search_has_its_visits_and_no_pass():
    """White would win by a second pass, which a proof of one visit would end the search with."""
    position = Position(GO)
    position.play(PASS)
    settings, evaluator = SearchSettings(visits=30), Passes(GO.actions)
    player = SearchPlayer(GO, settings, evaluator)
    assert player.choose(position) == vertex("D4")
    assert player.search.core.root_visits == 30
    player.follow(position)
    assert player.search.core.root_visits == 30, "to follow where it is keeps the tree"
    of_gtp = GtpThinker(lambda game, level=None: evaluator, settings, Limits(visits=30))
    board = Board(GO, parse_rules("chinese"), 7)
    board.play(0, PASS)
    decision = of_gtp.choose(board, 1, math.inf, never)
    assert decision.action == vertex("D4") and decision.search.core.root_visits == 30
    report = Analyst(GO, evaluator, settings).analyse(position)
    assert report.visits == 30 and report.moves[0].action == vertex("D4")
    assert PASS not in [move.action for move in report.moves]


def test_after_a_pass_in_a_grown_game_all_moves_are_searched():
    position = Position(GO)
    for ply in range(42):
        position.play(PASS if ply % 2 else ply // 2)
    assert moves_to_search(position) is None
    assert moves_to_search(Position(GO)) is None
