"""A page about a reviewed game: Markdown, and a chart of win rate and lead."""

from __future__ import annotations

from pathlib import Path

from engine.analysis.record_review import COLOURS, LINE_LENGTH, RecordReview
from engine.errors import UserError


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
