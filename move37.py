"""The front door: the `move37` command, and the public API for `import move37`.

Each sub-command is a few lines that call one of the layers below; heavy imports wait until a
command needs them.
"""

from __future__ import annotations

import errno
import os
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from engine.errors import UserError

# The public API: name -> where it is defined, imported on first use.
_API = {
    "Game": ("engine.game", "Game"),
    "load_game": ("engine.games", "load"),
    "Position": ("engine.position", "Position"),
    "Net": ("engine.net", "Net"),
    "NetInfo": ("engine.nets", "NetInfo"),
    "load_net": ("engine.nets", "load_net"),
    "save_net": ("engine.nets", "save_net"),
    "NetEvaluator": ("engine.inference", "NetEvaluator"),
    "Analyst": ("engine.analyst", "Analyst"),
    "SearchPlayer": ("engine.players", "SearchPlayer"),
    "read_records": ("engine.record_files", "read_records"),
    "write_sgf": ("engine.sgf", "write_sgf"),
    "Search": ("mcts", "Search"),
    "SearchSettings": ("mcts", "SearchSettings"),
    "MatchPool": ("mcts", "MatchPool"),
    "UserError": ("engine.errors", "UserError"),
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return version("move37")
    if name not in _API:
        raise AttributeError(f"module 'move37' has no attribute '{name}'")
    module, attribute = _API[name]
    return getattr(import_module(module), attribute)


class Commands(TyperGroup):
    """Turns mistakes of the user into one line and an exit status instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            typer.echo(f"move37: {error}", err=True)
            raise typer.Exit(1) from error
        except KeyboardInterrupt as stop:
            typer.echo("move37: stopped; finished work is kept", err=True)
            raise typer.Exit(130) from stop
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
                raise
            name = f" '{error.filename}'" if error.filename else ""
            typer.echo(
                f"move37: {error.strerror}{name}: finished work is kept; "
                "make room, then give the same command again",
                err=True,
            )
            raise typer.Exit(1) from error


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Imitates expert games, then plays itself until it surpasses them, and proves it.",
)

GameName = Annotated[
    str, typer.Option("--game", help="A game's name (see `move37 games`) or file, my_game.py.")
]
Device = Annotated[
    str, typer.Option(help="auto (CUDA when present), cpu, cuda, openvino or openvino-int8.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON value on stdout.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of everything random.")]
LevelName = Annotated[
    str | None,
    typer.Option("--level", help="1 to 8, or beginner, novice ... full; default in play: strong."),
]
MoveTime = Annotated[str | None, typer.Option("--time", help="The bot's time a move at most, e.g. 5s.")]
OpeningMoves = Annotated[
    int | None, typer.Option(min=0, help="Random moves before the players take over.")
]
MoveSeconds = Annotated[
    float | None, typer.Option(min=0.1, help="Time for a move of GTP engines, who lose if slower.")
]
Minutes = Annotated[float | None, typer.Option(min=0.01, help="Stop after this time at the latest.")]


def result(as_json: bool, value: Any, text: str) -> None:
    """Prints a command's result: JSON for programs (null for what is not finite) or text for people."""
    from pydantic_core import to_json

    typer.echo(to_json(value, inf_nan_mode="null").decode() if as_json else text)


@app.command()
def demo(
    minutes: Annotated[float, typer.Option(min=0.5, help="Time for all of it.")] = 23.0,
    out: Annotated[
        Path | None, typer.Option(help="The run folder; resumed when it exists. [runs/demo]")
    ] = None,
    teachers: Annotated[
        bool, typer.Option("--teachers", help="Compare the four teachers instead. [runs/teachers]")
    ] = False,
    device: Device = "auto",
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """From expert games to a net that beats them: imitation, self-play, the match, a chart."""
    from selfplay.comparison import compare_teachers
    from selfplay.demo import run_demo
    from selfplay.progress import Terminal

    with Terminal() as terminal:
        outcome = (
            compare_teachers(out or Path("runs/teachers"), minutes, device, seed, terminal)
            if teachers
            else run_demo(out or Path("runs/demo"), minutes, device, seed, terminal)
        )
    result(as_json, outcome.as_json(), outcome.table())


@app.command()
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
    from engine.setup import GameSetup, parse_colour, parse_level, parse_time

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
        from engine.terminal import play_game

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


@app.command()
def analysis(
    net: Annotated[
        str, typer.Option("--net", "--model", "-model", help="A net's file or name.")
    ] = "go9-imitation",
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
    from engine.analysis import run_analysis
    from engine.analysis_query import Options, parse_perspective
    from engine.inference import choose_device
    from engine.tuning import search_of

    run_analysis(
        net,
        options=Options(
            search_of(visits, choose_device(device), net).model_copy(update={"memory_mib": 1024}),
            report_as=parse_perspective(report_as),
        ),
        config=config,
        overrides=override or [],
        parallel=parallel,
        device=device,
        version=version("move37"),
        wait=not quit_at_end,
    )


@app.command()
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
    rules: Annotated[
        str, typer.Option(help="A name such as japanese or aga, or JSON.")
    ] = "chinese-ogs",
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
    from engine.rules import parse_rules
    from engine.setup import parse_level, parse_time

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


@app.command()
def analyze(
    paths: Annotated[list[Path], typer.Argument(help="SGF files, folders, .zip or .tar.gz.")],
    out: Annotated[Path, typer.Option(help="The folder for what is written.")] = Path("analysed"),
    net: Annotated[str, typer.Option(help="A net's file or name; default: what ships.")] = "",
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
    from engine.commentary import run_analyze
    from engine.setup import parse_time

    outcome = run_analyze(paths, out, net, visits, parse_time(position_time), chart, device)
    result(as_json, outcome.as_json(), str(outcome))


@app.command()
def imitate(
    paths: Annotated[list[Path], typer.Argument(help="SGF files, folders, .zip or .tar.gz.")],
    out: Annotated[Path, typer.Option(help="The net file to write.")],
    game: GameName = "go9",
    start: Annotated[str | None, typer.Option(help="A net to start from.")] = None,
    blocks: Annotated[int, typer.Option(min=1, help="Residual blocks of a new net.")] = 4,
    channels: Annotated[int, typer.Option(min=8, help="Channels of a new net.")] = 32,
    min_rank: Annotated[
        str | None, typer.Option(help="Imitate sides of this rank or rating: 6d, 1p, 2200.")
    ] = None,
    minutes: Minutes = None,
    device: Device = "auto",
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Learn the moves that experts played, until the held-out accuracy stops rising."""
    from selfplay.commands import imitate_files
    from selfplay.progress import Terminal

    with Terminal() as terminal:
        values = imitate_files(
            paths, out, game, start, blocks, channels, min_rank, minutes, device, seed, terminal
        )
    result(as_json, values, f"wrote {out}")


@app.command()
def accuracy(
    net: Annotated[str, typer.Argument(help="A net's file or name.")],
    paths: Annotated[list[Path], typer.Argument(help="SGF files, folders, .zip or .tar.gz.")],
    game: Annotated[str | None, typer.Option(help="Default: the game of the net.")] = None,
    min_rank: Annotated[str | None, typer.Option(help="Only sides of this rank or rating.")] = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """How well a net predicts the experts' moves and results of any records."""
    from selfplay.commands import accuracy_on_files
    from selfplay.progress import Terminal

    with Terminal() as terminal:
        measured = accuracy_on_files(net, paths, game, min_rank, device, terminal)
    result(as_json, measured.__dict__, str(measured))


@app.command()
def train(
    run: Annotated[Path, typer.Argument(help="The run folder, begun or resumed.")],
    config: Annotated[Path | None, typer.Option(help="A TOML file that describes it.")] = None,
    preset: Annotated[
        str | None, typer.Option(help="Or a ready-made one: demo, laptop, gpu or cluster.")
    ] = None,
    start: Annotated[str | None, typer.Option(help="A net to begin self-play from.")] = None,
    game: GameName = "go9",
    hours: Annotated[float | None, typer.Option(min=0.001, help="Stop after this time.")] = None,
    cluster: Annotated[
        bool, typer.Option("--cluster", help="Let a Ray cluster play the games of self-play.")
    ] = False,
    address: Annotated[
        str | None,
        typer.Option(
            help="The cluster's HOST:PORT; default: RAY_ADDRESS, the one here, or a new one here."
        ),
    ] = None,
    actor: Annotated[
        bool, typer.Option("--actor", help="Only play, for a run at work elsewhere on this folder.")
    ] = False,
    device: Device = "auto",
    seed: Seed = 0,
) -> None:
    """Run or resume the stages of a run folder: imitation, then self-play.

    On several GPUs of a machine: torchrun --nproc-per-node N --no-python move37 train RUN.
    """
    from selfplay.commands import train_run
    from selfplay.progress import Terminal

    with Terminal() as terminal:
        done = train_run(
            run, config, preset, start, game, hours, device, seed, cluster, address, actor, terminal
        )
    if done:
        typer.echo(done)


@app.command()
def report(run: Annotated[Path, typer.Argument(help="The run folder.")], as_json: Json = False) -> None:
    """Charts, tables and a sample game of a run, as one HTML page."""
    from selfplay.report import write_report

    page = write_report(run)
    result(as_json, {"page": str(page)}, f"wrote {page}")


@app.command()
def discoveries(
    run: Annotated[Path, typer.Argument(help="The run folder.")],
    positions: Annotated[int, typer.Option(min=1, help="Positions of each kind to look at.")] = 20_000,
    visits: Annotated[int, typer.Option(min=2, help="Of the search; a deep one has ten times.")] = 200,
    margin: Annotated[float, typer.Option(min=0, max=2, help="Least gain in value, in [-1, 1].")] = 0.1,
    most: Annotated[int, typer.Option(min=1, help="Stop after so many.")] = 20,
    device: Device = "auto",
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Find good moves that imitation would never have played; writes SGF and a table."""
    from selfplay.discoveries import describe, find_discoveries
    from selfplay.progress import Terminal

    with Terminal() as terminal:
        found = find_discoveries(run, positions, visits, margin, most, device, seed, terminal)
    values = {"discoveries": len(found), "folder": str(run / "discoveries")}
    lines = [*map(describe, found), f"{len(found)} found; see {run / 'discoveries'}"]
    result(as_json, values, "\n".join(lines))


@app.command()
def arena(
    a: Annotated[
        str, typer.Argument(help="net=FILE,visits=200 | net=FILE,policy | level=5 | random | gtp=CMD")
    ],
    b: Annotated[str, typer.Argument(help="The other player.")],
    games: Annotated[int, typer.Option(min=1, help="Games, half of them with each colour.")] = 100,
    game: GameName = "go9",
    opening_moves: OpeningMoves = None,
    sprt: Annotated[
        str | None,
        typer.Option(help="Stop when it is clear whether A is this or that Elo better: 0,35."),
    ] = None,
    sgf: Annotated[Path | None, typer.Option(help="Keep each game of Go in this folder.")] = None,
    seconds: MoveSeconds = None,
    device: Device = "auto",
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """A match with paired colours and varied openings."""
    from selfplay.commands import MatchOptions, arena_match, match_json, match_text
    from selfplay.elo import parse_sprt
    from selfplay.progress import Terminal

    test = parse_sprt(sprt) if sprt else None
    options = MatchOptions(opening_moves, seconds, test, sgf)
    with Terminal() as terminal:
        tally = arena_match(a, b, games, game, options, device, seed, terminal)
    result(as_json, match_json(tally, test), match_text(a, b, tally, test))


@app.command()
def ladder(
    players: Annotated[
        list[str],
        typer.Argument(help="Net files, run folders, players as in `move37 arena`, or `levels`."),
    ],
    table: Annotated[Path, typer.Option(help="The file that keeps all results.")] = Path("ladder.json"),
    games: Annotated[int, typer.Option(min=2, help="Games that each pair shall have played.")] = 20,
    gauntlet: Annotated[
        bool, typer.Option("--gauntlet", help="Only the first player against all others.")
    ] = False,
    chain: Annotated[bool, typer.Option("--chain", help="Only each player against the next.")] = False,
    visits: Annotated[int, typer.Option(min=1, help="Visits a move of nets named by file.")] = 100,
    game: GameName = "go9",
    opening_moves: OpeningMoves = None,
    seconds: MoveSeconds = None,
    device: Device = "auto",
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Rate nets and engines against each other; the same command goes on where it stopped."""
    from selfplay.commands import MatchOptions
    from selfplay.ladder import Pairing, climb
    from selfplay.progress import Terminal

    if gauntlet and chain:
        raise UserError("--gauntlet and --chain both say who plays whom: give one of them")
    options = MatchOptions(opening_moves, seconds)
    pairing: Pairing = "gauntlet" if gauntlet else "chain" if chain else "all"
    with Terminal() as terminal:
        standings = climb(players, table, games, pairing, visits, game, options, device, seed, terminal)
    result(as_json, standings.as_json(), str(standings))


@app.command()
def record(
    out: Annotated[Path, typer.Option(help="The SGF collection to write or to continue.")],
    games: Annotated[int, typer.Option(min=1, help="Games the collection shall hold.")] = 100,
    engine: Annotated[
        list[str] | None,
        typer.Option(help="A GTP command line, {seed} in it replaced. Repeat for more."),
    ] = None,
    size: Annotated[int, typer.Option(min=5, max=19, help="Board size.")] = 9,
    komi: Annotated[float, typer.Option(help="Points for White.")] = 7.0,
    opening_moves: Annotated[int, typer.Option(min=0, help="Most random opening stones.")] = 4,
    jobs: Annotated[int, typer.Option(min=1, help="Games at once.")] = 2,
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """Make expert games from GTP engines playing each other (default: GNU Go at three levels)."""
    from selfplay.commands import record_collection
    from selfplay.progress import Terminal

    with Terminal() as terminal:
        report = record_collection(out, games, engine, size, komi, opening_moves, jobs, seed, terminal)
    result(as_json, report.__dict__, str(report))


@app.command()
def bench(
    suites: Annotated[
        list[str] | None, typer.Argument(help="board tree net search selfplay; default all.")
    ] = None,
    game: GameName = "go9",
    net: Annotated[str, typer.Option(help="A net's file or name.")] = "",
    seconds: Annotated[float, typer.Option(min=0.01, help="Time for each figure.")] = 2.0,
    device: Device = "auto",
    tune: Annotated[
        bool,
        typer.Option("--tune", help="Find the threads and batches that suit this machine; keep them."),
    ] = False,
    signature: Annotated[
        bool,
        typer.Option(
            "--signature", help="Only print a hash of fixed searches: has the search changed?"
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Measure the speed of the board, the tree, the net, the search and self-play."""
    from engine.games import load
    from engine.nets import default_net
    from selfplay.bench import run_suites, run_tuning, search_signature, tables
    from selfplay.progress import Terminal

    if signature:
        found = search_signature()
        return result(as_json, {"signature": found}, found)
    with Terminal() as terminal:
        chosen = net or default_net(load(game))
        if tune:
            rows = run_tuning(suites or [], game, chosen or game, seconds, device, terminal)
        else:
            if chosen is None and not suites:
                terminal.line(f"no net ships for {game}: only board and tree; name one with --net")
                suites = ["board", "tree"]
            rows = run_suites(suites or [], game, chosen or game, seconds, device, terminal)
    result(as_json, rows, tables(rows))


@app.command()
def games(as_json: Json = False) -> None:
    """List the games there are, their sizes, and the nets that ship with their strength."""
    from engine.catalogue import rows, table

    found = rows()
    result(as_json, found, table(found))


@app.command()
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


@app.command()
def doctor(as_json: Json = False) -> None:
    """Versions, devices, a test inference and one verdict."""
    from engine.doctor import examine

    report = examine(version("move37"))
    result(as_json, report.as_json(), str(report))
    if not report.healthy:
        raise typer.Exit(1)


@app.callback(invoke_without_command=True)
def options(
    show_version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if show_version:
        typer.echo(f"move37 {version('move37')}")
        raise typer.Exit


def main() -> None:
    """The `move37` command."""
    app(prog_name="move37")


if __name__ == "__main__":
    main()
