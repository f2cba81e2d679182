"""The review of a recorded game: what a net thinks of it, and how long it thought."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from engine.analysis.review import MoveReview, Review
from engine.analyst import Analyst
from engine.nets.tuning import MOST_VISITS
from engine.records.record import GameRecord

COLOURS = ("Black", "White")
LINE_LENGTH = 12  # moves of a better line


class RecordReview(Review):
    """The review of a recorded game by a net; see `review_record`.

    visits (None: no matter how many) and seconds say how long each position was searched.
    """

    def __init__(
        self, record: GameRecord, net: str, visits: int | None, seconds: float = math.inf
    ) -> None:
        game = Review.of_record(record)
        super().__init__(game.positions, game.played, game.problem)
        self.record, self.net, self.visits, self.seconds = record, net, visits, seconds
        self.names = game.positions[0].game.notation.name

    @property
    def effort(self) -> str:
        """How long each position was searched, in words."""
        limits = [f"{self.visits} visits"] if self.visits else []
        limits += [] if math.isinf(self.seconds) else [f"{self.seconds:g} s"]
        return ", ".join(limits)

    def as_json(self) -> dict[str, Any]:
        """Everything, as `move37 analyze --json` prints it; win rates are Black's."""
        record, reports = self.record, [self.reports[n] for n in range(len(self.positions))]
        players = [{"name": record.players[player], **self.summary(player)} for player in (0, 1)]
        return {
            "source": record.source,
            "game": record.game,
            "black": record.players[0],
            "white": record.players[1],
            "result": record.result,
            "komi": record.komi,
            "net": self.net,
            "visits": self.visits,
            "seconds": None if math.isinf(self.seconds) else self.seconds,
            "problem": self.problem,
            "players": players,
            "win_rates": [round(report.win_rate, 4) for report in reports],
            "leads": [_rounded(report.score_lead) for report in reports],
            "moves": [self._move_json(move) for move in self.moves],
        }

    def _move_json(self, move: MoveReview) -> dict[str, Any]:
        return {
            "number": move.number,
            "player": "BW"[move.player],
            "move": self.names(move.action),
            "loss": round(move.loss, 4),
            "points": _rounded(move.points),
            "grade": move.grade,
            "rank": move.rank,
            "prior": round(move.prior, 4),
            "best": self.names(move.best.action),
            "line": [self.names(action) for action in move.best.line],
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def review_record(
    record: GameRecord,
    analyst: Analyst,
    net: str,
    seconds: float = math.inf,
    on_done: Callable[[float], None] = lambda share: None,
) -> RecordReview:
    """Searches every position of a game, by the analyst's visits and so many seconds at most.

    `on_done` hears the share that is done, in [0, 1].
    """
    visits = analyst.settings.visits
    review = RecordReview(record, net, visits if visits < MOST_VISITS else None, seconds)
    for _ in review.search(analyst, seconds=seconds):
        on_done(len(review.reports) / len(review.positions))
    return review
