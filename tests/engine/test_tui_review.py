"""The terminal app's reviews of games."""

import pytest
from tui_live import driven, opened, played, said, shown, table, until

from engine.analysis.review import Review
from engine.errors import UserError
from engine.play.setup import GameSetup, make_reviewer
from engine.tui.board import Board
from engine.tui.review import ReviewScreen

pytestmark = pytest.mark.slow  # each test opens the app


def review_of(name, moves, visits=300):
    play = table(name, moves, visits=visits)
    setup = GameSetup(game=name, visits=visits, device="cpu")
    return ReviewScreen(Review.of_game(play.session.position), make_reviewer(setup))


@driven
async def test_a_review_names_the_move_that_lost_and_walks_there():
    screen = review_of("tic_tac_toe", "B2 A1 A3 B1 C3 C1")  # X overlooks B1-C1 at its third move
    async with opened(screen) as pilot:
        await until(pilot, lambda: len(screen.review.reports) == 7)
        worst = screen.review.mistakes()[0]
        assert (worst.number, worst.player) == (5, 0)
        await pilot.press("enter")  # the worst stands first in the table
        await until(pilot, lambda: screen.played == worst.number)
        assert said(screen).startswith("A mistake: C3 lost")
        assert "better was C1" in said(screen)


@driven
async def test_arrow_keys_walk_through_a_game():
    screen = review_of("go5", "C3 B3 D3", visits=2)
    async with opened(screen) as pilot:
        await pilot.press("right", "right")
        assert (screen.played, len(screen.query_one(Board).position.actions)) == (2, 2)
        await pilot.press("end", "right")
        assert screen.played == 3
        await pilot.press("home", "left")
        assert screen.played == 0


@driven
async def test_a_review_of_the_game_in_play_returns_to_it():
    screen = table(moves="C3 B3", visits=4)
    async with opened(screen) as pilot:
        await pilot.press("f9")
        await shown(pilot, ReviewScreen)
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is screen)
        assert played(screen) == ["C3", "B3"]


def test_a_handicap_that_the_board_does_not_have_is_refused():
    with pytest.raises(UserError, match="handicap 5"):
        table("go5", handicap=5)
