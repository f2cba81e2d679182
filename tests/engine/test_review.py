"""The review of a game of any kind: what it looks at, and what it calls a mistake."""

import pytest

from engine import games
from engine.analysis.review import Review
from engine.analyst import Analyst
from engine.position import Position
from engine.records.record import GameRecord
from mcts import SearchSettings, UniformEvaluator

OXO = games.load("tic_tac_toe")


def after(game, moves):
    position = Position(game)
    for word in moves.split():
        position.play(game.notation.parse(word, position.legal_mask()))
    return position


def searcher(game, visits=600):
    return Analyst(game, UniformEvaluator(game.actions), SearchSettings(visits=visits))


def searched(review, analyst):
    assert sorted(review.search(analyst)) == list(range(len(review.positions)))
    return review


def test_the_move_that_throws_a_won_game_away_is_the_only_mistake():
    lost = after(OXO, "B2 A2 A3 C1 B3 B1 C3")  # O overlooks B1 or C3 at A2; X wins
    review = searched(Review.of_game(lost), searcher(OXO))
    assert [(move.number, move.player, move.grade) for move in review.mistakes()] == [(2, 1, "mistake")]
    assert review.summary(0)["mistakes"] == 0 and review.summary(1)["mistakes"] == 1
    assert review.reports[7].win_rate == 1 and review.reports[7].moves == ()


def test_reports_are_in_the_first_player_s_view_and_losses_in_the_mover_s():
    review = searched(Review.of_game(after(OXO, "B2 A2")), searcher(OXO))
    assert {report.viewer for report in review.reports.values()} == {0}
    assert review.reports[1].win_rate == pytest.approx(0.5, abs=0.15)
    assert review.reports[2].win_rate == 1  # proven
    assert review.moves[1].loss == pytest.approx(1 - review.reports[1].win_rate, abs=1e-6)


def test_moves_are_judged_as_soon_as_both_positions_have_been_searched():
    review = Review.of_game(after(OXO, "B2 A2 A3"))
    analyst = searcher(OXO)
    assert list(review.glance(analyst)) == [0, 1, 2, 3]
    assert review.moves == [] and review.report(2) is review.glances[2]
    review.reports[1] = analyst.analyse(review.positions[1]).seen_by(0)
    review.reports[2] = analyst.analyse(review.positions[2]).seen_by(0)
    assert [move.number for move in review.moves] == [2]
    assert review.report(2) is review.reports[2]


def test_a_stop_ends_the_looking():
    review = Review.of_game(after(OXO, "B2 A2 A3"))
    assert list(review.glance(searcher(OXO), stop=lambda: bool(review.glances))) == [0]
    assert list(review.search(searcher(OXO), stop=lambda: True)) == []


def test_passes_at_the_end_cost_nothing():
    go = games.load("go5")
    end = after(go, "C3 C2 B3 B2 D3 D2 A3 A2 E3 E2 pass pass")
    review = searched(Review.of_game(end), searcher(go, 30))
    assert review.reports[12].moves, "the search goes on where the players stopped"
    assert review.reports[10].win_rate == pytest.approx(review.reports[12].win_rate)


def test_the_review_of_a_record_ends_before_an_illegal_move():
    record = GameRecord(game="go5", komi=7, moves=[(0, 12), (1, 12), (0, 3)])
    review = Review.of_record(record)
    assert review.played == [(0, 12)] and len(review.positions) == 2
    assert review.problem == "move 2 (W C3) is not legal: the review ends before it"
