"""The commands that play, analyse and look around, each a few lines that call what does the work.

Heavy imports wait until a command needs them.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from engine.errors import UserError
from engine.options import Device, GameName, Json, LevelName, MoveTime, Seed, result


def play(
    game: GameName = "go9",
    level: LevelName = None,
    colour: Annotated[
        str, typer.Option(help="Your side: black, white, first, second, or none to watch.")
    ] = "first",
    visits: Annotated[
        int | None, typer.Option(min=1, help="Visits of the bot's search a move, instead of a level.")
    ] = None,
    move_time: MoveTime = None,
    main_time: Annotated[
        str | None, typer.Option(help="The time of each side for the whole game, e.g. 10m.")
    ] = None,
    handicap: Annotated[int, typer.Option(min=0, help="Black stones to begin with, in Go.")] = 0,
    komi: Annotated[float | None, typer.Option(help="Points for White, in Go.")] = None,
    ponder: Annotated[bool, typer.Option("--ponder", help="The bot thinks on your time too.")] = False,
    review: Annotated[
        Path | None, typer.Option(help="Walk through this SGF record and its mistakes instead.")
    ] = None,
    net: Annotated[str | None, typer.Option(help="A net's file or name.")] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Line by line; so it is for pipes in any case.")
    ] = False,
    browser: Annotated[bool, typer.Option("--browser", help="Play in a web browser.")] = False,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where --browser listens.")] = 8037,
    device: Device = "auto",
    seed: Seed = 0,
) -> None:
    """Play against a net in the terminal, or review a game."""
    from engine.play.setup import GameSetup, parse_colour, parse_level, parse_time

    setup = GameSetup(
        game=game,
        level=parse_level(level, visits),
        visits=visits,
        move_time=parse_time(move_time),
        main_time=parse_time(main_time),
        net=net,
        human=parse_colour(colour, game),
        komi=komi,
        handicap=handicap,
        ponder=ponder,
        device=device,
        seed=seed,
    )
    if browser:
        from engine.tui.browser import serve

        serve(port)
    elif plain or not has_terminal():
        from engine.play.terminal import play_game

        if review is not None:
            raise UserError("--review needs a terminal: leave out --plain, or use move37 analyze")
        play_game(setup, plain=plain)
    else:
        from engine.tui import app as tui

        tui.review(setup, str(review)) if review else tui.play(setup)


def has_terminal() -> bool:
    """Whether a person sits at a terminal, or at a browser that stands for one."""
    in_browser = "TEXTUAL_DRIVER" in os.environ
    return in_browser or (
        sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    )


def gtp(
    net: Annotated[
        str | None, typer.Option(help="A net's file or name; default: the shipped net of the size.")
    ] = None,
    level: LevelName = None,
    visits: Annotated[
        int | None,
        typer.Option(min=1, help="Visits a move, instead of a level; default: a second or two's."),
    ] = None,
    move_time: MoveTime = None,
    rules: Annotated[str, typer.Option(help="A name such as japanese or aga, or JSON.")] = "cgos",
    komi: Annotated[float, typer.Option(help="Points for White, until told otherwise.")] = 7.0,
    resign: Annotated[
        float, typer.Option(min=0, max=0.4, help="Give up below this win rate; 0 never.")
    ] = 0.05,
    lag: Annotated[
        float, typer.Option(min=0, max=60, help="Seconds of each move kept for the way to the clock.")
    ] = 0.3,
    ponder: Annotated[bool, typer.Option("--ponder", help="Think in the opponent's time.")] = False,
    name: Annotated[str, typer.Option(help="The name to report, e.g. KataGo for Lizzie.")] = "move37",
    version_: Annotated[
        str | None, typer.Option("--version", help="The version to report, e.g. 1.15.0.")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads of the net.")] = None,
    device: Device = "auto",
    seed: Seed = 0,
) -> None:
    """Speak the Go Text Protocol on stdin and stdout, for boards and servers."""
    import math

    from engine.gtp.board import parse_komi
    from engine.gtp.serve import serve_net
    from engine.gtp.session import Identity
    from engine.gtp.thinker import Limits
    from engine.play.setup import parse_level, parse_time
    from engine.rules import parse_rules

    serve_net(
        net,
        Limits(
            parse_level(level, visits),
            visits,
            seconds=parse_time(move_time) or math.inf,
            resign_below=resign,
            lag=lag,
            ponder=ponder,
        ),
        parse_rules(rules),
        parse_komi(str(komi)),
        Identity(name, version_ or version("move37")),
        device=device,
        threads=threads,
        seed=seed,
    )


def analysis(
    net: Annotated[
        str | None,
        typer.Option(
            "--net", "--model", "-model", help="A net's file or name; else that of each board size."
        ),
    ] = None,
    visits: Annotated[int, typer.Option(min=1, help="Visits a position, unless a query says.")] = 500,
    report_as: Annotated[
        str, typer.Option(help="Whose win rates: BLACK, WHITE or SIDETOMOVE.")
    ] = "BLACK",
    parallel: Annotated[int, typer.Option(min=1, help="Positions searched at once.")] = 8,
    config: Annotated[
        Path | None, typer.Option("--config", "-config", help="A file of KEY = VALUE lines.")
    ] = None,
    override: Annotated[
        list[str] | None,
        typer.Option("--override-config", "-override-config", help="KEY=VALUE,KEY=VALUE ..."),
    ] = None,
    quit_at_end: Annotated[
        bool,
        typer.Option(
            "--quit-without-waiting",
            "-quit-without-waiting",
            help="When the input ends, leave open queries unanswered.",
        ),
    ] = False,
    device: Device = "auto",
) -> None:
    """Answer JSON analysis queries on stdin, as KaTrain asks them."""
    from engine.analysis.protocol import run_analysis
    from engine.analysis.query import Options, parse_perspective
    from engine.nets.inference import choose_device
    from engine.nets.tuning import search_of
    from engine.players.net_source import NetSource

    source = NetSource(net, device)
    settings = search_of(visits, choose_device(device), source.name(source.first_board()))
    run_analysis(
        source,
        options=Options(
            settings.model_copy(update={"memory_mib": 1024}),
            report_as=parse_perspective(report_as),
        ),
        config=config,
        overrides=override or [],
        parallel=parallel,
        version=version("move37"),
        wait=not quit_at_end,
    )


def analyze(
    paths: Annotated[list[Path], typer.Argument(help="SGF files, folders, .zip or .tar.gz.")],
    out: Annotated[Path, typer.Option(help="The folder for what is written.")] = Path("analysed"),
    net: Annotated[str | None, typer.Option(help="A net's file or name; default: what ships.")] = None,
    visits: Annotated[
        int | None, typer.Option(min=1, help="Visits a position; default 200, or what --time allows.")
    ] = None,
    position_time: Annotated[
        str | None, typer.Option("--time", help="Time for a position at most, e.g. 5s.")
    ] = None,
    chart: Annotated[bool, typer.Option("--chart", help="Draw each game's chart too.")] = False,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Comment game records: win rates, mistakes and better moves, as SGF, Markdown and JSON."""
    from engine.analysis.analyze import run_analyze
    from engine.play.setup import parse_time
    from engine.players.net_source import NetSource

    source = NetSource(net, device)
    outcome = run_analyze(paths, out, source, visits, parse_time(position_time), chart)
    result(as_json, outcome.as_json(), str(outcome))


def games(as_json: Json = False) -> None:
    """List the games there are, their sizes, and the nets that ship with their strength."""
    from engine.catalogue import rows, table

    found = rows()
    result(as_json, {"games": found}, table(found))


def check(
    game: Annotated[str, typer.Argument(help="The file of a game of your own, my_game.py.")],
    seconds: Annotated[float, typer.Option(min=0.1, help="Time for the random games.")] = 10.0,
    as_json: Json = False,
) -> None:
    """Find the mistakes in a game of your own."""
    from engine.check import check_game

    report = check_game(game, seconds)
    result(as_json, report.as_json(), str(report))
    if not report.sound:
        raise typer.Exit(1)


def doctor(as_json: Json = False) -> None:
    """Versions, devices, a test inference and one verdict."""
    from engine.doctor import examine

    report = examine(version("move37"))
    result(as_json, report.as_json(), str(report))
    if not report.healthy:
        raise typer.Exit(1)
