"""The terminal app while the bot thinks: it answers, and every thought can be stopped."""

import asyncio

import pytest
from tui_live import Waits, click, driven, opened, played, said, shown, table, until

from engine.play.setup import GameSetup
from engine.tui.dialogs import Help
from engine.tui.graph import Graph

pytestmark = pytest.mark.slow  # each test opens the app


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
        await shown(pilot, Help)
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
        await until(pilot, lambda: screen.session.search_visits > 10)
        assert len(played(screen)) == 1
        await pilot.press("f6")
        await until(pilot, lambda: len(played(screen)) == 2)


@driven
async def test_quitting_while_the_bot_thinks_ends_the_search():
    screen = table(visits=10_000_000)
    async with opened(screen) as pilot:
        await click(pilot, "C3")
        await until(pilot, lambda: screen.session.search_visits > 10)
        await pilot.press("ctrl+q")
    visits = []
    while len(visits) < 2 or visits[-2] < visits[-1]:
        assert len(visits) < 100, "the search goes on"
        visits.append(screen.session.search_visits)
        await asyncio.sleep(0.1)


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
