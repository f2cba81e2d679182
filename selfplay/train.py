"""Learning as it is asked for: one imitation, or a run begun, resumed or helped."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from engine.errors import UserError
from engine.games import lasting_name, load
from engine.nets.files import check_writable, info_of, load_start, new_net, save_net
from engine.nets.inference import choose_device, describe_devices
from selfplay.actor import help_run
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
        net, info = expert_stage(context, net, info, stage)
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


def default_config(game: str, start: str | None, device: str, seed: int) -> RunConfig:
    """What `move37 train` does without a configuration: the game's preset if it has one, or else
    imitate if there are games, then play."""
    common = {"game": lasting_name(game), "start": start, "device": device, "seed": seed}
    for name in (load(game).name, load(game).family):
        if name in preset_names():
            return read_preset(name).model_copy(update=common)
    stages: list[dict[str, Any]] = []
    if start is None and shipped_games(load(game)) is not None:
        stages.append({"teacher": "expert", "data": [SHIPPED]})
    stages.append({"teacher": "search"})
    return parse_config({**common, "stages": stages}, "default configuration")


def train_run(
    folder: Path,
    config_path: Path | None,
    preset: str | None,
    start: str | None,
    game_name: str,
    hours: float | None,
    device: str,
    seed: int,
    cluster: bool,
    address: str | None,
    actor: bool,
    reporter: Reporter,
) -> str | None:
    """Begins or resumes a run, or helps it as an actor or a follower of torchrun's first process.

    Gives the last line to print, a follower none. Raises UserError for options that contradict
    each other.
    """
    deadline = time.monotonic() + hours * 3600 if hours else float("inf")
    if address is not None and not cluster:
        raise UserError("--address names a Ray cluster: add --cluster")
    if actor:
        if cluster or config_path or preset or start:
            raise UserError("--actor helps a run that was begun elsewhere: give only RUN and --device")
        done = help_run(folder, device, deadline, reporter)
        return f"run {folder} is complete" if done else f"the time to help run {folder} is over"
    config: RunConfig | None = None
    if config_path is not None and preset is not None:
        raise UserError("--config and --preset both describe the run: give one of them")
    if config_path is not None:
        config = read_config(config_path)
    elif preset is not None:
        config = preset_config(preset, start, device, seed)
    elif not (folder / "config.json").exists():
        config = default_config(game_name, start, device, seed)
    with parallel.together() as leads:
        if not leads:
            parallel.follow(Learner.following)
            return None
        run = Run.open(folder, config, reporter)
        processes = f", {parallel.world()} processes train" if parallel.world() > 1 else ""
        reporter.line(describe_devices(run.device) + processes)
        complete = run.go_on(deadline, Cluster(address) if cluster else None)
    if complete:
        return f"run {folder} is complete: {run.net_of_stage(len(run.config.stages) - 1)}"
    return f"run {folder} stopped in time; go on with: move37 train {folder}"


def preset_config(name: str, start: str | None, device: str, seed: int) -> RunConfig:
    """A preset; with a net to start from, its expert games teach no stage but stay at hand."""
    config = read_preset(name)
    changes: dict[str, Any] = {"seed": seed}
    if device != "auto":
        changes["device"] = device
    if start is not None:
        learners = [stage for stage in config.stages if not isinstance(stage, ExpertStage)]
        games = config.imitated.model_dump(include={"data", "min_rank"}) if config.imitated else {}
        changes["start"] = start
        changes["stages"] = [stage.model_copy(update=games) for stage in learners]
    return config.model_copy(update=changes)
