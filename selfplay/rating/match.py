"""A match as it is asked for: two players by name, whatever they are made of, or two net files."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import UserError
from engine.game import Game
from engine.games import load
from engine.nets.files import load_net
from engine.nets.inference import Device, NetEvaluator, choose_device, describe_devices, torch_threads
from engine.nets.tuning import game_threads
from engine.players.gtp_client import GtpEngine, GtpError, GtpPlayer
from engine.players.named import PlayerSpec, SearchPlayer, make_evaluator, parse_player
from mcts import SearchSettings
from selfplay.progress import Reporter
from selfplay.rating.arena import SgfFolder, Tally, play_gtp_match, play_match
from selfplay.rating.elo import Sprt
from selfplay.rating.openings import match_openings

LEAST_GAMES = 100  # of a match with a deadline, however late it is


@dataclass(frozen=True)
class MatchOptions:
    """How a match is played.

    opening_moves  moves before the players take over; None: the game's default
    openings       recorded games whose first moves these are; None: random ones
    seconds        time for a move of GTP engines; None: no limit but patience
    sprt           ends the match as soon as this test is decided
    sgf            keeps each game of Go in this folder
    referee        `gtp=COMMAND`, an engine that says who won; None: the players do
    """

    opening_moves: int | None = None
    openings: Path | None = None
    seconds: float | None = None
    sprt: Sprt | None = None
    sgf: Path | None = None
    referee: str | None = None


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
    """A match between two players named as in `engine.players.named`."""
    game, device = load(game_name), choose_device(device_name)
    specs = (parse_player(a, game), parse_player(b, game))
    referee = parse_player(options.referee, game).command if options.referee else None
    if options.referee and referee is None:
        raise UserError(f"--referee '{options.referee}' is not an engine: give gtp=COMMAND")
    gtp = referee is not None or any(spec.command for spec in specs)
    if (gtp or options.sgf) and game.family != "go":
        raise UserError(f"{game_name}: only Go has engines that speak GTP and records in SGF")
    keep = SgfFolder(options.sgf, (a, b)) if options.sgf else lambda played: None
    openings = match_openings(game, games, seed, options.opening_moves, options.openings)
    sprt, reached = options.sprt, Tally()

    def on_game(tally: Tally) -> bool:
        nonlocal reached
        reached = tally
        reporter.bar("match", tally.games / games, str(tally))
        return sprt is None or sprt.decision(tally.llr(sprt)) is None

    @contextlib.contextmanager
    def told_when_stopped() -> Iterator[None]:
        try:
            yield
        except (KeyboardInterrupt, GtpError):
            if reached.games:
                reporter.line(f"stopped after {reached.games} of {games} games: {reached}")
            raise

    with torch_threads(1), told_when_stopped(), contextlib.ExitStack() as engines:
        if gtp:
            players = [
                _single_player(game, spec, device, seed, options.seconds, engines) for spec in specs
            ]
            reporter.line(describe_devices(device))
            return play_gtp_match(
                game,
                players[0],
                players[1],
                games,
                seed=seed,
                openings=openings,
                referee=_engine(referee, None, engines) if referee else None,
                on_game=on_game,
                keep=keep,
            )
        evaluators = make_evaluator(specs[0], game, device), make_evaluator(specs[1], game, device)
        reporter.line(describe_devices(device))
        return play_match(
            game,
            (specs[0].settings, specs[1].settings),
            evaluators,
            games,
            seed=seed,
            openings=openings,
            workers=game_threads(device),
            on_game=on_game,
            keep=keep,
        )


def net_match(
    game: Game,
    device: Device,
    nets: tuple[Path, Path],
    visits: int,
    games: int,
    seed: int,
    reporter: Reporter,
    deadline: float = float("inf"),
) -> Tally:
    """A match of two net files; at the deadline (time.monotonic) it ends once it has LEAST_GAMES."""

    def on_game(tally: Tally) -> bool:
        reporter.bar("match", tally.games / games, str(tally.elo))
        return tally.games < LEAST_GAMES or time.monotonic() < deadline

    settings = SearchSettings(visits=visits)
    a, b = (NetEvaluator(load_net(path, game)[0], device, game) for path in nets)
    with torch_threads(1):
        return play_match(
            game,
            (settings, settings),
            (a, b),
            games,
            seed=seed + 1_000_003,
            workers=game_threads(device),
            on_game=on_game,
        )


def match_json(tally: Tally, sprt: Sprt | None) -> dict[str, Any]:
    """What `move37 arena --json` prints."""
    return tally.as_json() | ({"sprt": sprt.as_json(tally.llr(sprt))} if sprt else {})


def match_text(a: str, b: str, tally: Tally, sprt: Sprt | None) -> str:
    """What `move37 arena` prints for people."""
    lines = [f"A: {a}", f"B: {b}", f"A {tally}"]
    if sprt:
        lines.append(sprt.text(tally.llr(sprt)))
    lines += [f"forfeited {note}" for note in tally.forfeits]
    return "\n".join(lines + [f"disputed {note}" for note in tally.disputes])


def _single_player(
    game: Game,
    spec: PlayerSpec,
    device: Device,
    seed: int,
    seconds: float | None,
    engines: contextlib.ExitStack,
) -> SearchPlayer | GtpPlayer:
    """A player of one game at a time."""
    if spec.command is not None:
        return _engine(spec.command, seconds, engines)
    return SearchPlayer(game, spec.settings, make_evaluator(spec, game, device), seed)


def _engine(command: str, seconds: float | None, engines: contextlib.ExitStack) -> GtpPlayer:
    """An engine that has answered; it ends with `engines`."""
    engine = engines.enter_context(GtpEngine(command))
    engine.greet()
    return GtpPlayer(engine, seconds)
