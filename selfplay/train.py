"""Learning as it is asked for: one imitation, or a run begun or resumed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.errors import UserError
from engine.games import lasting_name, load
from engine.nets.files import check_writable, info_of, load_start, new_net, save_net
from engine.nets.inference import choose_device, describe_devices
from selfplay.config import RunConfig, parse_config, preset_names, read_config, read_preset
from selfplay.learning import parallel
from selfplay.learning.learner import Learner
from selfplay.metrics import Metrics
from selfplay.progress import Reporter
from selfplay.run import Run
from selfplay.stages import SHIPPED, StageContext, expert_stage, shipped_games
from selfplay.teachers.cluster import Cluster
from selfplay.teachers.imitation import ExpertStage


def imitate_files(
    paths: list[Path],
    out: Path,
    game_name: str,
    start: str | None,
    blocks: int,
    channels: int,
    min_rank: str | None,
    minutes: float | None,
    device_name: str,
    seed: int,
    reporter: Reporter,
) -> dict[str, Any]:
    """Imitates records and writes the net; the values that `move37 imitate --json` prints."""
    game, device = load(game_name), choose_device(device_name)
    check_writable(out)
    if start:
        net, info = load_start(start, game)
    else:
        net = new_net(game, blocks, channels, seed)
        info = info_of(net, game)
    stage = ExpertStage(data=[str(path) for path in paths], min_rank=min_rank, minutes=minutes)
    with tempfile.TemporaryDirectory(prefix="move37-") as folder:
        metrics = Metrics(Path(folder), board=False)
        context = StageContext(game, device, seed, Path(folder), metrics, reporter)
        outcome = expert_stage(context, net, info, stage)
        assert outcome is not None, "without a deadline it comes to its end"
        net, info = outcome
    save_net(out, net, info)
    held_out = info.strength["held_out"]
    return {
        "train_positions": info.training["positions"],
        "heldout_positions": held_out["positions"],
        "top1": held_out["top1"],
        "top5": held_out["top5"],
        "value_mse": held_out["value_mse"],
        "seconds": info.training["seconds"],
    }


def default_config(game: str) -> RunConfig:
    """What `move37 train` does without a configuration: the game's preset if it has one, or else
    imitate if there are games, then play."""
    for name in (load(game).name, load(game).family):
        if name in preset_names():
            return read_preset(name)
    stages: list[dict[str, Any]] = []
    if shipped_games(load(game)) is not None:
        stages.append({"teacher": "expert", "data": [SHIPPED]})
    stages.append({"teacher": "search"})
    return parse_config({"game": lasting_name(game), "stages": stages}, "default configuration")


def with_options(config: RunConfig, options: dict[str, Any]) -> RunConfig:
    """The configuration with the options of the command line, which are keys of it.

    With a net to start from, the expert games teach no stage before self-play but stay at hand.
    """
    changes = dict(options)
    learners = [stage for stage in config.stages if not isinstance(stage, ExpertStage)]
    if "start" in options and learners and config.imitated:
        games = config.imitated.model_dump(include={"data", "min_rank"})
        changes["stages"] = [
            stage if stage.data else stage.model_copy(update=games) for stage in learners
        ]
    return config.model_copy(update=changes)


def asked_run(
    folder: Path, config_path: Path | None, preset: str | None, options: dict[str, Any]
) -> RunConfig | None:
    """The run that a command line describes, or None where it only names one begun before.

    `options` are what it says of game, start, device and seed; they change the configuration.
    """
    if config_path is not None and preset is not None:
        raise UserError("--config and --preset both describe the run: give one of them")
    if config_path is not None:
        return with_options(read_config(config_path), options)
    if preset is not None:
        return with_options(read_preset(preset), options)
    if Run.begun(folder):
        return None
    return with_options(default_config(options.get("game", "go9")), options)


def train_run(
    folder: Path,
    config: RunConfig | None,
    options: dict[str, Any],
    deadline: float,
    join: Callable[[], Cluster] | None,
    reporter: Reporter,
) -> dict[str, Any] | None:
    """Begins or resumes a run until it is complete or until the deadline (time.monotonic).

    `join` joins the cluster that plays; without it this machine does. Gives what `move37 train
    --json` prints, or nothing in a process that follows torchrun's first one. Raises UserError for
    options or a configuration that contradict the run as it was begun.
    """
    with parallel.together() as leads:
        if not leads:
            parallel.follow(Learner.following)
            return None
        run = Run.open(folder, config, reporter)
        run.check(options)
        processes = f", {parallel.world()} processes train" if parallel.world() > 1 else ""
        reporter.line(describe_devices(run.device) + processes)
        complete = run.go_on(deadline, join() if join else None)
    net = run.net_of_stage(len(run.config.stages) - 1) if complete else None
    return {"run": str(folder), "complete": complete, "net": net and str(net)}


def in_words(outcome: dict[str, Any]) -> str:
    """What became of a run, and how to go on."""
    run, net = outcome["run"], outcome["net"]
    if net:
        return f"run {run} is complete: {net}\nto learn on from it: move37 train ANOTHER --start {net}"
    if outcome["complete"]:
        return f"run {run} is complete"
    return f"the time for run {run} is over; go on with the same command"
