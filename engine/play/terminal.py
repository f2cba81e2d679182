"""A game against the bot in a terminal: reads commands, calls the session and prints."""

from __future__ import annotations

import contextlib
import io
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import TextIO

from engine.board_view import PLAIN, draw, style_for
from engine.errors import UserError, did_you_mean
from engine.play.session import Session, margin_text
from engine.play.setup import GameSetup, open_session, pace_words, read_game
from engine.players.bot import Stop

_LONGEST_QUOTE = 40
_LEAVING = ("quit", "exit", "q")
_LOSING = (*_LEAVING, "new", "load")  # a game that is kept nowhere


def play_game(
    setup: GameSetup,
    *,
    plain: bool = True,
    input: TextIO | None = None,
    output: TextIO | None = None,
) -> None:
    """Plays line by line until the user quits, the input ends or Ctrl-C at the prompt.

    plain: ASCII even on a terminal. Input and output are by default stdin and stdout. Raises
    UserError, before anything is printed, for a setup in which something does not fit.
    """
    input, output = input or sys.stdin, output or sys.stdout
    session = open_session(setup)
    if isinstance(input, io.TextIOWrapper):
        input.reconfigure(errors="replace")  # a stray byte is a typing error, not a crash
    terminal = Terminal(session, input, output, plain)
    if setup.net_name() is None:
        name = session.game.name
        terminal.say(f"Note: no net for {name}, so the bot is not trained; it plays by random games.")
    if pace := pace_words(setup):
        terminal.say(f"A move: {pace}.")
    try:
        terminal.run()
    except KeyboardInterrupt:
        terminal.say("")


class Terminal:
    """Reads commands line by line, has the session do them, and prints what happened."""

    def __init__(self, session: Session, input: TextIO, output: TextIO, plain: bool = False) -> None:
        self.session, self.input, self.output = session, input, output
        self.style = style_for(session.game, output, plain)
        self._watching = session.human is None
        self._paused = False  # only while watching: wait for Enter before the next move
        self._insisted = ""  # what must be typed once more, as it loses the game
        self._commands: dict[str, tuple[str, Callable[[], None]]] = {
            "undo": ("take your last move back, and the reply", self._undo),
            "redo": ("play again what undo took back", self._redo),
            "hint": ("what the bot would play, and your win rate", self._hint),
            "resign": ("give the game up", self._resign),
            "time": ("the time that both sides have used, or have left", self._time),
            "new": ("start a new game", self._new),
            "help": ("this list", self._help),
            "quit": ("leave", lambda: None),
        }
        if session.game.score is not None:
            self._commands["score"] = ("the score of the board as it stands", self._score)

    def run(self) -> None:
        """Plays until quit or the end of the input. KeyboardInterrupt at the prompt passes on."""
        self._introduce()
        while True:
            if self.session.bot_to_move and not self._paused:
                self._bot_moves()
                continue
            line = self._ask()
            if line is not None and self._spares(line):
                continue
            if line is None or line.lower() in _LEAVING:
                return
            try:
                if self.session.check_time():
                    self._say_result()
                self._do(line)
            except UserError as error:
                self.say(str(error))

    def say(self, text: str, end: str = "\n") -> None:
        """Prints at once; in the plain style anything beyond ASCII is escaped."""
        encoding = "ascii" if self.style is PLAIN else self.output.encoding or "utf-8"
        self.output.write(text.encode(encoding, "backslashreplace").decode(encoding) + end)
        self.output.flush()

    def _ask(self) -> str | None:
        """The next line that is typed, without blanks around it; None at the end of the input."""
        if self.session.over or self._watching:
            self.say("> ", end="")
        else:
            self.say(f"{self.session.names[self.session.position.to_move]}> ", end="")
        line = self.input.readline()
        if not line:
            self.say("")
            return None
        if not self.input.isatty():
            self.say(line.rstrip("\n"))  # a terminal shows what is typed; elsewhere we do
        return line.strip()

    def _spares(self, line: str) -> bool:
        """Whether the line would lose the game in play, which at a terminal takes typing it twice."""
        words = line.lower().split()
        loses = bool(words) and words[0] in _LOSING and self.session.unsaved
        if not loses or not self.input.isatty() or line == self._insisted:
            self._insisted = ""
            return False
        self._insisted = line
        remedy = "; save FILE keeps it" if self.session.game.family == "go" else ""
        self.say(f"The game is not over and kept nowhere{remedy}. To lose it, type {line} again.")
        return True

    def _do(self, line: str) -> None:
        """Does one command or move. Raises UserError with the line to print instead."""
        word, rest = ([*line.split(maxsplit=1), "", ""])[:2]
        word = word.lower()
        if not line:
            self._paused = False
        elif word == "save":
            if not rest:
                raise UserError("save needs the name of a file, e.g. save game.sgf")
            self.say(f"Saved as {self.session.save(rest)}")
        elif word == "load":
            if not rest:
                raise UserError("load needs the name of a file, e.g. load game.sgf")
            self._load(rest)
        elif word in self._commands and rest:
            raise UserError(f"{word} stands alone: type {word}")
        elif word in self._commands:
            self._commands[word][1]()
        else:
            self._human_moves(line)

    def _human_moves(self, line: str) -> None:
        session = self.session
        shown = line if len(line) <= _LONGEST_QUOTE else f"{line[:_LONGEST_QUOTE]}..."
        known = [*self._commands, "save", "load", *([self._extra] if self._extra else [])]
        meant = did_you_mean(shown.split()[0].lower(), [w for w in known if w != line.lower()])
        if meant:
            raise UserError(f"'{shown}' is not a command{meant}; help lists them all")
        if self._watching and not session.over:
            raise UserError(f"'{shown}': the bot plays itself; press Enter to go on, or type help")
        try:
            session.play(shown)
        except UserError as error:
            what_to_type = ": type " in str(error) and not session.over
            raise UserError(f"{error}" + (", or help" if what_to_type else "")) from None
        self._show_board()

    def _bot_moves(self) -> None:
        session = self.session
        name = session.names[session.position.to_move]
        self.say(f"{name} thinks ... ", end="")
        begin = time.monotonic()
        with _stop_on_interrupt() as stop:
            decision = session.reply(stop)
            seconds = time.monotonic() - begin
            visits = decision.report.visits
            rate = f"{self._whose_win_rate} {decision.win_rate:.1%}, {visits} visits, "
            self.say(
                f"{session.game.notation.name(decision.action)} "
                f"({rate if visits > 1 else ''}{seconds:.1f} s)"  # who does not read does not know
            )
            self._show_board()
            self._paused = self._watching and stop()
        if self._paused and not session.over:
            self.say("Stopped. Press Enter to go on, or type help.")

    # --- Commands ---------------------------------------------------------------------------

    def _undo(self) -> None:
        count = self.session.undo()
        self._paused = self._watching
        taken = "1 move" if count == 1 else f"{count} moves" if count else "the resignation"
        self.say(f"Took back {taken}.")
        self._show_board()

    def _redo(self) -> None:
        count = self.session.redo()
        played = "1 move" if count == 1 else f"{count} moves" if count else "the resignation"
        self.say(f"Played {played} again.")
        self._show_board()

    def _hint(self) -> None:
        with _stop_on_interrupt() as stop:
            moves = self.session.hint(stop)
        name = self.session.game.notation.name
        for move in moves:
            line = " ".join(name(action) for action in move.line)
            self.say(
                f"  {name(move.action):4}  {self._whose_win_rate} {move.win_rate:.1%}, "
                f"{move.visits} visits, line {line}"
            )

    def _resign(self) -> None:
        self.session.resign()
        self._say_result()

    def _new(self) -> None:
        self.session.new()
        self._paused = False
        self._show_board()

    def _load(self, name: str) -> None:
        cut = self.session.load(read_game(name))
        self._paused = self._watching
        self.say(f"Loaded {name}. {cut}".rstrip())
        self._show_board()

    def _time(self) -> None:
        clock = self.session.clock
        what = "used" if clock.main_time is None else "left"
        for player, name in enumerate(self.session.names):
            self.say(f"  {name:6}  {clock.text(player)} {what}")

    def _score(self) -> None:
        margin = margin_text(self.session.game, self.session.score())
        self.say(f"As it stands: {margin}, every stone on the board counted as alive.")

    def _help(self) -> None:
        game = self.session.game
        example = self.session.example_move
        rows = {} if self._watching else {example: "play there, as an example"}
        if self._extra and not self._watching:
            ends = "pass; two passes in a row end the game"
            rows[self._extra] = ends if game.family == "go" else "when that is legal"
        rows |= {word: text for word, (text, _) in self._commands.items()}
        if self.session.game.family == "go":
            rows["save FILE"] = "write the game as SGF"
            rows["load FILE"] = "go on with a game in SGF"
        for word, text in rows.items():
            self.say(f"  {word:10} {text}")
        self.say("  Ctrl-C     while the bot thinks: move now; at the prompt: quit")

    # --- Showing ----------------------------------------------------------------------------

    @property
    def _extra(self) -> str:
        """The name of the action that is no place, such as a pass; empty where there is none."""
        game = self.session.game
        return game.notation.name(game.board_actions) if game.actions > game.board_actions else ""

    @property
    def _whose_win_rate(self) -> str:
        return f"{self.session.names[0]}'s win rate" if self._watching else "your win rate"

    def _introduce(self) -> None:
        session = self.session
        players = [
            f"{name} ({mark})" if self.style is PLAIN and name != mark else name
            for name, mark in zip(session.names, PLAIN.pieces, strict=True)
        ]
        self.say(session.rules_text)
        if session.human is None:
            self.say(f"The bot plays {players[0]} and {players[1]}; Ctrl-C stops it.")
        else:
            self.say(
                f"You play {players[session.human]}, the bot plays {players[1 - session.human]}. "
                "Type help for the commands."
            )
        self._show_board()

    def _show_board(self) -> None:
        self.say(f"\n{draw(self.session.position, self.style)}\n")
        if self.session.over:
            self._say_result()

    def _say_result(self) -> None:
        session = self.session
        winner = session.winner()
        ending = ""
        if winner is not None and not self._watching:
            ending = " You win." if winner == session.human else " You lose."
        save = "save FILE, " if session.game.family == "go" else ""
        self.say(f"Game over: {session.result()}.{ending}\nType undo, new, {save}or quit.")


@contextlib.contextmanager
def _stop_on_interrupt() -> Iterator[Stop]:
    """Gives a function that says whether Ctrl-C was pressed; a second Ctrl-C interrupts as usual.

    Outside the main thread, where signals cannot be caught, it always says no.
    """
    pressed = False

    def press(*_: object) -> None:
        nonlocal pressed
        pressed = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    try:
        before = signal.signal(signal.SIGINT, press)
    except ValueError:
        yield lambda: False
        return
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, before)
