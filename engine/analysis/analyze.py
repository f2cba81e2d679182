"""`move37 analyze`: reviews of many recorded games, written as files that people and programs read."""

from __future__ import annotations

import contextlib
import json
import math
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from engine.analysis.commentary import commented_sgf
from engine.analysis.page import draw_chart, markdown
from engine.analysis.record_review import COLOURS, RecordReview, review_record
from engine.analyst import Analyst
from engine.errors import UserError
from engine.files import write_whole
from engine.games import load
from engine.players.net_source import NetSource
from engine.records.files import read_records
from engine.records.record import BrokenRecord

ANALYSED = ".analysed"  # what ends the name of each file, before its suffix


@dataclass
class Outcome:
    """What became of the games of some files: reviews with the files written, and what was broken."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    broken: list[BrokenRecord] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """What `move37 analyze --json` prints."""
        broken = [{"source": item.source, "reason": item.reason} for item in self.broken]
        return {"games": self.rows, "broken": broken}

    def __str__(self) -> str:
        lines = []
        for row in self.rows:
            players = " ".join(
                f"{colour} {player['mistakes']} mistakes, {player['best_moves']} best of "
                f"{player['moves']} moves;"
                for colour, player in zip(COLOURS, row["players"], strict=True)
            )
            problem = f" ({row['problem']})" if row["problem"] else ""
            lines.append(f"{row['source']}: {players} wrote {row['files'][0]}{problem}")
        lines += [f"{item.source}: not analysed: {item.reason}" for item in self.broken]
        return "\n".join(lines)


def analyse_files(
    paths: Sequence[Path],
    out: Path,
    analyst_of: Callable[[str], tuple[Analyst, str]],
    *,
    chart: bool,
    seconds: float = math.inf,
    on_done: Callable[[str, float], None] = lambda source, share: None,
) -> Outcome:
    """Reviews all games of files, folders and archives, and writes what is said of each into `out`.

    A game NAME becomes NAME.analysed.sgf, .md, .json and, with `chart`, .png; in folders such files
    are left out. analyst_of gives the analyst and the net's name for a game such as `go9`, or raises
    UserError. Broken games and those without a net are named, and the others go on. Raises UserError
    when none can be analysed.
    """
    outcome = Outcome()
    named = {path.name for path in paths if path.is_file()}
    used: set[str] = set()
    for item in read_records(paths):
        if isinstance(item, BrokenRecord):
            outcome.broken.append(item)
            continue
        file, _, _ = item.source.rpartition(", game ")
        if file.endswith(f"{ANALYSED}.sgf") and file not in named:
            outcome.broken.append(BrokenRecord(item.source, "an analysis; name it to do it again"))
            continue
        try:
            analyst, net = analyst_of(item.game)
        except UserError as error:
            outcome.broken.append(BrokenRecord(item.source, str(error)))
            continue
        review = review_record(item, analyst, net, seconds, partial(on_done, item.source))
        files = _write(review, out, _new_name(item.source, used), chart)
        outcome.rows.append(review.as_json() | {"files": files})
    if not outcome.rows:
        first = outcome.broken[0]
        raise UserError(f"no game could be analysed: {first.source}: {first.reason}")
    return outcome


def _new_name(source: str, used: set[str]) -> str:
    """A file name for a game: `folder-game` for `folder/game.sgf, game 1`, `game-2` for the second."""
    path, _, number = source.rpartition(", game ")
    stem = re.sub(r"\.sgf$", "", path, flags=re.IGNORECASE) + ("" if number == "1" else f"-{number}")
    name = re.sub(r"[^\w.-]+", "-", stem).strip("-.") or "game"
    unique, count = name, 1
    while unique in used:
        count += 1
        unique = f"{name}-{count}"
    used.add(unique)
    return unique


def _write(review: RecordReview, out: Path, name: str, chart: bool) -> list[str]:
    """Writes the files of a review; their paths, the SGF first. Raises UserError."""
    base = out / f"{name}{ANALYSED}"
    image = f"{base.name}.png" if chart else ""
    contents = {
        ".sgf": commented_sgf(review),
        ".md": markdown(review, image).encode(),
        ".json": json.dumps(review.as_json(), indent=1).encode(),
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        if chart:
            draw_chart(review, out / image)
        for suffix, data in contents.items():
            write_whole(base.with_name(base.name + suffix), data)
    except OSError as error:
        raise UserError(f"cannot write to '{out}': {error.strerror}; choose another --out") from None
    return [str(base) + suffix for suffix in (*contents, *([".png"] if chart else []))]


def run_analyze(
    paths: list[Path],
    out: Path,
    source: NetSource,
    visits: int | None,
    seconds: float | None,
    chart: bool,
) -> Outcome:
    """`move37 analyze`: reviews with the net for each game's board.

    Each position has so many visits, or those that fit into the seconds; by default REVIEW_VISITS.
    """
    from engine.nets.inference import choose_device, cpu_count, torch_threads
    from engine.nets.tuning import search_of
    from engine.play.setup import REVIEW_VISITS

    visits = visits or (None if seconds else REVIEW_VISITS)
    chosen = choose_device(source.device)
    known: dict[str, tuple[Analyst, str]] = {}

    def analyst_of(game_name: str) -> tuple[Analyst, str]:
        if game_name not in known:
            game = load(game_name)
            net = source.name(game)
            known[game_name] = (Analyst(game, source(game), search_of(visits, chosen, net)), net)
        return known[game_name]

    with _progress() as on_done, torch_threads(cpu_count()):
        return analyse_files(
            paths, out, analyst_of, chart=chart, seconds=seconds or math.inf, on_done=on_done
        )


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[str, float], None]]:
    """A bar on stderr for the game that is being analysed; nothing where stderr is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    hidden = not sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=hidden) as bar:
        task = bar.add_task("reading", total=1.0)
        yield lambda source, share: bar.update(task, description=source, completed=share)
