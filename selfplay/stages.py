"""The stages of a run, one function per teacher: reported, measured and described in the net."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from engine.errors import UserError
from engine.game import Game
from engine.inference import cpu_count, torch_threads
from engine.net import Net
from engine.nets import NetInfo, save_net, training_note
from selfplay.arena import Tally
from selfplay.checkpoint import Checkpoint
from selfplay.experts import held_out_mask, read_experts
from selfplay.imitation import ExpertStage, Imitator, Progress
from selfplay.metrics import Metrics
from selfplay.progress import Reporter, clock
from selfplay.reinforcement import Iteration, Reinforcement, SearchStage
from selfplay.replay import Games


@dataclass(frozen=True)
class StageContext:
    """What every stage of a run shares."""

    game: Game
    device: torch.device
    seed: int
    folder: Path
    metrics: Metrics
    report: Reporter


def read_data(game: Game, stage: ExpertStage, report: Reporter) -> tuple[Games, Games]:
    """The expert games of a stage, split by game into those to learn from and those held out."""
    if not stage.data:
        raise UserError("stage 'expert' has no data: name SGF files, folders or archives")
    games, summary = read_experts([Path(p) for p in stage.data], game, min_rank=stage.min_rank)
    report.line(summary.summary())
    held_out = held_out_mask(games, stage.held_out)
    return games.select(~held_out), games.select(held_out)


def expert_stage(
    context: StageContext, net: Net, info: NetInfo, stage: ExpertStage
) -> tuple[Net, NetInfo]:
    """Imitates expert games; the net at its best and its description."""
    report = context.report
    train, held_out = read_data(context.game, stage, report)
    report.line(
        f"imitation: {int(train.taught.sum()):,} expert moves to learn, "
        f"{int(held_out.taught.sum()):,} held out"
    )
    checkpoint = Checkpoint(context.folder / "expert.checkpoint")
    imitator = Imitator(context.game, net, stage, context.device, context.seed, checkpoint)
    limit = (stage.minutes or 0) * 60

    def stepped(seconds: float) -> None:
        share = seconds / limit if limit else 0.0
        report.bar("imitation", share, f"at most {clock(limit - seconds)} left" if limit else "")

    def measured(progress: Progress) -> None:
        context.metrics.write(
            "imitation",
            steps=progress.steps,
            samples=progress.samples,
            seconds=progress.seconds,
            rate=progress.rate_factor,
            **progress.losses,
            **asdict(progress.accuracy),
        )
        report.line(
            f"  {clock(progress.seconds):>12}  {progress.samples:9,} samples  {progress.accuracy}"
        )

    with torch_threads(cpu_count()):
        done = imitator.run(train, held_out, on_step=stepped, on_measure=measured)
    report.line(f"imitation ends ({done.stopped}): {done.accuracy}")
    checkpoint.clear()
    training = training_note(
        teacher="expert",
        games=len(train),
        positions=int(train.taught.sum()),
        steps=done.steps,
        seconds=round(done.seconds),
        stopped=done.stopped,
    )
    strength = {"held_out": asdict(done.accuracy)}
    return done.net, info.model_copy(update={"training": training, "strength": strength})


def search_stage(
    context: StageContext, net: Net, info: NetInfo, stage: SearchStage, deadline: float
) -> tuple[Net, NetInfo] | None:
    """Learns from self-play; None when the deadline (time.monotonic) came before the stage's end.

    The net of the moment is kept as `latest.safetensors` after each iteration.
    """
    report = context.report
    learning = Reinforcement(context.game, net, stage, context.folder, context.device, context.seed)
    if learning.iteration:
        report.line(f"self-play: resumed after iteration {learning.iteration}")
    limit = (stage.minutes or 0) * 60
    matches: dict[str, float] = {}

    def described() -> NetInfo:
        training = training_note(
            teacher="search",
            games=learning.games,
            positions=learning.positions,
            evaluations=learning.evaluations,
            steps=learning.learner.steps,
            seconds=round(learning.seconds),
            visits=stage.search.visits,
            start=info.training,
        )
        strength = {"against_start": dict(matches)} if matches else {}
        return info.model_copy(update={"training": training, "strength": strength})

    def iterated(done: Iteration) -> None:
        facts = asdict(done)
        context.metrics.write("iteration", **facts.pop("losses"), **facts)
        save_net(context.folder / "latest.safetensors", learning.net, described())
        report.line(
            f"  {clock(done.seconds):>12}  iteration {done.number:3d}  {done.games:6,} games  "
            f"{done.positions:9,} positions  policy loss {done.losses['policy']:.3f}  "
            f"value loss {done.losses['value']:.3f}"
        )

    def matched(seconds: float, tally: Tally) -> None:
        matches.update(tally.as_json(), visits=stage.match_search.visits)
        context.metrics.write("match", seconds=seconds, **matches)
        report.line(f"  {clock(seconds):>12}  against the starting net: {tally}")

    def progressed(what: str, share: float) -> None:
        left = f", {clock(max(0.0, limit - learning.elapsed))} left" if limit else ""
        report.bar(what, share, f"iteration {learning.iteration + 1}{left}")

    learning.run(on_iteration=iterated, on_match=matched, on_progress=progressed, deadline=deadline)
    if not learning.finished():
        return None
    learning.checkpoint.clear()
    return learning.net, described()
