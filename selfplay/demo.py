"""`move37 demo`: the whole idea in one sitting, on the user's own machine.

Expert games are imitated until the accuracy on held-out games stops rising. The net then plays
itself. A match at equal visits says whether, and by how much, it has surpassed its teacher.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.nets.files import NetInfo, load_net, save_net
from engine.nets.inference import describe_devices
from selfplay.comparison.compare import compare
from selfplay.comparison.plan import read_comparison
from selfplay.comparison.results import Comparison
from selfplay.config import RunConfig, parse_config, read_preset
from selfplay.progress import Reporter, clock
from selfplay.rating.arena import Tally
from selfplay.rating.match import net_match
from selfplay.reports.report import draw_run
from selfplay.run import Run

IMITATION_SHARE = 0.5  # of the time, at most: it ends when the accuracy stops rising
MATCH_SHARE = 0.10
MATCH_GAMES = 400
MATCH_VISITS = 32
TEACHERS_SHARES = {"imitation": 0.3, "teacher": 0.15, "match": 0.05}  # the last two for each of four


@dataclass(frozen=True)
class Outcome:
    """What a demo found."""

    imitation: NetInfo
    surpassed: NetInfo
    match: Tally
    seconds: float
    chart: Path
    nets: tuple[Path, Path]

    def as_json(self) -> dict[str, Any]:
        """The match, from the self-play net's side, and where the files are."""
        return {
            **self.match.as_json(),
            "visits": MATCH_VISITS,
            "top1": self.imitation.strength["held_out"]["top1"],
            "self_play_games": self.surpassed.training["games"],
            "seconds": round(self.seconds),
            "chart": str(self.chart),
            "nets": [str(path) for path in self.nets],
        }

    def __str__(self) -> str:
        """The result for people."""
        learned = self.imitation.strength["held_out"]
        games = self.surpassed.training["games"]
        elo = self.match.elo
        verdict = (
            "Self-play has surpassed the imitation it began with."
            if elo.low > 0
            else "Not proven this time: the interval reaches zero. More --minutes help."
        )
        rows = [
            ("net", "learned from", f"Elo at {MATCH_VISITS} visits"),
            (
                "imitation",
                f"{self.imitation.training['games']:,} expert games "
                f"(predicts {100 * learned['top1']:.1f} % of held-out moves)",
                "0",
            ),
            ("self-play", f"{games:,} games against itself", str(elo)),
        ]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        lines = ["  ".join(text.ljust(w) for text, w in zip(row, widths, strict=True)) for row in rows]
        lines.insert(1, "  ".join("-" * width for width in widths))
        return "\n".join(
            [
                "",
                *lines,
                "",
                f"The match, from the self-play net's side: {self.match}",
                verdict,
                f"Took {clock(self.seconds)}.  Chart: {self.chart}",
                f"Play against it: move37 play --net {self.nets[1]}",
            ]
        )


def demo_config(minutes: float, device: str, seed: int) -> RunConfig:
    """The run of a demo that takes about so many minutes."""
    preset = read_preset("demo").model_dump(exclude_unset=True)
    imitation, self_play = preset["stages"]
    imitation["minutes"] = minutes * IMITATION_SHARE
    self_play["minutes"] = minutes * (1 - IMITATION_SHARE - MATCH_SHARE)
    self_play["match_minutes"] = self_play["minutes"] / 2.5
    return parse_config({**preset, "seed": seed, "device": device}, "demo")


def run_demo(out: Path, minutes: float, device: str, seed: int, report: Reporter) -> Outcome:
    """Runs or resumes a demo. Raises UserError when the folder holds another run."""
    began = time.monotonic()
    config = demo_config(minutes, device, seed)
    run = Run.open(out, config, report)
    report.line(f"move37 demo: about {clock(60 * minutes)} in {out}, {describe_devices(run.device)}")
    run.go_on()
    paths = (run.net_of_stage(0), run.net_of_stage(1))
    report.line(f"the match: {MATCH_GAMES} games at {MATCH_VISITS} visits each")
    both, deadline = (paths[1], paths[0]), began + 60 * minutes
    tally = net_match(run.game, run.device, both, MATCH_VISITS, MATCH_GAMES, seed, report, deadline)
    surpassed, info = load_net(paths[1], run.game)
    strength = {"against_imitation": {**tally.as_json(), "visits": MATCH_VISITS}}
    info = info.model_copy(update={"strength": strength})
    save_net(paths[1], surpassed, info)
    seconds = time.monotonic() - began
    run.metrics.write("final", visits=MATCH_VISITS, **tally.as_json())
    chart = draw_run(out, "Imitation, then self-play: 9x9 Go")
    return Outcome(load_net(paths[0])[1], info, tally, seconds, chart, paths)


def compare_teachers(out: Path, minutes: float, device: str, seed: int, report: Reporter) -> Comparison:
    """Runs or resumes the demo's imitation, then the four teachers from its net, in about that time."""
    values = demo_config(minutes, device, seed).model_dump(exclude_unset=True)
    expert, _ = values["stages"]
    values["stages"] = [{**expert, "minutes": minutes * TEACHERS_SHARES["imitation"]}]
    run = Run.open(out / "imitation", parse_config(values, "imitation"), report)
    report.line(f"imitation, in {run.folder}")
    run.go_on()
    config = read_comparison(
        "teachers",
        start=str(run.net_of_stage(0)),
        minutes=minutes * TEACHERS_SHARES["teacher"],
        games=MATCH_GAMES,
        seeds=[seed],
        device=device,
    )
    match = config.match.model_copy(update={"minutes": minutes * TEACHERS_SHARES["match"]})
    return compare(config.model_copy(update={"match": match}), out, report)
