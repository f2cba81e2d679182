"""Teacher `expert`: learn the moves that experts played (AlphaGo 2016, the supervised policy)."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field

from engine.errors import UserError
from engine.game import Game
from engine.net import Net
from selfplay.accuracy import Accuracy, measure
from selfplay.learner import Learner, LearnerSettings, Losses
from selfplay.replay import Games, make_batch


class ExpertStage(BaseModel):
    """Imitate expert games until the accuracy on held-out games stops rising."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    teacher: Literal["expert"] = "expert"
    data: list[str] = Field(default_factory=list, description="SGF files, folders and archives")
    min_rank: str | None = Field(
        None, description="imitate only sides of this rank or rating, where no tag says who is expert"
    )
    held_out: float = Field(0.08, gt=0, lt=0.5, description="share of games kept for testing")
    minutes: float | None = Field(None, gt=0, description="stop after this time at the latest")
    cooldown: float = Field(
        0.3, ge=0, le=1, description="last share of the time limit, in which the rate falls to 0"
    )
    measure_every: int = Field(200, ge=1, description="steps between two measurements")
    patience: int = Field(
        3, ge=1, description="measurements without a gain before the learning rate drops"
    )
    drops: int = Field(2, ge=0, description="drops of the learning rate before the stage ends")
    drop_factor: float = Field(0.3, gt=0, lt=1, description="what a drop multiplies it by")
    learner: LearnerSettings = LearnerSettings()


@dataclass(frozen=True)
class Progress:
    """A measurement during imitation."""

    steps: int
    samples: int
    seconds: float
    losses: Losses
    accuracy: Accuracy
    rate_factor: float


@dataclass(frozen=True)
class Imitation:
    """The result of imitation: the net at its best measurement."""

    net: Net
    accuracy: Accuracy
    steps: int
    seconds: float
    stopped: str


def imitate(
    game: Game,
    net: Net,
    train: Games,
    held_out: Games,
    stage: ExpertStage,
    device: torch.device,
    seed: int,
    *,
    on_step: Callable[[float], None] = lambda share: None,
    on_measure: Callable[[Progress], None] = lambda progress: None,
) -> Imitation:
    """Trains a net on the taught moves and returns its averaged weights at their best.

    `on_step` hears the share of the time limit used (0 without a limit). The learning rate drops
    when the held-out top-1 accuracy has not risen for `patience` measurements; after the last drop
    has stopped helping, it has stopped rising and the stage ends.
    """
    rows = np.flatnonzero(train.taught)
    if len(rows) < stage.learner.batch_size or not held_out.taught.any():
        raise UserError(
            f"{len(rows)} expert moves in {len(train)} games are too few to learn from: "
            f"need {stage.learner.batch_size} and some held-out games; give more records"
        )
    learner = Learner(net, stage.learner, device)
    rng = np.random.default_rng(seed)
    order = rng.permutation(rows)
    position = 0
    best, best_net, best_accuracy = -1.0, learner.averaged, Accuracy(0, 0.0, 0.0, float("nan"))
    factor, stale, drops, stopped = 1.0, 0, 0, "accuracy stopped rising"
    recent: list[Losses] = []
    began = time.monotonic()
    limit = stage.minutes * 60 if stage.minutes else float("inf")

    while True:
        if position + stage.learner.batch_size > len(order):
            order, position = rng.permutation(rows), 0
        chosen = order[position : position + stage.learner.batch_size]
        position += len(chosen)
        left = 1 - (time.monotonic() - began) / limit
        learner.rate_factor = factor * min(1.0, max(0.02, left / stage.cooldown if stage.cooldown else 1.0))
        symmetries = rng.integers(0, game.native.symmetries, len(chosen))
        recent.append(learner.step(make_batch(game, train, chosen, symmetries, 0.0)))
        seconds = time.monotonic() - began
        on_step(seconds / limit)
        out_of_time = seconds > limit
        if learner.steps % stage.measure_every and not out_of_time:
            continue

        accuracy = measure(learner.averaged, game, held_out, device)
        mean = Losses({k: float(np.mean([x[k] for x in recent])) for k in recent[0]})
        samples = learner.steps * stage.learner.batch_size
        on_measure(
            Progress(learner.steps, samples, seconds, mean, accuracy, learner.rate_factor)
        )
        recent = []
        if accuracy.top1 > best:
            best, best_accuracy, stale = accuracy.top1, accuracy, 0
            best_net = copy.deepcopy(learner.averaged)
        else:
            stale += 1
        if out_of_time:
            stopped = "time limit"
            break
        if stale >= stage.patience:
            if drops == stage.drops:
                break
            drops, stale = drops + 1, 0
            factor *= stage.drop_factor
    seconds = time.monotonic() - began
    return Imitation(best_net, best_accuracy, learner.steps, seconds, stopped)
