"""The Textual app: opens with a game to play or a record to review."""

from __future__ import annotations

from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import Screen

from engine.analysis.review import Review
from engine.play.setup import GameSetup, make_reviewer, open_session, read_game, setup_for
from engine.tui.play import PlayScreen
from engine.tui.review import ReviewScreen


class Move37(App[None]):
    """move37 in the terminal."""

    TITLE = "move37"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Quit", priority=True),
        Binding("f10", "toggle_dark", "Light or dark", show=False),
    ]

    def __init__(self, first: Screen[None]) -> None:
        super().__init__()
        self.first = first

    def on_mount(self) -> None:
        self.push_screen(self.first)

    async def action_quit(self) -> None:
        """Ctrl-Q, also while a game in play is reviewed."""
        if isinstance(self.first, PlayScreen):
            self.first.leave(self.exit)
        else:
            self.exit()

    def action_toggle_dark(self) -> None:
        """F10."""
        self.theme = "textual-light" if self.current_theme.dark else "textual-dark"


def play(setup: GameSetup) -> None:
    """Opens the app with a game. Raises UserError before that when something does not fit."""
    Move37(PlayScreen(setup, open_session(setup))).run()


def review(setup: GameSetup, path: str) -> None:
    """Opens the app with a record. Raises UserError before that when it cannot be read."""
    record = read_game(path)
    analyst = make_reviewer(setup_for(record, setup))
    Move37(ReviewScreen(Review.of_record(record), analyst)).run()
