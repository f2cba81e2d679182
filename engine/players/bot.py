"""The bot that plays against people, and the one that advises them: a search in a thread's reach."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from engine.analyst import Analyst, Report
from engine.game import Game
from engine.players.choice import choose_move
from engine.players.named import SearchPlayer
from engine.position import Position
from mcts import Evaluator, SearchSettings

Stop = Callable[[], bool]
REPORT_SECONDS = 0.15


def never() -> bool:
    """A stop that never stops."""
    return False


@dataclass(frozen=True)
class Bot:
    """Who evaluates, how it searches, and what it is called in records."""

    evaluator: Evaluator
    settings: SearchSettings
    name: str = "move37"


@dataclass(frozen=True)
class Decision:
    """The move that a bot chooses.

    win_rate  of the move, in [0, 1] and in the report's view, a draw counting as half a win
    report    what its search says of the position
    """

    action: int
    win_rate: float
    report: Report

    def seen_by(self, viewer: int) -> Decision:
        """The same decision in the view of player 0 or 1."""
        if viewer == self.report.viewer:
            return self
        return replace(self, win_rate=1 - self.win_rate, report=self.report.seen_by(viewer))


class Thinker:
    """A bot with its search tree, which it keeps from move to move.

    Each method takes `stop`, asked now and then, and may be called from any thread; searches wait
    for each other. Reports and decisions are in the view of the first player.
    """

    def __init__(self, game: Game, bot: Bot, seed: int) -> None:
        self.bot = bot
        self.analyst = Analyst(game, bot.evaluator, bot.settings)
        self._player = SearchPlayer(game, bot.settings, bot.evaluator, seed)
        self._lock = threading.Lock()

    @property
    def visits(self) -> int:
        """The visits of the tree as it is, with those kept from the search before."""
        return int(self._player.search.core.root_visits)

    def choose(self, position: Position, stop: Stop) -> Decision:
        """The move to play; `stop()` turning true hurries it."""
        with self._lock:
            self._search(position, stop)
            core = self._player.search.core
            action = choose_move(self._player.search, position)
            value = next(move.value for move in core.moves() if move.action == action)
            sign = 1 - 2 * position.to_move
            return Decision(action, (1 + sign * value) / 2, self._report(position))

    def analyse(self, position: Position, stop: Stop, each: Callable[[Report], None]) -> Report:
        """What it thinks of a position; `each` hears what it thinks so far, a few times a second."""
        due = time.monotonic() + REPORT_SECONDS

        def watch() -> bool:
            nonlocal due
            if time.monotonic() > due:
                each(self._report(position))
                due = time.monotonic() + REPORT_SECONDS
            return stop()

        with self._lock:
            self._search(position, watch)
            return self._report(position)

    def ponder(self, position: Position, stop: Stop) -> None:
        """Thinks about a position in which someone else is to choose."""
        with self._lock:
            self._search(position, stop)

    def _search(self, position: Position, stop: Stop) -> None:
        """Searches, at least until there is a move to choose."""
        search = self._player.search
        self._player.follow(position)
        search.run(lambda: stop() and bool(search.core.moves()))

    def _report(self, position: Position) -> Report:
        report = self.analyst.report(self._player.search, position, ownership=False)
        return report.seen_by(0)
