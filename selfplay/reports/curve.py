"""What more visits are worth: a net against itself, each number of visits against the next.

Each match says what twice as many are worth between its two; a polynomial in log2(visits) is fitted
to all of them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import UserError
from engine.files import write_whole
from selfplay.progress import Reporter
from selfplay.rating.elo import Elo
from selfplay.rating.fit import Fit, fit, powers
from selfplay.rating.ladder import Standing, Table, climb, rate
from selfplay.rating.match import MatchOptions
from selfplay.reports.charts import curve_chart

EXACT = 1e-3  # Elo: the deviation of what is true by definition


@dataclass(frozen=True)
class Step:
    """The match of a number of visits against the next smaller one, from the larger one's side."""

    fewer: int
    more: int
    match: Elo

    @property
    def doubling(self) -> Elo:
        """What twice the visits were worth between the two."""
        doublings = math.log2(self.more / self.fewer)
        return Elo(*(elo / doublings for elo in (self.match.elo, self.match.low, self.match.high)))


@dataclass(frozen=True)
class VisitsCurve:
    """Elo of one net at several visits a move, over the fewest of them."""

    net: str
    standings: dict[int, Standing]
    steps: list[Step]
    fit: Fit
    chart: Path

    def as_json(self) -> dict[str, Any]:
        """What `move37 curve --json` prints."""
        points = [
            {
                "visits": visits,
                "elo": round(row.elo, 1),
                "elo_low": round(row.low, 1),
                "elo_high": round(row.high, 1),
                "games": row.games,
            }
            for visits, row in self.standings.items()
        ]
        steps = [
            {
                "from": step.fewer,
                "to": step.more,
                "doubling": round(step.doubling.elo, 1),
                "doubling_low": round(step.doubling.low, 1),
                "doubling_high": round(step.doubling.high, 1),
            }
            for step in self.steps
        ]
        return {"net": self.net, "points": points, "steps": steps, "chart": str(self.chart)}

    def __str__(self) -> str:
        lines = [f"{'visits':>7}  {'Elo, 95 %':<22}{'games':>6}  twice as many, up to here"]
        worth = {step.more: str(step.doubling) for step in self.steps}
        for visits, row in self.standings.items():
            elo = Elo(row.elo, row.low, row.high)
            lines.append(f"{visits:>7}  {elo!s:<22}{row.games:>6}  {worth.get(visits, '')}".rstrip())
        more = max(self.standings)
        lines.append(f"By the fit, twice {more} visits are worth {self.fit.doubling(more)}.")
        return "\n".join([*lines, f"Chart: {self.chart}"])


def parse_visits(text: str) -> list[int]:
    """Numbers of visits from text such as `1,16,256`, the fewest first. Raises UserError."""
    try:
        visits = sorted({int(part) for part in text.split(",")})
    except ValueError:
        visits = []
    if len(visits) < 3 or visits[0] < 1:
        raise UserError(f"'{text}' are no visits: give three numbers or more, as in 1,16,256")
    return visits


def visits_curve(
    net: str,
    visits: Sequence[int],
    games: int,
    out: Path,
    game: str,
    options: MatchOptions,
    device: str,
    seed: int,
    reporter: Reporter,
) -> VisitsCurve:
    """Plays what is missing for each number of visits, of three or more, to have met the next `games`
    times, and draws it.

    `out` keeps the results, as a ladder's table, and the picture. Raises UserError.
    """
    names = {f"net={net},visits={count}": count for count in visits}
    path = out / "results.json"
    standings = climb(list(names), path, games, "chain", 1, game, options, device, seed, reporter)
    rows = {row.player: row for row in standings.rows}
    steps = steps_of(Table.read(path, game), names)
    ranked = {count: rows[name] for name, count in names.items()}
    curve = VisitsCurve(net, ranked, steps, fit_steps(steps), out / "curve.png")
    points = [(count, row.elo, row.low, row.high) for count, row in ranked.items()]
    worth = [((step.fewer * step.more) ** 0.5, *astuple(step.doubling)) for step in steps]
    chart = curve_chart(points, worth, curve.fit, "visits a move", f"{net} on {game}")
    write_whole(curve.chart, chart)
    return curve


def steps_of(table: Table, names: dict[str, int]) -> list[Step]:
    """The match of each player with the next; names are the players' visits, the fewest first."""
    steps = []
    for (weak, fewer), (strong, more) in itertools.pairwise(names.items()):
        pair = Table(game=table.game, results=[table.between(weak, strong)])
        (row,) = (row for row in rate(pair, weak).rows if row.player == strong)
        steps.append(Step(fewer, more, Elo(row.elo, row.low, row.high)))
    return steps


def fit_steps(steps: Sequence[Step]) -> Fit:
    """A polynomial in log2(visits), 0 at the fewest: a line through two matches, a parabola through up
    to four, else a cubic.

    It is fitted to the matches, which are independent of each other, as ratings along a chain are not.
    """
    terms = 2 if len(steps) < 3 else 3 if len(steps) < 5 else 4
    rows, elos, deviations = [powers(steps[0].fewer, terms)], [0.0], [EXACT]
    for step in steps:
        rows.append(powers(step.more, terms) - powers(step.fewer, terms))
        elos.append(step.match.elo)
        deviations.append(step.match.deviation)
    return fit(np.array(rows), np.array(elos), np.array(deviations))
