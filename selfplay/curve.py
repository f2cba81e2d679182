"""What more visits are worth: a net against itself, each number of visits against the next.

A parabola in log2(visits), fitted to the matches, says with an interval what twice as many are worth.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import UserError
from engine.files import write_whole
from selfplay.charts import curve_chart
from selfplay.elo import Z95, Elo
from selfplay.fit import Fit, fit, powers
from selfplay.ladder import Standing, Table, climb, rate
from selfplay.match import MatchOptions
from selfplay.progress import Reporter

EXACT = 1e-3  # Elo: the deviation of what is true by definition


@dataclass(frozen=True)
class VisitsCurve:
    """Elo of one net at several visits a move, over the fewest of them."""

    net: str
    standings: dict[int, Standing]
    fit: Fit
    chart: Path

    def as_json(self) -> dict[str, Any]:
        """What `move37 curve --json` prints."""
        points = []
        for visits, row in self.standings.items():
            worth = self.fit.doubling(visits)
            points.append(
                {
                    "visits": visits,
                    "elo": round(row.elo, 1),
                    "elo_low": round(row.low, 1),
                    "elo_high": round(row.high, 1),
                    "games": row.games,
                    "doubling": round(worth.elo, 1),
                    "doubling_low": round(worth.low, 1),
                    "doubling_high": round(worth.high, 1),
                }
            )
        return {"net": self.net, "points": points, "chart": str(self.chart)}

    def __str__(self) -> str:
        lines = [f"{'visits':>7}  {'Elo, 95 %':<22}{'games':>6}  twice as many, by the fit"]
        for visits, row in self.standings.items():
            elo = Elo(row.elo, row.low, row.high)
            lines.append(f"{visits:>7}  {elo!s:<22}{row.games:>6}  {self.fit.doubling(visits)}")
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
    curve = VisitsCurve(
        net,
        {count: rows[name] for name, count in names.items()},
        fit_chain(Table.read(path, game), names),
        out / "curve.png",
    )
    points = [(count, row.elo, row.low, row.high) for count, row in curve.standings.items()]
    write_whole(curve.chart, curve_chart(points, curve.fit, "visits a move", f"{net} on {game}"))
    return curve


def fit_chain(table: Table, names: dict[str, int]) -> Fit:
    """A parabola in log2(visits), 0 at the fewest, from the match of each player with the next.

    The matches are independent of each other, which ratings along a chain are not.
    """
    first = powers(next(iter(names.values())), 3)
    rows, elos, deviations = [first], [0.0], [EXACT]
    for (weak, fewer), (strong, more) in itertools.pairwise(names.items()):
        pair = Table(game=table.game, results=[table.between(weak, strong)])
        (row,) = (row for row in rate(pair, weak).rows if row.player == strong)
        rows.append(powers(more, 3) - powers(fewer, 3))
        elos.append(row.elo)
        deviations.append((row.high - row.low) / (2 * Z95))
    if len(elos) < 1 + len(first):  # two matches: no bend can be told
        rows = [row[:2] for row in rows]
    return fit(np.array(rows), np.array(elos), np.array(deviations))
