"""The commands that learn, match and measure, each a few lines that call what does the work.

Heavy imports wait until a command needs them.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.errors import UserError
from engine.options import (
    Device,
    GameName,
    Json,
    Minutes,
    MoveSeconds,
    OpeningGames,
    OpeningMoves,
    Seed,
    result,
)


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
    from selfplay.demo import compare_teachers, run_demo
    from selfplay.progress import Terminal

    with Terminal() as terminal:
        outcome = (
            compare_teachers(out or Path("runs/teachers"), minutes, device, seed, terminal)
            if teachers
            else run_demo(out or Path("runs/demo"), minutes, device, seed, terminal)
        )
    result(as_json, outcome.as_json(), str(outcome))


def imitate(
    paths: Annotated[list[Path], typer.Argument(help="SGF files, folders, .zip or .tar.gz.")],
    out: Annotated[Path, typer.Option(help="The net file to write.")],
    game: GameName = "go9",
    start: Annotated[
        str | None, typer.Option(help="A net to start from, of this size or another.")
    ] = None,
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
    from selfplay.progress import Terminal
    from selfplay.train import imitate_files

    with Terminal() as terminal:
        values = imitate_files(
            paths, out, game, start, blocks, channels, min_rank, minutes, device, seed, terminal
        )
    result(as_json, values, f"wrote {out}")


def accuracy(
    net: Annotated[str, typer.Argument(help="A net's file or name.")],
    paths: Annotated[list[Path], typer.Argument(help="SGF files, folders, .zip or .tar.gz.")],
    game: Annotated[str | None, typer.Option(help="Default: the game of the net.")] = None,
    min_rank: Annotated[str | None, typer.Option(help="Only sides of this rank or rating.")] = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """How well a net predicts the experts' moves and results of any records."""
    from selfplay.progress import Terminal
    from selfplay.teachers.accuracy import accuracy_on_files

    with Terminal() as terminal:
        measured = accuracy_on_files(net, paths, game, min_rank, device, terminal)
    result(as_json, measured.__dict__, str(measured))


def train(
    run: Annotated[Path, typer.Argument(help="The run folder, begun or resumed.")],
    config: Annotated[Path | None, typer.Option(help="A TOML file that describes it.")] = None,
    preset: Annotated[
        str | None, typer.Option(help="Or a ready-made one: demo, laptop, gpu or cluster.")
    ] = None,
    start: Annotated[
        str | None, typer.Option(help="A net to begin self-play from, of this size or another.")
    ] = None,
    game: Annotated[
        str | None, typer.Option(help="A game's name or file. [default: go9, or as configured]")
    ] = None,
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
    device: Annotated[str | None, typer.Option(help="cpu, cuda, openvino, ... [default: auto]")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of everything random. [default: 0]")] = None,
    as_json: Json = False,
) -> None:
    """Run or resume the stages of a run folder: imitation, then self-play.

    --game, --start, --device and --seed change what --config or --preset says. On several GPUs of a
    machine: torchrun --nproc-per-node N --no-python move37 train RUN.
    """
    from engine.games import lasting_name
    from selfplay.actor import help_run
    from selfplay.progress import Terminal
    from selfplay.teachers.cluster import Cluster
    from selfplay.train import asked_run, in_words, train_run

    deadline = time.monotonic() + hours * 3600 if hours else float("inf")
    given = {"game": game and lasting_name(game), "start": start, "device": device, "seed": seed}
    options = {name: value for name, value in given.items() if value is not None}
    if address is not None and not cluster:
        raise UserError("--address names a Ray cluster: add --cluster")
    if actor and (cluster or config or preset or options.keys() - {"device"}):
        raise UserError("--actor helps a run that was begun elsewhere: give only RUN and --device")
    done: dict[str, Any] | None
    with Terminal() as terminal:
        if actor:
            complete = help_run(run, device or "auto", deadline, terminal)
            done = {"run": str(run), "complete": complete, "net": None}
        else:
            asked = asked_run(run, config, preset, options)
            join = partial(Cluster, address) if cluster else None
            done = train_run(run, asked, options, deadline, join, terminal)
    if done:
        result(as_json, done, in_words(done))


def compare(
    comparison: Annotated[
        str, typer.Argument(help="A TOML file, or one that comes with move37: ablations or teachers.")
    ],
    out: Annotated[Path, typer.Argument(help="The folder of its runs; resumed when it exists.")],
    start: Annotated[str | None, typer.Option(help="The net that all variants start from.")] = None,
    evaluations: Annotated[
        int | None, typer.Option(min=1, help="Net evaluations of each variant.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0.01, help="Or the time of the first one; then as many for all.")
    ] = None,
    games: Annotated[int | None, typer.Option(min=2, help="Games of each variant's match.")] = None,
    seed: Annotated[
        list[int] | None, typer.Option(min=0, help="Learn with this seed; repeat for several.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="As in `move37 train`.")] = None,
    as_json: Json = False,
) -> None:
    """Variants of one stage on equal terms: same net to start from, same evaluations, one chart.

    Options take the place of what the file says.
    """
    from selfplay.comparison.compare import compare as compare_variants
    from selfplay.comparison.plan import read_comparison
    from selfplay.progress import Terminal

    config = read_comparison(comparison, start, evaluations, minutes, games, seed, device)
    with Terminal() as terminal:
        outcome = compare_variants(config, out, terminal)
    result(as_json, outcome.as_json(), str(outcome))


def report(run: Annotated[Path, typer.Argument(help="The run folder.")], as_json: Json = False) -> None:
    """Charts, tables and a sample game of a run, as one HTML page."""
    from selfplay.reports.report import write_report

    page = write_report(run)
    result(as_json, {"page": str(page)}, f"wrote {page}")


def discoveries(
    run: Annotated[Path, typer.Argument(help="The run folder.")],
    positions: Annotated[int, typer.Option(min=1, help="Positions of each kind to look at.")] = 20_000,
    visits: Annotated[int, typer.Option(min=2, help="Of the search; a deep one has ten times.")] = 200,
    margin: Annotated[float, typer.Option(min=0, max=2, help="Least gain in value, in [-1, 1].")] = 0.1,
    most: Annotated[int, typer.Option(min=1, help="Stop soon after so many.")] = 20,
    device: Device = "auto",
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Find good moves that imitation would never have played; writes SGF and a table."""
    from selfplay.progress import Terminal
    from selfplay.reports.discoveries import describe, find_discoveries

    with Terminal() as terminal:
        found = find_discoveries(run, positions, visits, margin, most, device, seed, terminal)
    values = {"discoveries": len(found), "folder": str(run / "discoveries")}
    lines = [*map(describe, found), f"{len(found)} found; see {run / 'discoveries'}"]
    result(as_json, values, "\n".join(lines))


def arena(
    a: Annotated[
        str, typer.Argument(help="net=FILE,visits=200 | net=FILE,policy | level=5 | random | gtp=CMD")
    ],
    b: Annotated[str, typer.Argument(help="The other player.")],
    games: Annotated[int, typer.Option(min=1, help="Games, half of them with each colour.")] = 100,
    game: GameName = "go9",
    opening_moves: OpeningMoves = None,
    openings: OpeningGames = None,
    sprt: Annotated[
        str | None,
        typer.Option(help="Stop when it is clear whether A is this or that Elo better: 0,35."),
    ] = None,
    sgf: Annotated[Path | None, typer.Option(help="Keep each game of Go in this folder.")] = None,
    referee: Annotated[
        str | None,
        typer.Option(help="gtp=CMD, an engine whose final_score decides, not the players'."),
    ] = None,
    seconds: MoveSeconds = None,
    device: Device = "auto",
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """A match with paired colours and varied openings."""
    from selfplay.progress import Terminal
    from selfplay.rating.elo import parse_sprt
    from selfplay.rating.match import MatchOptions, arena_match, match_json, match_text

    test = parse_sprt(sprt) if sprt else None
    options = MatchOptions(opening_moves, openings, seconds, test, sgf, referee)
    with Terminal() as terminal:
        tally = arena_match(a, b, games, game, options, device, seed, terminal)
    result(as_json, match_json(tally, test), match_text(a, b, tally, test))


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
    openings: OpeningGames = None,
    seconds: MoveSeconds = None,
    device: Device = "auto",
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Rate nets and engines against each other; the same command goes on where it stopped."""
    from selfplay.progress import Terminal
    from selfplay.rating.ladder import Pairing, climb
    from selfplay.rating.match import MatchOptions

    if gauntlet and chain:
        raise UserError("--gauntlet and --chain both say who plays whom: give one of them")
    options = MatchOptions(opening_moves, openings, seconds)
    pairing: Pairing = "gauntlet" if gauntlet else "chain" if chain else "all"
    with Terminal() as terminal:
        standings = climb(players, table, games, pairing, visits, game, options, device, seed, terminal)
    result(as_json, standings.as_json(), str(standings))


def curve(
    net: Annotated[str, typer.Argument(help="A net file, or the name of one that ships.")],
    visits: Annotated[str, typer.Option(help="The numbers of visits to compare.")] = "1,4,16,64,256",
    games: Annotated[int, typer.Option(min=2, help="Games of each with the next.")] = 100,
    out: Annotated[Path, typer.Option(help="The folder that keeps results and chart.")] = Path("curve"),
    game: GameName = "go9",
    opening_moves: OpeningMoves = None,
    openings: OpeningGames = None,
    device: Device = "auto",
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """What more visits are worth to a net, in Elo; the same command goes on where it stopped."""
    from selfplay.progress import Terminal
    from selfplay.rating.match import MatchOptions
    from selfplay.reports.curve import parse_visits, visits_curve

    counts, options = parse_visits(visits), MatchOptions(opening_moves, openings)
    with Terminal() as terminal:
        found = visits_curve(net, counts, games, out, game, options, device, seed, terminal)
    result(as_json, found.as_json(), str(found))


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
    from selfplay.progress import Terminal
    from selfplay.record import DEFAULT_ENGINES, record_games

    with Terminal() as terminal:
        report = record_games(
            out,
            games,
            engine or DEFAULT_ENGINES,
            size=size,
            komi=komi,
            opening_moves=opening_moves,
            jobs=jobs,
            seed=seed,
            progress=lambda done, total: terminal.bar("games", done / total, f"{done} of {total}"),
        )
    result(as_json, report.__dict__, str(report))


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
    chart: Annotated[
        Path | None, typer.Option(help="Draw the board, the tree and their peers here, as PNG.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure the speed of the board, the tree, the net, the search and self-play."""
    from engine.games import load
    from engine.nets.files import check_folder, default_net
    from selfplay.bench import draw_speeds, run_suites, run_tuning, search_signature, tables
    from selfplay.progress import Terminal

    if signature:
        found = search_signature()
        return result(as_json, {"signature": found}, found)
    if chart:
        check_folder(chart, "--chart")
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
    if chart is not None:
        draw_speeds(chart, rows)
