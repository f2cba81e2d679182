"""What the screens share: a board on the left, a panel on the right, a thread that thinks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Center, Horizontal, Middle, Vertical
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer, Static
from textual.worker import get_current_worker

from engine.players.bot import Stop
from engine.position import Position
from engine.tui.board import Board

_PANELS = {"-narrow": 0, "-normal": 35, "-wide": 52}  # the width of the panel
_BREAKPOINTS = [(0, "-narrow"), (66, "-normal"), (120, "-wide")]
_HEIGHTS = [(0, "-low"), (32, "-high")]


OVERLAYS: list[BindingType] = [
    Binding("f3", "toggle_candidates", "Moves", tooltip="the moves that the bot considers"),
    Binding("f4", "toggle_ownership", "Area", tooltip="who owns what"),
    Binding("f5", "toggle_graph", "Graph", tooltip="the win rate and the score, move by move"),
]


class TableScreen(Screen[None]):
    """A screen with a board, a panel, a line for messages and a footer."""

    DEFAULT_CSS = """
    TableScreen {
        #table { height: 1fr; }
        #left { width: 1fr; height: 1fr; overflow: auto; }
        #left Center { width: 100%; }
        #panel { width: 35; height: 1fr; padding: 0 1 0 1; background: $surface; }
        #message { height: 1; padding: 0 1; }
        #message.error { background: $error-muted; color: $text; text-style: bold; }
        .title { text-style: bold; }
        .section { margin-bottom: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    }
    TableScreen.-low { /* all overlays fit beside the board */
        .section { margin-bottom: 0; }
        #candidates { max-height: 6; }
        Graph { height: 4; }
    }
    TableScreen.-narrow #panel { display: none; }
    TableScreen.-wide #panel { width: 52; }
    """
    HORIZONTAL_BREAKPOINTS = _BREAKPOINTS
    VERTICAL_BREAKPOINTS = _HEIGHTS
    rows_below = 2  # the message and the footer

    def board_and_panel(self, position: Position, *panel: Widget) -> ComposeResult:
        """The widgets of the upper part."""
        with Horizontal(id="table"):
            with Middle(id="left"), Center():
                yield Board(position, id="board")
            with Vertical(id="panel"):
                yield from panel

    def compose_foot(self) -> ComposeResult:
        """The widgets below everything."""
        yield Static("", id="message", markup=False)
        yield Footer(compact=True, show_command_palette=False)

    @property
    def board(self) -> Board:
        """The board."""
        return self.query_one(Board)

    def say(self, text: str, error: bool = False) -> None:
        """Shows one line."""
        message = self.query_one("#message", Static)
        message.update(f"! {text}" if error else text)
        message.set_class(error, "error")

    def on_resize(self, event: events.Resize) -> None:
        self.fit(event.size.width, event.size.height)

    def fit(self, columns: int, rows: int) -> None:
        """Gives the board the room that the rest leaves."""
        panel = [_PANELS[name] for least, name in _BREAKPOINTS if columns >= least][-1]
        self.board.fit(columns - panel, rows - self.rows_below)

    # --- Thinking ---------------------------------------------------------------------------

    def in_background(self, job: Callable[[Stop], None]) -> None:
        """Runs a job in a thread; the one before is told to stop."""
        self.run_worker(partial(_run, job), thread=True, exclusive=True, group="think")

    def stop_thinking(self) -> None:
        """Tells the job in the background to stop."""
        self.workers.cancel_group(self, "think")


def _run(job: Callable[[Stop], None]) -> None:
    worker = get_current_worker()
    job(lambda: worker.is_cancelled)
