"""A game against the bot: moves, undo, hints, saving. It neither reads nor prints."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from engine.errors import UserError
from engine.files import write_whole
from engine.game import Game
from engine.game_clock import GameClock
from engine.handicap import fixed_handicap, most_fixed_stones
from engine.insight import Insight, glance
from engine.players import SearchPlayer
from engine.position import Position
from engine.records import HANDICAP_KOMI, GameRecord, start_position, write_sgf
from mcts import Evaluator, SearchSettings

Stop = Callable[[], bool]
HINTS = 3
_REPORT_SECONDS = 0.15
_MOVES_AHEAD = 20  # main time is shared out over this many moves


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Bot:
    """Who evaluates, how it searches, and what it is called in records."""

    evaluator: Evaluator
    settings: SearchSettings
    name: str = "move37"


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
    """One game after another against a bot, or of the bot against itself (human None).

    The searching methods take `stop`, asked now and then, and the position to look at, so that
    another thread may call them with a copy while this one answers the user: they change nothing
    of the game. Searches of one bot wait for each other.
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
        self.komi = komi  # None: what the game's rules say
        self.handicap, self.move_time, self.main_time = handicap, move_time, main_time
        self.names = game.players
        self._start = _start(game, komi, handicap)
        self.set_bot(bot)
        self._adviser = _Thinker(game, adviser, seed) if adviser else self._bot
        self.new()

    def set_bot(self, bot: Bot) -> None:
        """Lets another bot play on."""
        self.bot = bot
        self._bot = _Thinker(self.game, bot, self.seed)

    def new(self) -> None:
        """Starts a new game with the same rules and players."""
        self._begin(self._start.copy(), "Chinese")

    def load(self, record: GameRecord) -> str:
        """Goes on with a recorded game of the same board, its rules, komi and moves.

        Returns a line that says so when its last moves could not be played, else nothing. Raises
        UserError for another board.
        """
        if record.game != self.game.name:
            raise UserError(f"the record is of {record.game}: play it with --game {record.game}")
        self._begin(start_position(record), record.rules)
        cut = ""
        for number, (player, action) in enumerate(record.moves, 1):
            try:
                if player != self.position.to_move:
                    raise ValueError(f"it is not {self.names[player]}'s turn")
                self._play(action)
            except ValueError as error:
                cut = f"Only {number - 1} of {len(record.moves)} moves: at move {number}, {error}."
                break
        return cut

    def follow(self, other: Session) -> None:
        """Goes on from where another session of the same game stands."""
        start = other.position.copy()
        start.set_start()
        self._begin(start, other._rules)
        for _, action in other.moves:
            self._play(action)

    def _begin(self, position: Position, rules: str) -> None:
        self.position, self._rules = position, rules
        self.resigned: int | None = None
        self.timed_out: int | None = None
        self.insights: dict[int, Insight] = {}  # by the number of moves played
        self.clock = GameClock(self.main_time)
        self._movers: list[int] = []  # who played each of the position's actions
        self._undone: list[tuple[int, ...]] = []  # the actions of each undo; none: a resignation
        self._saved: set[Path] = set()
        self.clock.run_for(position.to_move)

    # --- Where the game stands --------------------------------------------------------------

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
        return int(self._bot.player.search.core.root_visits)

    @property
    def moves(self) -> list[tuple[int, int]]:
        """The moves played, as (player, action)."""
        return list(zip(self._movers, self.position.actions, strict=True))

    @property
    def insight(self) -> Insight | None:
        """How the position stands, as far as the bot or the adviser has looked at it."""
        return self.insights.get(len(self._movers))

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
        return self.margin_text(self.score())

    def margin_text(self, margin: float) -> str:
        """A margin of the first player in points as `B+3.5`; `draw` for zero."""
        if margin == 0:
            return "draw"
        return f"{self.names[margin < 0][0]}+{abs(margin):g}"

    # --- What can be done -------------------------------------------------------------------

    def play(self, text: str) -> int:
        """Plays the human's move, named as people do. Raises UserError when that cannot be."""
        self._require_turn()
        action = self.game.notation.parse(text, self.position.legal_mask())
        self._play(action)
        return action

    def play_action(self, action: int) -> None:
        """Plays the human's move. Raises UserError when that cannot be."""
        self._require_turn()
        if not self.position.legal_mask()[action]:
            raise UserError(f"'{self.game.notation.name(action)}' is not a legal move here")
        self._play(action)

    def think(self, stop: Stop = _never, position: Position | None = None) -> Choice:
        """The move that the bot chooses, not yet played; `stop()` turning true hurries it."""
        position = self._running(position)
        with self._bot.lock:
            self._bot.search(position, self._within_time(position.to_move, stop))
            action = self._bot.player.search.core.choose(len(position.actions))
            choices = self._bot.choices(self.viewer)
        return next(choice for choice in choices if choice.action == action)

    def accept(self, choice: Choice) -> None:
        """Plays a move that the bot chose for this position."""
        self._require_running()
        self.note(choice.win_rate)
        self._play(choice.action)

    def reply(self, stop: Stop = _never) -> Choice:
        """Lets the bot play a move; `stop()` turning true makes it move at once."""
        choice = self.think(stop)
        self.accept(choice)
        return choice

    def ponder(self, stop: Stop, position: Position) -> None:
        """Lets the bot think about a position that the human has to play in."""
        with self._bot.lock:
            self._bot.search(position, stop)

    def advise(
        self,
        stop: Stop = _never,
        position: Position | None = None,
        each: Callable[[list[Choice]], None] = lambda choices: None,
    ) -> list[Choice]:
        """The adviser's favourite moves for the side to move, the best first.

        `each` hears what it thinks so far, several times a second.
        """
        position = self._running(position)
        due = time.monotonic() + _REPORT_SECONDS

        def watch() -> bool:
            nonlocal due
            if time.monotonic() > due:
                each(self._adviser.choices(self.viewer))
                due = time.monotonic() + _REPORT_SECONDS
            return stop()

        with self._adviser.lock:
            self._adviser.search(position, watch)
            return self._adviser.choices(self.viewer)

    def hint(self, stop: Stop = _never) -> list[Choice]:
        """The best of the adviser's moves, at most HINTS."""
        choices = self.advise(stop)[:HINTS]
        return [choice for choice in choices if choice.visits] or choices[:1]

    def look(self, position: Position) -> Insight:
        """How a position stands at a glance."""
        return glance(self._adviser.bot.evaluator, position)

    def note(self, win_rate: float) -> None:
        """Keeps the viewer's win rate in this position, as a search sees it."""
        rate = win_rate if self.viewer == 0 else 1 - win_rate
        seen = self.insight
        self.insights[len(self._movers)] = replace(seen, win_rate=rate) if seen else Insight(rate)

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
        self.insights = {ply: seen for ply, seen in self.insights.items() if ply < played}

    def _append(self, action: int) -> None:
        mover = self.position.to_move
        self.position.play(action)
        self._movers.append(mover)
        self.clock.run_for(None if self.over else self.position.to_move)

    def _within_time(self, player: int, stop: Stop) -> Stop:
        """The stop of a move that has to keep the time limits."""
        left = self.clock.left(player)
        limits = [] if left is None else [left / _MOVES_AHEAD]
        limits += [] if self.move_time is None else [self.move_time]
        if not limits:
            return stop
        end = time.monotonic() + min(limits)
        return lambda: stop() or time.monotonic() >= end


class _Thinker:
    """A bot with its search tree; whoever uses it holds its lock."""

    def __init__(self, game: Game, bot: Bot, seed: int) -> None:
        self.bot, self.lock = bot, threading.Lock()
        self.player = SearchPlayer(game, bot.settings, bot.evaluator, seed)
        self._to_move = 0

    def search(self, position: Position, stop: Stop) -> None:
        """Searches the position, at least until there is a move to choose."""
        search = self.player.search
        self._to_move = position.to_move
        self.player.follow(position)
        search.run(lambda: stop() and bool(search.core.moves()))

    def choices(self, viewer: int) -> list[Choice]:
        """The legal moves as the search sees them so far, the most visited first."""
        core = self.player.search.core
        sign = 1 if self._to_move == viewer else -1
        return [
            Choice(
                action=move.action,
                win_rate=(1 + sign * move.value) / 2,
                visits=move.visits,
                line=tuple(core.principal_variation(move.action)),
            )
            for move in core.moves()
        ]


def _start(game: Game, komi: float | None, handicap: int) -> Position:
    """The position that games begin from. Raises UserError for a bad komi or handicap."""
    if handicap and komi is None:
        komi = HANDICAP_KOMI
    position = Position(game)
    stones = _handicap_points(game, handicap) if handicap else []
    position.set_start(**_komi_fields(game, komi))
    for action in stones:
        position.setup(action, 1)
    if stones:
        position.set_start(to_move=1)
    return position


def _handicap_points(game: Game, stones: int) -> list[int]:
    """Where the handicap stands. Raises UserError when the game or the board has no such points."""
    if game.family != "go":
        raise UserError(f"handicap {stones}: {game.name} has no handicap stones, leave it out")
    try:
        return fixed_handicap(stones, *game.shape)
    except ValueError:
        most = most_fixed_stones(*game.shape)
        rule = f"2 to {most} stones" if most else "no handicap"
        raise UserError(f"handicap {stones}: a board of {game.shape[0]} rows allows {rule}") from None


def _komi_fields(game: Game, komi: float | None) -> dict[str, int]:
    """The fields of the initial state that stand for a komi. Raises UserError for a bad one."""
    if komi is None:
        return {}
    if "komi_half_points" not in (game.state.names or ()):
        raise UserError(f"komi {komi:g}: {game.name} has no komi, leave it out")
    if not abs(komi) <= game.area or komi * 2 % 1:
        raise UserError(f"komi {komi:g} is not between -{game.area} and {game.area} in half points")
    return {"komi_half_points": round(2 * komi)}
