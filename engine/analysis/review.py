"""What a net thinks of a game that was played: win rates, leads, mistakes, better moves."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from engine.analyst import Analyst, MoveReport, Report
from engine.players.bot import Stop, never
from engine.position import Position
from engine.records.record import GameRecord, IllegalMoveError, positions_after, start_position

MISTAKE, DOUBTFUL = 0.10, 0.05  # win rate that a move loses


@dataclass(frozen=True)
class MoveReview:
    """A move that was played, as the searches before and after it see it.

    number    from 1
    player    0 the first player (Black), 1 the second
    win_rate  in [0, 1] after the move, the player's
    loss      how much win rate the move cost, 0 or more: the position's before it, less `win_rate`
    points    how many points it cost, 0 or more; None when scores are not known
    best      what the search would have played, in the player's view
    rank      of the played move among those searched, best first, from 0; None when it was not
    prior     the probability that the net gave the played move
    """

    number: int
    player: int
    action: int
    win_rate: float
    loss: float
    points: float | None
    best: MoveReport
    rank: int | None
    prior: float

    @property
    def grade(self) -> str:
        """`mistake`, `doubtful` or nothing; the best move is never graded."""
        if self.rank == 0:
            return ""
        return "mistake" if self.loss >= MISTAKE else "doubtful" if self.loss >= DOUBTFUL else ""


class Review:
    """A game with what is known so far of its positions.

    positions  [P + 1], before the first and after each of P moves
    played     [P] the moves as (player, action)
    problem    what ended the game before the record's end, or else the record's remark, if any
    reports    what a search says, in the first player's view, by the number of moves played
    glances    the same without a search

    Passes are forgotten before each search: where people pass, dead stones may still stand on the
    board, and the rules would count them alive.
    """

    def __init__(
        self, positions: Sequence[Position], played: Sequence[tuple[int, int]], problem: str = ""
    ) -> None:
        self.positions, self.played, self.problem = list(positions), list(played), problem
        self.reports: dict[int, Report] = {}
        self.glances: dict[int, Report] = {}
        self._reviews: dict[int, MoveReview] = {}  # of moves, by the number of moves before

    @staticmethod
    def of_record(record: GameRecord) -> Review:
        """The review of a recorded game, nothing searched yet; it ends before an illegal move."""
        positions: list[Position] = []
        problem = record.remark
        try:
            for position in positions_after(start_position(record), record.moves):
                positions.append(position)
        except IllegalMoveError as error:
            problem = f"{error}: the review ends before it"
        return Review(positions, record.moves[: len(positions) - 1], problem)

    @staticmethod
    def of_game(end: Position) -> Review:
        """The review of a game up to a position, nothing searched yet."""
        position = end.copy()
        position.set_start()
        positions, played = [position.copy()], []
        for action in end.actions:
            played.append((position.to_move, action))
            position.play(action)
            positions.append(position.copy())
        return Review(positions, played)

    def report(self, played: int) -> Report | None:
        """The best that is known of the position after so many moves."""
        return self.reports.get(played, self.glances.get(played))

    # --- Looking ----------------------------------------------------------------------------

    def glance(self, analyst: Analyst, stop: Stop = never) -> Iterator[int]:
        """Looks at each position without a search; gives the number of moves played before it."""
        for number, position in enumerate(self.positions):
            if stop():
                return
            self.glances[number] = analyst.glance(_without_passes(position)).seen_by(0)
            yield number

    def search(self, analyst: Analyst, stop: Stop = never, seconds: float = math.inf) -> Iterator[int]:
        """Searches each position, as long as `Analyst.analyse_all` says; gives the same numbers."""
        positions = map(_without_passes, self.positions)
        for number, report in analyst.analyse_all(positions, seconds=seconds, stop=stop):
            self.reports[number] = report.seen_by(0)
            yield number

    # --- What was found ---------------------------------------------------------------------

    @property
    def moves(self) -> list[MoveReview]:
        """The moves before and after which there has been a search."""
        for index in range(len(self.played)):
            if index not in self._reviews and {index, index + 1} <= self.reports.keys():
                self._reviews[index] = self._review(index)
        return [self._reviews[index] for index in sorted(self._reviews)]

    def _review(self, index: int) -> MoveReview:
        player, action = self.played[index]
        before, after = (self.reports[number].seen_by(player) for number in (index, index + 1))
        points = None
        if before.score_lead is not None and after.score_lead is not None:
            points = max(0.0, before.score_lead - after.score_lead)
        return MoveReview(
            number=index + 1,
            player=player,
            action=action,
            win_rate=after.win_rate,
            loss=max(0.0, before.win_rate - after.win_rate),
            points=points,
            best=before.moves[0],
            rank=next((move.order for move in before.moves if move.action == action), None),
            prior=float(before.policy[action]),
        )

    def mistakes(self, count: int = 10) -> list[MoveReview]:
        """The moves that cost most win rate, the worst first, doubtful ones included."""
        graded = [move for move in self.moves if move.grade]
        return sorted(graded, key=lambda move: -move.loss)[:count]

    def summary(self, player: int) -> dict[str, Any]:
        """Figures of one player: moves, agreement with the search, mean losses, mistakes."""
        own = [move for move in self.moves if move.player == player]
        points = [move.points for move in own if move.points is not None]
        return {
            "moves": len(own),
            "best_moves": sum(move.rank == 0 for move in own),
            "mean_loss": sum(move.loss for move in own) / len(own) if own else 0.0,
            "mean_points": sum(points) / len(points) if points else None,
            "mistakes": sum(move.grade == "mistake" for move in own),
            "doubtful": sum(move.grade == "doubtful" for move in own),
        }


def _without_passes(position: Position) -> Position:
    """The same stones with no pass behind them, and the game not over; other games as they are."""
    if "passes" not in (position.game.state.names or ()):
        return position
    fresh = position.copy()
    fresh.record["over"] = fresh.record["passes"] = 0
    return fresh
