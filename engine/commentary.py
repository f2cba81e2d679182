"""Reviews as people read them: a commented SGF, a page of Markdown, a chart, JSON; many games at once.

The SGF keeps everything that stood in the record, variations included, and adds to the main line:
a comment and `SBKV` (Black's win rate in per cent, which Sabaki draws) at each move, `BM` or `DO` at
bad and doubtful ones, and the better line as a variation beside them.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sgfmill import sgf_grammar

from engine.analyst import Analyst, Report
from engine.errors import UserError
from engine.files import write_whole
from engine.games import load
from engine.record_files import read_records
from engine.records import BrokenRecord, GameRecord
from engine.review import MoveReview, Review
from engine.sgf import PropertyMap, application, sgf_point, write_sgf
from engine.tuning import MOST_VISITS

LINE_LENGTH = 12  # moves of a variation
COLOURS = ("Black", "White")
NEGLIGIBLE = 0.0005  # of the win rate: less shows as 0.0 %


class RecordReview(Review):
    """The review of a recorded game by a net; see `review_record`.

    visits (None: no matter how many) and seconds say how long each position was searched.
    """

    def __init__(
        self, record: GameRecord, net: str, visits: int | None, seconds: float = math.inf
    ) -> None:
        game = Review.of_record(record)
        super().__init__(game.positions, game.played, game.problem)
        self.record, self.net, self.visits, self.seconds = record, net, visits, seconds
        self.names = game.positions[0].game.notation.name

    @property
    def effort(self) -> str:
        """How long each position was searched, in words."""
        limits = [f"{self.visits} visits"] if self.visits else []
        limits += [] if math.isinf(self.seconds) else [f"{self.seconds:g} s"]
        return ", ".join(limits)

    def as_json(self) -> dict[str, Any]:
        """Everything, as `move37 analyze --json` prints it; win rates are Black's."""
        record, reports = self.record, [self.reports[n] for n in range(len(self.positions))]
        players = [{"name": record.players[player], **self.summary(player)} for player in (0, 1)]
        return {
            "source": record.source,
            "game": record.game,
            "black": record.players[0],
            "white": record.players[1],
            "result": record.result,
            "komi": record.komi,
            "net": self.net,
            "visits": self.visits,
            "seconds": None if math.isinf(self.seconds) else self.seconds,
            "problem": self.problem,
            "players": players,
            "win_rates": [round(report.win_rate, 4) for report in reports],
            "leads": [_rounded(report.score_lead) for report in reports],
            "moves": [self._move_json(move) for move in self.moves],
        }

    def _move_json(self, move: MoveReview) -> dict[str, Any]:
        return {
            "number": move.number,
            "player": "BW"[move.player],
            "move": self.names(move.action),
            "loss": round(move.loss, 4),
            "points": _rounded(move.points),
            "grade": move.grade,
            "rank": move.rank,
            "prior": round(move.prior, 4),
            "best": self.names(move.best.action),
            "line": [self.names(action) for action in move.best.line],
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def review_record(
    record: GameRecord,
    analyst: Analyst,
    net: str,
    seconds: float = math.inf,
    on_done: Callable[[float], None] = lambda share: None,
) -> RecordReview:
    """Searches every position of a game, by the analyst's visits and so many seconds at most.

    `on_done` hears the share that is done, in [0, 1].
    """
    visits = analyst.settings.visits
    review = RecordReview(record, net, visits if visits < MOST_VISITS else None, seconds)
    for _ in review.search(analyst, seconds=seconds):
        on_done(len(review.reports) / len(review.positions))
    return review


# --- The commented record -------------------------------------------------------------------


def commented_sgf(review: RecordReview) -> bytes:
    """The record's own SGF with the review in it; see the module's docstring."""
    record = review.record
    tree = sgf_grammar.parse_sgf_game(record.sgf or write_sgf(record).encode())
    nodes = list(sgf_grammar.main_sequence_iter(tree))
    played = [sum(len(node.get(colour, [])) for colour in ("B", "W")) for node in nodes]
    # Free handicap that was played as moves is setup to us.
    skipped = sum(played) - len(record.moves)
    variations: dict[int, list[PropertyMap]] = {}
    index = -skipped
    for number, (node, count) in enumerate(zip(nodes, played, strict=True)):
        first, index = index, index + count
        if number == 0 or (count and 0 < index < len(review.reports)):
            report = review.reports[max(0, index)]
            node["SBKV"] = [f"{100 * report.win_rate:.2f}".encode()]
            if index > max(0, first):
                _comment(node, f"{_move_text(review, review.moves[index - 1])}\n{_standing(report)}")
            else:
                _comment(node, f"{review.net}, {review.effort}\n{_standing(report)}")
        if count == 1 and 0 <= first < len(review.moves):
            move = review.moves[first]
            if move.grade:
                node["BM" if move.grade == "mistake" else "DO"] = [b"1"]
                variations[number] = _better_line(review, move)
    nodes[0]["AP"] = [application().encode()]
    for number, line in variations.items():
        _add_variation(tree, number, line)
    data: bytes = sgf_grammar.serialise_game_tree(tree)
    return data


def _standing(report: Report) -> str:
    lead = "" if report.score_lead is None else f", {lead_text(report.score_lead)}"
    return f"Black {100 * report.win_rate:.1f} %{lead}"


def lead_text(lead: float) -> str:
    """Black's lead in points as results are written: `B+3.5`."""
    return f"{'B' if lead >= 0 else 'W'}+{abs(lead):.1f}"


def _move_text(review: RecordReview, move: MoveReview) -> str:
    """What is said about a move that was played, in ASCII, which all encodings of SGF share."""
    if move.rank == 0:
        return "The best move."
    better = " ".join(review.names(action) for action in move.best.line[:LINE_LENGTH])
    if move.loss < NEGLIGIBLE:
        return f"As good as the best. The search prefers {better}"
    points = "" if move.points is None else f" and {move.points:.1f} points"
    grade = {"mistake": "A mistake: it costs", "doubtful": "Doubtful: it costs"}.get(
        move.grade, "Costs"
    )
    return f"{grade} {100 * move.loss:.1f} %{points}. The search prefers {better}"


def _comment(node: PropertyMap, text: str) -> None:
    """Adds a comment below what the node says already."""
    old = node.get("C", [b""])[0]
    node["C"] = [old + (b"\n\n" if old else b"") + sgf_grammar.escape_text(text.encode("ascii"))]


def _better_line(review: RecordReview, move: MoveReview) -> list[PropertyMap]:
    """The moves of the better line as nodes; the first says what it promises."""
    shape = review.record.shape
    nodes: list[PropertyMap] = [
        {"BW"[(move.player + ply) % 2]: [sgf_point(action, shape)]}
        for ply, action in enumerate(move.best.line[:LINE_LENGTH])
    ]
    _comment(nodes[0], f"{COLOURS[move.player]} {100 * move.best.win_rate:.1f} %")
    return nodes


def _add_variation(tree: Any, number: int, line: list[PropertyMap]) -> None:
    """Puts a line beside the main line's node of that number, as its last variation."""
    branch = sgf_grammar.Coarse_game_tree()
    branch.sequence = line
    parent = None
    while number >= len(tree.sequence):
        number -= len(tree.sequence)
        parent, tree = tree, tree.children[0]
    if number > 0:
        rest = sgf_grammar.Coarse_game_tree()
        rest.sequence, rest.children = tree.sequence[number:], tree.children
        tree.sequence, tree.children = tree.sequence[:number], [rest, branch]
    elif parent is not None:
        parent.children.append(branch)


# --- Markdown and chart ---------------------------------------------------------------------


def markdown(review: RecordReview, chart: str = "") -> str:
    """A page about the game: who played how well, and where it was decided."""
    record = review.record
    black, white = (
        name.replace("|", "\\|") or colour for name, colour in zip(record.players, COLOURS, strict=True)
    )
    lines = [
        f"# {black} against {white}",
        "",
        f"{record.source}: {record.game}, komi {record.komi:g}, result {record.result or 'unknown'}. "
        f"Judged by {review.net} with {review.effort} a move.",
        "",
    ]
    if review.problem:
        lines += [f"**{review.problem}**", ""]
    if chart:
        lines += [f"![Win rate and lead by move]({chart})", ""]
    lines += [
        "| player | moves | best moves | points lost a move | doubtful | mistakes |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, player in ((black, 0), (white, 1)):
        row = review.summary(player)
        points = "" if row["mean_points"] is None else f"{row['mean_points']:.2f}"
        lines.append(
            f"| {name} | {row['moves']} | {row['best_moves']} | {points} "
            f"| {row['doubtful']} | {row['mistakes']} |"
        )
    worst = review.mistakes()
    if worst:
        lines += [
            "",
            "## The moves that cost most",
            "",
            "| move | played | win rate lost | points lost | better |",
            "| ---: | --- | ---: | ---: | --- |",
        ]
    for move in worst:
        points = "" if move.points is None else f"{move.points:.1f}"
        better = " ".join(review.names(action) for action in move.best.line[:LINE_LENGTH])
        lines.append(
            f"| {move.number} | {COLOURS[move.player]} {review.names(move.action)} "
            f"| {100 * move.loss:.1f} % | {points} | {better} |"
        )
    return "\n".join(lines) + "\n"


def draw_chart(review: RecordReview, path: Path) -> None:
    """Draws Black's win rate and lead by move, the worst moves marked, as a PNG.

    Raises UserError without matplotlib.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise UserError("charts need matplotlib: pip install 'move37[charts]'") from None
    moves = range(len(review.positions))
    reports = [review.reports[number] for number in moves]
    leads = [report.score_lead for report in reports]
    known = all(lead is not None for lead in leads)
    figure = Figure(figsize=(9, 5 if known else 3), layout="constrained")
    axes = figure.subplots(2 if known else 1, sharex=True, squeeze=False)[:, 0]
    axes[0].plot(moves, [100 * report.win_rate for report in reports], color="black")
    axes[0].axhline(50, color="grey", linewidth=0.6)
    axes[0].set(ylabel="Black's win rate, %", ylim=(0, 100))
    for move in review.mistakes():
        win_rate = 100 * review.reports[move.number].win_rate
        colours = {"color": "black" if move.player == 0 else "white", "edgecolor": "red"}
        axes[0].scatter(move.number, win_rate, zorder=3, **colours)
        axes[0].annotate(
            f"{move.number} {review.names(move.action)}",
            (move.number, win_rate),
            textcoords="offset points",
            xytext=(4, 4),
            fontsize=8,
        )
    if known:
        axes[1].plot(moves, leads, color="black")
        axes[1].axhline(0, color="grey", linewidth=0.6)
        axes[1].set(ylabel="Black's lead, points")
    axes[-1].set(xlabel="move", xlim=(0, max(1, len(moves) - 1)))
    figure.savefig(path, dpi=120)


# --- Files ----------------------------------------------------------------------------------


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
    paths: Iterable[Path],
    out: Path,
    analyst_of: Callable[[str], tuple[Analyst, str]],
    *,
    chart: bool,
    seconds: float = math.inf,
    on_done: Callable[[str, float], None] = lambda source, share: None,
) -> Outcome:
    """Reviews all games of files, folders and archives, and writes what is said of each into `out`.

    A game NAME becomes NAME.analysed.sgf, .md, .json and, with `chart`, .png. analyst_of gives the
    analyst and the net's name for a game such as `go9`, or raises UserError. Broken games and those
    without a net are named, and the others go on. Raises UserError when none can be analysed.
    """
    outcome = Outcome()
    used: set[str] = set()
    for item in read_records(paths):
        if isinstance(item, BrokenRecord):
            outcome.broken.append(item)
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
    base = out / f"{name}.analysed"
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
    net_name: str,
    visits: int | None,
    seconds: float | None,
    chart: bool,
    device: str,
) -> Outcome:
    """`move37 analyze`: reviews with a net, or with the one that ships for each game's board.

    Each position has so many visits, or those that fit into the seconds; by default REVIEW_VISITS.
    """
    from engine.inference import NetEvaluator, choose_device, cpu_count, torch_threads
    from engine.nets import default_net, load_net
    from engine.setup import REVIEW_VISITS
    from engine.tuning import search_of

    visits = visits or (None if seconds else REVIEW_VISITS)
    chosen = choose_device(device)
    known: dict[str, tuple[Analyst, str]] = {}

    def analyst_of(game_name: str) -> tuple[Analyst, str]:
        if game_name not in known:
            game = load(game_name)
            net = net_name or default_net(game)
            if net is None:
                raise UserError(f"no net ships for {game_name}: name one with --net")
            evaluator = NetEvaluator(load_net(net, game)[0], chosen, game)
            known[game_name] = (Analyst(game, evaluator, search_of(visits, chosen, net)), net)
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
