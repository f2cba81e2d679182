"""Teacher `search`: play yourself, and learn what the search found (AlphaGo Zero 2017).

Each iteration plays games with the averaged weights, adds them to the replay window and trains a
few passes over what is new. The net in play is replaced without a gate: a match against a fixed
reference, the net the stage began with, shows whether it gets stronger.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field

from engine.game import Game
from engine.inference import NetEvaluator, cpu_count, torch_threads
from engine.net import Net
from engine.position import Position
from mcts import Log, MatchPool, SearchSettings, Start
from selfplay.arena import Tally, default_opening_moves, play_match
from selfplay.checkpoint import Checkpoint
from selfplay.learner import Learner, LearnerSettings, Losses
from selfplay.replay import Games, make_batch


class SearchStage(BaseModel):
    """Learn from one's own games, with the search as teacher."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    teacher: Literal["search"] = "search"
    minutes: float | None = Field(None, gt=0, description="time to learn, matches included")
    iterations: int | None = Field(None, ge=1, description="or a number of iterations")
    search: SearchSettings = SearchSettings(visits=17, root_policy="gumbel", random_symmetry=True)
    parallel_games: int = Field(128, ge=1, description="games played at once, over all threads")
    positions_per_iteration: int = Field(8000, ge=16, description="new positions before training")
    passes: float = Field(3.0, gt=0, description="samples drawn for each new position")
    window: int = Field(40_000, ge=16, description="smallest replay window, in positions")
    window_share: float = Field(0.5, ge=0, le=1, description="window as a share of all positions")
    root_value_weight: float = Field(
        0.4, ge=0, le=1, description="share of the search's value in the value target"
    )
    opening_share: float = Field(
        0.5, ge=0, le=1, description="share of games that begin with random opening moves"
    )
    match_minutes: float = Field(4.0, gt=0, description="time between matches with the reference")
    match_games: int = Field(100, ge=2, description="games of such a match")
    match_search: SearchSettings = SearchSettings(visits=32)
    learner: LearnerSettings = LearnerSettings(learning_rate=1e-3, averaging=0.998)


@dataclass(frozen=True)
class Iteration:
    """What one iteration did; all losses are means over its training steps."""

    number: int
    seconds: float
    games: int
    positions: int
    window: int
    evaluations: int
    self_play_seconds: float
    training_seconds: float
    mean_length: float
    first_player_share: float
    policy_entropy: float
    unique_share: float
    losses: Losses


class Reinforcement:
    """The stage in progress; `run` goes on from wherever the checkpoint stands."""

    def __init__(
        self,
        game: Game,
        reference: Net,
        stage: SearchStage,
        folder: Path,
        device: torch.device,
        seed: int,
    ) -> None:
        self.game, self.stage, self.device, self.seed = game, stage, device, seed
        self.reference = NetEvaluator(reference, device)
        self.learner = Learner(_copy_of(reference), stage.learner, device)
        self.checkpoint = Checkpoint(folder / "search.checkpoint")
        self.shards = folder / "replay"
        self.shards.mkdir(parents=True, exist_ok=True)
        self.rng = np.random.default_rng(seed)
        self.window: list[Games] = []
        self.iteration = self.games = self.positions = self.evaluations = 0
        self.seconds = 0.0
        self._began = time.monotonic()
        self.next_match = stage.match_minutes * 60
        self._restore()
        self.workers = cpu_count() if device.type == "cpu" else 2
        self.pool = MatchPool(
            game.native,
            [stage.search],
            self._starts(),
            parallel_games=stage.parallel_games,
            workers=self.workers,
            record_policies=True,
            seed=seed + self.iteration,
        )

    @property
    def net(self) -> Net:
        """The averaged weights, the ones that play."""
        return self.learner.averaged

    @property
    def elapsed(self) -> float:
        """Seconds the stage has taken, this moment included; `seconds` is as of the last event."""
        return time.monotonic() - self._began

    def finished(self) -> bool:
        """Whether the stage has had its time or its iterations."""
        limit = (self.stage.minutes or float("inf")) * 60
        return self.seconds >= limit or self.iteration >= (self.stage.iterations or float("inf"))

    def run(
        self,
        *,
        on_iteration: Callable[[Iteration], None],
        on_match: Callable[[float, Tally], None],
        on_progress: Callable[[str, float], None] = lambda what, share: None,
        deadline: float = float("inf"),
    ) -> None:
        """Learns until the stage or the deadline (time.monotonic) ends; saved after each iteration."""
        while not self.finished() and time.monotonic() < deadline:
            self._began = time.monotonic() - self.seconds
            on_iteration(self._iterate(on_progress))
            self.seconds = self.elapsed
            if self.seconds >= self.next_match and not self.finished():
                tally = self.match(
                    self.stage.match_search,
                    self.stage.match_games,
                    lambda tally: on_progress("match", tally.games / self.stage.match_games),
                )
                self.seconds = self.elapsed
                self.next_match = self.seconds + self.stage.match_minutes * 60
                on_match(self.seconds, tally)
            self._save()

    def match(self, settings: SearchSettings, games: int, on_game: Callable[[Tally], None]) -> Tally:
        """A match of the present net against the net the stage began with."""

        def tell(tally: Tally) -> bool:
            on_game(tally)
            return True

        evaluators = (NetEvaluator(self.net, self.device), self.reference)
        with torch_threads(1):
            return play_match(
                self.game,
                (settings, settings),
                evaluators,
                games,
                seed=self.seed + 7919 * (self.iteration + 1),
                workers=self.workers,
                on_game=tell,
            )

    def _iterate(self, on_progress: Callable[[str, float], None]) -> Iteration:
        stage = self.stage
        began = time.monotonic()
        evaluations = self.pool.evaluations
        new = self._play(on_progress)
        played = time.monotonic()
        new.save(self.shards / f"{self.iteration:06d}.safetensors")
        self.window.append(new)
        self.games += len(new)
        self.positions += new.positions
        self._trim()
        losses = self._learn(int(new.positions * stage.passes), on_progress)
        trained = time.monotonic()
        self.iteration += 1
        self.evaluations += self.pool.evaluations - evaluations
        policies = np.maximum(new.policies.astype(np.float32), 1e-9)
        lines = {new.actions[a:b].tobytes() for a, b in itertools.pairwise(new.offsets)}
        return Iteration(
            number=self.iteration,
            seconds=self.elapsed,
            games=self.games,
            positions=self.positions,
            window=sum(part.positions for part in self.window),
            evaluations=self.evaluations,
            self_play_seconds=played - began,
            training_seconds=trained - played,
            mean_length=new.positions / len(new),
            first_player_share=float((new.outcomes + 1).mean() / 2),
            policy_entropy=float(-(policies * np.log(policies)).sum(axis=1).mean()),
            unique_share=len(lines) / len(new),
            losses=losses,
        )

    def _play(self, on_progress: Callable[[str, float], None]) -> Games:
        """Self-play until enough new positions are finished."""
        wanted = self.stage.positions_per_iteration
        logs: list[Log] = []
        count = 0

        def collect(log: Log) -> bool:
            nonlocal count
            logs.append(log)
            count += len(log.actions)
            on_progress("self-play", count / wanted)
            return count < wanted

        with torch_threads(1):
            self.pool.play([NetEvaluator(self.net, self.device)], collect)
        return Games.from_logs(self.game, logs)

    def _learn(self, samples: int, on_progress: Callable[[str, float], None]) -> Losses:
        """Trains on samples drawn evenly from the window."""
        size = self.stage.learner.batch_size
        games = Games.join(self.window)
        steps = max(1, samples // size)
        history: list[Losses] = []
        with torch_threads(cpu_count()):
            for step in range(steps):
                rows = self.rng.integers(0, games.positions, size)
                symmetries = self.rng.integers(0, self.game.native.symmetries, size)
                weight = self.stage.root_value_weight
                history.append(
                    self.learner.step(make_batch(self.game, games, rows, symmetries, weight))
                )
                on_progress("training", (step + 1) / steps)
        return Losses({k: float(np.mean([x[k] for x in history])) for k in history[0]})

    def _trim(self) -> None:
        """Forgets the oldest games that the growing window no longer reaches."""
        size = max(self.stage.window, int(self.stage.window_share * self.positions))
        while sum(part.positions for part in self.window[1:]) >= size:
            self.window.pop(0)

    def _starts(self) -> Iterator[Start]:
        """Self-play games: varied rules, and some random opening moves in a share of them."""
        rng = np.random.default_rng([self.seed, self.iteration])
        most = default_opening_moves(self.game)
        for index in itertools.count():
            position = Position(self.game)
            self.game.native.vary(position.state, int(rng.integers(2**62)))
            if rng.random() < self.stage.opening_share:
                for _ in range(int(rng.integers(1, most + 1))):
                    legal = np.flatnonzero(position.legal_mask()[: self.game.board_actions])
                    if len(legal) and not position.over:
                        position.play(int(rng.choice(legal)))
            if not position.over:
                yield Start(index, position.state)

    def _save(self) -> None:
        facts: dict[str, Any] = {
            "iteration": self.iteration,
            "games": self.games,
            "positions": self.positions,
            "evaluations": self.evaluations,
            "seconds": self.seconds,
            "next_match": self.next_match,
            "window": len(self.window),
            "rng": self.rng.bit_generator.state,
        }
        self.checkpoint.save(self.learner.state(), facts)

    def _restore(self) -> None:
        saved = self.checkpoint.load()
        if saved is None:
            return
        tensors, facts = saved
        self.learner.restore(tensors)
        self.iteration, self.games = facts["iteration"], facts["games"]
        self.positions, self.evaluations = facts["positions"], facts["evaluations"]
        self.seconds, self.next_match = facts["seconds"], facts["next_match"]
        self.rng.bit_generator.state = facts["rng"]
        for number in range(self.iteration - facts["window"], self.iteration):
            self.window.append(Games.load(self.shards / f"{number:06d}.safetensors"))


def _copy_of(net: Net) -> Net:
    twin = Net(net.config)
    twin.load_state_dict(net.state_dict())
    return twin
