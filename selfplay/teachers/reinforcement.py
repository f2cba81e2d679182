"""Learning from one's own games, whoever the teacher is (see selfplay/teachers/teacher.py).

Each iteration plays games with the averaged weights, adds them to the replay window and trains on
samples of it. The net in play is replaced without a gate: a match against a fixed reference,
by default the net the stage began with, shows whether it gets stronger.

Resuming is exact: an iteration is a function of the seed, its number, the net and the games left
unfinished by the one before, and the checkpoint holds all of these. (With several threads the
operating system decides which games end first, so two runs of the same seed still differ.)
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.errors import UserError
from engine.game import Game
from engine.nets.inference import Device, NetEvaluator, cpu_count, torch_threads
from engine.nets.net import Net
from engine.nets.tuning import game_threads
from engine.position import Position
from mcts import Log, SearchSettings
from selfplay.learning.checkpoint import Checkpoint
from selfplay.learning.learner import Anchor, Learner, Losses, cooled
from selfplay.learning.replay import Batch, Games, draw_rows, make_batch, pack_logs, unpack_logs
from selfplay.rating.arena import Tally, play_match
from selfplay.teachers.sources import GameSource
from selfplay.teachers.teacher import Teacher, window_size


@dataclass(frozen=True)
class Iteration:
    """What one iteration did; None where it cannot be said.

    games, positions, evaluations   since the stage began; the rest is of this iteration
    window, replay_age              positions to learn from; their mean age in iterations
    first_player_share, draw_share  points of the first player and draws, of all games
    unique_share                    games that no other game of the iteration repeats
    value_correlation               of the searches' values with the results, over positions
    surprise                        mean divergence of the search's policy from the net's, in nats
    resigned_share                  games given up; wrong_resignations: of those that were played
                                    on after one, the share that the resigner did not lose
    first_moves                     how often each action opened a game, by action
    losses                          means over the training steps
    """

    number: int
    seconds: float
    games: int
    positions: int
    evaluations: int
    self_play_seconds: float
    training_seconds: float
    window: int
    replay_age: float
    expert_share: float
    mean_length: float
    first_player_share: float
    draw_share: float
    unique_share: float
    value_correlation: float | None
    surprise: float | None
    resigned_share: float
    wrong_resignations: float | None
    first_moves: dict[str, int]
    losses: Losses


class Reinforcement:
    """The stage in progress; `run` goes on from wherever the checkpoint stands."""

    def __init__(
        self,
        game: Game,
        start: Net,
        reference: Net,
        stage: Teacher,
        checkpoint: Checkpoint,
        shards: Path,
        device: Device,
        seed: int,
        source: GameSource,
        experts: Games | None = None,
    ) -> None:
        """`start` is the net to improve, `reference` the rival in matches; `shards` is the folder of
        the replay, `experts` are the games that the stage mixes in."""
        self.game, self.stage, self.device, self.seed = game, stage, device, seed
        if experts is None and (stage.expert_positions or stage.expert_openings):
            raise UserError("expert_positions and expert_openings need expert games: give `data`")
        self.source, self.experts = source, experts
        self.reference = NetEvaluator(reference, device, game)
        self.learner = Learner(_copy_of(start), stage.learner, device.torch_device)
        self.checkpoint, self.shards = checkpoint, shards
        shards.mkdir(parents=True, exist_ok=True)
        self.window: list[Games] = []
        self.played: dict[str, Any] | None = None  # of the iteration whose games are not yet learned
        self.iteration = self.games = self.positions = 0
        self.seconds = 0.0
        self._began = time.monotonic()
        self.next_match = stage.match_minutes * 60
        self._restore()

    @property
    def net(self) -> Net:
        """The averaged weights, the ones that play."""
        return self.learner.averaged

    @property
    def elapsed(self) -> float:
        """Seconds the stage has taken, this moment included; `seconds` is as of the last event."""
        return time.monotonic() - self._began

    def finished(self) -> bool:
        """Whether the stage has had its time, its iterations or its evaluations."""
        return self.spent >= 1

    @property
    def spent(self) -> float:
        """The share of its limits that the stage has used, as of the last event."""
        stage, endless = self.stage, float("inf")
        return max(
            self.seconds / (60 * (stage.minutes or endless)),
            self.iteration / (stage.iterations or endless),
            self.source.evaluations / (stage.evaluations or endless),
        )

    def run(
        self,
        *,
        on_iteration: Callable[[Iteration], None],
        on_match: Callable[[float, Tally], None],
        on_progress: Callable[[str, float], None] = lambda what, share: None,
        deadline: float = float("inf"),
    ) -> None:
        """Learns until the stage or the deadline (time.monotonic) ends. Saved when the games of an
        iteration are played, and when they are learned.

        Raises FloatingPointError when the loss is no longer finite; the last checkpoint stands.
        """
        while (self.played or not self.finished()) and time.monotonic() < deadline:
            self._began = time.monotonic() - self.seconds
            on_iteration(self._iterate(on_progress))
            self.seconds = self.elapsed
            due = self.finished() or self.seconds >= self.next_match
            if due and self.stage.match_games:
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
        """A match of the present net against the reference."""

        def tell(tally: Tally) -> bool:
            on_game(tally)
            return True

        evaluators = (NetEvaluator(self.net, self.device, self.game), self.reference)
        with torch_threads(1):
            return play_match(
                self.game,
                (settings, settings),
                evaluators,
                games,
                seed=self.seed + 7919 * (self.iteration + 1),
                workers=game_threads(self.device),
                on_game=tell,
            )

    def _iterate(self, on_progress: Callable[[str, float], None]) -> Iteration:
        if self.played is None:
            self.played = self._play(on_progress)
            self.seconds = self.elapsed
            self._save()
        began, played = time.monotonic(), self.played
        share = self._expert_share()
        samples = int(self.window[-1].taught.sum() * self.stage.passes)
        losses = self._learn(samples, share, on_progress)
        self.iteration, self.played = self.iteration + 1, None
        sizes = [part.positions for part in self.window]
        return Iteration(
            number=self.iteration,
            seconds=self.elapsed,
            games=self.games,
            positions=self.positions,
            evaluations=self.source.evaluations,
            training_seconds=time.monotonic() - began,
            window=sum(sizes),
            replay_age=float(np.average(np.arange(len(sizes))[::-1], weights=sizes)),
            expert_share=share,
            losses=losses,
            **played,
        )

    def _play(self, on_progress: Callable[[str, float], None]) -> dict[str, Any]:
        """Adds new games to the window; what is to be said of them, as `Iteration` has it."""
        began = time.monotonic()
        logs = self.source.play(
            self.net,
            self.stage.positions_per_iteration,
            lambda share: on_progress("self-play", share),
        )
        seconds = time.monotonic() - began
        new = Games.from_logs(self.game, logs, [self.stage.lesson(log) for log in logs])
        new.save(self._shard(self.iteration))
        self.window.append(new)
        self.games += len(new)
        self.positions += new.positions
        self._trim()
        return {"self_play_seconds": seconds, **_describe(self.game, logs)}

    def _learn(
        self, samples: int, expert_share: float, on_progress: Callable[[str, float], None]
    ) -> Losses:
        """Trains on samples of the window, and on expert moves with their share of each batch."""
        rng = np.random.default_rng([self.seed, _LEARNING, self.iteration])
        size = self.stage.learner.batch_size
        own = Games.join(self.window)
        from_experts = round(size * expert_share)
        steps = max(1, samples // size)
        history: list[Losses] = []
        self.learner.rate_factor = cooled(self.spent, self.stage.cooldown)
        anchor = Anchor(self.learner) if self.stage.bounds_updates else None
        with torch_threads(cpu_count()):
            for step in range(steps):
                batch = self._samples(own, size - from_experts, self.stage.root_value_weight, rng)
                if anchor is not None:
                    batch = anchor.bound(batch)
                if self.experts is not None and from_experts:
                    taught = self._samples(self.experts, from_experts, 0.0, rng)
                    batch = Batch.join([batch, taught])
                history.append(self.learner.step(batch))
                on_progress("training", (step + 1) / steps)
        return Losses.mean(history)

    def _samples(
        self, games: Games, count: int, root_value_weight: float, rng: np.random.Generator
    ) -> Batch:
        rows = draw_rows(games.weights, count, rng)
        symmetries = rng.integers(0, self.game.native.symmetries, count)
        replies = self.stage.learner.reply_weight > 0
        return make_batch(self.game, games, rows, symmetries, root_value_weight, replies)

    def _expert_share(self) -> float:
        """The share of expert moves in a batch: their positions count beside those of the window."""
        own = sum(int(part.taught.sum()) for part in self.window)
        return self.stage.expert_positions / max(1, self.stage.expert_positions + own)

    def _trim(self) -> None:
        """Forgets the oldest games that the growing window no longer reaches."""
        stage = self.stage
        size = window_size(self.positions, stage.window, stage.window_exponent, stage.window_slope)
        while sum(part.positions for part in self.window[1:]) >= size:
            self.window.pop(0)

    # --- On disk ----------------------------------------------------------------------------

    def _shard(self, number: int) -> Path:
        return self.shards / f"{number:06d}.safetensors"

    def _save(self) -> None:
        facts: dict[str, Any] = {
            "iteration": self.iteration,
            "games": self.games,
            "positions": self.positions,
            "evaluations": self.source.evaluations,
            "next_id": self.source.next_id,
            "taken": self.source.taken,
            "seconds": self.seconds,
            "next_match": self.next_match,
            "window": len(self.window),
            "played": self.played,
        }
        packed = pack_logs(self.game, self.source.unfinished)
        logs = {f"unfinished.{name}": torch.from_numpy(array) for name, array in packed.items()}
        self.checkpoint.save(self.learner.state() | logs, facts)
        self.source.saved()
        self._remove_old_shards()

    def _restore(self) -> None:
        saved = self.checkpoint.load()
        if saved is not None:
            tensors, facts = saved
            logs = {k: v.numpy() for k, v in tensors.items() if k.startswith("unfinished.")}
            packed = {k.removeprefix("unfinished."): v for k, v in logs.items()}
            self.source.unfinished = unpack_logs(packed)
            self.learner.restore({k: v for k, v in tensors.items() if k not in logs})
            self.iteration, self.games = facts["iteration"], facts["games"]
            self.positions, self.source.evaluations = facts["positions"], facts["evaluations"]
            self.source.next_id = facts["next_id"]
            self.source.taken += facts.get("taken", [])  # of older runs: not known
            self.source.saved()  # a kill may have come before it
            self.seconds, self.next_match = facts["seconds"], facts["next_match"]
            self.played = facts.get("played")
            for number in self._numbers(facts["window"]):
                self.window.append(Games.load(self._shard(number)))
        self._remove_old_shards()

    def _numbers(self, window: int) -> range:
        """The numbers of the iterations in a window of so many."""
        end = self.iteration + (self.played is not None)
        return range(end - window, end)

    def _remove_old_shards(self) -> None:
        """Removes what no checkpoint will ask for again."""
        needed = {self._shard(number) for number in self._numbers(len(self.window))}
        for path in set(self.shards.iterdir()) - needed:
            path.unlink(missing_ok=True)


_LEARNING = 2  # an independent stream of random numbers, as that of the openings


def _describe(game: Game, logs: list[Log]) -> dict[str, Any]:
    """The facts of an iteration that its finished games tell."""
    outcomes = np.array([log.outcome for log in logs])
    lengths = np.array([len(log.actions) for log in logs])
    lines = {log.start.tobytes() + log.actions.tobytes() for log in logs}
    surprises = np.concatenate([log.surprises[log.full[: len(log.surprises)] > 0] for log in logs])
    values = np.concatenate([log.root_values for log in logs])
    results = np.repeat(outcomes, lengths)
    varied = len(values) > 1 and values.std() > 0 and results.std() > 0
    played_on = [log for log in logs if log.resigner >= 0 and not log.resigned]
    not_lost = [log.outcome * (1 - 2 * log.resigner) >= 0 for log in played_on]
    initial = Position(game).position_hash
    opened = [
        log.actions[0]
        for log in logs
        if len(log.actions) and game.native.position_hash(log.start) == initial
    ]
    return {
        "mean_length": float(lengths.mean()),
        "first_player_share": float((outcomes + 1).mean() / 2),
        "draw_share": float((outcomes == 0).mean()),
        "unique_share": len(lines) / len(logs),
        "value_correlation": float(np.corrcoef(values, results)[0, 1]) if varied else None,
        "surprise": float(surprises.mean()) if len(surprises) else None,
        "resigned_share": float(np.mean([log.resigned for log in logs])),
        "wrong_resignations": float(np.mean(not_lost)) if played_on else None,
        "first_moves": {str(action): count for action, count in sorted(Counter(opened).items())},
    }


def _copy_of(net: Net) -> Net:
    twin = Net(net.config)
    twin.load_state_dict(net.state_dict())
    return twin
