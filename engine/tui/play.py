"""The screen on which a game is played."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

from engine.analysis.review import Review
from engine.analyst import Report
from engine.errors import UserError, did_you_mean
from engine.play.session import Session
from engine.play.setup import (
    GameSetup,
    make_bot,
    make_reviewer,
    open_session,
    pace_words,
    read_game,
    setup_for,
)
from engine.players.bot import Decision, Stop
from engine.players.levels import find_level
from engine.tui.board import Board
from engine.tui.dialogs import FileName, Help, NewGame, Unsaved
from engine.tui.graph import Graph
from engine.tui.panels import Candidates, Moves, Players, whose
from engine.tui.review import ReviewScreen
from engine.tui.table import OVERLAYS, TableScreen

WATCH_SECONDS = 0.6  # at least so long does a move take when the bot plays itself
_HELP = """\
[b]Play[/b] with the mouse, with the arrow keys and Enter, or type a move: {example}
Everything else has a key or a word to type:
F2              [b]hint[/b]            the best move
F3              [b]moves[/b]           what the bot considers: win rate, visits
F4              [b]area[/b]            who owns what
F5              [b]graph[/b]           the win rate and the score, move by move
F6              [b]now[/b]             the bot moves at once, or pauses
F7              [b]{extra:<15}[/b] where the rules have it
F8              [b]resign[/b]          give the game up
F9              [b]review[/b]          walk through this game and its mistakes
F10             [b]light[/b], [b]dark[/b]     the colours
Ctrl-Z, Ctrl-Y  [b]undo[/b], [b]redo[/b]
Ctrl-N          [b]new[/b]             another game, level, colour, time
                [b]level[/b] NAME      another strength from now on
Ctrl-S, Ctrl-O  [b]save[/b], [b]load[/b] FILE SGF
Ctrl-Q          [b]quit[/b]
"""


class PlayScreen(TableScreen):
    """A game against the bot, or of the bot against itself."""

    DEFAULT_CSS = """
    PlayScreen #command { height: 1; border: none; padding: 0 1; background: $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "Help"),
        Binding("f2", "hint", "Hint"),
        *OVERLAYS,
        Binding("f6", "now", "Now", tooltip="the bot moves at once", show=False),
        Binding("f7", "pass", "Pass"),
        Binding("ctrl+z", "undo", "Undo", priority=True),
        Binding("ctrl+y", "redo", "Redo", priority=True),
        Binding("ctrl+n", "new", "New", priority=True),
        Binding("f8", "resign", "Resign", show=False),
        Binding("f9", "review", "Review", show=False),
        Binding("ctrl+s", "save", "Save", priority=True, show=False),
        Binding("ctrl+o", "load", "Load", priority=True, show=False),
    ]
    rows_below = 3  # the line to type in as well

    class Glanced(Message):
        """How a position stands; `ticket` says to which request it belongs."""

        def __init__(self, ticket: int, report: Report) -> None:
            self.ticket, self.report = ticket, report
            super().__init__()

    class Considered(Message):
        """What the adviser thinks so far."""

        def __init__(self, ticket: int, report: Report, hint: bool, done: bool) -> None:
            self.ticket, self.report, self.hint, self.done = ticket, report, hint, done
            super().__init__()

    class Decided(Message):
        """The bot has chosen its move."""

        def __init__(self, ticket: int, decision: Decision, seconds: float) -> None:
            self.ticket, self.decision, self.seconds = ticket, decision, seconds
            super().__init__()

    def __init__(self, setup: GameSetup, session: Session) -> None:
        super().__init__()
        self.setup, self.session = setup, session
        self.paused = False
        self._ticket = 0  # of the latest request to the thread that thinks
        self._hurry = self._hinting = False
        self._shows_candidates = self._shows_ownership = False
        self._words: dict[str, Callable[[], None]] = {
            "help": self.action_help,
            "hint": self.action_hint,
            "moves": self.action_toggle_candidates,
            "area": self.action_toggle_ownership,
            "graph": self.action_toggle_graph,
            "now": self.action_now,
            "undo": self.action_undo,
            "redo": self.action_redo,
            "resign": self.action_resign,
            "review": self.action_review,
            "new": self.action_new,
            "save": self.action_save,
            "load": self.action_load,
            "light": lambda: self._set_dark(False),
            "dark": lambda: self._set_dark(True),
            "quit": lambda: self.leave(self.app.exit),
        }

    # --- Building ---------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        yield from self.board_and_panel(
            self.session.position,
            Players(id="players", classes="section"),
            Candidates(id="candidates", classes="section"),
            Graph(id="rate", classes="section"),
            Graph(id="score", classes="section"),
            Moves(id="moves"),
        )
        yield Input(
            id="command",
            placeholder=self._examples,
            select_on_focus=False,  # it holds the first letter by then
        )
        yield from self.compose_foot()

    def on_mount(self) -> None:
        self.query_one(Candidates).display = False
        self.query_one("#rate").display = self.query_one("#score").display = False
        self.query_one(Moves).can_focus = False
        self.set_interval(0.5, self._tick)
        self.board.focus()
        self.say(self._welcome())
        self.refresh_game()

    def _welcome(self) -> str:
        pace = pace_words(self.setup)
        return f"{pace[:1].upper()}{pace[1:]}." if pace else self.session.rules_text

    def open_table(self, setup: GameSetup, session: Session, words: str = "") -> None:
        """Goes on with another session, and says so."""
        self.stop_thinking()
        self.setup, self.session, self.paused = setup, session, False
        self.say(words or self._welcome())
        self.query_one("#command", Input).placeholder = self._examples
        self.board.show(session.position)
        self.fit(*self.size)
        self.refresh_bindings()
        self.refresh_game()

    def leave(self, then: Callable[[], None]) -> None:
        """Does what loses the game in play, if it is saved or the user does not mind."""
        if not self.session.unsaved:
            then()
        elif not isinstance(self.app.screen, Unsaved):
            remedy = "Go on, and Ctrl-S saves it." if self.session.game.family == "go" else ""
            self.app.push_screen(Unsaved(remedy), lambda sure: then() if sure else None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hides the key of what this game does not have."""
        return self._extra is not None if action == "pass" else True

    @property
    def _extra(self) -> str | None:
        """The name of the action that is no place, such as a pass."""
        game = self.session.game
        return game.notation.name(game.board_actions) if game.actions > game.board_actions else None

    @property
    def _examples(self) -> str:
        """What can be typed, as far as this game has it."""
        last = "save FILE" if self.session.game.family == "go" else "new"
        words = filter(None, ["hint", "undo", self._extra, last])
        return f"a move or a word: {', '.join(words)}, help ..."

    # --- The game goes on -------------------------------------------------------------------

    def refresh_game(self) -> None:
        """Shows where the game stands, and starts what there is to think about."""
        self._ticket += 1
        self._hurry = self._hinting = False
        self.board.show(self.session.position)
        if self.session.over:
            self._say_result()
        self._refresh_panel()
        self.query_one(Candidates).show(self.session.game, [])
        self.query_one(Moves).show(self.session.game, self.session.moves)
        self._show_ownership()
        self._think()

    def _refresh_panel(self) -> None:
        self.query_one(Players).show(self.session, self.setup.strength)
        session = self.session
        owner = whose(session.game, session.human)
        known = [session.reports.get(played) for played in range(len(session.moves) + 1)]
        seen = [None if report is None else report.seen_by(session.viewer) for report in known]
        rates = [None if report is None else 2 * report.win_rate - 1 for report in seen]
        leads = [None if report is None else report.score_lead for report in seen]
        self.query_one("#rate", Graph).show(f"{owner} win rate, 0 to 100 %", rates)
        most = max([5.0, *(abs(lead) for lead in leads if lead is not None)])
        shares = [None if lead is None else lead / most for lead in leads]
        self.query_one("#score", Graph).show(f"{owner} lead, up to {most:.0f} points", shares)

    def _think(self) -> None:
        """Starts the thread on what the position asks for; it reports with messages."""
        session, ticket = self.session, self._ticket
        position = session.position.copy()
        bot_moves = session.bot_to_move and not self.paused
        advise = not session.over and not bot_moves and (self._shows_candidates or self._hinting)
        ponder = self.setup.ponder and not session.over and not session.bot_to_move
        hint, played = self._hinting, len(session.moves)
        known = played in session.reports

        def tell(report: Report, done: bool = False) -> None:
            self.post_message(self.Considered(ticket, report, hint, done))

        def job(stop: Stop) -> None:
            begin = time.monotonic()
            if not known or self._shows_ownership:
                self.post_message(self.Glanced(ticket, session.look(position)))
            if bot_moves:
                decision = session.think(lambda: stop() or self._hurry, position)
                seconds = time.monotonic() - begin
                while session.human is None and time.monotonic() < begin + WATCH_SECONDS and not stop():
                    time.sleep(0.02)
                if not stop():
                    self.post_message(self.Decided(ticket, decision, seconds))
                return
            if advise:
                tell(session.advise(stop, position, tell), done=True)
            if ponder:
                session.ponder(stop, position)

        self.in_background(job)
        if bot_moves:
            self.say(f"{session.names[position.to_move]} thinks ... (F6: move now)")

    def on_play_screen_glanced(self, message: Glanced) -> None:
        if message.ticket == self._ticket:
            self.session.note(message.report)
            self._refresh_panel()
            self._show_ownership()

    def on_play_screen_considered(self, message: Considered) -> None:
        report = message.report
        if message.ticket != self._ticket or not report.moves:
            return
        self.session.note(report)
        if message.hint:
            best = report.moves[0]
            name = self.session.game.notation.name
            then = "".join(f" {name(action)}" for action in best.line[1:4])
            self.say(
                f"Hint: {name(best.action)} (your win rate {best.win_rate:.0%}, {best.visits} visits"
                f"{', then' + then if then else ''})"
            )
        self.board.suggest(report.moves if self._shows_candidates else report.moves[:1])
        self.query_one(Candidates).show(self.session.game, report.moves)
        if message.done:
            self._refresh_panel()

    def on_play_screen_decided(self, message: Decided) -> None:
        if message.ticket != self._ticket or self.session.over:
            return
        decision, session = message.decision, self.session
        name = session.names[session.position.to_move]
        session.accept(decision)
        line = f"{name} plays {session.game.notation.name(decision.action)}"
        visits = decision.report.visits
        searched = f"{visits} visits, " if visits > 1 else ""
        self.say(f"{line} ({searched}{message.seconds:.1f} s)")
        self.refresh_game()

    def _say_result(self) -> None:
        session = self.session
        winner = session.winner()
        ending = ""
        if winner is not None and session.human is not None:
            ending = " You win!" if winner == session.human else " You lose."
        self.say(f"Game over: {session.result()}.{ending} F9 reviews it, Ctrl-N starts another.")

    def _tick(self) -> None:
        if self.session.check_time():
            self.refresh_game()
        elif not self.session.over and self.is_current:
            self.query_one(Players).show(self.session, self.setup.strength)

    # --- What the user does -----------------------------------------------------------------

    @on(Board.Chosen)
    def _play_chosen(self, message: Board.Chosen) -> None:
        self._attempt(lambda: self.session.play_action(message.action))

    @on(Board.Refused)
    def _refuse(self, message: Board.Refused) -> None:
        self.say("it is the bot's turn" if self.session.bot_to_move else message.reason, error=True)

    def _attempt(self, act: Callable[[], object], done: str = "") -> None:
        """Changes the game and shows it, or says in a line why that cannot be."""
        try:
            self.session.check_time()
            act()
        except UserError as error:
            self.say(str(error), error=True)
        else:
            self.say(done)
            self.refresh_game()

    def on_key(self, event: events.Key) -> None:
        """Letters and digits begin a move or a word to type."""
        command = self.query_one("#command", Input)
        if self.focused is not command and event.character and event.character.isalnum():
            command.focus()
            command.insert_text_at_cursor(event.character)
            event.stop()
        elif self.focused is command and event.key in ("escape", "up", "down"):
            command.value = ""
            self.board.focus()

    @on(Input.Submitted, "#command")
    def _typed(self, event: Input.Submitted) -> None:
        event.input.value = ""
        self.board.focus()
        line = event.value.strip()
        if line:
            self.do(line)

    def do(self, line: str) -> None:
        """Does what a typed line says: a word with what belongs to it, or a move."""
        word, rest = ([*line.split(maxsplit=1), "", ""])[:2]
        word = word.lower()
        with_rest = {"save": self._save, "load": self._load, "level": self._change_level}
        if word in with_rest and rest:
            with_rest[word](rest)
        elif word in self._words and not rest:
            self._words[word]()
        else:
            meant = did_you_mean(line.lower(), [*self._words, "pass"])
            try:
                self.session.play(line)
            except UserError as error:
                self.say(f"{error}{meant if line.lower() != 'pass' else ''}", error=True)
            else:
                self.say("")
                self.refresh_game()

    def action_help(self) -> None:
        """F1."""
        example = self.session.example_move
        self.app.push_screen(Help(_HELP.format(example=example, extra=self._extra or "pass")))

    def action_hint(self) -> None:
        """F2."""
        if self.session.over or self.session.bot_to_move:
            self.say("a hint is for your turn", error=True)
            return
        self._ticket += 1
        self._hinting = True
        self.say("Looking for a hint ...")
        self._think()

    def action_toggle_candidates(self) -> None:
        """F3."""
        self._shows_candidates = not self._shows_candidates
        self.query_one(Candidates).display = self._shows_candidates
        if self.session.bot_to_move and not self.paused:
            return  # it will be seen at the human's turn
        self.refresh_game()

    def action_toggle_ownership(self) -> None:
        """F4."""
        self._shows_ownership = not self._shows_ownership
        report = self.session.report
        if self._shows_ownership and report is not None and report.ownership is None:
            self._shows_ownership = False
            self.say("nothing here tells who owns what: that takes Go and a net", error=True)
        self._show_ownership()

    def _show_ownership(self) -> None:
        report = self.session.report
        self.board.own(report.ownership if report and self._shows_ownership else None)

    def action_toggle_graph(self) -> None:
        """F5."""
        shown = not self.query_one("#rate").display
        self.query_one("#rate").display = shown
        self.query_one("#score").display = shown and self.session.game.score is not None

    def action_now(self) -> None:
        """F6: hurries the bot; pauses or goes on when it plays itself."""
        if self.session.human is None and not self.session.over:
            self.paused = not self.paused
            self.say("Paused. F6 goes on." if self.paused else "")
            self.refresh_game()
        elif self.session.bot_to_move:
            self._hurry = True

    def action_pass(self) -> None:
        """F7."""
        self._attempt(lambda: self.session.play(self._extra or "pass"))

    def action_undo(self) -> None:
        """Ctrl-Z."""
        self.paused = self.session.human is None
        self._attempt(self.session.undo)

    def action_redo(self) -> None:
        """Ctrl-Y."""
        self._attempt(self.session.redo)

    def action_resign(self) -> None:
        """F8."""
        self._attempt(self.session.resign)

    def action_new(self) -> None:
        """Ctrl-N."""

        def answered(answer: tuple[GameSetup, Session] | None) -> None:
            if answer is not None:
                self.leave(lambda: self.open_table(*answer))

        self.app.push_screen(NewGame(self.setup), answered)

    def action_save(self) -> None:
        """Ctrl-S."""
        name = time.strftime(f"{self.session.game.name}-%Y%m%d-%H%M.sgf")
        self.app.push_screen(FileName("Save as", name), self._if_named(self._save))

    def action_load(self) -> None:
        """Ctrl-O."""
        self.app.push_screen(FileName("Load", ""), self._if_named(self._load))

    def action_review(self) -> None:
        """F9."""
        if not self.session.moves:
            self.say("no move has been played yet: there is nothing to review", error=True)
            return
        review = Review.of_game(self.session.position)
        self.app.push_screen(ReviewScreen(review, make_reviewer(self.setup)))

    @staticmethod
    def _if_named(act: Callable[[str], None]) -> Callable[[str | None], None]:
        return lambda name: act(name) if name else None

    def _save(self, name: str) -> None:
        try:
            self.say(f"Saved as {self.session.save(name)}")
        except UserError as error:
            self.say(str(error), error=True)

    def _load(self, name: str) -> None:
        self.run_worker(self._load_game(name), group="load")

    async def _load_game(self, name: str) -> None:
        try:
            record = read_game(name)
            setup = setup_for(record, self.setup)
            session = await asyncio.to_thread(open_session, setup)
            cut = session.load(record)
        except UserError as error:
            self.say(str(error), error=True)
        else:
            self.leave(lambda: self.open_table(setup, session, f"Loaded {name}. {cut}"))

    def _change_level(self, text: str) -> None:
        try:
            level = find_level(text)
            self.setup = replace(self.setup, level=level, visits=None)
            self.session.set_bot(make_bot(self.setup))
        except UserError as error:
            self.say(str(error), error=True)
        else:
            manner = level.manner(self.setup.net_name() is not None)
            self.say(f"The bot now plays as {level.title(self.setup.game)}: it {manner}.")
            self.refresh_game()

    def _set_dark(self, dark: bool) -> None:
        self.app.theme = "textual-dark" if dark else "textual-light"

    # --- Other screens ----------------------------------------------------------------------

    def on_screen_suspend(self) -> None:
        if not self.session.bot_to_move:
            self.stop_thinking()

    def on_screen_resume(self) -> None:
        if not self.session.bot_to_move:
            self._think()
