"""Choosing moves within visits and time, and searching for as long as a controller wants."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from engine.analyst import Analyst, Report
from engine.chains import neighbours, regions
from engine.game import Game
from engine.gtp.board import Board
from engine.nets.tuning import MOST_VISITS
from engine.nets.view import NetView, net_views
from engine.play.time_control import LAG
from engine.players.choice import choose_move
from engine.players.levels import Level
from engine.players.named import SearchPlayer
from engine.position import Position
from engine.scoring import dead_stones, expected_ownership, score, without
from mcts import Evaluator, Search, SearchSettings

Stop = Callable[[], bool]
Watch = Callable[[Search], None]  # sees a search between its batches

DEFAULT_VISITS = 400
MOST_RESIGN = 0.4  # nobody gives up a game that is near even
RESIGN_AFTER = 3  # own moves in a row that look lost


def nothing(search: Search) -> None:
    """Watches a search without looking."""


class EvaluatorOf(Protocol):
    """Where evaluators come from."""

    def __call__(self, game: Game, level: Level | None = None) -> Evaluator:
        """The evaluator for a board, of a level that plays on it. Raises UserError without one."""
        ...


@dataclass
class Limits:
    """What may be changed while running.

    level             chooses the moves, with a tree of its own, so that it plays no better for what
                      was analysed before; None: the full search, as visits and time say
    visits            of each search for a move without a level; None: default_visits, or no limit
                      with a clock
    seconds           at most for each move
    analysis_visits   of each analysis
    resign_below      the win rate in [0, MOST_RESIGN] below which a game is given up; 0 never
    lag               seconds taken off each move for the way to the clock
    ponder            whether to think in the opponent's time
    viewer            whose win rates analysis shows
    """

    level: Level | None = None
    visits: int | None = None
    default_visits: int = DEFAULT_VISITS
    seconds: float = math.inf
    analysis_visits: int = MOST_VISITS
    resign_below: float = 0.05
    lag: float = LAG
    ponder: bool = False
    viewer: Literal["BLACK", "WHITE", "SIDETOMOVE"] = "SIDETOMOVE"


@dataclass
class Decision:
    """A move chosen: an action, or None to resign; search is None when none was needed."""

    action: int | None
    search: Search | None = None


@dataclass
class _Seat:
    """What is kept for the board size in use."""

    game: Game
    evaluator: Evaluator
    analyst: Analyst
    player: SearchPlayer
    mover: SearchPlayer  # who chooses moves: of the level, or the player
    dead: dict[bytes, set[int]] = field(default_factory=dict)


class Thinker:
    """Searches positions with the evaluators of a source, which raises UserError for sizes it lacks."""

    def __init__(
        self, evaluator_of: EvaluatorOf, settings: SearchSettings, limits: Limits, seed: int = 0
    ) -> None:
        self.evaluator_of, self.settings, self.limits, self.seed = evaluator_of, settings, limits, seed
        self._seat: _Seat | None = None
        self._lost_moves = {0: 0, 1: 0}  # by player: own moves in a row below `resign_below`

    def prepare(self, game: Game) -> None:
        """Makes ready for a board. Raises UserError when it cannot be played; all stays then."""
        self._seat_for(game)

    def new_game(self) -> None:
        """Forgets what it thought about the last game."""
        self._lost_moves = {0: 0, 1: 0}
        self.clear_cache()

    def clear_cache(self) -> None:
        """Drops the search tree."""
        if self._seat is not None:
            self._seat = self._new_seat(self._seat.game, self._seat.evaluator)

    def change_settings(self, settings: SearchSettings) -> None:
        """Searches with other settings from now on."""
        self.settings = settings
        self.clear_cache()

    def change_level(self, level: Level | None) -> None:
        """Plays as another level from now on."""
        self.limits.level = level
        self.clear_cache()

    # --- Searching --------------------------------------------------------------------------

    def search(
        self,
        position: Position,
        visits: int,
        stop: Stop,
        allowed: np.ndarray | None = None,
        watch: Watch = nothing,
        *,
        to_move: bool = False,
    ) -> Search:
        """Searches until so many visits, or until `stop()` when each move has its prior at least.

        Continues the tree of earlier searches unless only some moves are allowed ([A] uint8); with
        to_move it is the one in which moves are chosen. Raises UserError when none of those is legal.
        """
        seat = self._seat_for(position.game)
        if allowed is None:
            player = seat.mover if to_move else seat.player
            player.follow(position)
            search = player.search
        else:
            search = seat.analyst.start(position, allowed=allowed)
        core = search.core

        def enough() -> bool:
            if core.root_visits == 0:
                return False
            watch(search)
            return core.root_visits >= visits or stop()

        search.run(enough)
        return search

    def report(
        self, search: Search, position: Position, ownership: bool = False, of_moves: bool = False
    ) -> Report:
        """What a search of the position says."""
        analyst = self._seat_for(position.game).analyst
        return analyst.report(search, position, ownership=ownership, moves_ownership=of_moves)

    def dead_stones(self, position: Position) -> set[int]:
        """The dead stones of a finished game."""
        seat = self._seat_for(position.game)
        key = position.state.tobytes()
        if key not in seat.dead:
            seat.dead = {key: dead_stones(position, seat.evaluator)}
        return seat.dead[key]

    def ownership(self, position: Position) -> np.ndarray:
        """Who will own each point [H, W] in [-1, 1], 1 Black."""
        return expected_ownership(position, self._seat_for(position.game).evaluator)

    def net_views(self, position: Position) -> list[NetView]:
        """What the evaluator says at once, asked under each symmetry of the board."""
        return net_views(position, self._seat_for(position.game).evaluator)

    def timed_search(self, position: Position, visits: int, stop: Stop) -> tuple[int, float]:
        """How many visits a search of its own reached, of so many, and in how many seconds."""
        analyst = self._seat_for(position.game).analyst
        analyst.glance(position)  # what is compiled and allocated on first use is none of its time
        search = analyst.start(position, visits=visits)
        begun = time.perf_counter()
        search.run(lambda: search.core.root_visits > 0 and stop())
        return search.core.root_visits, time.perf_counter() - begun

    def priors(self, position: Position) -> np.ndarray:
        """The evaluator's probability of each action [A], 0 where illegal."""
        seat = self._seat_for(position.game)
        planes, globals_ = position.encode()
        logits = seat.evaluator(planes[None], globals_[None])[0][0]
        weights = np.exp(logits - logits.max()) * position.legal_mask()
        return np.asarray(weights / weights.sum())

    # --- Choosing a move --------------------------------------------------------------------

    def choose(
        self,
        board: Board,
        player: int,
        seconds: float,
        stop: Stop,
        *,
        clean_up: bool = False,
        resign: bool = True,
        allowed: np.ndarray | None = None,
        watch: Watch = nothing,
    ) -> Decision:
        """A move for the player within so many seconds (infinite: by visits alone).

        With clean_up it does not pass while dead stones of the opponent are on the board.
        """
        begun = time.monotonic()
        position = board.turn(player)
        game = position.game
        limits = self.limits
        seconds = min(seconds, limits.seconds)
        visits = limits.visits or (limits.default_visits if math.isinf(seconds) else MOST_VISITS)
        if limits.level is not None:
            visits = limits.level.settings(has_net=True).visits
        if clean_up:
            allowed = self._points_to_clean(position, player)
            if not allowed.any():
                return Decision(game.area)
        elif allowed is None and self._may_agree_to_end(board, player):
            return Decision(game.area)

        def hurried() -> bool:
            return stop() or time.monotonic() - begun >= seconds

        search = self.search(position, visits, hurried, allowed, watch, to_move=True)
        action = choose_move(search, position)
        if resign and not clean_up and self._is_lost(board, player, search):
            return Decision(None, search)
        return Decision(action, search)

    def _is_lost(self, board: Board, player: int, search: Search) -> bool:
        """Whether the player should resign: several moves in a row looked lost, not too early."""
        win_rate = (1 + search.core.root_value * (1 - 2 * player)) / 2
        lost = win_rate < self.limits.resign_below
        self._lost_moves[player] = self._lost_moves[player] + 1 if lost else 0
        return self._lost_moves[player] >= RESIGN_AFTER and 3 * len(board.moves) >= board.game.area

    def _may_agree_to_end(self, board: Board, player: int) -> bool:
        """Whether to answer a pass by a pass, since the game is won once dead stones are removed.

        Only where the rules have the players agree on dead stones, and once the board is settled.
        """
        area = board.game.area
        passed = bool(board.moves) and board.moves[-1] == (1 - player, area)
        if not passed or not board.rules.friendly_pass or 2 * len(board.moves) < area:
            return False
        result = score(board.position, board.rules, self.dead_stones(board.position))
        open_points = (result.ownership == 0) & (board.position.pieces() == 0)
        settled = open_points.sum() <= 0.1 * area
        return bool(settled) and result.margin * (1 - 2 * player) > 0

    def _points_to_clean(self, position: Position, player: int) -> np.ndarray:
        """The legal points [A] uint8 beside dead stones of the opponent, or else around them."""
        pieces = position.pieces()
        theirs = [p for p in self.dead_stones(position) if pieces.flat[p] == 2 - player]
        beside = [q for p in theirs for q in neighbours(p, position.game.shape)]
        around = [
            p for area in regions(without(pieces, theirs)) if set(area) & set(theirs) for p in area
        ]
        for points in (beside, around):
            mask = np.zeros(position.game.actions, np.uint8)
            mask[points] = 1
            mask &= position.legal_mask()
            if mask.any():
                break
        return mask

    # --- Board sizes ------------------------------------------------------------------------

    def _seat_for(self, game: Game) -> _Seat:
        if self._seat is None or self._seat.game is not game:
            self._seat = self._new_seat(game, self.evaluator_of(game))
        return self._seat

    def _new_seat(self, game: Game, evaluator: Evaluator) -> _Seat:
        settings = self.settings.model_copy(update={"visits": MOST_VISITS})
        player = mover = SearchPlayer(game, settings, evaluator, self.seed)
        if (level := self.limits.level) is not None:
            its_net = self.evaluator_of(game, level)
            mover = SearchPlayer(game, level.settings(has_net=True), its_net, self.seed)
        return _Seat(game, evaluator, Analyst(game, evaluator, settings), player, mover)
