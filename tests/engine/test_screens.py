"""What the screens look like: diagrams of the rendered terminal, kept in `screens/`.

After a wanted change, MOVE37_NEW_SCREENS=1 writes them anew; read the difference before keeping it.
A diagram holds the characters of the whole screen and, below it, a letter for the colour of each
character of the board: its role in `engine.tui.picture.Palette`, so that a theme's shades may change.
"""

import asyncio
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from textual.color import Color

from engine import games
from engine.analysis.review import Review
from engine.analyst import Analyst, Outlook
from engine.play.clock import GameClock
from engine.play.session import Session
from engine.play.setup import GameSetup
from engine.players.bot import Bot
from engine.tui.app import Move37
from engine.tui.board import Board
from engine.tui.picture import piece_colour
from engine.tui.play import PlayScreen
from engine.tui.review import ReviewScreen
from mcts import SearchSettings, UniformEvaluator

pytestmark = pytest.mark.slow  # each test opens the app

FOLDER = Path(__file__).parent / "screens"
SMALL, LARGE = (80, 24), (160, 50)
ROLES = {
    "around": ".", "board": "-", "alternate": "=", "line": "+", "label": "#", "last": "L",
    "cursor": "C", "best": "1", "best_text": "!", "other": "2", "other_text": "?",
    "black": "B", "white": "W", "warm": "R", "cool": "U",
}  # fmt: skip
MOVES = {
    "go9": "E5 C4 G6 G3 D3 C3 D4 C5 D2 F3 E2 C7",
    "go13": "D4 K10 K4 D10 G7 L6 F3 C6 J11 L9",
    "go19": "Q16 D4 D17 Q4 C6 O17 K10 R14 C14 P3",
    "connect_four": "4 4 3 5 5 2",
    "othello": "F5 D6 C3 D3 C4",
    "hex": "F6 G5 E7 H4",
    "breakthrough6": "a2-a3 b5-b4",
}


class Foresees(UniformEvaluator):
    """Thinks that the mover wins in 60 %, leads by two points and owns the left half of the board."""

    def __call__(self, planes, globals_):
        value, score = (np.full(len(planes), x, np.float32) for x in (0.2, 2))
        return super().__call__(planes, globals_)._replace(values=value, scores=score)

    def outlook(self, planes, globals_):
        row = np.where(np.arange(planes.shape[3]) < planes.shape[3] / 2, 0.9, -0.9)
        owners = np.broadcast_to(row.astype(np.float32), (len(planes), *planes.shape[2:]))
        return Outlook(np.full(len(planes), 2, np.float32), owners)


def session(name):
    game = games.load(name)
    settings = SearchSettings(visits=40)
    it = Session(game, Bot(Foresees(game.actions), settings), seed=0)
    for word in MOVES[name].split():
        it._play(game.notation.parse(word, it.position.legal_mask()))
    return it


def table(name):
    return PlayScreen(GameSetup(game=name, visits=40, device="cpu"), session(name))


def review(name):
    it = session(name)
    analyst = Analyst(it.game, Foresees(it.game.actions), SearchSettings(visits=8))
    return ReviewScreen(Review.of_game(it.position), analyst)


def characters(app):
    """The characters on the terminal, row by row."""
    return [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]


def colours(app):
    """The role of the colour of each of the board's characters: its own, or a space's ground.

    A blend of two is `<` where it is darker than the board, else `>`.
    """
    board = app.screen.query_one(Board)
    palette = board._palette()
    named = {role: getattr(palette, role, None) or palette.pieces.get(role) for role in ROLES}
    letters = {colour.rich_color.triplet: ROLES[role] for role, colour in reversed(named.items())}
    rows = []
    for y in range(board.picture.size[1]):
        row = ""
        for segment in board.render_line(y):
            for glyph in segment.text:
                colour = segment.style.bgcolor if glyph == " " else segment.style.color
                shade = Color.from_rich_color(colour)
                blend = "<" if luminance(shade) < luminance(palette.board) else ">"
                row += letters.get(colour.triplet, blend)
        rows.append(row)
    return rows


async def settle(app, pilot):
    """Waits until nobody thinks any more."""
    await pilot.pause()
    await app.workers.wait_for_complete()
    await pilot.pause()


async def diagram(screen, size, keys=(), light=False, board=True):
    app = Move37(screen)
    async with app.run_test(size=size) as pilot:
        if light:
            app.theme = "textual-light"
        await settle(app, pilot)
        for key in keys:
            await pilot.press(key)
            await settle(app, pilot)
        return "\n".join([*characters(app), *(["", *colours(app)] if board else [])]) + "\n"


CASES = {
    **{f"{name}-{size[0]}": (table, name, size, ()) for name in MOVES for size in (SMALL,)},
    **{f"{name}-160": (table, name, LARGE, ()) for name in ("go9", "go13", "go19")},
    "go9-80-overlays": (table, "go9", SMALL, ("f3", "f4", "f5")),
    "go9-160-overlays": (table, "go9", LARGE, ("f3", "f4", "f5")),
    "go19-160-moves": (table, "go19", LARGE, ("f3",)),
    "review-80": (review, "go9", SMALL, ("end", "f3")),
    "review-160": (review, "go9", LARGE, ("end", "f3")),
}


def compare(name, shown):
    path = FOLDER / f"{name}.txt"
    if os.environ.get("MOVE37_NEW_SCREENS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def stopped_clocks(monkeypatch):
    monkeypatch.setattr(GameClock, "text", lambda clock, player: "0:07")
    monkeypatch.setattr("engine.tui.play.time", SimpleNamespace(monotonic=lambda: 7.0))


@pytest.mark.parametrize("name", CASES)
def test_the_screen_is_as_drawn(name):
    make, game, size, keys = CASES[name]
    compare(name, asyncio.run(diagram(make(game), size, keys)))


@pytest.mark.parametrize("keys", [("f1",), ("ctrl+n",)], ids=["help", "new"])
def test_a_window_over_the_screen_is_as_drawn(keys, request):
    shown = asyncio.run(diagram(table("go9"), SMALL, keys, board=False))
    compare(request.node.callspec.id, shown)


@pytest.mark.parametrize("light", [False, True], ids=["dark", "light"])
@pytest.mark.parametrize("game", ["go9", "connect_four", "othello", "hex"])
def test_pieces_marks_and_labels_stand_out_in_both_themes(game, light):
    """By the contrast ratio of WCAG 2, which asks for 3 of shapes and 4.5 of text."""

    async def palette():
        app = Move37(table(game))
        async with app.run_test(size=SMALL) as pilot:
            app.theme = "textual-light" if light else "textual-dark"
            await settle(app, pilot)
            board = app.screen.query_one(Board)
            players = [piece_colour(board.position.game, player) for player in (0, 1)]
            return board._palette(), players

    found, players = asyncio.run(palette())
    pieces = [found.pieces[name] for name in players]
    assert contrast(*pieces) >= 3 or game in ("connect_four", "hex")  # those differ in shape too
    assert contrast(found.best, found.best_text) >= 4.5
    assert contrast(found.other, found.other_text) >= 4.5
    assert contrast(found.label, found.around) >= 3
    for piece in pieces:
        assert max(contrast(piece, found.board), contrast(piece, found.alternate)) >= 1.5


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: Color):
    """Relative luminance, in [0, 1]."""
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in colour.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
