"""What a net thinks of a recorded game: win rate and lead of each position, mistakes, better moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.analyst import Analyst, MoveReport, Report
from engine.position import Position
from engine.records import GameRecord, IllegalMoveError, positions_after, start_position

MISTAKE, DOUBTFUL = 0.10, 0.05  # win rate that a move loses
COLOURS = ("Black", "White")


@dataclass(frozen=True)
class MoveReview:
    """A move that was played, as the searches before and after it see it.

    number    from 1
    player    0 Black, 1 White
    win_rate  in [0, 1] after the move, the player's
    loss      how much win rate the move cost, 0 or more: the position's before it, less `win_rate`
    points    how many points it cost, 0 or more; None when the net knows no scores
    best      what the search would have played, in the player's view
    rank      of the played move by visits, from 0; None when the search did not look at it
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


@dataclass(frozen=True)
class Review:
    """A whole game: reports [P + 1] before the first and after each of P moves, in Black's view.

    problem says what ended the review before the record's end, if anything did.
    """

    record: GameRecord
    net: str
    visits: int
    names: Callable[[int], str]
    reports: list[Report]
    moves: list[MoveReview]
    problem: str = ""

    def mistakes(self, count: int = 10) -> list[MoveReview]:
        """The moves that cost most win rate, the worst first."""
        graded = [move for move in self.moves if move.grade]
        return sorted(graded, key=lambda move: -move.loss)[:count]

    def summary(self, player: int) -> dict[str, Any]:
        """Figures of one player: moves, agreement with the search, mean losses, mistakes."""
        own = [move for move in self.moves if move.player == player]
        points = [move.points for move in own if move.points is not None]
        return {
            "name": self.record.players[player],
            "moves": len(own),
            "best_moves": sum(move.rank == 0 for move in own),
            "mean_loss": sum(move.loss for move in own) / len(own) if own else 0.0,
            "mean_points": sum(points) / len(points) if points else None,
            "mistakes": sum(move.grade == "mistake" for move in own),
            "doubtful": sum(move.grade == "doubtful" for move in own),
        }

    def as_json(self) -> dict[str, Any]:
        """Everything, as `move37 analyze --json` prints it; win rates are Black's."""
        return {
            "source": self.record.source,
            "game": self.record.game,
            "black": self.record.players[0],
            "white": self.record.players[1],
            "result": self.record.result,
            "komi": self.record.komi,
            "net": self.net,
            "visits": self.visits,
            "problem": self.problem,
            "players": [self.summary(0), self.summary(1)],
            "win_rates": [round(report.win_rate, 4) for report in self.reports],
            "leads": [_rounded(report.score_lead) for report in self.reports],
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


def review_game(
    record: GameRecord,
    analyst: Analyst,
    net: str,
    on_done: Callable[[float], None] = lambda share: None,
) -> Review:
    """Searches every position of a game; `on_done` hears the share that is done, in [0, 1].

    Passes are forgotten before each search: where people pass, dead stones may still stand on the
    board, and the rules would count them alive.
    """
    positions: list[Position] = []
    problem = ""
    try:
        for position in positions_after(start_position(record), record.moves):
            positions.append(_without_passes(position))
    except IllegalMoveError as error:
        problem = f"{error}: the review ends before it"
    count = len(positions)
    raw = analyst.analyse_all(positions, on_done=lambda done: on_done(done / count))
    moves = []
    for index, (player, action) in enumerate(record.moves[: count - 1]):
        before, after = raw[index].seen_by(player), raw[index + 1].seen_by(player)
        rank = next((move.order for move in before.moves if move.action == action), None)
        moves.append(
            MoveReview(
                number=index + 1,
                player=player,
                action=action,
                win_rate=after.win_rate,
                loss=max(0.0, before.win_rate - after.win_rate),
                points=_lost(before.score_lead, after.score_lead),
                best=before.moves[0],
                rank=rank,
                prior=float(before.policy[action]),
            )
        )
    return Review(
        record=record,
        net=net,
        visits=analyst.settings.visits,
        names=analyst.game.notation.name,
        reports=[report.seen_by(0) for report in raw],
        moves=moves,
        problem=problem,
    )


def _lost(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else max(0.0, before - after)


def _without_passes(position: Position) -> Position:
    """The same stones with no pass behind them, and the game not over."""
    fresh = position.copy()
    fresh.record["over"] = fresh.record["passes"] = 0
    return fresh
