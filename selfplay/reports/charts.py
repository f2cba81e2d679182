"""Charts, drawn with matplotlib; most of a run's events, and which there are, `stages` says.

Every function draws one picture and returns it as PNG bytes; None when there is nothing to show.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from engine.errors import UserError
from engine.game import Game
from selfplay.rating.elo import Elo
from selfplay.rating.fit import Fit, fit_matches

BLUE, ORANGE, GREEN, GREY = "#0072b2", "#d55e00", "#009e73", "#666666"  # safe for the colour-blind
PINK, SKY, YELLOW = "#cc79a7", "#56b4e9", "#e69f00"
SERIES = (ORANGE, GREEN, PINK, SKY, YELLOW, BLUE)
OPEN_END = 800  # Elo: how far an interval without an end is drawn

Events = list[dict[str, Any]]


class Picture:
    """A figure with some axes side by side, and its PNG once drawn."""

    def __init__(self, plt: Any, columns: int, size: tuple[float, float], widths: Sequence[float]):
        self.figure, axes = plt.subplots(1, columns, figsize=size, width_ratios=widths, squeeze=False)
        self.axes: list[Any] = list(axes[0])
        self.png = b""


@contextmanager
def picture(
    columns: int = 1,
    size: tuple[float, float] = (11, 4.2),
    widths: Sequence[float] | None = None,
    title: str = "",
) -> Iterator[Picture]:
    """Axes to draw on; `png` is filled when the context ends. Raises UserError without matplotlib."""
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise UserError("charts need matplotlib: pip install 'move37[charts]'") from error
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    drawn = Picture(plt, columns, size, widths or [1] * columns)
    try:
        yield drawn
        if title:
            drawn.figure.suptitle(title, fontsize=13)
        drawn.figure.tight_layout()
        buffer = io.BytesIO()
        drawn.figure.savefig(buffer, format="png", dpi=130)
        drawn.png = buffer.getvalue()
    finally:
        plt.close(drawn.figure)


def demo_chart(events: Events, title: str) -> bytes:
    """Left the accuracy of the imitation, right the Elo of self-play over it."""
    with picture(2, widths=(2, 3), title=title) as drawn:
        left, right = drawn.axes
        _imitation(left, of_kind(events, "imitation"))
        left.set_title("1. Imitation")
        _elo_over_time(right, events)
        right.set_title("2. Self-play")
    return drawn.png


def elo_chart(events: Events, reference: str | None = None) -> bytes | None:
    """Elo over the reference, or over the net each self-play stage began with, by time and by net
    evaluations; with three matches or more, a fit tells what twice as many evaluations are worth."""
    matches = of_kind(events, "match")
    if not matches:
        return None
    with picture(2) as drawn:
        left, right = drawn.axes
        for axes, unit, scale in ((left, "seconds", 60), (right, "evaluations", 1e6)):
            axes.axhline(0, color=GREY, lw=1)
            for colour, (name, rows) in zip(SERIES, by_stage(matches).items(), strict=False):
                points = [_point(row, row[unit] / scale) for row in rows]
                begun = [] if reference else [(0.0, 0.0, 0.0, 0.0)]  # a net is equal to itself
                _intervals(axes, [*begun, *points], colour, name)
                if unit == "evaluations":
                    _fitted(axes, [point[0] for point in points], rows, colour)
            axes.grid(alpha=0.3)
            axes.legend(frameon=False, loc="lower right")
        left.set(xlabel="minutes", ylabel=f"Elo over {reference or 'the net before'}, 95 % interval")
        right.set(xlabel="net evaluations in self-play, millions")
    return drawn.png


def curve_chart(
    points: Sequence[tuple[float, float, float, float]],
    doublings: Sequence[tuple[float, float, float, float]],
    fit: Fit,
    unit: str,
    title: str,
) -> bytes:
    """Left the Elo of amounts of compute, right what twice as much is worth, both measured and fitted;
    points and doublings: compute, elo, low, high."""
    amounts = [point[0] for point in points]
    between = np.geomspace(min(amounts), max(amounts), 60)
    with picture(2, title=title) as drawn:
        left, right = drawn.axes
        _intervals(left, points, ORANGE, "measured", line="none")
        left.plot(between, [fit.elo(amount) for amount in between], color=BLUE, label="fitted")
        left.set_ylabel(f"Elo over {min(amounts):g}, 95 % interval")
        left.legend(frameon=False)
        worth = [fit.doubling(amount) for amount in between]
        right.axhline(0, color=GREY, lw=1)
        _intervals(right, doublings, ORANGE, "measured", line="none")
        right.plot(between, [elo.elo for elo in worth], color=BLUE)
        right.fill_between(
            between,
            [elo.low for elo in worth],
            [elo.high for elo in worth],
            color=BLUE,
            alpha=0.2,
            lw=0,
        )
        right.set_ylabel("Elo of twice as much, 95 % interval")
        for axes in drawn.axes:
            axes.set_xscale("log")
            axes.set_xticks(amounts, [f"{amount:g}" for amount in amounts], minor=False)
            axes.minorticks_off()
            axes.set_xlabel(unit)
            axes.grid(alpha=0.3)
    return drawn.png


def accuracy_chart(events: Events) -> bytes | None:
    """Agreement with held-out expert moves, during imitation and during self-play."""
    imitation = of_kind(events, "imitation")
    matches = [row for row in of_kind(events, "match") if "expert_top1" in row]
    if not imitation and not matches:
        return None
    with picture(2, widths=(1, 1)) as drawn:
        left, right = drawn.axes
        _imitation(left, imitation)
        left.set_title("imitation")
        best = max((100 * row["top1"] for row in imitation), default=None)
        if best is not None:
            right.axhline(best, color=BLUE, ls="--", lw=1, label="imitation at its best")
        for colour, (name, rows) in zip(SERIES, by_stage(matches).items(), strict=False):
            minutes = [row["seconds"] / 60 for row in rows]
            right.plot(
                minutes,
                [100 * row["expert_top1"] for row in rows],
                color=colour,
                marker="o",
                label=name,
            )
        right.set(title="self-play", xlabel="minutes", ylabel="expert moves predicted, %")
        right.set_ylim(bottom=0)
        right.grid(alpha=0.3)
        if right.get_legend_handles_labels()[1]:
            right.legend(frameon=False)
    return drawn.png


def losses_chart(events: Events) -> bytes | None:
    """Policy and value loss and the policy's entropy, by stage and training step."""
    rows = of_kind(events, "imitation") + of_kind(events, "iteration")
    if not rows:
        return None
    with picture(3, (12, 3.8)) as drawn:
        shown = ("policy", "value", "entropy")
        for axes, name in zip(drawn.axes, shown, strict=True):
            for colour, (stage, part) in zip((BLUE, *SERIES), by_stage(rows).items(), strict=False):
                points = [(row["seconds"] / 60, row[name]) for row in part if name in row]
                if points:
                    axes.plot(*zip(*points, strict=True), color=colour, label=stage)
            title = "entropy of the policy, nats" if name == "entropy" else f"{name} loss, nats"
            axes.set(title=title, xlabel="minutes of the stage")
            axes.grid(alpha=0.3)
        drawn.axes[0].legend(frameon=False)
    return drawn.png


def games_chart(events: Events) -> bytes | None:
    """Length, results and variety of the self-play games, by iteration."""
    rows = of_kind(events, "iteration")
    if not rows:
        return None
    with picture(3, (12, 3.8)) as drawn:
        lengths, results, signs = drawn.axes
        for colour, (name, part) in zip(SERIES, by_stage(rows).items(), strict=False):
            numbers = [row["number"] for row in part]
            lengths.plot(numbers, [row["mean_length"] for row in part], color=colour, label=name)
        last = list(by_stage(rows).values())[-1]
        numbers = [row["number"] for row in last]
        for axes, keys in (
            (results, {"first_player_share": "first player's points", "draw_share": "draws"}),
            (
                signs,
                {
                    "unique_share": "share of games that differ",
                    "value_correlation": "correlation of value and result",
                },
            ),
        ):
            for colour, (key, label) in zip((BLUE, ORANGE), keys.items(), strict=True):
                values = [np.nan if row[key] is None else row[key] for row in last]
                axes.plot(numbers, values, color=colour, label=label)
            axes.set_ylim(-0.05, 1.05)
        results.set_title("results, share of games")
        signs.set_title("signs of health")
        lengths.set_title("moves of a game")
        lengths.set_ylim(bottom=0)
        for axes in drawn.axes:
            axes.set_xlabel("iteration")
            axes.grid(alpha=0.3)
            axes.legend(frameon=False)
    return drawn.png


def openings_chart(events: Events, game: Game) -> bytes | None:
    """First moves from the empty board, in the first and in the last third of the iterations."""
    rows = list(by_stage(of_kind(events, "iteration")).values())
    if not rows:
        return None
    last = [row["first_moves"] for row in rows[-1]]
    third = max(1, len(last) // 3)
    halves = {"first": _counts(last[:third]), "last": _counts(last[-third:])}
    if not all(sum(counts.values()) for counts in halves.values()):
        return None
    height, width = game.shape
    with picture(2, (10, 4.6)) as drawn:
        for axes, (when, counts) in zip(drawn.axes, halves.items(), strict=True):
            board = np.zeros(game.area)
            for action, count in counts.items():
                if action < game.board_actions:
                    board[action % game.area] += count
            total = sum(counts.values())
            shares = 100 * board.reshape(height, width) / total
            image = axes.imshow(shares, cmap="Blues", vmin=0)
            axes.set_title(f"{when} third: {total:,} games")
            names = game.notation
            columns = [names.name(i)[:1] for i in range(width)]
            axes.set_xticks(range(width), columns)
            axes.set_yticks(range(height), [names.name(i * width)[1:] for i in range(height)])
            drawn.figure.colorbar(image, ax=axes, label="% of first moves", shrink=0.85)
    return drawn.png


def comparison_chart(rows: Sequence[dict[str, Any]], title: str) -> bytes:
    """Elo of several nets over the one they started from, each with its interval, and how far the
    first one came; rows: label, elo, elo_low, elo_high. Hollow: the same without search, of rows with
    policy_elo, policy_elo_low, policy_elo_high."""
    alone = "policy_elo" in rows[0]
    with picture(size=(8, 1.4 + (0.75 if alone else 0.45) * len(rows)), title=title) as drawn:
        (axes,) = drawn.axes
        axes.axvline(0, color=GREY, lw=1)
        axes.axvline(rows[0]["elo"], color=GREY, lw=1, ls="--")
        for place, row in enumerate(rows):
            colour = SERIES[place % len(SERIES)]
            _beside(axes, place, (row["elo"], *interval(row)), 7, color=colour)
            if alone:
                ends = (row["policy_elo"], *interval(row, "policy_"))
                _beside(axes, place + 0.2, ends, -16, color=colour, markerfacecolor="white")
        axes.set_yticks(range(len(rows)), [row["label"] for row in rows])
        axes.set_ylim(len(rows) - (0.3 if alone else 0.4), -0.7)
        hollow = "; hollow: without search" if alone else ""
        axes.set_xlabel(f"Elo over the net they started from, 95 % interval{hollow}")
        axes.grid(alpha=0.3, axis="x")
    return drawn.png


def speed_chart(panels: Sequence[tuple[str, dict[str, float]]], title: str) -> bytes:
    """Speeds by program on logarithmic scales, a panel for each kind of work; the first is ours."""
    most = max(len(speeds) for _, speeds in panels)
    with picture(len(panels), (4.6 * len(panels), 1.5 + 0.5 * most), title=title) as drawn:
        for axes, (work, speeds) in zip(drawn.axes, panels, strict=True):
            ours, *theirs = speeds.values()
            axes.barh(list(speeds), list(speeds.values()), color=[BLUE, *[GREY] * len(theirs)])
            axes.set_xscale("log")
            axes.set_xlim(min(speeds.values()) / 10, 10 * max(speeds.values()))
            axes.set_ylim(most - 0.5, -0.5)
            for place, speed in enumerate(speeds.values()):
                label = f"{speed:,.0f}" + (f"  (1/{ours / speed:.3g})" if place else "")
                axes.annotate(label, (speed, place), (4, 0), textcoords="offset points", va="center")
            axes.set_title(work)
            axes.grid(alpha=0.3, axis="x")
            axes.set_axisbelow(True)
    return drawn.png


# --- Events -----------------------------------------------------------------------------------


def of_kind(events: Events, kind: str) -> Events:
    """The events of one kind."""
    return [row for row in events if row["event"] == kind]


def by_stage(rows: Events) -> dict[str, Events]:
    """The rows of each stage, in order."""
    stages: dict[str, Events] = {}
    for row in rows:
        stages.setdefault(row["stage"], []).append(row)
    return stages


def _counts(moves: list[dict[str, int]]) -> Counter[int]:
    total: Counter[int] = Counter()
    for counts in moves:
        total.update({int(action): count for action, count in counts.items()})
    return total


# --- Parts of pictures ------------------------------------------------------------------------


def _imitation(axes: Any, rows: Events) -> None:
    minutes = [row["seconds"] / 60 for row in rows]
    axes.plot(minutes, [100 * row["top1"] for row in rows], color=BLUE, marker="o", ms=3)
    axes.set(xlabel="minutes", ylabel="held-out expert moves predicted, %")
    best = 100 * max((row["top1"] for row in rows), default=0.0)
    axes.set_ylim(0, 1.15 * best + 1)
    axes.set_xlim(left=0)
    axes.grid(alpha=0.3)


def _elo_over_time(axes: Any, events: Events) -> None:
    ends = [row["seconds"] for row in of_kind(events, "iteration")]
    points = [_point(row, row["seconds"] / 60) for row in of_kind(events, "match")]
    axes.axhline(0, color=GREY, lw=1)
    axes.annotate("imitation = 0", (1, 0), (-4, 4), ("axes fraction", "data"), "offset points",
                  color=GREY, ha="right")  # fmt: skip
    _intervals(axes, [(0.0, 0.0, 0.0, 0.0), *points], ORANGE, "during self-play")
    final = of_kind(events, "final")
    if final and ends:
        point = _point(final[-1], ends[-1] / 60)
        _intervals(axes, [point], BLUE, f"final match, {final[-1]['games']} games")
    axes.set(xlabel="minutes of self-play", ylabel="Elo over the imitation net, 95 % interval")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower center", frameon=False, bbox_to_anchor=(0.5, 0.02))


def interval(row: dict[str, Any], match: str = "") -> tuple[float, float]:
    """The ends of a match's Elo interval; an end that is missing is infinite."""
    low, high = row[f"{match}elo_low"], row[f"{match}elo_high"]
    return -np.inf if low is None else low, np.inf if high is None else high


def _beside(
    axes: Any, place: float, ends: tuple[float, float, float], offset: float, **style: Any
) -> None:
    """An Elo with its interval, lying, and its figure so many points above."""
    elo = ends[0]
    low, high = _ends(*ends)
    axes.errorbar(elo, place, xerr=[[low], [high]], marker="o", capsize=4, **style)
    axes.annotate(
        f"{round(elo):+d}", (elo, place), (0, offset), textcoords="offset points",
        ha="center", bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
    )  # fmt: skip


def _point(row: dict[str, Any], x: float) -> tuple[float, float, float, float]:
    return x, row["elo"], *interval(row)


def _intervals(
    axes: Any,
    points: Sequence[tuple[float, float, float, float]],
    colour: str,
    label: str,
    line: str = "-",
) -> None:
    x, elo, low, high = zip(*points, strict=True)
    ends = [_ends(*row) for row in zip(elo, low, high, strict=True)]
    axes.errorbar(
        x, elo, yerr=tuple(zip(*ends, strict=True)), color=colour, marker="o", ls=line, capsize=3,
        label=label,
    )  # fmt: skip


def _fitted(axes: Any, compute: Sequence[float], rows: Events, colour: str) -> None:
    """The line through matches, and what twice the compute of the last one is worth."""
    fitted = fit_matches(compute, [Elo(row["elo"], *interval(row)) for row in rows])
    if fitted is not None:
        between = np.geomspace(min(compute), max(compute), 60)
        label = f"twice as many: {fitted.doubling(max(compute))}"
        axes.plot(between, [fitted.elo(x) for x in between], color=colour, ls="--", label=label)


def _ends(elo: float, low: float, high: float) -> tuple[float, float]:
    """How far an interval reaches below and above its middle."""
    return elo - max(low, elo - OPEN_END), min(high, elo + OPEN_END) - elo
