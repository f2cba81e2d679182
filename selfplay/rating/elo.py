"""Elo differences of a match with an interval, and tests that stop a match when it is decided."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from engine.errors import UserError

Z95 = 1.959964  # of the normal distribution, for two-sided 95 %


@dataclass(frozen=True)
class Elo:
    """An Elo difference and its 95 % interval."""

    elo: float
    low: float
    high: float

    @property
    def deviation(self) -> float:
        """The standard deviation that makes an interval as wide; infinite where an end is."""
        return (self.high - self.low) / (2 * Z95)

    def __str__(self) -> str:
        return f"{self.elo:+.0f} [{self.low:+.0f}, {self.high:+.0f}]"


def elo_of(score: float) -> float:
    """The Elo difference at which this share of points is expected, score in (0, 1)."""
    return 400 * math.log10(score / (1 - score))


def wilson_interval(score: float, games: int) -> tuple[float, float]:
    """The 95 % Wilson score interval of a share of points in `games` independent games."""
    z2 = Z95 * Z95
    centre = (score + z2 / (2 * games)) / (1 + z2 / games)
    half = Z95 / (1 + z2 / games) * math.sqrt(score * (1 - score) / games + z2 / (4 * games * games))
    low = 0.0 if score == 0 else max(0.0, centre - half)  # which rounding would miss
    high = 1.0 if score == 1 else min(1.0, centre + half)
    return low, high


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


def expected_score(elo: float) -> float:
    """The share of points that a player stronger by `elo` is expected to win; inverse of `elo_of`."""
    return 1 / (1 + 10 ** (-elo / 400))


@dataclass(frozen=True)
class Sprt:
    """A sequential probability ratio test of a match: is the Elo difference elo0 (H0) or elo1 (H1)?

    Wald 1945, "Sequential Tests of Statistical Hypotheses", Ann. Math. Stat. 16: the match goes on
    while the log-likelihood ratio lies between `lower` and `upper`; alpha is the chance to accept
    H1 where H0 is true, beta the other way round.
    """

    elo0: float
    elo1: float
    alpha: float = 0.05
    beta: float = 0.05

    @property
    def lower(self) -> float:
        """The log-likelihood ratio at which H0 is accepted."""
        return math.log(self.beta / (1 - self.alpha))

    @property
    def upper(self) -> float:
        """The log-likelihood ratio at which H1 is accepted."""
        return math.log((1 - self.beta) / self.alpha)

    def llr(self, wins: int, draws: int, losses: int, unique_games: int | None = None) -> float:
        """The log-likelihood ratio of H1 to H0 after these games; 0 when there are none.

        The normal approximation of the generalised test for wins, draws and losses: Van den Bergh,
        "A Practical Introduction to the GSPRT", equation 1: N (s1 - s0) (2 s - s0 - s1) / (2 var).
        Half a game is added to each count, so that one-sided beginnings have a variance; of games
        that repeat each other only `unique_games` count.
        """
        games = wins + draws + losses
        if games == 0:
            return 0.0
        counts = [count + 0.5 for count in (wins, draws, losses)]
        total = sum(counts)
        score = (counts[0] + 0.5 * counts[1]) / total
        points = (1.0, 0.5, 0.0)
        variance = sum(n * (p - score) ** 2 for n, p in zip(counts, points, strict=True)) / total
        evidence = games if unique_games is None else min(games, unique_games)
        s0, s1 = expected_score(self.elo0), expected_score(self.elo1)
        return evidence * (s1 - s0) * (2 * score - s0 - s1) / (2 * variance)

    def decision(self, llr: float) -> Literal["H0", "H1"] | None:
        """What is accepted at this log-likelihood ratio; None: the match goes on."""
        return "H1" if llr >= self.upper else "H0" if llr <= self.lower else None

    def text(self, llr: float) -> str:
        """Where the test stands, for people."""
        verdict = {
            "H1": f"accepted: A is stronger by about {self.elo1:g} Elo or more",
            "H0": f"refused: A is stronger by {self.elo0:g} Elo at most",
            None: "undecided",
        }[self.decision(llr)]
        bounds = f"between {self.lower:.2f} and {self.upper:.2f}"
        return f"test of {self.elo0:g} against {self.elo1:g} Elo: {verdict} (LLR {llr:.2f}, {bounds})"

    def as_json(self, llr: float) -> dict[str, float | str | None]:
        """Where the test stands, for programs."""
        return {
            "elo0": self.elo0,
            "elo1": self.elo1,
            "llr": round(llr, 3),
            "lower": round(self.lower, 3),
            "upper": round(self.upper, 3),
            "decision": self.decision(llr),
        }


def parse_sprt(text: str) -> Sprt:
    """A test from two Elo differences such as `0,35`. Raises UserError."""
    try:
        elo0, elo1 = (float(part) for part in text.split(","))
    except ValueError:
        elo0 = elo1 = math.nan
    if not -2000 <= elo0 < elo1 <= 2000:
        raise UserError(f"'{text}' is no test: give two Elo differences, the lower first, as in 0,35")
    return Sprt(elo0, elo1)
