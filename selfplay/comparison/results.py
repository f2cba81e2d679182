"""What came of a comparison: its trials, as a table, a page and a chart."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.files import write_whole
from selfplay.comparison.plan import ComparisonConfig
from selfplay.progress import clock
from selfplay.rating.elo import match_elo
from selfplay.reports.charts import comparison_chart


@dataclass(frozen=True)
class Trial:
    """What a variant learned with one seed; `match` and `policy_match` are as `Tally.as_json` has them,
    the net being A.

    The losses are those of the last iteration; the shares of resignations are means of all.
    """

    seed: int
    evaluations: int
    positions: int
    games: int
    updates: int
    seconds: float
    policy_loss: float
    value_loss: float
    resigned_share: float | None
    wrong_resignations: float | None
    match: dict[str, Any]
    policy_match: dict[str, Any] | None


@dataclass(frozen=True)
class Comparison:
    """The trials of each variant so far, by its name."""

    config: ComparisonConfig
    trials: dict[str, list[Trial]]
    out: Path
    seconds: float

    def rows(self) -> list[dict[str, Any]]:
        """A row for each variant: the Elo of all its matches together, and means over its seeds."""
        return [{"variant": name, **_together(trials)} for name, trials in self.trials.items()]

    def as_json(self) -> dict[str, Any]:
        """What `move37 compare --json` prints."""
        return {
            "variants": self.rows(),
            "visits": self.config.match.visits,
            "seconds": round(self.seconds),
            "chart": str(self.chart),
            "page": str(self.page),
        }

    @property
    def chart(self) -> Path:
        """The picture."""
        return self.out / "comparison.png"

    @property
    def page(self) -> Path:
        """The table with its circumstances, as Markdown."""
        return self.out / "comparison.md"

    def table(self) -> str:
        """The results for people, in Markdown."""
        rows = self.rows()
        columns = {head: [show(row) for row in rows] for head, show in _COLUMNS.items()}
        columns = {head: cells for head, cells in columns.items() if any(cells)}
        widths = [max(map(len, [head, *cells])) for head, cells in columns.items()]
        lines = [list(columns), ["-" * width for width in widths], *zip(*columns.values(), strict=True)]
        return "\n".join(
            "| " + " | ".join(cell.ljust(n) for cell, n in zip(line, widths, strict=True)) + " |"
            for line in lines
        )

    def __str__(self) -> str:
        return f"\n{self.table()}\n\nTook {clock(self.seconds)}.  Chart: {self.chart}"

    def draw(self) -> None:
        """Writes the chart."""
        rows = [{**row, "label": row["variant"]} for row in self.rows()]
        write_whole(self.chart, comparison_chart(rows, self.config.title))

    def write(self) -> None:
        """Writes the page."""
        config, match = self.config, self.config.match
        budget = "as many" if config.evaluations is None else f"{config.evaluations:,}"
        changes = [f"- **{name}**: `{json.dumps(values)}`" for name, values in config.variants.items()]
        page = [
            f"# {config.title}",
            f"Each variant starts from {config.start or 'a random net'} and learns {config.game} with "
            f"{budget} net evaluations (the last iteration is finished), computed by "
            f"`{config.device}`. The Elo is over the net it started from, in a match of {match.games} "
            f"games at {match.visits} visits a move with paired colours and varied openings; its 95 % "
            "interval is that of the match alone."
            + (f" Without search: {config.policy_games} games." if config.policy_games else ""),
            self.table(),
            f"![Elo of each variant]({self.chart.name})",
            f"All learn in this stage, `{json.dumps(config.base)}`, but for:",
            "\n".join(changes),
        ]
        write_whole(self.page, ("\n\n".join(page) + "\n").encode())


def _together(trials: list[Trial]) -> dict[str, Any]:
    """One row of several seeds."""
    match = _match_together([trial.match for trial in trials])
    alone = [trial.policy_match for trial in trials if trial.policy_match]
    policy = {f"policy_{key}": value for key, value in _match_together(alone).items()} if alone else {}
    averaged = (
        "evaluations", "positions", "updates", "seconds", "policy_loss", "value_loss",
        "resigned_share", "wrong_resignations",
    )  # fmt: skip
    return {
        **match,
        **policy,
        "seeds": {trial.seed: trial.match["elo"] for trial in trials},
        "self_play_games": mean([trial.games for trial in trials]),
        **{key: mean([getattr(trial, key) for trial in trials]) for key in averaged},
    }


def _match_together(matches: list[dict[str, Any]]) -> dict[str, Any]:
    """All games of several matches, and their Elo."""
    summed = ("games", "wins_a", "wins_b", "draws", "unique_games")
    match = {key: sum(match[key] for match in matches) for key in summed}
    elo = match_elo(match["wins_a"], match["draws"], match["wins_b"], match["unique_games"])
    ends = {"elo": elo.elo, "elo_low": elo.low, "elo_high": elo.high}
    return {key: round(value, 1) for key, value in ends.items()} | match


def mean(values: list[float | None]) -> float | None:
    """The mean of those that are known; None without any."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _elo(row: dict[str, Any], match: str = "") -> str:
    """The Elo of a match of a row, which has none of the policies unless asked for."""
    if f"{match}elo" not in row:
        return ""
    elo, low, high = (row[f"{match}{key}"] for key in ("elo", "elo_low", "elo_high"))
    return f"{elo:+.0f} [{low:+.0f}, {high:+.0f}]"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


_COLUMNS: dict[str, Callable[[dict[str, Any]], str]] = {
    "variant": lambda row: row["variant"],
    "Elo": _elo,
    "without search": lambda row: _elo(row, "policy_"),
    "by seed": lambda row: (
        ", ".join(f"{elo:+.0f}" for elo in row["seeds"].values()) if len(row["seeds"]) > 1 else ""
    ),
    "match": lambda row: f"{row['games']:,} games",
    "evaluations": lambda row: f"{row['evaluations']:,.0f}",
    "positions": lambda row: f"{row['positions']:,.0f}",
    "games": lambda row: f"{row['self_play_games']:,.0f}",
    "updates": lambda row: f"{row['updates']:,.0f}",
    "policy loss": lambda row: f"{row['policy_loss']:.3f}",
    "value loss": lambda row: f"{row['value_loss']:.3f}",
    "seconds": lambda row: f"{row['seconds']:,.0f}",
    "resigned": lambda row: _share(row["resigned_share"] or None),
    "wrongly": lambda row: _share(row["wrong_resignations"]),
}
