"""Teacher `expert`: learn the moves that experts played (AlphaGo 2016, the supervised policy)."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from engine.errors import UserError
from engine.game import Game
from engine.nets.inference import Device
from engine.nets.net import Net
from selfplay.learning.checkpoint import Checkpoint
from selfplay.learning.learner import Learner, LearnerSettings, Losses, cooled
from selfplay.learning.replay import Games, make_batch
from selfplay.teachers.accuracy import Accuracy, measure


class ExpertStage(BaseModel):
    """Imitate expert games until the accuracy on held-out games stops rising."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    teacher: Literal["expert"] = "expert"
    data: list[str] = Field(default_factory=list, description="SGF files, folders and archives")
    min_rank: str | None = Field(
        None,
        description="imitate only sides of this rank or rating, where no tag says who is expert",
    )
    held_out: float = Field(0.08, gt=0, lt=0.5, description="share of games kept for testing")
    minutes: float | None = Field(None, gt=0, description="stop after this time at the latest")
    steps: int | None = Field(None, ge=1, description="or after so many steps")
    cooldown: float = Field(
        0.3, ge=0, le=1, description="last share of the time limit, in which the rate falls to 0"
    )
    measure_every: int = Field(200, ge=1, description="steps between two measurements")
    measure_positions: int = Field(
        20_000, ge=1, description="held-out positions of a measurement, at most"
    )
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


class Imitator:
    """Imitation in progress; goes on from its checkpoint when there is one."""

    def __init__(
        self,
        game: Game,
        net: Net,
        stage: ExpertStage,
        device: Device,
        seed: int,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        self.game, self.stage, self.device = game, stage, device
        self.learner = Learner(net, stage.learner, device.torch_device)
        self.seed = seed
        self.checkpoint = checkpoint
        self.best_net = copy.deepcopy(self.learner.averaged)
        self.best = Accuracy(0, -1.0, 0.0, float("nan"))
        self.seconds = 0.0
        self.factor = 1.0  # of the learning rate, after its drops
        self.stale = self.drops = 0
        self._order: tuple[int, np.ndarray] | None = None  # a pass and its shuffled rows
        self._restore()

    def run(
        self,
        train: Games,
        held_out: Games,
        *,
        on_step: Callable[[float], None] = lambda seconds: None,
        on_measure: Callable[[Progress], None] = lambda progress: None,
        deadline: float = float("inf"),
    ) -> Imitation | None:
        """Trains on the taught moves and returns the averaged weights at their best, or None when
        the deadline (time.monotonic) came first: what has been learned is in the checkpoint.

        The learning rate drops when the held-out top-1 accuracy has not risen for `patience`
        measurements; once the last drop no longer helps, it has stopped rising and the stage ends.
        Raises UserError when there is too little to learn from.
        """
        batch_size = self.stage.learner.batch_size
        rows = np.flatnonzero(train.taught)
        if len(rows) < batch_size or not held_out.taught.any():
            raise UserError(
                f"{len(rows)} expert moves in {len(train)} games are too few to learn from: "
                f"need {batch_size} and some held-out games; give more records"
            )
        limit = self.stage.minutes * 60 if self.stage.minutes else float("inf")
        began = time.monotonic() - self.seconds
        recent: list[Losses] = []
        replies = self.stage.learner.reply_weight > 0
        while True:
            spent = max(self.seconds / limit, self.learner.steps / (self.stage.steps or float("inf")))
            self.learner.rate_factor = self.factor * cooled(spent, self.stage.cooldown)
            chosen, symmetries = self._next(rows, batch_size)
            batch = make_batch(self.game, train, chosen, symmetries, 0.0, replies)
            recent.append(self.learner.step(batch))
            self.seconds = time.monotonic() - began
            on_step(self.seconds)
            out_of_time = self.seconds > limit or self.learner.steps == self.stage.steps
            over = time.monotonic() >= deadline
            if self.learner.steps % self.stage.measure_every and not out_of_time:
                if over:
                    self._save()
                    return None
                continue
            most = self.stage.measure_positions
            accuracy = measure(self.learner.averaged, self.game, held_out, self.device.exact, most)
            samples = self.learner.steps * batch_size
            on_measure(
                Progress(
                    self.learner.steps,
                    samples,
                    self.seconds,
                    Losses.mean(recent),
                    accuracy,
                    self.learner.rate_factor,
                )
            )
            recent = []
            risen = self._compare(accuracy)
            if out_of_time or not risen:
                stopped = "limit reached" if out_of_time else "accuracy stopped rising"
                return Imitation(self.best_net, self.best, self.learner.steps, self.seconds, stopped)
            self._save()
            if over:
                return None
            self.seconds = time.monotonic() - began

    def _next(self, rows: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        """The rows [size] and symmetries [size] of the next step: shuffled anew in each pass.

        They depend on the seed and the step alone, so that a resumed stage goes on as it would have.
        """
        passed, index = divmod(self.learner.steps, len(rows) // size)
        if self._order is None or self._order[0] != passed:
            order = np.random.default_rng([self.seed, passed]).permutation(rows)
            self._order = passed, order
        chosen = self._order[1][index * size : (index + 1) * size]
        rng = np.random.default_rng([self.seed, passed, index])
        return chosen, rng.integers(0, self.game.native.symmetries, size)

    def _compare(self, accuracy: Accuracy) -> bool:
        """Keeps the best net and drops the learning rate; False when the accuracy rises no more."""
        if accuracy.top1 > self.best.top1:
            self.best, self.stale = accuracy, 0
            self.best_net = copy.deepcopy(self.learner.averaged)
            return True
        self.stale += 1
        if self.stale < self.stage.patience:
            return True
        self.drops, self.stale = self.drops + 1, 0
        self.factor *= self.stage.drop_factor
        return self.drops <= self.stage.drops

    def _save(self) -> None:
        if self.checkpoint is None:
            return
        best = {f"best.{k}": v.cpu().clone() for k, v in self.best_net.state_dict().items()}
        facts = {
            "best": asdict(self.best),
            "seconds": self.seconds,
            "factor": self.factor,
            "stale": self.stale,
            "drops": self.drops,
        }
        self.checkpoint.save(self.learner.state() | best, facts)

    def _restore(self) -> None:
        saved = self.checkpoint.load() if self.checkpoint else None
        if saved is None:
            return
        tensors, facts = saved
        best = {k.removeprefix("best."): v for k, v in tensors.items() if k.startswith("best.")}
        self.learner.restore({k: v for k, v in tensors.items() if not k.startswith("best.")})
        self.best_net.load_state_dict(best)
        self.best = Accuracy(**facts["best"])
        self.seconds, self.factor = facts["seconds"], facts["factor"]
        self.stale, self.drops = facts["stale"], facts["drops"]
