"""The screen that walks through a game and names its mistakes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import DataTable, Label, Static

from engine.session import Session, Stop
from engine.setup import GameSetup, open_session
from engine.tui.graph import Graph
from engine.tui.panels import Candidates, Moves, piece_text, standing
from engine.tui.table import OVERLAYS, TableScreen
from engine.walkthrough import Mistake, Walkthrough

REVIEW_VISITS = 200
MOST_MISTAKES = 8


class Mistakes(DataTable[Any]):
    """The largest mistakes; choosing one goes there."""

    def show(self, session: Session, mistakes: list[Mistake]) -> None:
        """Shows mistakes, the worst first."""
        name = session.game.notation.name
        chosen = self.cursor_row
        self.clear(columns=True)
        self.add_columns("Move", "Was", "Better", "Win", "Pts")
        for mistake in mistakes[:MOST_MISTAKES]:
            points = "" if mistake.score_loss is None else f"{-mistake.score_loss:+.0f}"
            number = Text.assemble(piece_text(session, mistake.player), f" {mistake.number}")
            self.add_row(
                number,
                name(mistake.action),
                name(mistake.better),
                f"{-mistake.win_rate_loss:.0%}",
                points,
                key=str(mistake.number),
            )
        self.move_cursor(row=chosen)


class ReviewScreen(TableScreen):
    """A game that was played, position by position."""

    DEFAULT_CSS = """
    ReviewScreen #mistakes { height: auto; max-height: 10; margin-bottom: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "walk(-1)", "Back", priority=True),
        Binding("right", "walk(1)", "On", priority=True),
        Binding("pageup", "walk(-10)", "10 back", priority=True, show=False),
        Binding("pagedown", "walk(10)", "10 on", priority=True, show=False),
        Binding("home", "walk(-9999)", "Start", priority=True, show=False),
        Binding("end", "walk(9999)", "End", priority=True, show=False),
        Binding("m", "mistake", "Next mistake"),
        *OVERLAYS,
        Binding("escape,q", "leave", "Leave"),
    ]

    def __init__(self, setup: GameSetup, session: Session) -> None:
        """setup: who advises; session: the game. The session stays as it is."""
        super().__init__()
        visits = setup.visits or REVIEW_VISITS
        adviser = open_session(replace(setup, handicap=0, komi=None, human=None), visits)
        adviser.follow(session)
        self.walkthrough = Walkthrough(adviser)
        self.session = session
        self.played = 0
        self._shows_candidates = self._shows_ownership = False

    def compose(self) -> ComposeResult:
        yield from self.board_and_panel(
            self.walkthrough.position(0),
            Static(id="position", classes="section"),
            Candidates(id="candidates", classes="section"),
            Graph(id="rate", classes="section"),
            Label("The largest mistakes", classes="title"),
            Mistakes(id="mistakes", cursor_type="row"),
            Moves(id="moves"),
        )
        yield from self.compose_foot()

    def on_mount(self) -> None:
        self.query_one(Candidates).display = False
        self.query_one(Moves).can_focus = False
        self.board.can_focus = False
        self.query_one(Mistakes).focus()
        self.show(0)
        self.in_background(self._look)

    def _look(self, stop: Stop) -> None:
        self.walkthrough.look(stop, lambda: stop() or self.app.call_from_thread(self._refresh_seen))

    # --- Showing ----------------------------------------------------------------------------

    def show(self, played: int) -> None:
        """Shows the position after so many moves."""
        self.played = played
        self.board.show(self.walkthrough.position(played))
        self.query_one(Moves).show(self.session, self.walkthrough.moves, played)
        self._refresh_seen()

    def _refresh_seen(self) -> None:
        """Shows what has been seen of the position and of the game so far."""
        walk, session = self.walkthrough, self.walkthrough.session
        count = len(walk.moves)
        seen = walk.seen.get(self.played)
        text = Text(no_wrap=True, overflow="ellipsis")
        text.append(f"Move {self.played} of {count}", "bold")
        if self.played:
            player, action = walk.moves[self.played - 1]
            text.append("  ").append_text(piece_text(session, player))
            text.append(f" {session.game.notation.name(action)}")
        text.append(f"\n{standing(session, seen.insight if seen else None)}")
        self.query_one("#position", Static).update(text)
        rates = [walk.seen.get(played) for played in range(count + 1)]
        self.query_one("#rate", Graph).show(
            f"{session.names[0]}'s win rate, 0 to 100 %",
            [None if one is None else 2 * one.insight.win_rate - 1 for one in rates],
            self.played,
        )
        mistakes = walk.mistakes()
        self.query_one(Mistakes).show(session, mistakes)
        choices = list(seen.choices) if seen else []
        self.query_one(Candidates).show(session, choices)
        self.board.suggest(choices if self._shows_candidates else [])
        self.board.own(seen.insight.ownership if seen and self._shows_ownership else None)
        self.say(self._words(mistakes))

    def _words(self, mistakes: list[Mistake]) -> str:
        """The mistake that led to the position shown, or how far the look has come."""
        name = self.session.game.notation.name
        for mistake in mistakes:
            if mistake.number == self.played:
                return (
                    f"A mistake: {name(mistake.action)} lost {mistake.win_rate_loss:.0%} of the win "
                    f"rate; better was {name(mistake.better)}."
                )
        searched, count = self.walkthrough.searched, len(self.walkthrough.moves) + 1
        if searched < count:
            return f"Looking at the game: {searched} of {count} positions ..."
        return "" if mistakes else "No mistake was found."

    # --- What the user does -----------------------------------------------------------------

    def action_walk(self, steps: int) -> None:
        """Goes some moves on, or back when negative."""
        self.show(min(max(self.played + steps, 0), len(self.walkthrough.moves)))

    def action_mistake(self) -> None:
        """m: goes to the next mistake of the game."""
        numbers = sorted(m.number for m in self.walkthrough.mistakes()[:MOST_MISTAKES])
        later = [number for number in numbers if number > self.played]
        if numbers:
            self.show(later[0] if later else numbers[0])

    @on(DataTable.RowSelected, "#mistakes")
    def _go_to_mistake(self, event: DataTable.RowSelected) -> None:
        self.show(int(str(event.row_key.value)))

    @on(Graph.Picked)
    def _go_to(self, event: Graph.Picked) -> None:
        self.show(min(event.played, len(self.walkthrough.moves)))

    def action_toggle_candidates(self) -> None:
        """F3."""
        self._shows_candidates = not self._shows_candidates
        self.query_one(Candidates).display = self._shows_candidates
        self._refresh_seen()

    def action_toggle_ownership(self) -> None:
        """F4."""
        self._shows_ownership = not self._shows_ownership
        self._refresh_seen()

    def action_toggle_graph(self) -> None:
        """F5."""
        graph = self.query_one("#rate")
        graph.display = not graph.display

    def action_leave(self) -> None:
        """Back to the game, or out when the review was all that was wanted."""
        self.stop_thinking()
        if len(self.app.screen_stack) > 2:
            self.dismiss()
        else:
            self.app.exit()
