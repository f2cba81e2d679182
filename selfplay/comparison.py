"""`move37 compare`: variants of one stage of learning, on equal terms.

A comparison is a TOML file: a game, a net to start from, a budget, the match, a stage and its named
variants. Every variant starts from the same net and gets as many net evaluations; what it made of them
says a match against that net, with paired colours and varied openings.

OUT/start.safetensors        the net that all start from
OUT/VARIANT/seed-N/          a run, whose last event is its match: `move37 report` shows it
OUT/comparison.png, .md      the results so far
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator

from engine.errors import UserError
from engine.files import write_whole
from engine.game import Game
from engine.games import load
from engine.nets import info_of, load_net, load_start, new_net, save_net
from selfplay.charts import comparison_chart, of_kind
from selfplay.config import PRESETS, NetShape, RunConfig, parse, parse_config, preset_path, read_toml
from selfplay.elo import match_elo
from selfplay.imitation import ExpertStage
from selfplay.match import net_match
from selfplay.progress import Reporter, clock
from selfplay.run import Run, alone

COMPARISONS = PRESETS / "comparisons"
LIMITS = {"minutes", "iterations", "evaluations", "steps"}  # of a stage: the comparison sets them
NEVER = 1e9  # minutes; the comparison plays its own matches

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]


class MatchPlan(BaseModel):
    """The match of each variant against the net it started from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    visits: int = Field(32, ge=1, description="of each move")
    games: int = Field(200, ge=2, description="half of them with each colour")
    minutes: float | None = Field(None, gt=0, description="ends it early, though not in its beginning")


class ComparisonConfig(BaseModel):
    """What is compared. The first variant comes first in time: a budget in minutes is its own, and the
    others get as many evaluations as it made of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field("Variants on equal terms", description="of the chart")
    game: str = Field("go9", description="the game to learn")
    start: str | None = Field(None, description="the net that all start from; default: random weights")
    net: NetShape = NetShape()
    device: str = Field("auto", description="auto, cpu, cuda, openvino or openvino-int8")
    seeds: list[Annotated[int, Field(ge=0)]] = Field(
        [0], min_length=1, description="each variant learns once with each"
    )
    evaluations: int | None = Field(None, ge=1, description="by the net, of each variant")
    minutes: float | None = Field(None, gt=0, description="or the time of the first variant")
    match: MatchPlan = MatchPlan()
    base: dict[str, Any] = Field(description="a stage, as in a run's configuration")
    variants: dict[Name, dict[str, Any]] = Field(
        min_length=1,
        description="what is different in each; one that names a teacher is a stage of its own",
    )

    @model_validator(mode="after")
    def _consistent(self) -> ComparisonConfig:
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("give each of the seeds once")
        if (self.evaluations is None) == (self.minutes is None):
            raise ValueError("give the budget as either evaluations or minutes")
        return self

    def stage(self, variant: str) -> dict[str, Any]:
        """The stage of a variant, without its limit."""
        change = self.variants[variant]
        return change if "teacher" in change else _merged(self.base, change)

    def run(self, variant: str, seed: int, start: Path, limit: dict[str, Any]) -> RunConfig:
        """The run of a variant. Raises UserError that names the key that is wrong."""
        where, stage = f"variant '{variant}'", self.stage(variant)
        if given := sorted(LIMITS & stage.keys()):
            raise UserError(f"{where}: the budget is the comparison's: leave out {', '.join(given)}")
        if stage.get("teacher") != "expert":
            stage = {**stage, "match_minutes": NEVER}
        common = {"game": self.game, "seed": seed, "device": self.device, "start": str(start)}
        return parse_config({**common, "stages": [{**stage, **limit}]}, where)


@dataclass(frozen=True)
class Trial:
    """What a variant learned with one seed; `match` is as `Tally.as_json` has it, the net being A.

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
            "interval is that of the match alone.",
            self.table(),
            f"![Elo of each variant]({self.chart.name})",
            f"All learn in this stage, `{json.dumps(config.base)}`, but for:",
            "\n".join(changes),
        ]
        write_whole(self.page, ("\n\n".join(page) + "\n").encode())


def read_comparison(
    name: str,
    start: str | None = None,
    evaluations: int | None = None,
    minutes: float | None = None,
    games: int | None = None,
    seeds: list[int] | None = None,
    device: str | None = None,
) -> ComparisonConfig:
    """A comparison's TOML file, or one that comes with move37; what else is given takes the place of
    what stands there. Raises UserError that names the key that is wrong."""
    path = Path(name)
    if not path.is_file() and not path.suffix:
        path = preset_path(name, COMPARISONS)
    values = read_toml(path)
    changes: dict[str, Any] = {"start": start, "seeds": seeds, "device": device}
    changes = {key: value for key, value in changes.items() if value}
    if evaluations or minutes:
        changes |= {"evaluations": evaluations, "minutes": minutes}
    if games:
        changes["match"] = {"games": games}
    config: ComparisonConfig = parse(ComparisonConfig, _merged(values, changes), str(path))
    return config


def compare(config: ComparisonConfig, out: Path, report: Reporter) -> Comparison:
    """Runs what is missing of a comparison.

    Raises UserError, before anything is played, for a stage that is wrong and for a folder that holds
    another comparison.
    """
    began = time.monotonic()
    start = (out / "start.safetensors").resolve()
    _check_stages(config, start)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write the folder '{out}': {error.strerror}") from None
    with alone(out):
        game = load(config.game)
        _keep_start(config, game, start)
        trials: dict[str, list[Trial]] = {name: [] for name in config.variants}
        for name, seed, limit in _schedule(config, trials):
            folder = out / name / f"seed-{seed}"
            report.line(f"{name}, seed {seed}: {folder}")
            run = Run.open(folder, config.run(name, seed, start, limit), report)
            run.go_on()
            trials[name].append(_trial(config, run, start, report))
            done = {name: known for name, known in trials.items() if known}
            comparison = Comparison(config, done, out, time.monotonic() - began)
            comparison.write()
        comparison.draw()
    return comparison


def _schedule(
    config: ComparisonConfig, trials: dict[str, list[Trial]]
) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Each variant with each seed and the limit of its stage, those of the first seed first.

    Imitation makes no evaluations: it gets as many updates as the first variant made. `trials` are
    those made so far, when the next one is asked for.
    """
    first = next(iter(config.variants))
    for seed in config.seeds:
        for name in config.variants:
            if not trials[first] and config.minutes is not None:
                yield name, seed, {"minutes": config.minutes}
            elif config.stage(name)["teacher"] == "expert":
                yield name, seed, {"steps": trials[first][0].updates}
            else:
                yield name, seed, {"evaluations": config.evaluations or trials[first][0].evaluations}


def _check_stages(config: ComparisonConfig, start: Path) -> None:
    for place, name in enumerate(config.variants):
        (stage,) = config.run(name, 0, start, {}).stages
        if isinstance(stage, ExpertStage) and place == 0:
            raise UserError(
                f"variant '{name}': imitation makes no net evaluations, which are the budget: put "
                "another variant first"
            )


def _keep_start(config: ComparisonConfig, game: Game, path: Path) -> None:
    """Writes the net that all start from, or finds it. Raises UserError when it is another one."""
    if config.start is not None:
        net, info = load_start(config.start, game)
    else:
        net = new_net(game, config.net.blocks, config.net.channels, config.seeds[0])
        info = info_of(net, game)
    if not path.exists():
        save_net(path, net, info)
    kept = load_net(path, game)[0]
    same = kept.config == net.config and all(
        torch.equal(a, b)
        for a, b in zip(kept.state_dict().values(), net.state_dict().values(), strict=True)
    )
    if not same:
        raise UserError(f"'{path.parent}' began from another net: choose a new folder")


def _trial(config: ComparisonConfig, run: Run, start: Path, report: Reporter) -> Trial:
    """What a finished run learned; its match is played unless it has been."""
    net = run.net_of_stage(0)
    training = load_net(net)[1].training
    events = run.metrics.read()
    last = (of_kind(events, "iteration") + of_kind(events, "imitation"))[-1]
    return Trial(
        seed=run.config.seed,
        evaluations=training.get("evaluations", 0),
        positions=training["positions"],
        games=training["games"],
        updates=training["steps"],
        seconds=training["seconds"],
        policy_loss=last["policy"],
        value_loss=last["value"],
        resigned_share=_mean([row.get("resigned_share") for row in events]),
        wrong_resignations=_mean([row.get("wrong_resignations") for row in events]),
        match=_match(config.match, run, start, report),
    )


def _match(plan: MatchPlan, run: Run, start: Path, report: Reporter) -> dict[str, Any]:
    """The match of a run's net against the starting net, kept as the run's last event."""
    for row in of_kind(run.metrics.read(), "final"):
        if row["plan"] == plan.model_dump():
            return row
    report.line(f"  the match against the starting net: {plan.games} games at {plan.visits} visits")
    until = time.monotonic() + 60 * plan.minutes if plan.minutes else float("inf")
    nets, seed = (run.net_of_stage(0), start), run.config.seed
    tally = net_match(run.game, run.device, nets, plan.visits, plan.games, seed, report, until)
    report.line(f"  {tally}")
    run.metrics.write("final", plan=plan.model_dump(), **tally.as_json())
    return tally.as_json()


def _together(trials: list[Trial]) -> dict[str, Any]:
    """One row of several seeds."""
    summed = ("games", "wins_a", "wins_b", "draws", "unique_games")
    match = {key: sum(trial.match[key] for trial in trials) for key in summed}
    elo = match_elo(match["wins_a"], match["draws"], match["wins_b"], match["unique_games"])
    averaged = (
        "evaluations", "positions", "updates", "seconds", "policy_loss", "value_loss",
        "resigned_share", "wrong_resignations",
    )  # fmt: skip
    return {
        "elo": round(elo.elo, 1),
        "elo_low": round(elo.low, 1),
        "elo_high": round(elo.high, 1),
        **match,
        "seeds": {trial.seed: trial.match["elo"] for trial in trials},
        "self_play_games": _mean([trial.games for trial in trials]),
        **{key: _mean([getattr(trial, key) for trial in trials]) for key in averaged},
    }


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _merged(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """The base with what is different, table by table."""
    tables = {
        key: _merged(base[key], value)
        for key, value in change.items()
        if isinstance(value, dict) and isinstance(base.get(key), dict)
    }
    return {**base, **change, **tables}


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


_COLUMNS: dict[str, Callable[[dict[str, Any]], str]] = {
    "variant": lambda row: row["variant"],
    "Elo": lambda row: f"{row['elo']:+.0f} [{row['elo_low']:+.0f}, {row['elo_high']:+.0f}]",
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
