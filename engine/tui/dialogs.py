"""Questions that are asked in a window of their own: a new game, the name of a file, the help."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, DirectoryTree, Input, Label, Select, Static

from engine import games
from engine.errors import UserError
from engine.play.clock import parse_duration
from engine.play.session import Session
from engine.play.setup import GameSetup, open_session
from engine.players.levels import LEVELS, find_level

Answer = TypeVar("Answer")
_AS_NOW = "as now"
_COLOURS = {"first": 0, "second": 1, "none": None}
_GO_SIZES = ("go9", "go13", "go19")


class Dialog(ModalScreen[Answer | None]):
    """A window in the middle; Escape closes it without an answer."""

    DEFAULT_CSS = """
    Dialog {
        align: center middle;
        & > Vertical {
            width: 72; max-width: 100%; height: auto; max-height: 100%;
            background: $surface; border: round $primary; padding: 0 1;
        }
        Label.title { text-style: bold; }
        Label.error { color: $text-error; height: auto; }
        Horizontal { height: auto; align-horizontal: right; }
        Button { margin-left: 2; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "Close")]

    def action_close(self) -> None:
        """Escape: no answer."""
        self.dismiss(None)

    def complain(self, text: str) -> None:
        """Shows a line that says what is wrong."""
        self.query_one(".error", Label).update(text)


class NewGame(Dialog[tuple[GameSetup, Session]]):
    """Asks what the next game shall be like; answers with the setup and its session."""

    DEFAULT_CSS = """
    NewGame Grid {
        grid-size: 2; grid-columns: 20 1fr; grid-rows: 1; height: auto; margin: 1 0;
    }
    """

    def __init__(self, setup: GameSetup) -> None:
        super().__init__()
        self.setup = setup

    def compose(self) -> ComposeResult:
        setup = self.setup
        others = [name for name in games.names() if not name[-1].isdigit()]
        names = list(dict.fromkeys([*_GO_SIZES, *others, setup.game]))
        nets = {level: replace(setup, level=level).net_name() for level in LEVELS}
        levels = [
            (f"{level.number}  {level.title(setup.game)}: {level.manner(net is not None)}", level.name)
            for level, net in nets.items()
        ]
        if setup.playing_level is None:
            levels.append((f"as now: {setup.strength}", _AS_NOW))
        level = setup.playing_level.name if setup.playing_level else _AS_NOW
        human = next(word for word, player in _COLOURS.items() if player == setup.human)
        sides = [("the first player", "first"), ("the second player", "second"), ("nobody", "none")]
        with Vertical():
            yield Label("New game", classes="title")
            with Grid():
                yield Label("Game")
                yield _select([(name, name) for name in names], setup.game, "game")
                yield Label("The bot")
                yield _select(levels, level, "level")
                yield Label("You play")
                yield _select(sides, human, "human")
                yield Label("Handicap stones")
                yield _input("" if not setup.handicap else str(setup.handicap), "0", "handicap")
                yield Label("Komi")
                yield _input(
                    "" if setup.komi is None else f"{setup.komi:g}", "as the rules say", "komi"
                )
                yield Label("Bot's time a move")
                yield _input(_seconds(setup.move_time), "no limit, or e.g. 5s", "move-time")
                yield Label("Time for each side")
                yield _input(_seconds(setup.main_time), "no limit, or e.g. 10m", "main-time")
            yield Label("", classes="error")
            with Horizontal():
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Start", id="start", variant="primary", compact=True)

    async def on_input_submitted(self) -> None:
        await self._start()

    async def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "start":
            await self._start()
        else:
            self.dismiss(None)

    async def _start(self) -> None:
        try:
            setup = self._wanted()
            session = await asyncio.to_thread(open_session, setup)
        except UserError as error:
            self.complain(str(error))
        else:
            self.dismiss((setup, session))

    def _wanted(self) -> GameSetup:
        """The setup as filled in. Raises UserError."""
        game = str(self.query_one("#game", Select).value)
        word = str(self.query_one("#level", Select).value)
        level = None if word == _AS_NOW else find_level(word)
        same = game == self.setup.game
        return replace(
            self.setup,
            game=game,
            net=self.setup.net if same else None,
            level=level,
            visits=self.setup.visits if level is None else None,
            human=_COLOURS[str(self.query_one("#human", Select).value)],
            handicap=int(self._optional("#handicap", _number) or 0),
            komi=self._optional("#komi", _number),
            move_time=self._optional("#move-time", parse_duration),
            main_time=self._optional("#main-time", parse_duration),
        )

    def _optional(self, field: str, read: Callable[[str], float]) -> float | None:
        text = self.query_one(field, Input).value.strip()
        return read(text) if text else None


class FileName(Dialog[str]):
    """Asks for a file, by its name or in the tree of folders."""

    DEFAULT_CSS = """
    FileName DirectoryTree { height: 12; }
    """

    def __init__(self, title: str, name: str) -> None:
        super().__init__()
        self.question, self.suggested = title, name

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Label(self.question, classes="title")
            yield _input(self.suggested, "name of the file", "file")
            yield _Records(Path.cwd())

    def on_directory_tree_file_selected(self, event: DirectoryTree.FileSelected) -> None:
        self.query_one("#file", Input).value = str(event.path)
        self.query_one("#file", Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.value.strip():
            self.dismiss(event.value.strip())


class Unsaved(Dialog[bool]):
    """Asks whether a game in play may be lost."""

    def __init__(self, remedy: str) -> None:
        super().__init__()
        self.remedy = remedy

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Label("Leave the game in play?", classes="title")
            yield Static(f"It is not over, and what was played is kept nowhere. {self.remedy}")
            with Horizontal():
                yield Button("Go on playing", id="stay", variant="primary", compact=True)
                yield Button("Leave it", id="leave", variant="error", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "leave")


class Help(Dialog[None]):
    """Shows a text."""

    DEFAULT_CSS = """
    Help > Vertical { width: 78; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("f1,enter,space", "close", "Close", show=False)]

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(self.text)


class _Records(DirectoryTree):
    """The folders and the SGF files in them."""

    def filter_paths(self, paths: Iterable[Path]) -> Iterable[Path]:
        return [
            path
            for path in paths
            if not path.name.startswith(".") and (path.is_dir() or path.suffix.lower() == ".sgf")
        ]


def _select(options: list[tuple[str, str]], value: str, id: str) -> Select[str]:
    return Select(options, value=value, allow_blank=False, id=id, compact=True)


def _input(value: str, placeholder: str, id: str) -> Input:
    return Input(value, placeholder=placeholder, id=id, compact=True)


def _seconds(time: float | None) -> str:
    return "" if time is None else f"{time:g}s"


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UserError(f"'{text}' is not a number") from None
