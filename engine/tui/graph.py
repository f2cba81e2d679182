"""A small chart of one value a move, drawn up and down from a middle line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

_EIGHTHS = " \u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588"
MOST_COLUMNS = 3  # for one move


class Graph(Widget):
    """Values in [-1, 1] by number of moves played; None where a value is not known."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"graph--above", "graph--below", "graph--now"}
    DEFAULT_CSS = """
    Graph {
        height: 5;
        & > .graph--above { color: #56b4e9; }
        & > .graph--below { color: #e69f00; }
        & > .graph--now { background: $foreground 20%; }
    }
    Graph:light {
        & > .graph--above { color: #0072b2; }
        & > .graph--below { color: #d55e00; }
    }
    """

    class Picked(Message):
        """The user points at a number of moves."""

        def __init__(self, played: int) -> None:
            self.played = played
            super().__init__()

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.title = ""
        self.values: Sequence[float | None] = ()
        self.now: int | None = None

    def show(self, title: str, values: Sequence[float | None], now: int | None = None) -> None:
        """Shows a title and values; `now` is the number of moves to mark."""
        self.title, self.values, self.now = title, values, now
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        if self.values and event.y > 0:
            self.post_message(self.Picked(self._moves_at(event.x)[-1]))

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        base = self.rich_style
        if y == 0:
            return Strip([Segment(self.title[:width].ljust(width), base)], width)
        rows = self.size.height - 1
        above, below = (
            Style(color=self.get_component_rich_style(f"graph--{name}").color)
            for name in ("above", "below")
        )
        marked = Style(bgcolor=self.get_component_rich_style("graph--now").bgcolor)
        segments = []
        for x in range(width):
            moves = self._moves_at(x)
            known = [v for v in self.values[moves.start : moves.stop] if v is not None]
            value = known[-1] if known else None
            glyph, style = self._cell(value, y - 1, rows, above, below)
            style = base + (marked if self.now in moves else Style()) + style
            segments.append(Segment(glyph, style))
        return Strip(segments, width)

    def _moves_at(self, x: int) -> range:
        """The numbers of moves that a column stands for."""
        count, width = max(1, len(self.values)), max(1, self.size.width)
        wide = min(MOST_COLUMNS, width // count)
        if wide:
            return range(x // wide, x // wide + 1)
        crowd = -(-count // width)
        return range(x * crowd, (x + 1) * crowd)

    @staticmethod
    def _cell(
        value: float | None, row: int, rows: int, above: Style, below: Style
    ) -> tuple[str, Style]:
        """The character of a column in a row, counted from above, of a chart of so many rows."""
        if value is None:
            return " ", Style()
        middle = rows * 4  # in eighths of a row
        end = middle + round(max(-1.0, min(1.0, value)) * middle)
        low, high = min(end, middle), max(end, middle)
        bottom = (rows - 1 - row) * 8
        low, high = max(0, min(8, low - bottom)), max(0, min(8, high - bottom))
        if low == high:
            on_line = value == 0 and bottom <= middle < bottom + 8
            return ("\u2500" if on_line else " "), above
        style = above if value > 0 else below
        if low == 0:
            return _EIGHTHS[high], style
        return _EIGHTHS[low], style + Style(reverse=True)
