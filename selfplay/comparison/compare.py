"""`move37 compare`: variants of one stage of learning, on equal terms.

A comparison is a TOML file, as `plan` describes it. Every variant starts from the same net and gets as
many net evaluations; what it made of them says a match against that net, with paired colours and varied
openings.

OUT/start.safetensors        the net that all start from
OUT/VARIANT/seed-N/          a run, whose last event is its match: `move37 report` shows it
OUT/comparison.png, .md      the results so far
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from engine.errors import UserError
from engine.game import Game
from engine.games import load
from engine.nets.files import info_of, load_net, load_start, new_net, save_net
from selfplay.comparison.plan import ComparisonConfig, MatchPlan
from selfplay.comparison.results import Comparison, Trial, mean
from selfplay.progress import Reporter
from selfplay.rating.match import net_match
from selfplay.reports.charts import of_kind
from selfplay.run import Run, alone
from selfplay.teachers.imitation import ExpertStage


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
    alone = config.policy_match
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
        resigned_share=mean([row.get("resigned_share") for row in events]),
        wrong_resignations=mean([row.get("wrong_resignations") for row in events]),
        match=_match(config.match, run, start, report),
        policy_match=_match(alone, run, start, report) if alone else None,
    )


def _match(plan: MatchPlan, run: Run, start: Path, report: Reporter) -> dict[str, Any]:
    """A match of a run's net against the starting net, kept among the run's events."""
    for row in of_kind(run.metrics.read(), "final"):
        if row["plan"] == plan.model_dump():
            return row
    visits = f"{plan.visits} visit{'s' if plan.visits > 1 else ''}"
    report.line(f"  the match against the starting net: {plan.games} games at {visits}")
    until = time.monotonic() + 60 * plan.minutes if plan.minutes else float("inf")
    nets, seed = (run.net_of_stage(0), start), run.config.seed
    tally = net_match(run.game, run.device, nets, plan.visits, plan.games, seed, report, until)
    report.line(f"  {tally}")
    run.metrics.write("final", plan=plan.model_dump(), **tally.as_json())
    return tally.as_json()
