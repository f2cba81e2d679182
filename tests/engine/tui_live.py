"""The terminal app, opened and driven by tests as a user drives it: mouse, keys and typed words."""

import asyncio
import threading
import time
from contextlib import asynccontextmanager
from functools import wraps

import numpy as np
from textual.widgets import Static

from engine import games
from engine.analyst import Outlook
from engine.play.session import Session
from engine.play.setup import GameSetup
from engine.players.bot import Bot
from engine.tui.app import Move37
from engine.tui.board import Board
from engine.tui.play import PlayScreen
from mcts import SearchSettings, UniformEvaluator

# A first move in a game of each kind.
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
        await shown(pilot, type(screen))
        await pilot.pause()
        yield pilot


async def until(pilot, true, seconds=20.0):
    """Waits until something is so."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about"
        await pilot.pause(0.02)


async def shown(pilot, kind):
    """The screen of that kind, once it is up with all that is in it."""
    await until(pilot, lambda: isinstance(pilot.app.screen, kind) and pilot.app.screen.is_mounted)
    return pilot.app.screen


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
