"""The terminal app, driven as a user drives it: mouse, keys and typed words."""

import asyncio
import threading
import time
from contextlib import asynccontextmanager
from functools import wraps

import numpy as np
import pytest
from textual.widgets import Button, Input, Static

from engine import games
from engine.analyst import Outlook
from engine.bot import Bot
from engine.errors import UserError
from engine.record_files import read_records
from engine.review import Review
from engine.session import Session
from engine.setup import GameSetup, make_reviewer
from engine.tui.app import Move37
from engine.tui.board import Board
from engine.tui.dialogs import FileName, Help, NewGame
from engine.tui.graph import Graph
from engine.tui.panels import Candidates, Moves, Players
from engine.tui.play import PlayScreen
from engine.tui.review import ReviewScreen
from mcts import SearchSettings, UniformEvaluator

pytestmark = pytest.mark.slow  # each test opens the app

FIRST_MOVES = {
    "go9": "E5", "tic_tac_toe": "B2", "connect_four": "4", "othello": "F5", "gomoku": "H8",
    "hex7": "D4", "breakthrough6": "a2-a3",
}  # fmt: skip


_KEYS = {" ": "space", "-": "minus"}


def driven(test):
    """Lets a test be a coroutine."""

    @wraps(test)
    def run(*arguments, **named):
        asyncio.run(test(*arguments, **named))

    return run


class KnowsOwners(UniformEvaluator):
    """Says that the mover owns everything and leads by three points."""

    def outlook(self, planes, _):
        return Outlook(np.full(len(planes), 3, np.float32), np.ones(planes[:, 0].shape, np.float32))


class Waits(UniformEvaluator):
    """Answers only once it is allowed to."""

    def __init__(self, actions):
        super().__init__(actions)
        self.allowed = threading.Event()
        self.asked = threading.Event()

    def __call__(self, planes, globals_):
        self.asked.set()
        self.allowed.wait(30)
        return super().__call__(planes, globals_)


def table(name="go5", moves="", human=0, visits=8, evaluator=None, **options):
    """A screen with a game after some moves, and its session."""
    game = games.load(name)
    evaluator = evaluator or UniformEvaluator(game.actions)
    bot = Bot(evaluator, SearchSettings(visits=visits))
    session = Session(game, bot, human, **options)
    for word in moves.split():
        session._play(game.notation.parse(word, session.position.legal_mask()))
    return PlayScreen(GameSetup(game=name, human=human, visits=visits, device="cpu"), session)


@asynccontextmanager
async def opened(screen, size=(80, 24)):
    """The app on a terminal of that size, settled."""
    async with Move37(screen).run_test(size=size) as pilot:
        await pilot.pause()
        yield pilot


async def until(pilot, true, seconds=20.0):
    """Waits until something is so."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about"
        await pilot.pause(0.02)


async def click(pilot, name):
    """Clicks the place of that name on the board."""
    board = pilot.app.screen.query_one(Board)
    notation, (height, width) = board.position.game.notation, board.position.game.shape
    names = [f"{c}{r}" for r in notation.rows for c in notation.columns]
    place = names.index(name)
    x, y = board.picture.middle(*divmod(place, width))
    assert len(names) == height * width
    await pilot.click(Board, offset=(x, y))
    await pilot.pause()


async def type_line(pilot, text):
    await pilot.press(*[_KEYS.get(letter, letter) for letter in text], "enter")
    await pilot.pause()


def played(screen):
    name = screen.session.game.notation.name
    return [name(action) for action in screen.session.position.actions]


def said(screen):
    return str(screen.query_one("#message", Static).render())


def picture(screen):
    """The characters of the board, line by line."""
    board = screen.query_one(Board)
    return [board.render_line(y).text for y in range(board.picture.size[1])]


# --- Playing --------------------------------------------------------------------------------


@driven
async def test_a_click_plays_the_stone_and_the_bot_answers():
    screen = table()
    async with opened(screen) as pilot:
        await click(pilot, "C3")
        await until(pilot, lambda: len(played(screen)) == 2)
    assert played(screen)[0] == "C3"


@driven
async def test_arrows_and_enter_play_at_the_cursor():
    screen = table()
    async with opened(screen) as pilot:
        await pilot.press("left", "left", "up", "enter")  # the first key shows the cursor at C3
        await until(pilot, lambda: len(played(screen)) == 2)
    assert played(screen)[0] == "B4"


@driven
async def test_typed_coordinates_play_a_move():
    screen = table()
    async with opened(screen) as pilot:
        await type_line(pilot, "d2")
        await until(pilot, lambda: len(played(screen)) == 2)
    assert played(screen)[0] == "D2"


@driven
async def test_an_occupied_point_shows_one_clear_line_and_changes_nothing():
    screen = table(moves="C3 B3")
    async with opened(screen) as pilot:
        await click(pilot, "B3")
        assert said(screen) == "! B3 is occupied: choose an empty place"
        await type_line(pilot, "c3")
        assert said(screen) == "! 'c3' is not a legal move here"
        await type_line(pilot, "undu")
        assert said(screen).endswith("(did you mean 'undo'?)")
    assert played(screen) == ["C3", "B3"]


@driven
async def test_undo_takes_back_and_redo_plays_again():
    screen = table(moves="C3 B3 D3 B2")
    async with opened(screen) as pilot:
        await pilot.press("ctrl+z")
        assert played(screen) == ["C3", "B3"]
        await pilot.press("ctrl+z")
        assert played(screen) == []
        await pilot.press("ctrl+y", "ctrl+y")
        assert played(screen) == ["C3", "B3", "D3", "B2"]
        await pilot.press("ctrl+y")
        assert said(screen).startswith("! there is nothing to play again")


@driven
async def test_resigning_ends_the_game_and_undo_takes_it_back():
    screen = table(moves="C3 B3")
    async with opened(screen) as pilot:
        await pilot.press("f8")
        assert said(screen).startswith("Game over: W+R. You lose.")
        await click(pilot, "D4")
        assert played(screen) == ["C3", "B3"]
        await pilot.press("ctrl+z")
        assert not screen.session.over


@driven
async def test_two_passes_end_the_game_and_the_result_is_said():
    screen = table(moves="C3 pass")
    async with opened(screen) as pilot:
        await pilot.press("f7")
        assert said(screen).startswith("Game over: B+18. You win!")


@driven
async def test_a_game_is_saved_and_loaded_again(tmp_path):
    screen = table(moves="C3 B3 D3 B2")
    path = tmp_path / "a_game.sgf"
    async with opened(screen) as pilot:
        await pilot.press("ctrl+s")
        await pilot.pause()
        pilot.app.screen.query_one(Input).value = str(path)
        await pilot.press("enter")
        await pilot.pause()
        assert said(screen) == f"Saved as {path}"
        screen.session.new()
        screen.refresh_game()
        await pilot.press("ctrl+o")
        await pilot.pause()
        assert isinstance(pilot.app.screen, FileName)
        pilot.app.screen.query_one(Input).value = str(path)
        await pilot.press("enter")
        await until(pilot, lambda: len(played(screen)) == 4)
    assert played(screen) == ["C3", "B3", "D3", "B2"]
    assert len(next(read_records([path])).moves) == 4


@driven
async def test_a_missing_file_is_one_line():
    screen = table()
    async with opened(screen) as pilot:
        screen.do("load /no/such.sgf")
        await until(pilot, lambda: "does not exist" in said(screen))


@driven
async def test_the_new_game_dialog_refuses_what_cannot_be_and_starts_what_can():
    screen = table()
    async with opened(screen) as pilot:
        await pilot.press("ctrl+n")
        await pilot.pause()
        dialog = pilot.app.screen
        assert isinstance(dialog, NewGame)
        dialog.query_one("#komi", Input).value = "0.3"
        dialog.query_one("#start", Button).press()
        await until(pilot, lambda: "half points" in str(dialog.query_one(".error").render()))
        dialog.query_one("#komi", Input).value = "2.5"
        dialog.query_one("#human").value = "second"
        dialog.query_one("#start", Button).press()
        await until(pilot, lambda: pilot.app.screen is screen and len(played(screen)) == 1)
    assert (screen.session.komi, screen.session.human) == (2.5, 1)


@driven
async def test_a_level_can_be_changed_during_the_game():
    screen = table()
    async with opened(screen) as pilot:
        await type_line(pilot, "level novice")
        assert "The bot now plays as novice" in said(screen)
        assert "novice" in str(screen.query_one(Players).render())
        screen.do("level grandmaster")
        assert said(screen).startswith("! unknown level 'grandmaster'")


@driven
async def test_the_bot_against_itself_pauses_and_goes_on(monkeypatch):
    monkeypatch.setattr("engine.tui.play.WATCH_SECONDS", 0.0)
    screen = table("tic_tac_toe", human=None)
    async with opened(screen) as pilot:
        await until(pilot, lambda: len(played(screen)) >= 2)
        await pilot.press("f6")
        count = len(played(screen))
        await pilot.pause(0.2)
        assert len(played(screen)) == count or screen.session.over
        if not screen.session.over:
            await pilot.press("f6")
        await until(pilot, lambda: screen.session.over)
        assert "You " not in said(screen)


@driven
async def test_a_flag_that_falls_loses_the_game():
    screen = table(main_time=0.01)
    async with opened(screen) as pilot:
        await until(pilot, lambda: screen.session.over)
        assert said(screen).startswith("Game over: W+T. You lose.")


# --- Every game -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", FIRST_MOVES)
@driven
async def test_a_game_of_each_kind_can_be_played(name):
    screen = table(name)
    async with opened(screen) as pilot:
        await type_line(pilot, FIRST_MOVES[name].lower())
        await until(pilot, lambda: len(played(screen)) == 2)
        assert played(screen)[0] == FIRST_MOVES[name]
        await pilot.press("f3")
        board = screen.query_one(Board)
        await until(pilot, lambda: board.suggestions)


@driven
async def test_a_piece_that_moves_is_picked_up_and_put_down():
    screen = table("breakthrough6")
    async with opened(screen) as pilot:
        await click(pilot, "b2")
        assert screen.query_one(Board).first is not None
        await click(pilot, "f5")
        assert said(screen) == "! the piece cannot go to f5: choose one of the marked places"
        await click(pilot, "b2")
        await click(pilot, "c3")
        await until(pilot, lambda: len(played(screen)) == 2)
    assert played(screen)[0] == "b2-c3"


@driven
async def test_a_click_anywhere_in_a_column_lets_a_disc_fall():
    screen = table("connect_four")
    async with opened(screen) as pilot:
        board = screen.query_one(Board)
        x, y = board.picture.middle(0, 2)
        await pilot.click(Board, offset=(x, y))
        await until(pilot, lambda: len(played(screen)) == 2)
    assert played(screen)[0] == "3"


# --- Showing --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*FIRST_MOVES, "go13", "go19", "hex"])
@driven
async def test_the_board_fits_80x24_with_its_labels(name):
    screen = table(name)
    async with opened(screen) as pilot:
        board, panel = screen.query_one(Board), screen.query_one("#panel")
        assert board.region.width == board.picture.size[0]
        assert board.region.height == board.picture.size[1]
        assert board.region.right <= panel.region.x
        assert board.region.bottom <= screen.query_one("#command").region.y
        assert panel.region.right <= pilot.app.size.width
        labels = picture(screen)[0].split()
        assert labels == games.load(name).notation.columns


@driven
async def test_a_larger_terminal_shows_a_larger_board():
    screen = table("go9")
    async with opened(screen) as pilot:
        small = screen.query_one(Board).picture.scale
        await pilot.resize_terminal(160, 50)
        await pilot.pause()
        assert screen.query_one(Board).picture.scale > small


@driven
async def test_the_overlays_toggle():
    screen = table(moves="C3 B3", evaluator=KnowsOwners(26))
    async with opened(screen) as pilot:
        board = screen.query_one(Board)
        await until(pilot, lambda: screen.session.report is not None)
        await pilot.press("f3")
        await until(pilot, lambda: board.suggestions)
        assert screen.query_one(Candidates).display
        await pilot.press("f3")
        await pilot.pause()
        assert not board.suggestions and not screen.query_one(Candidates).display
        await pilot.press("f4")
        assert board.ownership is not None and board.ownership.min() == 1
        await pilot.press("f4")
        assert board.ownership is None
        await pilot.press("f5")
        assert screen.query_one("#rate", Graph).display and screen.query_one("#score", Graph).display
        await pilot.press("f5")
        assert not screen.query_one("#rate", Graph).display


@driven
async def test_without_a_net_ownership_is_refused_in_a_line():
    screen = table()
    async with opened(screen) as pilot:
        await until(pilot, lambda: screen.session.report is not None)
        await pilot.press("f4")
        assert said(screen).startswith("! nothing here tells who owns what")


@driven
async def test_a_hint_names_a_move_and_its_win_rate_and_plays_nothing():
    screen = table("tic_tac_toe", "A3 A2 B3 B2", visits=200)
    async with opened(screen) as pilot:
        await pilot.press("f2")
        await until(pilot, lambda: said(screen).startswith("Hint: C3 (your win rate 100%"))
        assert list(screen.query_one(Board).suggestions) == [2]
    assert len(played(screen)) == 4


@driven
async def test_the_moves_are_listed_with_the_last_one_marked():
    screen = table(moves="C3 B3 D3 pass")
    async with opened(screen):
        moves = screen.query_one(Moves)
        rows = [moves.get_row_at(i) for i in range(moves.row_count)]
        assert rows == [["1", "C3", "B3"], ["3", "D3", "pass"]]
        assert tuple(moves.cursor_coordinate) == (1, 2)


@driven
async def test_captured_stones_and_clocks_are_shown():
    screen = table(moves="A1 A2 pass B1")
    async with opened(screen):
        lines = str(screen.query_one(Players).render()).splitlines()
        assert "Black" in lines[0] and "0:0" in lines[0] and "took 0" in lines[0]
        assert "White" in lines[2] and "took 1" in lines[2]


@driven
async def test_light_and_dark_change_the_colours():
    screen = table("go9")
    async with opened(screen) as pilot:
        board = screen.query_one(Board)
        dark = board._palette()
        await pilot.press("f10")
        await pilot.pause()
        assert board._palette().board != dark.board
        await pilot.press("f10")
        await pilot.pause()
        assert board._palette() == dark


@driven
async def test_help_opens_and_closes_and_fits():
    screen = table()
    async with opened(screen) as pilot:
        await pilot.press("f1")
        await pilot.pause()
        assert isinstance(pilot.app.screen, Help)
        assert pilot.app.screen.query_one(Static).region.height <= 22
        await pilot.press("escape")
        await pilot.pause()
        assert pilot.app.screen is screen


# --- Thinking -------------------------------------------------------------------------------


@driven
async def test_the_ui_keeps_answering_while_the_bot_thinks():
    slow = Waits(26)
    screen = table(evaluator=slow)
    slow.allowed.set()
    async with opened(screen) as pilot:
        await until(pilot, lambda: screen.session.report is not None)
        slow.allowed.clear()
        slow.asked.clear()
        await click(pilot, "C3")
        await until(pilot, slow.asked.is_set)
        await pilot.press("f5")
        assert screen.query_one("#rate", Graph).display
        await click(pilot, "D4")
        assert said(screen) == "! it is the bot's turn"
        await pilot.press("f1")
        await pilot.pause()
        assert isinstance(pilot.app.screen, Help)
        await pilot.press("escape")
        assert played(screen) == ["C3"]
        slow.allowed.set()
        await until(pilot, lambda: len(played(screen)) == 2)


@driven
async def test_undo_while_the_bot_thinks_cancels_its_move():
    slow = Waits(26)
    screen = table(evaluator=slow)
    async with opened(screen) as pilot:
        await click(pilot, "C3")
        await until(pilot, slow.asked.is_set)
        await pilot.press("ctrl+z")
        slow.allowed.set()
        await pilot.pause(0.3)
        assert played(screen) == []


@driven
async def test_f6_makes_the_bot_move_at_once():
    screen = table(visits=10_000_000)
    async with opened(screen) as pilot:
        await click(pilot, "C3")
        await pilot.pause(0.2)
        assert len(played(screen)) == 1
        await pilot.press("f6")
        await until(pilot, lambda: len(played(screen)) == 2)


@driven
async def test_quitting_while_the_bot_thinks_ends_at_once():
    screen = table(visits=10_000_000)
    async with opened(screen) as pilot:
        await click(pilot, "C3")
        await pilot.pause(0.1)
        begin = time.monotonic()
        await pilot.press("ctrl+q")
    assert time.monotonic() - begin < 5  # far less than ten million visits take


@pytest.mark.parametrize("ponder", [False, True])
@driven
async def test_the_bot_thinks_on_the_user_s_time_only_if_asked(ponder):
    screen = table(moves="C3 B3", visits=5000)
    screen.setup = GameSetup(game="go5", visits=5000, ponder=ponder, device="cpu")
    async with opened(screen) as pilot:
        if ponder:
            await until(pilot, lambda: screen.session.search_visits > 10)
        else:
            await pilot.pause(0.3)
            assert screen.session.search_visits == 0


# --- Reviewing ------------------------------------------------------------------------------


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
        await until(pilot, lambda: isinstance(pilot.app.screen, ReviewScreen))
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is screen)
        assert played(screen) == ["C3", "B3"]


def test_a_handicap_that_the_board_does_not_have_is_refused():
    with pytest.raises(UserError, match="handicap 5"):
        table("go5", handicap=5)
