"""The stages of a run: the teachers at work, reported, measured and described in the net."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from engine.errors import UserError
from engine.game import Game
from engine.nets.files import NetInfo, load_net, save_net, training_note
from engine.nets.inference import Device, cpu_count, torch_threads
from engine.nets.net import Net, NetConfig
from engine.nets.tuning import game_threads
from selfplay.health import examine
from selfplay.learning.checkpoint import Checkpoint
from selfplay.learning.learner import Losses
from selfplay.learning.replay import Games
from selfplay.metrics import Metrics
from selfplay.progress import Reporter, clock
from selfplay.rating.arena import Tally
from selfplay.teachers.accuracy import measure
from selfplay.teachers.cluster import Cluster, ClusterGames, Job
from selfplay.teachers.experts import held_out_mask, read_experts
from selfplay.teachers.imitation import ExpertStage, Imitator, Progress
from selfplay.teachers.inbox import Inbox
from selfplay.teachers.openings import Openings
from selfplay.teachers.reinforcement import Iteration, Reinforcement
from selfplay.teachers.sources import GameSource, LocalGames
from selfplay.teachers.teacher import Teacher

SHIPPED = "shipped"  # names the expert games that come with move37
SHIPPED_GAMES = Path(__file__).parent / "data"
LATEST = "latest.safetensors"  # the net in training, in the run folder
ACTORS = "actors"  # where the inboxes of the stages are
EVENT_KEYS = {"event", "time", "stage"}
BESIDE_A_MATCH = {"number", "evaluations", "seconds", "expert_top1"}  # in its event
HELD_OUT = 0.08  # share of a self-play stage's own expert games to measure its accuracy on


@dataclass(frozen=True)
class StageContext:
    """What every stage of a run shares, and which one this is."""

    game: Game
    device: Device
    seed: int
    folder: Path
    metrics: Metrics
    report: Reporter
    name: str = "01-expert"
    game_name: str = ""  # as the run's configuration has it
    imitated: ExpertStage | None = None  # the run's last expert stage
    reference: str | None = None  # the net of the matches; else the one a stage begins with
    cluster: Cluster | None = None  # that plays; else this machine does

    @property
    def checkpoint(self) -> Checkpoint:
        """Where the stage stands."""
        return Checkpoint(self.folder / f"{self.name}.checkpoint")

    def write(self, event: str, number: int, **facts: Any) -> None:
        """An event of this stage, at its `number`-th step or iteration."""
        self.metrics.write(event, stage=self.name, number=number, **facts)

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The events of that kind that this stage has written."""
        rows = self.metrics.read()
        return [row for row in rows if row["event"] == kind and row.get("stage") == self.name]

    def rewind(self, number: int) -> None:
        """Forgets the events of this stage after `number`, which are about to happen again."""
        self.metrics.rewind(lambda row: row.get("stage") != self.name or row["number"] <= number)


def shipped_games(game: Game) -> Path | None:
    """The expert games that come with move37 for a game, or None."""
    return next(iter(sorted(SHIPPED_GAMES.glob(f"{game.name}-*"))), None)


def read_data(
    context: StageContext, data: list[str], min_rank: str | None, held_out: float
) -> tuple[Games, Games]:
    """Expert games, split by game into those to learn from and those held out.

    What was read is kept in the run folder, so that it is read once. Raises UserError for bad data.
    """
    if not data:
        raise UserError("stage 'expert' has no data: name SGF files, folders or archives")
    game, cache = context.game, context.folder / "experts"
    paths = [shipped_games(game) if name == SHIPPED else Path(name) for name in data]
    if None in paths:
        raise UserError(f"no expert games of {game.name} are shipped: name SGF files in `data`")
    key = hashlib.blake2b(json.dumps([game.name, data, min_rank]).encode(), digest_size=8)
    stored = cache / f"{key.hexdigest()}.safetensors"
    if stored.exists():
        games = Games.load(stored)
    else:
        games, summary = read_experts([p for p in paths if p], game, min_rank=min_rank)
        context.report.line(summary.summary())
        cache.mkdir(parents=True, exist_ok=True)
        games.save(stored)
    mask = held_out_mask(game, games, held_out)
    return games.select(~mask), games.select(mask)


def experts_of(context: StageContext, stage: Teacher) -> tuple[Games, Games] | None:
    """The expert games of a self-play stage, its own or those imitated before, split as `read_data`
    does; None when there are none."""
    if stage.data:
        return read_data(context, stage.data, stage.min_rank, HELD_OUT)
    if context.imitated is None:
        return None
    imitated = context.imitated
    return read_data(context, imitated.data, imitated.min_rank, imitated.held_out)


def inbox_of(context: StageContext) -> Inbox:
    """Where actors leave games for a stage."""
    return Inbox(context.folder / ACTORS / context.name)


def game_source(
    context: StageContext, stage: Teacher, experts: Games | None, config: NetConfig
) -> GameSource:
    """Who plays the games of a stage: the nodes of the cluster, or this machine and its helpers."""
    if context.cluster is not None:
        used = experts if stage.expert_openings else None
        job = Job(context.game_name, stage, context.seed, config, used)
        use_gpus = context.device.torch_device.type == "cuda"
        return ClusterGames(context.cluster, job, use_gpus, context.report)
    openings = Openings(context.game, stage, context.seed, experts)
    threads = game_threads(context.device)
    return LocalGames(openings, context.device, threads, inbox_of(context))


def expert_stage(
    context: StageContext, net: Net, info: NetInfo, stage: ExpertStage, deadline: float = float("inf")
) -> tuple[Net, NetInfo] | None:
    """Imitates expert games; the net at its best and its description, or None when the deadline
    (time.monotonic) came before the stage's end.

    Raises UserError for bad data and when the loss is no longer finite.
    """
    report = context.report
    train, held_out = read_data(context, stage.data, stage.min_rank, stage.held_out)
    report.line(
        f"imitation: {int(train.taught.sum()):,} expert moves to learn, "
        f"{int(held_out.taught.sum()):,} held out"
    )
    imitator = Imitator(context.game, net, stage, context.device, context.seed, context.checkpoint)
    context.rewind(imitator.learner.steps)
    limit = (stage.minutes or 0) * 60

    def stepped(seconds: float) -> None:
        share = seconds / limit if limit else 0.0
        report.bar("imitation", share, f"at most {clock(limit - seconds)} left" if limit else "")

    def measured(progress: Progress) -> None:
        context.write(
            "imitation",
            progress.steps,
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

    try:
        with torch_threads(cpu_count()):
            done = imitator.run(
                train, held_out, on_step=stepped, on_measure=measured, deadline=deadline
            )
    except FloatingPointError as error:
        raise UserError(f"imitation, step {imitator.learner.steps + 1}: {error}") from error
    if done is None:
        return None
    report.line(f"imitation ends ({done.stopped}): {done.accuracy}")
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


def self_play_stage(
    context: StageContext, net: Net, info: NetInfo, stage: Teacher, deadline: float
) -> tuple[Net, NetInfo] | None:
    """Learns from own games; None when the deadline (time.monotonic) came before the stage's end.

    The net of the moment is kept as `latest.safetensors` after each iteration. Raises UserError
    when the loss is no longer finite; the net of the last good iteration is kept.
    """
    report, checkpoint, latest = context.report, context.checkpoint, context.folder / LATEST
    experts, held_out = experts_of(context, stage) or (None, None)
    shards = context.folder / "replay" / context.name
    source = game_source(context, stage, experts, net.config)
    reference = load_net(context.reference, context.game)[0] if context.reference else net
    learning = Reinforcement(
        context.game,
        net,
        reference,
        stage,
        checkpoint,
        shards,
        context.device,
        context.seed,
        source,
        experts,
    )
    if learning.iteration:
        report.line(f"self-play: resumed after iteration {learning.iteration}")
    context.rewind(learning.iteration)
    history = [stored_iteration(row) for row in context.events("iteration")]
    matches = {k: v for row in context.events("match") for k, v in stored_match(row).items()}
    known: set[str] = set()

    def described() -> NetInfo:
        training = training_note(
            teacher=stage.teacher,
            games=learning.games,
            positions=learning.positions,
            evaluations=learning.source.evaluations,
            steps=learning.learner.steps,
            seconds=round(learning.seconds),
            visits=stage.search.visits,
            start=info.training,
        )
        measured = "against_reference" if context.reference else "against_start"
        strength = {measured: dict(matches)} if matches else {}
        return info.model_copy(update={"training": training, "strength": strength})

    def iterated(done: Iteration) -> None:
        facts = asdict(done)
        context.write("iteration", facts.pop("number"), **facts.pop("losses"), **facts)
        save_net(latest, learning.net, described())
        report.line(
            f"  {clock(done.seconds):>12}  iteration {done.number:3d}  {done.games:6,} games  "
            f"{done.positions:9,} positions  policy loss {done.losses['policy']:.3f}  "
            f"value loss {done.losses['value']:.3f}"
        )
        history.append(done)
        symptoms = examine(history)
        for symptom in symptoms:
            if symptom.sign not in known:
                report.line(f"  warning, {symptom.sign}: {symptom.text}")
                context.write("warning", done.number, sign=symptom.sign, text=symptom.text)
        known.clear()
        known.update(symptom.sign for symptom in symptoms)

    rival = f"'{context.reference}'" if context.reference else "the starting net"

    def matched(seconds: float, tally: Tally) -> None:
        matches.update(tally.as_json(), visits=stage.match_search.visits)
        facts: dict[str, Any] = {
            "evaluations": learning.source.evaluations,
            "seconds": seconds,
            **matches,
        }
        if held_out is not None:
            accuracy = measure(learning.net, context.game, held_out, context.device.exact, 10_000)
            facts["expert_top1"] = accuracy.top1
        context.write("match", learning.iteration, **facts)
        report.line(f"  {clock(seconds):>12}  against {rival}: {tally}")

    def progressed(what: str, share: float) -> None:
        report.bar(what, share, f"iteration {learning.iteration + 1}{_left(learning)}")

    if learning.iteration == 0:
        save_net(latest, learning.net, described())  # actors play with it
    try:
        learning.run(on_iteration=iterated, on_match=matched, on_progress=progressed, deadline=deadline)
    except FloatingPointError as error:
        raise UserError(
            f"iteration {learning.iteration + 1}: {error}; the net of the last good iteration is "
            f"kept: begin a new run with --start {latest}"
        ) from error
    finally:
        source.close()
    if not learning.finished():
        return None
    return learning.net, described()


def _left(learning: Reinforcement) -> str:
    """What of its limits a stage of self-play has before it, for people."""
    minutes, evaluations = learning.stage.minutes, learning.stage.evaluations
    left = f", {clock(max(0.0, 60 * minutes - learning.elapsed))} left" if minutes else ""
    if evaluations:
        left += f", {max(0, evaluations - learning.source.evaluations):,} evaluations left"
    return left


def stored_iteration(row: dict[str, Any]) -> Iteration:
    """The iteration that an event of metrics.jsonl tells of."""
    own = {field.name for field in fields(Iteration)} - {"losses"}
    rest = {name: value for name, value in row.items() if name not in {*own, *EVENT_KEYS}}
    return Iteration(**{name: row[name] for name in own}, losses=Losses(rest))


def stored_match(row: dict[str, Any]) -> dict[str, float]:
    """The figures of a match that an event of metrics.jsonl tells of."""
    return {name: value for name, value in row.items() if name not in EVENT_KEYS | BESIDE_A_MATCH}
