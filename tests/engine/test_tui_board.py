"""The terminal app's looks: boards, overlays, lists, clocks, colours."""

import pytest
from textual.widgets import Static
from tui_live import (
    FIRST_MOVES,
    KnowsOwners,
    driven,
    opened,
    picture,
    played,
    said,
    shown,
    table,
    until,
)

from engine import games
from engine.tui.board import Board
from engine.tui.dialogs import Help
from engine.tui.graph import Graph
from engine.tui.panels import Candidates, Moves, Players

pytestmark = pytest.mark.slow  # each test opens the app


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
        text = (await shown(pilot, Help)).query_one(Static)
        await until(pilot, lambda: 0 < text.region.height <= 22)
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is screen)
