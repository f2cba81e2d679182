"""What a search says about a position, as people and other programs read it.

One place turns the core's statistics into win rates, leads, lines and ownership; the terminal, GTP,
the JSON protocol and commented records all show these reports.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, TypeVar, runtime_checkable

import numpy as np

from engine.errors import UserError
from engine.game import Game
from engine.passing import moves_to_search
from engine.position import Position
from mcts import Evaluator, Search, SearchSettings, step_together

Z95 = 1.959964  # of the normal distribution, for two-sided 95 %
OWNERSHIP_LINES = 16  # moves of a report whose lines are followed to their ends for ownership


class Outlook(NamedTuple):
    """How games will end, as seen by the side to move.

    scores    [n] float32, the expected margin in points
    ownership [n, H, W] float32 in [-1, 1], 1 where the point ends as the mover's
    """

    scores: np.ndarray
    ownership: np.ndarray


@runtime_checkable
class HasOutlook(Protocol):
    """An evaluator that also foresees scores and ownership, such as `NetEvaluator`."""

    def outlook(self, planes: np.ndarray, globals_: np.ndarray) -> Outlook:
        """How positions (arrays as in `mcts.Evaluator`) will end."""
        ...


@dataclass(frozen=True)
class MoveReport:
    """A move that was searched; what is a player's is the report's `viewer`'s.

    order      0 for the best move
    visits     of the search that went into it; 0 only when no move has been visited yet
    win_rate   in [0, 1], the mean of its visits, a draw counting as half a win
    lcb        the win rate that it has with 97.5 % confidence at least in the *mover's* view (see
               `lower_bound`): below win_rate when the viewer is to move, above it when the opponent is
    score_lead the expected margin in points, the mean of its visits; None when the evaluator does not
               know scores
    score_stdev its standard deviation in points, as if points changed hands independently; None
               where ownership is unknown
    prior      the probability that the net gives it, in [0, 1]
    line       how the game is expected to go on, this move first
    line_visits the visits of each move of the line
    ownership  [H, W] float32 in [-1, 1] at the end of the line; None when not asked for or unknown,
               and for moves beyond the `OWNERSHIP_LINES` most visited
    """

    action: int
    order: int
    visits: int
    win_rate: float
    lcb: float
    score_lead: float | None
    score_stdev: float | None
    prior: float
    line: tuple[int, ...]
    line_visits: tuple[int, ...]
    ownership: np.ndarray | None


@dataclass(frozen=True)
class Report:
    """What a search says about a position so far. Everything that is a player's is `viewer`'s.

    to_move      who is to move: 0 the first player (Black), 1 the second
    viewer       in whose view win rates, leads and ownership are: 0 or 1
    visits       of the whole search
    win_rate     in [0, 1] after the search, a draw counting as half a win
    net_win_rate in [0, 1] as the evaluator gave it without searching
    score_lead   the expected margin in points; None when the evaluator does not know scores
    score_stdev  its standard deviation in points, as if points changed hands independently; None
                 where ownership is unknown
    policy       [A] float32, the evaluator's probabilities, -1 where a move is illegal or not allowed
    ownership    [H, W] float32 in [-1, 1], 1 where the point ends as the viewer's; None when not
                 asked for or unknown
    moves        the moves searched, best first; empty when the game is over
    ownership_stdev  [H, W] float32 in [0, 1], how much the lines disagree about the ownership of which
                 `ownership` is the mean; None as there
    """

    to_move: int
    viewer: int
    visits: int
    win_rate: float
    net_win_rate: float
    score_lead: float | None
    score_stdev: float | None
    policy: np.ndarray
    ownership: np.ndarray | None
    moves: tuple[MoveReport, ...]
    ownership_stdev: np.ndarray | None = None

    def seen_by(self, viewer: int) -> Report:
        """The same report in the view of player 0 or 1."""
        if viewer == self.viewer:
            return self

        moves = tuple(
            replace(
                move,
                win_rate=1 - move.win_rate,
                lcb=1 - move.lcb,
                score_lead=_minus(move.score_lead),
                ownership=_minus(move.ownership),
            )
            for move in self.moves
        )
        return replace(
            self,
            viewer=viewer,
            win_rate=1 - self.win_rate,
            net_win_rate=1 - self.net_win_rate,
            score_lead=_minus(self.score_lead),
            ownership=_minus(self.ownership),
            moves=moves,
        )


Value = TypeVar("Value", float, np.ndarray)


def _minus(value: Value | None) -> Value | None:
    return None if value is None else -value


def margin_stdev(ownership: np.ndarray) -> float:
    """The standard deviation of the final margin that an ownership stands for, in points.

    As if points changed hands independently: each is +1 or -1 with the mean that is given.
    """
    return float(np.sqrt(np.sum(1 - np.minimum(ownership**2, 1))))


def _mean_and_stdev(views: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean and standard deviation [H, W] of views [n, H, W] that have shares [n] of 1."""
    mean = np.tensordot(shares, views, 1)
    return mean, np.sqrt(np.tensordot(shares, (views - mean) ** 2, 1))


def lower_bound(win_rate: float, visits: int, error: float) -> float:
    """The lower end of a 95 % interval of a win rate over its visits, at least 0; 0 without a visit.

    error is the standard error of its mean. The variance of the visits counts together with one
    visit more that was a game won or lost, so that few visits that agree are not taken for certain.
    """
    if visits == 0:
        return 0.0
    variance = visits * error**2
    pooled = ((visits - 1) * variance + win_rate * (1 - win_rate)) / visits
    return max(0.0, win_rate - Z95 * math.sqrt(max(0.0, pooled) / visits))


@dataclass
class _Running:
    """A search on its way, with the seconds that it has had to itself."""

    index: int
    position: Position
    search: Search
    spent: float = 0.0


class Analyst:
    """Analyses positions of a game with one evaluator.

    The parts serve callers that drive searches themselves: `start` a search, feed it, and `report`
    on it at any time. `analyse` does all of it for one position.
    """

    def __init__(self, game: Game, evaluator: Evaluator, settings: SearchSettings) -> None:
        self.game, self.evaluator, self.settings = game, evaluator, settings

    def analyse(
        self,
        position: Position,
        *,
        visits: int | None = None,
        allowed: np.ndarray | None = None,
        stop: Callable[[], bool] = lambda: False,
        on_report: Callable[[Report], None] | None = None,
        interval: float = 1.0,
        ownership: bool = True,
        moves_ownership: bool = False,
    ) -> Report:
        """Searches a position until `visits` (default: the settings') or until `stop()` says so.

        allowed [A] uint8 marks by 1 the moves that may be searched at the root, None allows all that
        make sense (see `engine.passing.moves_to_search`);
        `on_report` hears a report every `interval` seconds meanwhile. The reports are in the
        mover's view. Raises UserError when no allowed move is legal.
        """
        search = self.start(position, visits=visits, allowed=allowed)
        due = time.monotonic() + interval

        def stopped() -> bool:
            nonlocal due
            if on_report is not None and time.monotonic() >= due and search.core.root_visits:
                on_report(
                    self.report(search, position, ownership=ownership, moves_ownership=moves_ownership)
                )
                due = time.monotonic() + interval
            return stop() and search.core.root_visits > 0

        search.run(stopped)
        return self.report(search, position, ownership=ownership, moves_ownership=moves_ownership)

    def glance(self, position: Position) -> Report:
        """What the evaluator says at once, without searching; the rules, of a finished game."""
        return self.analyse(position, visits=1)

    def analyse_all(
        self,
        positions: Iterable[Position],
        *,
        seconds: float = math.inf,
        parallel: int = 8,
        stop: Callable[[], bool] = lambda: False,
    ) -> Iterator[tuple[int, Report]]:
        """Searches many positions, `parallel` of them at a time in shared batches.

        Gives (index, report in the mover's view) as each is finished: by the settings' visits, or
        by time, so that each takes `seconds` of its own on the whole. Ends early when `stop()`.
        """
        waiting = enumerate(positions)
        running: list[_Running] = []
        while not stop():
            for index, position in itertools.islice(waiting, parallel - len(running)):
                running.append(_Running(index, position, self.start(position)))
            if not running:
                return
            begun = time.monotonic()
            step_together([one.search for one in running], self.evaluator)
            share = (time.monotonic() - begun) / len(running)
            for one in list(running):
                one.spent += share
                if one.search.core.done or one.spent >= seconds:
                    running.remove(one)
                    yield one.index, self.report(one.search, one.position)

    def start(
        self, position: Position, *, visits: int | None = None, allowed: np.ndarray | None = None
    ) -> Search:
        """A search of a position that has not begun yet; the arguments are those of `analyse`."""
        settings = (
            self.settings if visits is None else self.settings.model_copy(update={"visits": visits})
        )
        search = Search(self.game.native, settings, self.evaluator)
        allowed = moves_to_search(position) if allowed is None else allowed
        try:
            search.set_root(position.state, allowed)
        except ValueError:
            raise UserError("none of the allowed moves is legal here: allow another move") from None
        return search

    def report(
        self,
        search: Search,
        position: Position,
        *,
        ownership: bool = True,
        moves_ownership: bool = False,
    ) -> Report:
        """What a search of this position, begun or finished, says; in the mover's view.

        The tree keeps no ownership, so the evaluator is asked for it at the ends of the lines of the
        most visited moves (`OWNERSHIP_LINES`), and the position's is their mean, weighted by visits.
        Before a move has been visited it is that of the position itself.
        """
        core = search.core
        stats = core.moves()
        shown = [move for move in stats if move.visits] or stats[:1]
        lines = [tuple(core.principal_variation(move.action)) for move in shown]
        wanted = ownership or moves_ownership
        followed = lines[:OWNERSHIP_LINES] if any(move.visits for move in shown) else [()]
        ends = self._ownership_after(position, followed) if wanted else None
        owners = spread = None
        if ends is not None:
            visits = [max(1, move.visits) for move in shown[:OWNERSHIP_LINES]] or [1]
            owners, spread = _mean_and_stdev(ends, np.array(visits) / sum(visits))
        sign = 1 - 2 * position.to_move
        scored = self._knows_scores(position)
        policy = np.full(self.game.actions, -1, np.float32)
        for move in stats:
            policy[move.action] = move.prior
        moves = []
        for order, (move, line) in enumerate(zip(shown, lines, strict=True)):
            end = ends[order] if ends is not None and order < OWNERSHIP_LINES else None
            moves.append(
                MoveReport(
                    action=move.action,
                    order=order,
                    visits=move.visits,
                    win_rate=(1 + move.value) / 2,
                    lcb=lower_bound((1 + move.value) / 2, move.visits, move.error / 2),
                    score_lead=move.score if scored else None,
                    score_stdev=None if end is None else margin_stdev(end),
                    prior=move.prior,
                    line=line,
                    line_visits=tuple(core.variation_visits(move.action)),
                    ownership=end if moves_ownership else None,
                )
            )
        return Report(
            to_move=position.to_move,
            viewer=position.to_move,
            visits=core.root_visits,
            win_rate=(1 + sign * core.root_value) / 2,
            net_win_rate=(1 + sign * core.root_evaluation) / 2,
            score_lead=sign * core.root_score if scored else None,
            score_stdev=None if owners is None else margin_stdev(owners),
            policy=policy,
            ownership=owners if ownership else None,
            moves=tuple(moves),
            ownership_stdev=spread if ownership else None,
        )

    def _knows_scores(self, position: Position) -> bool:
        foreseen = isinstance(self.evaluator, HasOutlook) or position.over
        return self.game.score is not None and foreseen

    def _ownership_after(self, position: Position, lines: Sequence[Sequence[int]]) -> np.ndarray | None:
        """Ownership [n, H, W] after each line, in the view of the position's mover; None: unknown."""
        native = self.game.native
        if not self._knows_scores(position):
            return None
        if position.over:  # known exactly
            return (1 - 2 * position.to_move) * position.score()[1][None].astype(np.float32)
        assert isinstance(self.evaluator, HasOutlook)
        states = []
        for line in lines:
            state = position.state.copy()
            for action in line:
                native.play(state, action)
            states.append(state)
        inputs = [native.encode(state) for state in states]
        outlook = self.evaluator.outlook(
            np.stack([planes for planes, _ in inputs]), np.stack([globals_ for _, globals_ in inputs])
        )
        found = outlook.ownership.copy()
        for i, state in enumerate(states):
            mover = native.to_move(state)
            if native.over(state):  # known exactly, the first player's
                found[i], mover = native.score(state)[1], 0
            if mover != position.to_move:
                found[i] *= -1
        return found
