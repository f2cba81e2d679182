"""Charts of a run."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from engine.errors import UserError
from engine.files import write_whole
from selfplay.metrics import Metrics

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#666666"  # safe for the colour-blind


def draw_run(folder: Path, title: str) -> Path:
    """Draws what a run learned, as `chart.png` in its folder, and returns the file.

    Left: accuracy on held-out expert moves during imitation. Right: Elo of the self-play net over
    the net it began with, each with its 95 % interval. Raises UserError without matplotlib.
    """
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise UserError("charts need matplotlib: pip install 'move37[charts]'") from error
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    events = Metrics(folder, board=False).read()
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), width_ratios=(2, 3))
    _draw_imitation(left, [e for e in events if e["event"] == "imitation"])
    _draw_elo(right, events)
    figure.suptitle(title, fontsize=13)
    figure.tight_layout()
    path = folder / "chart.png"
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=130)
    plt.close(figure)
    write_whole(path, picture.getvalue())
    return path


def _draw_imitation(axes: Any, rows: list[dict[str, Any]]) -> None:
    minutes = [row["seconds"] / 60 for row in rows]
    axes.plot(minutes, [100 * row["top1"] for row in rows], color=BLUE, marker="o", ms=3)
    axes.set(
        title="1. Imitation",
        xlabel="minutes",
        ylabel="held-out expert moves predicted, %",
    )
    best = 100 * max((row["top1"] for row in rows), default=0.0)
    axes.set_ylim(0, 1.15 * best + 1)
    axes.set_xlim(left=0)
    axes.grid(alpha=0.3)


def _draw_elo(axes: Any, events: list[dict[str, Any]]) -> None:
    matches = [e for e in events if e["event"] == "match"]
    ends = [e["seconds"] for e in events if e["event"] == "iteration"]
    points = [(0.0, 0.0, 0.0, 0.0)]
    points += [(m["seconds"] / 60, m["elo"], m["elo_low"], m["elo_high"]) for m in matches]
    axes.axhline(0, color=GREY, lw=1)
    axes.annotate("imitation = 0", (1, 0), (-4, 4), ("axes fraction", "data"), "offset points",
                  color=GREY, ha="right")  # fmt: skip
    _draw_intervals(axes, points, ORANGE, "during self-play")
    final = [e for e in events if e["event"] == "final"]
    if final and ends:
        last = final[-1]
        point = (ends[-1] / 60, last["elo"], last["elo_low"], last["elo_high"])
        _draw_intervals(axes, [point], BLUE, f"final match, {last['games']} games")
    axes.set(
        title="2. Self-play",
        xlabel="minutes of self-play",
        ylabel="Elo over the imitation net, 95 % interval",
    )
    axes.grid(alpha=0.3)
    axes.legend(loc="lower center", frameon=False, bbox_to_anchor=(0.5, 0.02))


def _draw_intervals(
    axes: Any, points: list[tuple[float, float, float, float]], colour: str, label: str
) -> None:
    x, elo, low, high = zip(*points, strict=True)
    below = [e - max(b, e - 800) for e, b in zip(elo, low, strict=True)]
    above = [min(t, e + 800) - e for e, t in zip(elo, high, strict=True)]
    axes.errorbar(x, elo, yerr=(below, above), color=colour, marker="o", capsize=3, label=label)
