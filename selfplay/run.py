"""A run folder: its stages from the first to the last, resumed wherever they were stopped.

config.json          the configuration as used
versions.json        what it was made with
metrics.jsonl        one line per event, also as TensorBoard events in tensorboard/
nets/NN-TEACHER.safetensors   the net of each stage
latest.safetensors   the net in training, after each iteration of self-play
experts/             the expert games as they were read
actors/NN-TEACHER/   games of actors, not yet taken up
replay/NN-TEACHER/   self-play games by iteration, as far as the replay window reaches
NN-TEACHER.checkpoint   where the unfinished stage stands
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import platform
import shutil
import subprocess
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.errors import UserError
from engine.files import is_half_written, write_whole
from engine.game import Game
from engine.games import load
from engine.nets.files import NetInfo, info_of, load_net, load_start, new_net, save_net
from engine.nets.inference import choose_device
from engine.nets.net import Net
from selfplay.config import RunConfig, Stage, parse_config
from selfplay.metrics import Metrics
from selfplay.progress import Reporter
from selfplay.stages import ACTORS, StageContext, expert_stage, self_play_stage
from selfplay.teachers.cluster import Cluster
from selfplay.teachers.imitation import ExpertStage

CONFIG = "config.json"
LEARNED = ("metrics.jsonl", "replay")  # are there as soon as anything was learned or played


class Run:
    """The stages of one run folder."""

    def __init__(self, folder: Path, config: RunConfig, reporter: Reporter) -> None:
        self.folder, self.config, self.report = folder, config, reporter
        self.game: Game = load(config.game)
        self.device = choose_device(config.device)
        self.metrics = Metrics(folder)

    @staticmethod
    def open(folder: Path, config: RunConfig | None, reporter: Reporter) -> Run:
        """Opens a run folder, or makes it from a configuration; one in which nothing was learned yet
        takes another configuration.

        Raises UserError when it does not exist and no configuration is given, when it exists with a
        different one, or when it cannot be written.
        """
        path = folder / CONFIG
        if Run.begun(folder):
            stored = parse_config(json.loads(path.read_text()), str(path))
            if config is None or config == stored:
                return Run(folder, stored, reporter)
            if any((folder / name).exists() for name in LEARNED):
                raise UserError(
                    f"run '{folder}' was begun with another configuration: go on with that one, or "
                    "choose a new folder"
                )
        if config is None:
            raise UserError(f"there is no run '{folder}': give --config or --start to begin one")
        run = Run(folder, config, reporter)
        run.check_nets()  # before anything is written
        try:
            (folder / "nets").mkdir(parents=True, exist_ok=True)
            write_json(folder / "versions.json", _versions())
            write_json(path, config.model_dump())
        except OSError as error:
            raise UserError(f"cannot write the run folder '{folder}': {error}") from error
        stages = ", ".join(stage.teacher for stage in config.stages)
        shape = f"a new net of {config.net.blocks} x {config.net.channels}"
        start = f"'{config.start}'" if config.start else shape
        reporter.line(f"a new run in '{folder}': {config.game}, {stages}, from {start} on")
        return run

    @staticmethod
    def begun(folder: Path) -> bool:
        """Whether the folder holds a run."""
        return (folder / CONFIG).exists()

    def check_nets(self) -> None:
        """Raises UserError when a net that the configuration names is not there or does not fit."""
        if self.config.start is not None:
            load_start(self.config.start, self.game)
        if self.config.reference is not None:
            load_net(self.config.reference, self.game)

    def check(self, options: dict[str, Any]) -> None:
        """Raises UserError when an option says otherwise than the run was begun."""
        for name, value in options.items():
            begun = getattr(self.config, name)
            if begun != value:
                raise UserError(
                    f"run '{self.folder}' was begun with {name} {begun!r}, not {value!r}: "
                    f"leave out --{name}, or choose a new folder"
                )

    def net_of_stage(self, index: int) -> Path:
        """Where the net of a stage is kept."""
        name = stage_name(index, self.config.stages[index])
        return self.folder / "nets" / f"{name}.safetensors"

    @property
    def complete(self) -> bool:
        """Whether every stage has its net."""
        return self.stage_in_progress is None

    @property
    def stage_in_progress(self) -> int | None:
        """The first stage that has no net yet; None when the run is complete."""
        indices = range(len(self.config.stages))
        return next((i for i in indices if not self.net_of_stage(i).exists()), None)

    def context(self, index: int, cluster: Cluster | None = None) -> StageContext:
        """What a stage needs to know."""
        return StageContext(
            game=self.game,
            device=self.device,
            seed=self.config.seed,
            folder=self.folder,
            metrics=self.metrics,
            report=self.report,
            name=stage_name(index, self.config.stages[index]),
            game_name=self.config.game,
            imitated=self.config.imitated,
            reference=self.config.reference,
            cluster=cluster,
        )

    def go_on(self, deadline: float = float("inf"), cluster: Cluster | None = None) -> bool:
        """Runs what is left until the deadline (time.monotonic); True when the run is complete.

        With a cluster, its nodes play the games of self-play.

        Raises UserError on bad data and when another process works on the run, and OSError with
        everything finished kept, e.g. on a full disk.
        """
        with alone(self.folder):
            return self._go_on(deadline, cluster)

    def _go_on(self, deadline: float, cluster: Cluster | None) -> bool:
        net, info = self._starting_net()
        for index, stage in enumerate(self.config.stages):
            path = self.net_of_stage(index)
            context = self.context(index, cluster)
            if path.exists():
                net, info = load_net(path, self.game)
                context.checkpoint.clear()  # a kill may have come between the two
                continue
            if time.monotonic() >= deadline:
                return False
            if isinstance(stage, ExpertStage):
                outcome = expert_stage(context, net, info, stage, deadline)
            else:
                outcome = self_play_stage(context, net, info, stage, deadline)
            if outcome is None:
                return False
            net, info = outcome
            save_net(path, net, info)
            context.checkpoint.clear()
        shutil.rmtree(self.folder / ACTORS, ignore_errors=True)
        return True

    def _starting_net(self) -> tuple[Net, NetInfo]:
        config = self.config
        if config.start is not None:
            return load_start(config.start, self.game)
        net = new_net(self.game, config.net.blocks, config.net.channels, config.seed)
        return net, info_of(net, self.game)


def stage_name(index: int, stage: Stage) -> str:
    """The number of a stage and its teacher, such as `01-expert`."""
    return f"{index + 1:02d}-{stage.teacher}"


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keeps other processes out of a run folder, and removes what a killed one left half-written.

    Raises UserError when another process is at work there.
    """
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UserError(f"run '{folder}' is at work in another process: wait or stop it") from error
        actors = folder / ACTORS  # who are at work meanwhile
        for path in folder.rglob(".*"):
            if is_half_written(path) and not path.is_relative_to(actors):
                path.unlink(missing_ok=True)
        yield


def write_json(path: Path, value: Any) -> None:
    """Writes a JSON file, whole or not at all."""
    write_whole(path, (json.dumps(value, indent=2) + "\n").encode())


def _versions() -> dict[str, str]:
    """What a run was made with."""
    try:
        commit = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        commit = "unknown"
    return {
        "move37": version("move37"),
        "commit": commit,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "machine": platform.platform(),
    }
