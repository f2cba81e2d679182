"""A game against the bot: moves, undo, hints, saving. It neither reads nor prints."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.analyst import MoveReport, Report
from engine.coords import VertexNotation
from engine.errors import UserError
from engine.files import write_whole
from engine.game import Game
from engine.illegal import why_illegal
from engine.play import time_control
from engine.play.clock import GameClock
from engine.play.handicap import starting_position
from engine.play.time_control import Reading, TimeControl
from engine.players.bot import Bot, Decision, Stop, Thinker, never
from engine.position import Position
from engine.records.record import HANDICAP_KOMI, GameRecord, start_position
from engine.records.sgf import write_sgf

HINTS = 3


class Session:
    """One game after another against a bot, or of the bot against itself (human None).

    The searching methods take `stop`, asked now and then, and the position to look at, so that
    another thread may call them with a copy while this one answers the user: they change nothing
    of the game. Win rates and leads are in the view of `viewer`, in `reports` of the first player.
    """

    def __init__(
        self,
        game: Game,
        bot: Bot,
        human: int | None = 0,
        *,
        adviser: Bot | None = None,
        komi: float | None = None,
        handicap: int = 0,
        move_time: float | None = None,
        main_time: float | None = None,
        seed: int = 0,
    ) -> None:
        """adviser: who gives hints, by default the bot. move_time: seconds that the bot may think
        about a move; main_time: seconds that each side has for the game. Raises UserError for a
        komi or a handicap that the game cannot have.
        """
        self.game, self.human, self.seed = game, human, seed
        self.komi = HANDICAP_KOMI if handicap and komi is None else komi  # None: as the rules say
        self.handicap, self.move_time, self.main_time = handicap, move_time, main_time
        self.names = game.players
        self._start = starting_position(game, self.komi, handicap)
        self.set_bot(bot)
        self._adviser = Thinker(game, adviser, seed) if adviser else self._bot
        self.new()

    def set_bot(self, bot: Bot) -> None:
        """Lets another bot play on."""
        self.bot = bot
        self._bot = Thinker(self.game, bot, self.seed)

    def new(self) -> None:
        """Starts a new game with the same rules and players."""
        self._begin(self._start.copy(), "Chinese")

    def load(self, record: GameRecord) -> str:
        """Goes on with a recorded game of the same board, its rules, komi and moves.

        Returns a line that says so when its last moves could not be played, or else its remark.
        Raises UserError for another board.
        """
        if record.game != self.game.name:
            raise UserError(f"the record is of {record.game}: play it with --game {record.game}")
        self._begin(start_position(record), record.rules)
        cut = record.remark and f"{record.remark}."
        for number, (player, action) in enumerate(record.moves, 1):
            try:
                if player != self.position.to_move:
                    raise ValueError(f"it is not {self.names[player]}'s turn")
                self._play(action)
            except ValueError as error:
                cut = f"Only {number - 1} of {len(record.moves)} moves: at move {number}, {error}."
                break
        self._kept = self.moves
        return cut

    def _begin(self, position: Position, rules: str) -> None:
        self.position, self._rules = position, rules
        self.resigned: int | None = None
        self.timed_out: int | None = None
        self.reports: dict[int, Report] = {}  # by the number of moves played
        self.clock = GameClock(self.main_time)
        self._movers: list[int] = []  # who played each of the position's actions
        self._undone: list[tuple[int, ...]] = []  # the actions of each undo; none: a resignation
        self._saved: set[Path] = set()
        self._kept = self.moves  # those that a file holds
        self.clock.run_for(position.to_move)

    # --- Where the game stands --------------------------------------------------------------

    @property
    def rules_text(self) -> str:
        """The rules, and the komi of this game where it is not theirs."""
        own = "" if self.komi is None else f" The komi of this game is {self.komi:g}."
        return f"{self.game.rules_text}.{own}"

    @property
    def over(self) -> bool:
        """Whether the game has ended: by its rules, by resignation or on time."""
        return self._given_up is not None or self.position.over

    @property
    def _given_up(self) -> int | None:
        """Who has lost without the rules saying so, by resignation or on time."""
        return self.timed_out if self.resigned is None else self.resigned

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
        return self._bot.visits

    @property
    def moves(self) -> list[tuple[int, int]]:
        """The moves played, as (player, action)."""
        return list(zip(self._movers, self.position.actions, strict=True))

    @property
    def unsaved(self) -> bool:
        """Whether a game that the human is playing would be lost with this session."""
        return not self.over and self.human in self._movers and self.moves != self._kept

    @property
    def report(self) -> Report | None:
        """What is known of the position, as far as the bot or the adviser has looked at it."""
        return self.reports.get(len(self._movers))

    def score(self) -> float:
        """The first player's margin, the board scored as it stands. Raises UserError without."""
        if self.game.score is None:
            raise UserError(f"{self.game.name} has no score: the game is won, lost or drawn")
        return self.position.score()[0]

    def winner(self) -> int | None:
        """Who has won a game that is over; None for a draw."""
        if self._given_up is not None:
            return 1 - self._given_up
        outcome = self.position.outcome()
        return None if outcome == 0 else int(outcome < 0)

    def result(self) -> str:
        """The result of a game that is over: `B+3.5`, `W+R`, `B+T`, `X wins` or `draw`."""
        winner = self.winner()
        if winner is None:
            return "draw"
        if self.game.score is None:
            ways = ((self.resigned, " by resignation"), (self.timed_out, " on time"))
            return f"{self.names[winner]} wins" + "".join(by for who, by in ways if who is not None)
        if self._given_up is not None:
            return f"{self.names[winner][0]}+{'T' if self.resigned is None else 'R'}"
        return margin_text(self.game, self.score())

    # --- What can be done -------------------------------------------------------------------

    @property
    def example_move(self) -> str:
        """A move to show how moves are named: in the middle when that is legal."""
        legal, middle = self.position.legal_mask(), self.game.area // 2
        action = middle if legal[middle] or not legal.any() else int(legal.argmax())
        return self.game.notation.name(action)

    def play(self, text: str) -> int:
        """Plays the human's move, named as people do. Raises UserError when that cannot be."""
        self._require_turn()
        notation, legal = self.game.notation, self.position.legal_mask()
        if isinstance(notation, VertexNotation):  # only there a word is a move, legal or not
            self._require_legal(notation.parse(text, np.ones_like(legal)), text)
        action = notation.parse(text, legal)
        self._play(action)
        return action

    def play_action(self, action: int) -> None:
        """Plays the human's move. Raises UserError when that cannot be."""
        self._require_turn()
        self._require_legal(action, self.game.notation.name(action))
        self._play(action)

    def _require_legal(self, action: int, name: str) -> None:
        if not self.position.legal_mask()[action]:
            reason = why_illegal(self.position, action) if action < self.game.area else ""
            raise UserError(f"'{name}' is not a legal move here" + (reason and f": {reason}"))

    def think(self, stop: Stop = never, position: Position | None = None) -> Decision:
        """The move that the bot chooses, not yet played; `stop()` turning true hurries it."""
        position = self._running(position)
        return self._bot.choose(position, self._within_time(position, stop)).seen_by(self.viewer)

    def accept(self, decision: Decision) -> None:
        """Plays a move that the bot chose for this position."""
        self._require_running()
        self.note(decision.report)
        self._play(decision.action)

    def reply(self, stop: Stop = never) -> Decision:
        """Lets the bot play a move; `stop()` turning true makes it move at once."""
        decision = self.think(stop)
        self.accept(decision)
        return decision

    def ponder(self, stop: Stop, position: Position) -> None:
        """Lets the bot think about a position that the human has to play in."""
        self._bot.ponder(position, stop)

    def advise(
        self,
        stop: Stop = never,
        position: Position | None = None,
        each: Callable[[Report], None] = lambda report: None,
    ) -> Report:
        """What the adviser thinks of a position; `each` hears what it thinks so far."""
        position = self._running(position)
        seen = self._adviser.analyse(position, stop, lambda report: each(report.seen_by(self.viewer)))
        return seen.seen_by(self.viewer)

    def hint(self, stop: Stop = never) -> list[MoveReport]:
        """The best of the adviser's moves, at most HINTS."""
        return list(self.advise(stop).moves[:HINTS])

    def look(self, position: Position) -> Report:
        """What the adviser says of a position at a glance, who owns what included."""
        return self._adviser.analyst.glance(position)

    def note(self, report: Report) -> None:
        """Keeps what is said of this position; where something is known already, what is deeper."""
        report, seen = report.seen_by(0), self.report
        if seen is not None:
            report, other = (report, seen) if report.visits >= seen.visits else (seen, report)
            if report.ownership is None:
                report = replace(report, ownership=other.ownership)
        self.reports[len(self._movers)] = report

    def undo(self) -> int:
        """Takes back a resignation, or the human's last move and what followed it.

        When the bot plays itself, its last move. Returns how many moves were taken back. Raises
        UserError when there is nothing to take back.
        """
        if self.timed_out is not None:
            raise UserError("the time is up: start a new game")
        if self.resigned is not None:
            self.resigned = None
            self._undone.append(())
            self.clock.run_for(self.position.to_move)
            return 0
        mine = [i for i, mover in enumerate(self._movers) if self.human in (mover, None)]
        if not mine:
            raise UserError("there is no move of yours to take back")
        taken = tuple(self.position.actions[mine[-1] :])
        for _ in taken:
            self.position.undo()
        del self._movers[mine[-1] :]
        self._undone.append(taken)
        self.clock.run_for(self.position.to_move)
        return len(taken)

    def redo(self) -> int:
        """Plays again what the last undo took back; returns how many moves that are.

        Raises UserError when there is nothing left, which is so after any other move.
        """
        if not self._undone:
            raise UserError("there is nothing to play again: no move was taken back")
        actions = self._undone.pop()
        if not actions:
            self.resigned = self.human
            self.clock.run_for(None)
        for action in actions:
            self._append(action)
        return len(actions)

    def resign(self) -> None:
        """The human gives up. Raises UserError when the game is over or nobody plays the bot."""
        self._require_running()
        if self.human is None:
            raise UserError("the bot plays itself: there is nobody to resign")
        self.resigned = self.human
        self._undone.clear()
        self.clock.run_for(None)

    def check_time(self) -> bool:
        """Ends the game when the time of the side to move is up; whether it just did."""
        if self.over or self.clock.flag is None:
            return False
        self.timed_out = self.clock.flag
        self.clock.run_for(None)
        return True

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
            write_whole(path, write_sgf(self.record()).encode())
        except (OSError, ValueError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UserError(f"cannot save '{name}': {reason}; choose another place") from error
        self._saved.add(path)
        self._kept = self.moves
        return path

    def record(self) -> GameRecord:
        """The game of Go as a record, with its result when it is over."""
        players = [self.bot.name, self.bot.name]
        if self.human is not None:
            players[self.human] = "human"
        start = self.position.start.view(self.game.state)[0]
        beginning = Position(self.game)
        beginning.start[:] = beginning.state[:] = self.position.start
        result = self.result() if self.over else ""
        return GameRecord(
            game=self.game.name,
            komi=int(start["komi_half_points"]) / 2,
            rules=self._rules,
            setup=[(int(a), int(piece)) for a, piece in enumerate(beginning.pieces().flat) if piece],
            to_move=beginning.to_move,
            moves=self.moves,
            players=(players[0], players[1]),
            result="0" if result == "draw" else result,
            date=time.strftime("%Y-%m-%d"),
        )

    def _require_running(self) -> None:
        if self.over:
            raise UserError("the game is over: type undo, new, save FILE or quit")

    def _running(self, position: Position | None) -> Position:
        """The position to think about, by default the game's. Raises UserError when it is over."""
        if position is None:
            self._require_running()
        return position or self.position

    def _require_turn(self) -> None:
        self._require_running()
        if self.bot_to_move:
            raise UserError("it is the bot's turn")

    def _play(self, action: int) -> None:
        """Plays any side's move. Raises ValueError, and changes nothing, when it is not legal."""
        self._append(action)
        self._undone.clear()
        played = len(self._movers)
        self.reports = {ply: report for ply, report in self.reports.items() if ply < played}

    def _append(self, action: int) -> None:
        mover = self.position.to_move
        self.position.play(action)
        self._movers.append(mover)
        self.clock.run_for(None if self.over else self.position.to_move)

    def _within_time(self, position: Position, stop: Stop) -> Stop:
        """The stop of a move that has to keep the time limits."""
        limits = [] if self.move_time is None else [self.move_time]
        if (left := self.clock.left(position.to_move)) is not None:
            control, reading = TimeControl("absolute", left), Reading(left)
            played = len(position.actions)
            limits.append(time_control.thinking_time(control, reading, self.game.area, played, lag=0))
        if not limits:
            return stop
        end = time.monotonic() + min(limits)
        return lambda: stop() or time.monotonic() >= end


def margin_text(game: Game, margin: float) -> str:
    """A margin of the first player in points as `B+3.5`; `draw` for zero."""
    return f"{game.players[margin < 0][0]}+{abs(margin):g}" if margin else "draw"
