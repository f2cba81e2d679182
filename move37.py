"""The front door: the `move37` command, and the public API for `import move37`.

Each sub-command is a few lines that call one of the layers below; heavy imports wait until a
command needs them.
"""

from __future__ import annotations

import errno
import json
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
    "SearchPlayer": ("engine.players", "SearchPlayer"),
    "read_records": ("engine.records", "read_records"),
    "write_sgf": ("engine.records", "write_sgf"),
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

GameName = Annotated[str, typer.Option("--game", help="A game's name; see `move37 games`.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda; auto takes CUDA when present.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON value on stdout.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of everything random.")]
Minutes = Annotated[float | None, typer.Option(min=0.01, help="Stop after this time at the latest.")]


def result(as_json: bool, value: Any, text: str) -> None:
    """Prints a command's result: JSON for programs or text for people."""
    typer.echo(json.dumps(value) if as_json else text)


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
    net: Annotated[str, typer.Option(help="A net's file or name.")] = "",
    game: GameName = "go9",
    visits: Annotated[int, typer.Option(min=1, help="Visits of the bot's search a move.")] = 400,
    colour: Annotated[str, typer.Option(help="Your colour: black, white or none.")] = "black",
    komi: Annotated[float | None, typer.Option(help="Points for White, in Go.")] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Plain text, for pipes.")] = False,
    device: Device = "auto",
    seed: Seed = 0,
) -> None:
    """Play against a net in the terminal."""
    from engine.errors import did_you_mean
    from engine.games import load
    from engine.nets import default_net
    from engine.players import make_settings
    from engine.terminal import play_game

    colours = {"black": 0, "white": 1, "none": None}
    if colour not in colours:
        hint = did_you_mean(colour, list(colours))
        raise UserError(f"unknown colour '{colour}'{hint}: use black, white or none")
    loaded = load(game)
    play_game(
        loaded,
        make_settings({"visits": visits}),
        net or default_net(loaded),
        colours[colour],
        komi=komi,
        plain=plain,
        device=device,
        seed=seed,
    )


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
    device: Device = "auto",
    seed: Seed = 0,
) -> None:
    """Run or resume the stages of a run folder: imitation, then self-play."""
    from selfplay.commands import train_run
    from selfplay.progress import Terminal

    with Terminal() as terminal:
        typer.echo(train_run(run, config, preset, start, game, hours, device, seed, terminal))


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
    a: Annotated[str, typer.Argument(help="net=FILE,visits=200 | net=FILE,policy | random | gtp=CMD")],
    b: Annotated[str, typer.Argument(help="The other player.")],
    games: Annotated[int, typer.Option(min=1, help="Games, half of them with each colour.")] = 100,
    game: GameName = "go9",
    opening_moves: Annotated[
        int | None, typer.Option(min=0, help="Random moves before the players take over.")
    ] = None,
    device: Device = "auto",
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """A match with paired colours and varied openings."""
    from selfplay.commands import arena_match
    from selfplay.progress import Terminal

    with Terminal() as terminal:
        tally = arena_match(a, b, games, game, opening_moves, device, seed, terminal)
    result(as_json, tally.as_json(), f"A: {a}\nB: {b}\nA {tally}")


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
    as_json: Json = False,
) -> None:
    """Measure the speed of the board, the tree, the net, the search and self-play."""
    from engine.games import load
    from engine.nets import default_net
    from selfplay.bench import run_suites, tables
    from selfplay.progress import Terminal

    with Terminal() as terminal:
        chosen = net or default_net(load(game))
        if chosen is None and not suites:
            terminal.line(f"no net ships for {game}: only board and tree; name one with --net")
            suites = ["board", "tree"]
        rows = run_suites(suites or [], game, chosen or game, seconds, device, terminal)
    result(as_json, rows, tables(rows))


@app.command()
def games(as_json: Json = False) -> None:
    """List the games there are."""
    from engine.games import load, names

    rows = [{"name": name, "rules": load(name).rules_text} for name in names()]
    result(as_json, rows, "\n".join(f"{row['name']:<14}{row['rules']}" for row in rows))


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
