"""A game against the bot: moves, undo, hints, saving. It neither reads nor prints."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.board_view import player_names
from engine.errors import UserError
from engine.files import write_whole
from engine.game import Game
from engine.players import SearchPlayer
from engine.position import Position
from engine.records import GameRecord, write_sgf
from mcts import Evaluator, SearchSettings

Stop = Callable[[], bool]
HINTS = 3


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
            write_whole(path, write_sgf(self.record()).encode())
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
