"""The screen that walks through a game and names its mistakes."""

from __future__ import annotations

from typing import Any, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import DataTable, Label, Static

from engine.analysis.review import MoveReview, Review
from engine.analyst import Analyst
from engine.game import Game
from engine.players.bot import Stop
from engine.tui.graph import Graph
from engine.tui.panels import Candidates, Moves, piece_text, standing, whose
from engine.tui.table import OVERLAYS, TableScreen

MOST_MISTAKES = 8


class Mistakes(DataTable[Any]):
    """The largest mistakes; choosing one goes there."""

    def show(self, game: Game, mistakes: list[MoveReview]) -> None:
        """Shows mistakes, the worst first."""
        name = game.notation.name
        chosen = self.cursor_row
        self.clear(columns=True)
        self.add_columns("Move", "Was", "Better", "Win", "Pts")
        for mistake in mistakes:
            points = "" if mistake.points is None else f"{-mistake.points:+.0f}"
            number = Text.assemble(piece_text(game, mistake.player), f" {mistake.number}")
            self.add_row(
                number,
                name(mistake.action),
                name(mistake.best.action),
                f"{-mistake.loss:.0%}",
                points,
                key=str(mistake.number),
            )
        self.move_cursor(row=chosen)

    def point_at(self, number: int) -> None:
        """Marks the mistake with that number, if it is one of those shown."""
        if str(number) in self.rows:
            self.move_cursor(row=self.get_row_index(str(number)))


class ReviewScreen(TableScreen):
    """A game that was played, position by position."""

    DEFAULT_CSS = """
    ReviewScreen #mistakes { height: auto; max-height: 10; margin-bottom: 1; }
    ReviewScreen.-low #mistakes { max-height: 7; }
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

    def __init__(self, review: Review, analyst: Analyst) -> None:
        """review: of the game, still to be filled by the analyst."""
        super().__init__()
        self.review, self.analyst = review, analyst
        self.game = review.positions[0].game
        self.played = 0
        self._shows_candidates = self._shows_ownership = False

    def compose(self) -> ComposeResult:
        yield from self.board_and_panel(
            self.review.positions[0],
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
        for look in (self.review.glance, self.review.search):
            for _ in look(self.analyst, stop):
                if not stop():
                    self.app.call_from_thread(self._refresh_seen)

    # --- Showing ----------------------------------------------------------------------------

    def show(self, played: int) -> None:
        """Shows the position after so many moves."""
        self.played = played
        self.board.show(self.review.positions[played])
        self.query_one(Moves).show(self.game, self.review.played, played)
        self._refresh_seen()
        self.query_one(Mistakes).point_at(played)

    def _refresh_seen(self) -> None:
        """Shows what has been seen of the position and of the game so far."""
        review, game = self.review, self.game
        count = len(review.played)
        report = review.report(self.played)
        text = Text(no_wrap=True, overflow="ellipsis")
        text.append(f"Move {self.played} of {count}", "bold")
        if self.played:
            player, action = review.played[self.played - 1]
            text.append("  ").append_text(piece_text(game, player))
            text.append(f" {game.notation.name(action)}")
        text.append(f"\n{standing(game, report)}")
        self.query_one("#position", Static).update(text)
        reports = [review.report(played) for played in range(count + 1)]
        self.query_one("#rate", Graph).show(
            f"{whose(game, None)} win rate, 0 to 100 %",
            [None if one is None else 2 * one.win_rate - 1 for one in reports],
            self.played,
        )
        mistakes = review.mistakes(MOST_MISTAKES)
        self.query_one(Mistakes).show(game, mistakes)
        moves = review.reports[self.played].moves if self.played in review.reports else ()
        self.query_one(Candidates).show(game, moves)
        self.board.suggest(moves if self._shows_candidates else ())
        self.board.own(report.ownership if report and self._shows_ownership else None)
        self.say(self._words(mistakes))

    def _words(self, mistakes: list[MoveReview]) -> str:
        """The mistake that led to the position shown, or how far the look has come."""
        name = self.game.notation.name
        for mistake in mistakes:
            if mistake.number == self.played:
                kind = "A mistake" if mistake.grade == "mistake" else "Doubtful"
                return (
                    f"{kind}: {name(mistake.action)} lost {mistake.loss:.0%} of the win rate; "
                    f"better was {name(mistake.best.action)}."
                )
        searched, count = len(self.review.reports), len(self.review.positions)
        if searched < count:
            return f"Looking at the game: {searched} of {count} positions ..."
        found = "" if mistakes else "No mistake was found."
        problem = self.review.problem[:1].upper() + self.review.problem[1:]
        return " ".join(words for words in (found, problem) if words)

    # --- What the user does -----------------------------------------------------------------

    def action_walk(self, steps: int) -> None:
        """Goes some moves on, or back when negative."""
        self.show(min(max(self.played + steps, 0), len(self.review.played)))

    def action_mistake(self) -> None:
        """m: goes to the next mistake of the game."""
        numbers = sorted(m.number for m in self.review.mistakes(MOST_MISTAKES))
        later = [number for number in numbers if number > self.played]
        if numbers:
            self.show(later[0] if later else numbers[0])

    @on(DataTable.RowSelected, "#mistakes")
    def _go_to_mistake(self, event: DataTable.RowSelected) -> None:
        self.show(int(str(event.row_key.value)))

    @on(Graph.Picked)
    def _go_to(self, event: Graph.Picked) -> None:
        self.show(min(event.played, len(self.review.played)))

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
