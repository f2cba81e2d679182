"""A game against the bot in a terminal.

`Session` is the game itself: moves, undo, hints, saving; it neither reads nor prints.
`Terminal` reads commands, calls the session and prints. `play_game` puts the two together.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from engine.board_view import PLAIN, draw, player_names, style_for
from engine.errors import UserError, did_you_mean
from engine.game import Game
from engine.inference import NetEvaluator, choose_device
from engine.nets import load_net
from engine.players import SearchPlayer
from engine.position import Position
from engine.records import GameRecord, write_sgf
from mcts import Evaluator, SearchSettings, UniformEvaluator

Stop = Callable[[], bool]
HINTS = 3
_LONGEST_QUOTE = 40


def play_game(
    game: Game,
    settings: SearchSettings,
    net: str | None = None,
    human: int | None = 0,
    *,
    komi: float | None = None,
    plain: bool = False,
    device: str = "auto",
    seed: int = 0,
    input: TextIO | None = None,
    output: TextIO | None = None,
) -> None:
    """Plays in the terminal until the user quits, the input ends or Ctrl-C at the prompt.

    net: a file or the name of a shipped net; None lets an untrained bot play. human: 0 the first
    player (Black), 1 the second, None to watch the bot play itself. komi: points for White, Go
    only. plain: ASCII even on a terminal. Input and output are by default stdin and stdout.
    Raises UserError, before anything is printed, for a net, device or komi that does not fit.
    """
    input, output = input or sys.stdin, output or sys.stdout
    evaluator: Evaluator = UniformEvaluator(game.actions)
    if net is not None:
        evaluator = NetEvaluator(load_net(net, game)[0], choose_device(device))
    bot_name = f"move37 {Path(net).stem}" if net else "move37 without a net"
    session = Session(game, settings, evaluator, human, komi=komi, seed=seed, bot_name=bot_name)
    if isinstance(input, io.TextIOWrapper):
        input.reconfigure(errors="replace")  # a stray byte is a typing error, not a crash
    terminal = Terminal(session, input, output, plain)
    if net is None:
        terminal.say(f"Note: no net for {game.name}, so the bot is not trained; it only searches.")
    try:
        terminal.run()
    except KeyboardInterrupt:
        terminal.say("")


@dataclass(frozen=True)
class Choice:
    """A move that the bot considers.

    win_rate in [0, 1] is the viewer's (see Session.viewer), a draw counting as half a win; visits
    are the move's own; line is how the bot expects the game to go on, this move first.
    """

    action: int
    win_rate: float
    visits: int
    line: tuple[int, ...]


class Session:
    """One game after another against a bot, or of the bot against itself (human None)."""

    def __init__(
        self,
        game: Game,
        settings: SearchSettings,
        evaluator: Evaluator,
        human: int | None = 0,
        *,
        komi: float | None = None,
        seed: int = 0,
        bot_name: str = "move37",
    ) -> None:
        self.game, self.human, self.bot_name = game, human, bot_name
        self.komi = komi  # None: what the game's rules say
        self.names = player_names(game)
        self._start_fields = _komi_fields(game, komi)
        self._bot = SearchPlayer(game, settings, evaluator, seed)
        self.new()

    def new(self) -> None:
        """Starts a new game with the same rules and players."""
        self.position = Position(self.game)
        self.position.set_start(**self._start_fields)
        self.resigned: int | None = None
        self._movers: list[int] = []  # who played each of the position's actions
        self._saved: set[Path] = set()

    # --- Where the game stands --------------------------------------------------------------

    @property
    def over(self) -> bool:
        """Whether the game has ended, by its rules or by resignation."""
        return self.resigned is not None or self.position.over

    @property
    def bot_to_move(self) -> bool:
        """Whether the next move is the bot's."""
        return not self.over and self.position.to_move != self.human

    @property
    def viewer(self) -> int:
        """The player in whose view win rates are given: the human, or else the first player."""
        return self.human or 0

    @property
    def search_visits(self) -> int:
        """The visits of the last search, with those kept from the search before."""
        return int(self._bot.search.core.root_visits)

    def score(self) -> float:
        """The first player's margin, the board scored as it stands. Raises UserError without."""
        if self.game.score is None:
            raise UserError(f"{self.game.name} has no score: the game is won, lost or drawn")
        return self.position.score()[0]

    def winner(self) -> int | None:
        """Who has won a game that is over; None for a draw."""
        if self.resigned is not None:
            return 1 - self.resigned
        outcome = self.position.outcome()
        return None if outcome == 0 else int(outcome < 0)

    def result(self) -> str:
        """The result of a game that is over: `B+3.5`, `W+R`, `X wins` or `draw`."""
        winner = self.winner()
        if winner is None:
            return "draw"
        if self.game.score is None:
            by = " by resignation" if self.resigned is not None else ""
            return f"{self.names[winner]} wins{by}"
        if self.resigned is not None:
            return f"{self.names[winner][0]}+R"
        return self.margin_text(self.score())

    def margin_text(self, margin: float) -> str:
        """A margin of the first player in points as `B+3.5`; `draw` for zero."""
        if margin == 0:
            return "draw"
        return f"{self.names[margin < 0][0]}+{abs(margin):g}"

    # --- What can be done -------------------------------------------------------------------

    def play(self, text: str) -> int:
        """Plays the human's move, named as people do. Raises UserError when that cannot be."""
        self._require_running()
        if self.bot_to_move:
            raise UserError("it is the bot's turn")
        action = self.game.notation.parse(text, self.position.legal_mask())
        self._play(action)
        return action

    def reply(self, stop: Stop = lambda: False) -> Choice:
        """Lets the bot play a move; `stop()` turning true makes it move at once."""
        self._require_running()
        self._search(stop)
        action = self._bot.search.core.choose(len(self.position.actions))
        choice = next(c for c in self._choices() if c.action == action)
        self._play(action)
        return choice

    def hint(self, stop: Stop = lambda: False) -> list[Choice]:
        """The bot's favourite moves for the side to move, the best first, at most HINTS."""
        self._require_running()
        self._search(stop)
        choices = self._choices()[:HINTS]
        return [choice for choice in choices if choice.visits] or choices[:1]

    def undo(self) -> int:
        """Takes back a resignation, or the human's last move and what followed it.

        When the bot plays itself, its last move. Returns how many moves were taken back. Raises
        UserError when there is nothing to take back.
        """
        if self.resigned is not None:
            self.resigned = None
            return 0
        mine = [i for i, mover in enumerate(self._movers) if self.human in (mover, None)]
        if not mine:
            raise UserError("there is no move of yours to take back")
        count = len(self._movers) - mine[-1]
        for _ in range(count):
            self.position.undo()
        del self._movers[-count:]
        return count

    def resign(self) -> None:
        """The human gives up. Raises UserError when the game is over or nobody plays the bot."""
        self._require_running()
        if self.human is None:
            raise UserError("the bot plays itself: there is nobody to resign")
        self.resigned = self.human

    def save(self, name: str) -> Path:
        """Writes the game as SGF; a file is complete or not there at all. Returns its path.

        A file that holds something else than this game is never replaced. Raises UserError when
        the game is not Go or the file cannot be written.
        """
        if self.game.family != "go":
            raise UserError(f"save writes SGF, a format for Go: it cannot hold {self.game.name}")
        try:
            path = Path(name).expanduser().absolute()
            if path.is_dir():
                raise UserError(f"'{name}' is a folder: add the name of a file")
            if path not in self._saved and os.path.lexists(path):
                raise UserError(f"'{name}' exists already: choose another name")
            _write_whole(path, write_sgf(self.record()))
        except (OSError, ValueError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UserError(f"cannot save '{name}': {reason}; choose another place") from error
        self._saved.add(path)
        return path

    def record(self) -> GameRecord:
        """The game of Go as a record, with its result when it is over."""
        players = [self.bot_name, self.bot_name]
        if self.human is not None:
            players[self.human] = "human"
        start = self.position.start.view(self.game.state)
        result = self.result() if self.over else ""
        return GameRecord(
            game=self.game.name,
            komi=int(start["komi_half_points"][0]) / 2,
            rules="Chinese",
            moves=list(zip(self._movers, self.position.actions, strict=True)),
            players=(players[0], players[1]),
            result="0" if result == "draw" else result,
            date=time.strftime("%Y-%m-%d"),
        )

    def _require_running(self) -> None:
        if self.over:
            raise UserError("the game is over: type undo, new, save FILE or quit")

    def _play(self, action: int) -> None:
        self._movers.append(self.position.to_move)
        self.position.play(action)

    def _search(self, stop: Stop) -> None:
        """Searches the position, at least until there is a move to choose."""
        search = self._bot.search
        self._bot.follow(self.position)
        search.run(lambda: stop() and bool(search.core.moves()))

    def _choices(self) -> list[Choice]:
        """The legal moves as the last search sees them, the most visited first."""
        core = self._bot.search.core
        sign = 1 if self.position.to_move == self.viewer else -1
        return [
            Choice(
                action=move.action,
                win_rate=(1 + sign * move.value) / 2,
                visits=move.visits,
                line=tuple(core.principal_variation(move.action)),
            )
            for move in core.moves()
        ]


def _komi_fields(game: Game, komi: float | None) -> dict[str, int]:
    """The fields of the initial state that stand for a komi. Raises UserError for a bad one."""
    if komi is None:
        return {}
    if "komi_half_points" not in (game.state.names or ()):
        raise UserError(f"komi {komi:g}: {game.name} has no komi, leave it out")
    if not abs(komi) <= game.area or komi * 2 % 1:
        raise UserError(f"komi {komi:g} is not between -{game.area} and {game.area} in half points")
    return {"komi_half_points": round(2 * komi)}


def _write_whole(path: Path, text: str) -> None:
    """Writes a file by atomic rename, so that a full disk leaves an older version alone."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


class Terminal:
    """Reads commands line by line, has the session do them, and prints what happened."""

    def __init__(self, session: Session, input: TextIO, output: TextIO, plain: bool = False) -> None:
        self.session, self.input, self.output = session, input, output
        self.style = style_for(session.game, output, plain)
        self._watching = session.human is None
        self._paused = False  # only while watching: wait for Enter before the next move
        self._commands: dict[str, tuple[str, Callable[[], None]]] = {
            "undo": ("take your last move back, and the reply", self._undo),
            "hint": ("what the bot would play, and your win rate", self._hint),
            "resign": ("give the game up", self._resign),
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
            if line is None or line.lower() in ("quit", "exit", "q"):
                return
            try:
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
        elif word in self._commands and rest:
            raise UserError(f"{word} stands alone: type {word}")
        elif word in self._commands:
            self._commands[word][1]()
        else:
            self._human_moves(line)

    def _human_moves(self, line: str) -> None:
        session = self.session
        shown = line if len(line) <= _LONGEST_QUOTE else f"{line[:_LONGEST_QUOTE]}..."
        known = [*self._commands, "save", *(["pass"] if self._has_pass else [])]
        meant = did_you_mean(shown.split()[0].lower(), [w for w in known if w != line.lower()])
        if meant:
            raise UserError(f"'{shown}' is not a command{meant}; help lists them all")
        if self._watching and not session.over:
            raise UserError(f"'{shown}': the bot plays itself; press Enter to go on, or type help")
        try:
            session.play(shown)
        except UserError as error:
            raise UserError(f"{error}" + ("" if session.over else ", or help")) from None
        self._show_board()

    def _bot_moves(self) -> None:
        session = self.session
        name = session.names[session.position.to_move]
        self.say(f"{name} thinks ... ", end="")
        begin = time.monotonic()
        with _stop_on_interrupt() as stop:
            choice = session.reply(stop)
            seconds = time.monotonic() - begin
            self.say(
                f"{session.game.notation.name(choice.action)} ({self._whose_win_rate} "
                f"{choice.win_rate:.1%}, {session.search_visits} visits, {seconds:.1f} s)"
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

    def _hint(self) -> None:
        with _stop_on_interrupt() as stop:
            choices = self.session.hint(stop)
        name = self.session.game.notation.name
        for choice in choices:
            line = " ".join(name(action) for action in choice.line)
            self.say(
                f"  {name(choice.action):4}  {self._whose_win_rate} {choice.win_rate:.1%}, "
                f"{choice.visits} visits, line {line}"
            )

    def _resign(self) -> None:
        self.session.resign()
        self._say_result()

    def _new(self) -> None:
        self.session.new()
        self._paused = False
        self._show_board()

    def _score(self) -> None:
        margin = self.session.margin_text(self.session.score())
        self.say(f"As it stands: {margin}, every stone on the board counted as alive.")

    def _help(self) -> None:
        notation = self.session.game.notation
        example = notation.name(self.session.game.area // 2)
        rows = {} if self._watching else {example: "play there, as an example"}
        if self._has_pass and not self._watching:
            rows["pass"] = "pass; two passes in a row end the game"
        rows |= {word: text for word, (text, _) in self._commands.items()}
        if self.session.game.family == "go":
            rows["save FILE"] = "write the game as SGF"
        for word, text in rows.items():
            self.say(f"  {word:10} {text}")
        self.say("  Ctrl-C     while the bot thinks: move now; at the prompt: quit")

    # --- Showing ----------------------------------------------------------------------------

    @property
    def _has_pass(self) -> bool:
        return self.session.game.actions % self.session.game.area > 0

    @property
    def _whose_win_rate(self) -> str:
        return f"{self.session.names[0]}'s win rate" if self._watching else "your win rate"

    def _introduce(self) -> None:
        session = self.session
        players = [
            f"{name} ({mark})" if self.style is PLAIN and name != mark else name
            for name, mark in zip(session.names, PLAIN.pieces, strict=True)
        ]
        self.say(f"{session.game.rules_text}.")
        if session.komi is not None:
            self.say(f"The komi of this game is {session.komi:g}.")
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
