"""`move37 bench`: all suites of benchmarks, and how many games self-play makes of a machine."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from engine.bench import (
    MODES,
    Timed,
    bench_net,
    bench_rules,
    bench_search,
    compare_with_bare_net,
    endless_starts,
    tune_search,
    worker_count,
)
from engine.errors import UserError, did_you_mean
from engine.files import write_whole
from engine.game import Game
from engine.games import load
from engine.nets.files import load_net
from engine.nets.inference import Device, NetEvaluator, choose_device, describe_devices, torch_threads
from engine.nets.tuning import keep_tuning
from engine.peers import SIMULATIONS, compare
from mcts import Evaluator, Log, MatchPool, SearchSettings, Start
from mcts.bench import bench_tree, one_core
from mcts.signature import signature
from selfplay.progress import Reporter
from selfplay.reports.charts import speed_chart
from selfplay.teachers.teacher import SearchStage

Rows = list[dict[str, Any]]
SUITES = ["board", "tree", "net", "search", "selfplay"]
ONE_CORE = ["board", "tree"]  # the suites without a net
TREE_SIMULATIONS = (SIMULATIONS, 10_000)
NET_BATCHES = (1, 8, 64)
DRAWN = {  # (suite, figure) -> what it is
    ("board", "playouts_per_s"): "random games",
    ("board", "moves_per_s"): "moves of random games",
    ("tree", "simulations_per_s"): f"simulations, {SIMULATIONS} a search",
}
SIGNATURE_GAMES = ("tic_tac_toe", "connect_four", "othello", "hex", "go9")


def run_suites(
    suites: Sequence[str], game: str, net: str, seconds: float, device: str, report: Reporter
) -> dict[str, Rows]:
    """Runs suites by name, all when none is named; each figure takes about `seconds`.

    Gives the rows of each suite, as its function describes them, and under `peers` what
    `engine.peers.compare` found to stand beside the board and the tree, if anything is installed.
    Raises UserError for an unknown suite, game, net or device; the net is looked at only by the
    suites that use one.
    """
    for name in suites:
        if name not in SUITES:
            hint = did_you_mean(name, SUITES)
            raise UserError(f"unknown suite '{name}'{hint}; known: {', '.join(SUITES)}")
    rules, torch_device = load(game), choose_device(device)
    with_net = rules, net, torch_device
    runs: dict[str, list[Callable[[], dict[str, Any]]]] = {
        "board": [partial(bench_rules, rules, seconds)],
        "tree": [partial(bench_tree, rules.native, n, seconds) for n in TREE_SIMULATIONS],
        "net": [partial(bench_net, *with_net, batch, seconds) for batch in NET_BATCHES],
        "search": [partial(bench_search, *with_net, 64, 2 * seconds, mode) for mode in MODES],
        "selfplay": [partial(bench_selfplay, *with_net, None, 2 * seconds)],
    }
    chosen = [name for name in SUITES if name in suites or not suites]
    rows: dict[str, Rows] = {name: [] for name in chosen}
    report.line(describe_devices(torch_device))
    peers: Rows = []
    for name in chosen:
        with one_core() if name in ONE_CORE else nullcontext():
            for number, run in enumerate(runs[name]):
                report.bar(name, number / len(runs[name]))
                rows[name].append(run())
            report.bar(name, 1)
            peers += compare(name, rules, rows[name][0], seconds)
    return {**rows, "peers": peers} if peers else rows


def run_tuning(
    suites: Sequence[str], game: str, net: str, seconds: float, device: str, report: Reporter
) -> dict[str, Rows]:
    """Finds and keeps what suits this machine (see `engine.nets.tuning`); the tables.

    Raises UserError for other suites than the search, or what does not fit.
    """
    if set(suites) - {"search"}:
        raise UserError(f"--tune is of the search, not of {suites[0]}: move37 bench search --tune")
    chosen = choose_device(device)
    tuning, rows = tune_search(
        load(game), net, chosen, seconds, lambda share: report.bar("tuning", share)
    )
    try:
        report.line(f"kept in {keep_tuning(chosen, net, tuning)}")
    except UserError as error:  # the tables are worth showing all the same
        report.line(f"not kept: {error}")
    return rows


def search_signature() -> str:
    """A hash of searches of several games, the same until the search changes; see mcts.signature."""
    return signature(load(name).native for name in SIGNATURE_GAMES)


def draw_speeds(path: Path, rows: dict[str, Rows]) -> None:
    """Draws what a core makes of the board and the tree, beside their peers, as a PNG file.

    Raises UserError when neither was measured, or without matplotlib.
    """
    panels = [
        (title, {"move37": rows[suite][0][figure], **_peers_at(rows, figure)})
        for (suite, figure), title in DRAWN.items()
        if suite in rows
    ]
    if not panels:
        raise UserError("--chart shows the board and the tree: move37 bench board tree --chart FILE")
    game = next(iter(rows.values()))[0]["game"]
    write_whole(path, speed_chart(panels, f"{game}: a second of one core"))


def _peers_at(rows: dict[str, Rows], figure: str) -> dict[str, float]:
    found = (row for row in rows.get("peers", []) if row["figure"] == figure)
    return {row["peer"]: row["per_s"] for row in found}


def tables(rows: dict[str, Rows]) -> str:
    """The rows of each suite as a table for people; spread is the range over the median."""
    return "\n\n".join(f"{name}\n{_table(part)}" for name, part in rows.items())


def _table(rows: Rows) -> str:
    if len(rows) == 1:  # too wide for a line, and nothing to compare it with
        return "\n".join(f"  {key:<27}{_cell(value):>12}" for key, value in rows[0].items())
    cells = [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  " + "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        for line in cells
    )


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "*" if value else ""
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if isinstance(value, int | float) and value >= 1000 else f"{value}"


def bench_selfplay(
    game: Game, net: str, device: Device, visits: int | None = None, seconds: float = 30.0
) -> dict[str, Any]:
    """Self-play as a training run does it: its settings, its number of games side by side.

    A game takes longer than a benchmark may, so games_per_hour is the moves played over the mean
    length of games that the same net plays first, from its policy alone. The games measured begin
    in the midst of those, so that from the first second they are as mixed as after an hour.

    `visits` are the root's at each move, by default those of a training run. Gives also
    evaluations_per_s and efficiency, as `engine.bench` defines them. Raises UserError when the net
    does not exist or fit.
    """
    stage = SearchStage()
    settings = stage.search.model_copy(update={"visits": visits or stage.search.visits})
    evaluator = NetEvaluator(load_net(net, game)[0], device, game)
    parallel = stage.parallel_games
    workers = worker_count(device, parallel)
    timed = Timed(evaluator)
    with torch_threads(1):
        logs = _policy_games(game, evaluator, parallel, workers)
        pool = MatchPool(
            game.native,
            [settings],
            itertools.chain(_midst_of(game, logs), endless_starts(game)),
            parallel_games=parallel,
            workers=workers,
            record_policies=True,
            seed=0,
        )
        searching = 0.0

        def search() -> None:
            nonlocal searching
            began = time.perf_counter()
            try:
                pool.play([timed], lambda log: True)
            finally:
                searching += time.perf_counter() - began

        row = compare_with_bare_net(game, timed, search, parallel // workers, workers, seconds)
    moves_per_s = pool.moves_played / searching
    moves_per_game = float(np.mean([len(log.actions) for log in logs]))
    return {
        "game": game.name,
        "net": net,
        "device": str(device),
        "simulations_per_move": settings.visits,
        "games_per_hour": round(3600 * moves_per_s / moves_per_game, 1),
        "moves_per_game": round(moves_per_game, 1),
        "parallel_games": parallel,
        "threads": workers,
        **row,
    }


def _policy_games(game: Game, evaluator: Evaluator, count: int, workers: int) -> list[Log]:
    """Games that the net plays from its policy alone, each move drawn from it."""
    logs: list[Log] = []

    def keep(log: Log) -> bool:
        logs.append(log)
        return True

    pool = MatchPool(
        game.native,
        [SearchSettings(visits=1, temperature=1.0, temperature_moves=1_000_000)],
        itertools.islice(endless_starts(game), count),
        parallel_games=count,
        workers=workers,
        record_policies=False,
        seed=0,
    )
    pool.play([evaluator], keep)
    return logs


def _midst_of(game: Game, logs: list[Log]) -> Iterator[Start]:
    """Each game cut at a random move, so that it goes on from there."""
    rng = np.random.default_rng(0)
    for index, log in enumerate(logs):
        state = log.start.copy()
        game.native.replay(state, log.actions[: rng.integers(len(log.actions))])
        yield Start(index, state)
