"""Actors without a cluster: machines that share the run folder help its learner to play.

    machine 1:      move37 train /shared/run
    machine 2 ...:  move37 train /shared/run --actor

An actor plays with the newest net of the run and leaves finished games in the run's inbox, where
the learner takes them up between its own. Either side may be killed, come late or go at any
moment: only games in flight are lost.
"""

from __future__ import annotations

import itertools
import os
import secrets
import socket
import time
from functools import partial
from pathlib import Path

from engine.errors import UserError
from engine.nets.files import load_net
from engine.nets.inference import Device, NetEvaluator, choose_device, describe_devices
from engine.nets.tuning import game_threads
from selfplay.learning.replay import pack_finished
from selfplay.progress import Reporter
from selfplay.run import Run
from selfplay.stages import LATEST, experts_of, inbox_of
from selfplay.teachers.imitation import ExpertStage
from selfplay.teachers.openings import Openings
from selfplay.teachers.sources import IDS_OF_AN_ACTOR, LocalGames
from selfplay.teachers.teacher import Teacher

FILES_OF_AN_ITERATION = 8  # so many files hold the positions that the learner wants at a time
MOST_WAITING = 2 * FILES_OF_AN_ITERATION  # files not taken up: then actors wait for the learner
PATIENCE = 1.0  # seconds between looks at what the learner does


def help_run(folder: Path, device_name: str, deadline: float, report: Reporter) -> bool:
    """Plays for a run until it is complete (then True) or until the deadline (time.monotonic).

    Waits while the learner imitates experts or does not take up what is there. Raises UserError
    when there is no such run or device.
    """
    if not Run.begun(folder):
        raise UserError(
            f"there is no run '{folder}' to help: begin it where it learns, without --actor"
        )
    run, device = Run.open(folder, None, report), choose_device(device_name)
    report.line(f"actor: {describe_devices(device)}")
    while time.monotonic() < deadline:
        index = run.stage_in_progress
        if index is None:
            return True
        stage = run.config.stages[index]
        if isinstance(stage, ExpertStage) or not (folder / LATEST).exists():
            time.sleep(PATIENCE)
        else:
            _help_stage(run, index, stage, device, deadline)
    return False


def _help_stage(run: Run, index: int, stage: Teacher, device: Device, deadline: float) -> None:
    """Plays until the stage or the deadline ends, with whatever net is the newest."""
    context = run.context(index)
    inbox, latest = inbox_of(context), run.folder / LATEST
    experts = experts_of(context, stage)
    openings = Openings(run.game, stage, run.config.seed, experts and experts[0])
    games = LocalGames(openings, device, game_threads(device))
    games.next_id = secrets.randbits(30) * IDS_OF_AN_ACTOR
    name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    wanted = max(1, stage.positions_per_iteration // FILES_OF_AN_ITERATION)
    seen: tuple[int, int] | None = None
    for number in itertools.count(1):
        while run.stage_in_progress == index and len(inbox.waiting()) >= MOST_WAITING:
            time.sleep(PATIENCE)
            if time.monotonic() >= deadline:
                return
        if run.stage_in_progress != index or time.monotonic() >= deadline:
            return
        stat = latest.stat()
        if seen != (stat.st_mtime_ns, stat.st_ino):
            seen = stat.st_mtime_ns, stat.st_ino
            games.pause()
            evaluator = NetEvaluator(load_net(latest, run.game)[0], device, run.game)
        before = games.evaluations
        logs = games.more(evaluator, wanted, partial(run.report.bar, "self-play"))
        inbox.post(f"{name}-{number:06d}", pack_finished(run.game, logs), games.evaluations - before)
