"""The board as a widget: shows a position and says which move the user points at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from engine.analyst import MoveReport
from engine.board_view import last_place
from engine.errors import UserError
from engine.position import Position
from engine.tui.picking import pick, targets
from engine.tui.picture import Cell, Palette, Picture, Scene, Suggestion, largest_scale

MOST_SUGGESTIONS = 8
RARE = 100  # moves with so many times fewer visits than the best are not shown


class Board(Widget, can_focus=True):
    """Any game's board. The user points with the mouse, or with arrow keys and Enter."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "board--surface",  # background and lines
        "board--alternate",
        "board--label",
        "board--last",
        "board--cursor",
        "board--best",
        "board--other",
        "board--black",
        "board--white",
        "board--warm",
        "board--cool",
    }
    # The two warm and cool pairs are vermilion and blue of Okabe and Ito's palette, which people
    # with any kind of colour vision tell apart.
    DEFAULT_CSS = """
    Board {
        width: auto;
        height: auto;
        & > .board--surface { background: #c89b5a; color: #5d4322; }
        & > .board--alternate { background: #bb8d4c; }
        & > .board--label { color: $foreground 60%; }
        & > .board--last { color: #d55e00; }
        & > .board--cursor { color: #0b3d91; }
        & > .board--best { background: #0072b2; color: #ffffff; }
        & > .board--other { background: #a9d3ea; color: #10222d; }
        & > .board--black { color: #141414; }
        & > .board--white { color: #f7f4ec; }
        & > .board--warm { color: #d55e00; }
        & > .board--cool { color: #0072b2; }
    }
    Board:light {
        & > .board--surface { background: #e2b873; color: #76562d; }
        & > .board--alternate { background: #d9ac63; }
    }
    Board.cells {
        & > .board--surface { background: #3a4654; color: #8496a6; }
        & > .board--alternate { background: #333e4b; }
        & > .board--last { color: #f0e442; }
        & > .board--cursor { color: #f0e442; }
        & > .board--warm { color: #f0803c; }
        & > .board--cool { color: #56b4e9; }
    }
    Board.cells:light {
        & > .board--surface { background: #cfd8de; color: #6d7f8d; }
        & > .board--alternate { background: #c0cbd3; }
        & > .board--last { color: #141414; }
        & > .board--cursor { color: #8a5a00; }
        & > .board--warm { color: #d55e00; }
        & > .board--cool { color: #0072b2; }
    }
    Board.discs {
        & > .board--surface { background: #4c8a6b; }
        & > .board--alternate { background: #457f62; }
    }
    Board.discs:light {
        & > .board--surface { background: #7fb89a; }
        & > .board--alternate { background: #74ad8f; }
        & > .board--last { color: #d55e00; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(0, -1)", "Left", show=False),
        Binding("right", "step(0, 1)", "Right", show=False),
        Binding("up", "step(-1, 0)", "Up", show=False),
        Binding("down", "step(1, 0)", "Down", show=False),
        Binding("enter", "point", "Play here", show=False),
        Binding("escape", "drop", "Let go", show=False),
    ]

    class Chosen(Message):
        """The user points at a legal move."""

        def __init__(self, action: int) -> None:
            self.action = action
            super().__init__()

    class Refused(Message):
        """The user points at something that cannot be played; `reason` is one line."""

        def __init__(self, reason: str) -> None:
            self.reason = reason
            super().__init__()

    def __init__(self, position: Position, **options: Any) -> None:
        super().__init__(**options)
        self._room = (0, 0)
        self._strips: list[Strip] | None = None
        self.suggestions: dict[int, Suggestion] = {}
        self.ownership: np.ndarray | None = None
        self.first: int | None = None  # where the piece stands that was picked up
        self.position = position
        self._set_up()

    # --- What is shown ----------------------------------------------------------------------

    def show(self, position: Position) -> None:
        """Shows a position, without suggestions and ownership."""
        another_game = position.game is not self.position.game
        self.position = position
        self.first = None
        self.suggestions, self.ownership = {}, None
        if another_game:
            self._set_up()
        self.redraw()

    def _set_up(self) -> None:
        """Prepares for the game of the position."""
        game = self.position.game
        height, width = game.shape
        self.cursor = height // 2 * width + width // 2
        self.pointing = False  # the cursor shows once it is used
        self.picture = Picture(game, largest_scale(game, *self._room))
        has_stones = set(game.players) == {"Black", "White"}
        self.set_class(not self.picture.lined, "cells")
        self.set_class(has_stones and not self.picture.centred, "discs")

    def fit(self, columns: int, rows: int) -> None:
        """Takes the largest scale for so much room."""
        self._room = (columns, rows)
        scale = largest_scale(self.position.game, columns, rows)
        if scale != self.picture.scale:
            self.picture = Picture(self.position.game, scale)
        self.redraw(layout=True)

    def suggest(self, moves: Sequence[MoveReport]) -> None:
        """Shows moves that the bot considers, the best first, on their places."""
        notation = self.position.game.notation
        self.suggestions = {}
        most = max((move.visits for move in moves), default=0)
        visited = [move for move in moves if move.visits > most / RARE] or moves[:1]
        for rank, move in enumerate(visited[:MOST_SUGGESTIONS], 1):
            place = notation.place(move.action)
            if place is not None and place not in self.suggestions:
                lines = (f"{move.win_rate:.0%}"[:3], short_number(move.visits))
                self.suggestions[place] = Suggestion(rank, lines)
        self.redraw()

    def own(self, ownership: np.ndarray | None) -> None:
        """Shows who owns what, [H, W] in [-1, 1] and the first player's; None shows nothing."""
        self.ownership = ownership
        self.redraw()

    def redraw(self, layout: bool = False) -> None:
        """Draws anew what has changed."""
        self._strips = None
        self.refresh(layout=layout)

    # --- Pointing ---------------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        place = self.picture.place_at(event.x, event.y)
        if place is not None:
            self.cursor = place
            self.point()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        place = self.picture.place_at(event.x, event.y)
        if place is not None and (place != self.cursor or not self.pointing):
            self.cursor, self.pointing = place, True
            self.redraw()

    def on_leave(self) -> None:
        self.pointing = False
        self.redraw()

    def action_step(self, down: int, right: int) -> None:
        """Moves the cursor; it stops at the edge."""
        height, width = self.position.game.shape
        row, column = divmod(self.cursor, width)
        if self.pointing:
            row = min(max(row + down, 0), height - 1)
            column = min(max(column + right, 0), width - 1)
        self.cursor, self.pointing = row * width + column, True
        self.redraw()

    def action_point(self) -> None:
        """Enter: plays at the cursor."""
        self.pointing = True
        self.point()

    def action_drop(self) -> None:
        """Escape: lets a piece go that was picked up."""
        self.first = None
        self.redraw()

    def point(self) -> None:
        """Picks up the piece at the cursor, or plays there."""
        if self.position.over:
            return
        try:
            action = pick(self.position, self.first, self.cursor)
        except UserError as error:
            self.first = None
            self.post_message(self.Refused(str(error)))
        else:
            self.first = self.cursor if action is None else None
            if action is not None:
                self.post_message(self.Chosen(action))
        self.redraw()

    # --- Drawing ----------------------------------------------------------------------------

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return self.picture.size[0]

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return self.picture.size[1]

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips = None

    def render_line(self, y: int) -> Strip:
        if self._strips is None:
            cells = self.picture.paint(self._scene(), self._palette())
            self._strips = [_strip(row) for row in cells]
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width)

    def _scene(self) -> Scene:
        position = self.position
        return Scene(
            game=position.game,
            pieces=position.pieces(),
            last=last_place(position),
            cursor=self.cursor if self.pointing else None,
            first=self.first,
            targets=set() if self.first is None else targets(position, self.first),
            suggestions=self.suggestions,
            ownership=self.ownership,
        )

    def _palette(self) -> Palette:
        def front(name: str) -> Color:
            return self.get_component_styles(f"board--{name}").color

        def back(name: str) -> Color:
            return self.get_component_styles(f"board--{name}").background

        around = self.background_colors[1]
        label = self.get_component_styles("board--label").color
        return Palette(
            around=around,
            board=back("surface"),
            alternate=back("alternate"),
            line=front("surface"),
            label=around.blend(label.with_alpha(1), label.a),
            last=front("last"),
            cursor=front("cursor"),
            best=back("best"),
            best_text=front("best"),
            other=back("other"),
            other_text=front("other"),
            pieces={name: front(name) for name in ("black", "white", "warm", "cool")},
        )


def short_number(number: int) -> str:
    """A count in at most four characters: `87`, `950`, `1.2k`, `35k`."""
    if number < 1000:
        return str(number)
    return f"{number / 1000:.1f}k" if number < 9950 else f"{number / 1000:.0f}k"


def _strip(cells: list[Cell]) -> Strip:
    segments: list[Segment] = []
    text, style = "", None
    for cell in cells:
        wanted = (cell.front, cell.back, cell.bold)
        if wanted != style and style is not None:
            segments.append(Segment(text, _style(*style)))
            text = ""
        text, style = text + cell.glyph, wanted
    if style is not None:
        segments.append(Segment(text, _style(*style)))
    return Strip(segments, len(cells))


def _style(front: Color, back: Color, bold: bool) -> Style:
    return Style(color=front.rich_color, bgcolor=back.rich_color, bold=bold)
