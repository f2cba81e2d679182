"""One GTP session: its state, the registry of commands, and the loop that serves them."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.errors import UserError
from engine.gtp.analysis import COLOURS, parse_vertex
from engine.gtp.board import Board
from engine.gtp.protocol import (
    SYNTAX_ERROR,
    UNKNOWN_COMMAND,
    Command,
    GtpFailure,
    Inbox,
    Replies,
    parse,
)
from engine.gtp.thinker import Thinker
from engine.play import time_control
from engine.play.time_control import TimeControl


@dataclass(frozen=True)
class Identity:
    """What the engine says it is; some boards treat an engine by its name."""

    name: str
    version: str


class Session:
    """The state that commands work on."""

    def __init__(
        self,
        board: Board,
        thinker: Thinker,
        identity: Identity,
        inbox: Inbox,
        replies: Replies,
        net_names: Callable[[], Sequence[str]],
    ) -> None:
        self.board, self.thinker, self.identity = board, thinker, identity
        self.inbox, self.replies, self.net_names = inbox, replies, net_names
        self.running = True
        self.set_time(time_control.NO_LIMIT)

    # --- Time -------------------------------------------------------------------------------

    def set_time(self, control: TimeControl) -> None:
        """A time system for both players, their clocks full."""
        self.control = control
        self.clocks = {player: time_control.full(control) for player in (0, 1)}

    def thinking_time(self, player: int) -> float:
        """Seconds for the player's next move; infinite without a clock."""
        return time_control.thinking_time(
            self.control,
            self.clocks[player],
            self.board.game.area,
            len(self.board.moves),
            self.thinker.limits.lag,
        )

    # --- The loop ---------------------------------------------------------------------------

    def run(self) -> None:
        """Serves commands until `quit` or the end of the input."""
        while self.running:
            if self.thinker.limits.ponder:
                self._ponder()
            line = self.inbox.take()
            if line is None:
                return
            command = parse(line)
            if command is not None:
                self.serve(command)

    def serve(self, command: Command) -> None:
        """Runs one command and replies; whatever goes wrong, the state stays sound."""
        try:
            if not command.name:
                raise GtpFailure(SYNTAX_ERROR)
            run = COMMANDS.get(command.name.lower())
            if run is None:
                raise GtpFailure(UNKNOWN_COMMAND)
            reply = run(self, command)
            if reply is not None:
                self.replies.whole(command, reply)
        except (GtpFailure, UserError) as failure:
            self.replies.whole(command, str(failure), ok=False)
        except BrokenPipeError:
            self.running = False
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            self.replies.whole(command, f"internal error: {error}", ok=False)

    def _ponder(self) -> None:
        """Thinks about the position, where the opponent is to move, until a line arrives."""
        board = self.board
        if board.moves and not self.inbox.arrived():
            limits = self.thinker.limits
            position = board.turn(board.to_move)
            self.thinker.search(position, limits.analysis_visits, self.inbox.arrived)


Run = Callable[[Session, Command], str | None]
COMMANDS: dict[str, Run] = {}


def command(*names: str) -> Callable[[Run], Run]:
    """Registers a function under the names of commands.

    It returns the text of its reply, or None when it has replied itself; it raises GtpFailure.
    """

    def register(run: Run) -> Run:
        for name in names:
            assert name not in COMMANDS, name
            COMMANDS[name] = run
        return run

    return register


def log(text: str) -> None:
    """A line for people, on stderr: stdout belongs to the protocol."""
    print(text, file=sys.stderr, flush=True)


# --- Arguments ------------------------------------------------------------------------------


def arguments(command: Command, count: int) -> tuple[str, ...]:
    """The arguments, at least so many; more are ignored, as GTP asks. Raises GtpFailure for fewer."""
    if len(command.arguments) < count:
        raise GtpFailure(SYNTAX_ERROR)
    return command.arguments


def player_of(word: str) -> int:
    """0 for Black and 1 for White. Raises GtpFailure for another word."""
    player = COLOURS.get(word.lower())
    if player is None:
        raise GtpFailure(SYNTAX_ERROR)
    return player


def action_of(word: str, session: Session) -> int:
    """The action of a vertex or pass. Raises GtpFailure when it is not one of the board."""
    return parse_vertex(word, session.board.game)


def whole_number(word: str) -> int:
    """A whole number of at most nine digits. Raises GtpFailure for another word."""
    digits = word.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise GtpFailure(SYNTAX_ERROR)
    return int(word)


def number(word: str) -> float:
    """A number, of at most ten digits before the point. Raises GtpFailure for another word."""
    try:
        value = float(word)
    except ValueError:
        raise GtpFailure(SYNTAX_ERROR) from None
    if not abs(value) < 1e10:
        raise GtpFailure(SYNTAX_ERROR)
    return value
