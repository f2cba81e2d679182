"""What the learning commands do, between the front door and the parts that do the work."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import UserError
from engine.game import Game
from engine.games import lasting_name, load
from engine.gtp_client import GtpEngine, GtpPlayer
from engine.inference import Device, choose_device, cpu_count, describe_devices, torch_threads
from engine.nets import NetInfo, check_writable, load_net, new_net, save_net
from engine.players import PlayerSpec, SearchPlayer, make_evaluator, parse_player
from engine.tuning import game_threads
from selfplay import parallel
from selfplay.accuracy import Accuracy, measure
from selfplay.actor import help_run
from selfplay.arena import SgfFolder, Tally, play_gtp_match, play_match
from selfplay.cluster import Cluster
from selfplay.config import RunConfig, parse_config, preset_names, read_config, read_preset
from selfplay.elo import Sprt
from selfplay.experts import read_experts
from selfplay.imitation import ExpertStage
from selfplay.learner import Learner
from selfplay.metrics import Metrics
from selfplay.progress import Reporter
from selfplay.record import DEFAULT_ENGINES, RecordReport, record_games
from selfplay.run import Run
from selfplay.stages import SHIPPED, StageContext, expert_stage, shipped_games


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
        net, info = load_net(start, game)
    else:
        net = new_net(game, blocks, channels, seed)
        info = NetInfo(game=game.name, sizes=[game.shape[1]], config=net.config)
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


def accuracy_on_files(
    net_name: str,
    paths: list[Path],
    game_name: str | None,
    min_rank: str | None,
    device_name: str,
    reporter: Reporter,
) -> Accuracy:
    """The accuracy of a net on all expert moves of some records."""
    net, info = load_net(net_name)
    game = load(game_name or info.game)
    load_net(net_name, game)
    games, summary = read_experts(list(paths), game, min_rank=min_rank)
    reporter.line(summary.summary())
    device = choose_device(device_name)
    with torch_threads(cpu_count()):
        return measure(net, game, games, device)


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


@dataclass(frozen=True)
class MatchOptions:
    """How a match is played.

    opening_moves  random moves before the players take over; None: the game's default
    seconds        time for a move of GTP engines; None: no limit but patience
    sprt           ends the match as soon as this test is decided
    sgf            keeps each game of Go in this folder
    """

    opening_moves: int | None = None
    seconds: float | None = None
    sprt: Sprt | None = None
    sgf: Path | None = None


def arena_match(
    a: str,
    b: str,
    games: int,
    game_name: str,
    options: MatchOptions,
    device_name: str,
    seed: int,
    reporter: Reporter,
) -> Tally:
    """A match between two players named as in `engine.players`."""
    game, device = load(game_name), choose_device(device_name)
    specs = (parse_player(a, game), parse_player(b, game))
    gtp = any(spec.command for spec in specs)
    if (gtp or options.sgf) and game.family != "go":
        raise UserError(f"{game_name}: only Go has engines that speak GTP and records in SGF")
    keep = SgfFolder(options.sgf, (a, b)) if options.sgf else lambda played: None
    sprt = options.sprt

    def on_game(tally: Tally) -> bool:
        reporter.bar("match", tally.games / games, str(tally))
        return sprt is None or sprt.decision(tally.llr(sprt)) is None

    with torch_threads(1):
        if gtp:
            players = [_single_player(game, spec, device, seed, options.seconds) for spec in specs]
            reporter.line(describe_devices(device))
            try:
                return play_gtp_match(
                    game,
                    players[0],
                    players[1],
                    games,
                    seed=seed,
                    opening_moves=options.opening_moves,
                    on_game=on_game,
                    keep=keep,
                )
            finally:
                for player in players:
                    if isinstance(player, GtpPlayer):
                        player.engine.close()
        evaluators = make_evaluator(specs[0], game, device), make_evaluator(specs[1], game, device)
        reporter.line(describe_devices(device))
        return play_match(
            game,
            (specs[0].settings, specs[1].settings),
            evaluators,
            games,
            seed=seed,
            opening_moves=options.opening_moves,
            workers=game_threads(device),
            on_game=on_game,
            keep=keep,
        )


def match_json(tally: Tally, sprt: Sprt | None) -> dict[str, Any]:
    """What `move37 arena --json` prints."""
    return tally.as_json() | ({"sprt": sprt.as_json(tally.llr(sprt))} if sprt else {})


def match_text(a: str, b: str, tally: Tally, sprt: Sprt | None) -> str:
    """What `move37 arena` prints for people."""
    lines = [f"A: {a}", f"B: {b}", f"A {tally}"]
    if sprt:
        lines.append(sprt.text(tally.llr(sprt)))
    return "\n".join(lines + [f"forfeited {note}" for note in tally.forfeits])


def _single_player(
    game: Game, spec: PlayerSpec, device: Device, seed: int, seconds: float | None
) -> SearchPlayer | GtpPlayer:
    if spec.command is not None:
        return GtpPlayer(GtpEngine(spec.command), seconds)
    return SearchPlayer(game, spec.settings, make_evaluator(spec, game, device), seed)


def record_collection(
    out: Path,
    games: int,
    engines: list[str] | None,
    size: int,
    komi: float,
    opening_moves: int,
    jobs: int,
    seed: int,
    reporter: Reporter,
) -> RecordReport:
    """Records games between GTP engines until the collection holds as many as asked."""
    return record_games(
        out,
        games,
        engines or DEFAULT_ENGINES,
        size=size,
        komi=komi,
        opening_moves=opening_moves,
        jobs=jobs,
        seed=seed,
        progress=lambda done, total: reporter.bar("games", done / total, f"{done} of {total}"),
    )
