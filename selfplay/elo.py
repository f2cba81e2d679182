"""Elo differences of a match, with an interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

Z95 = 1.959964  # of the normal distribution, for two-sided 95 %


@dataclass(frozen=True)
class Elo:
    """An Elo difference and its 95 % interval."""

    elo: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.elo:+.0f} [{self.low:+.0f}, {self.high:+.0f}]"


def elo_of(score: float) -> float:
    """The Elo difference at which this share of points is expected, score in (0, 1)."""
    return -400 * math.log10(1 / score - 1)


def wilson_interval(score: float, games: int) -> tuple[float, float]:
    """The 95 % Wilson score interval of a share of points in `games` independent games."""
    z2 = Z95 * Z95
    centre = (score + z2 / (2 * games)) / (1 + z2 / games)
    half = Z95 / (1 + z2 / games) * math.sqrt(score * (1 - score) / games + z2 / (4 * games * games))
    return max(0.0, centre - half), min(1.0, centre + half)


def match_elo(wins: int, draws: int, losses: int, unique_games: int | None = None) -> Elo:
    """The Elo difference of a match and its interval, from the winner's view.

    A draw counts half. Games that repeat another one move by move tell nothing new, so only
    `unique_games` count as evidence. Draws make the true interval narrower than this one, and so
    do paired colours: it errs on the careful side. One and the same extreme score (all won) is
    moved half a game inwards, so that the estimate stays finite.
    """
    games = wins + draws + losses
    if games == 0:
        return Elo(0.0, -math.inf, math.inf)
    evidence = max(1, min(games, unique_games or games))
    score = (wins + 0.5 * draws) / games
    low, high = wilson_interval(score, evidence)
    inside = min(max(score, 0.5 / games), 1 - 0.5 / games)
    return Elo(
        elo_of(inside),
        elo_of(low) if low > 0 else -math.inf,
        elo_of(high) if high < 1 else math.inf,
    )
