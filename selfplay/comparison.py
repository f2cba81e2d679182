"""`move37 demo --teachers`: the four teachers compared, each from the same imitation net.

Search self-play gets its time first. The others then get as many iterations with as many net
evaluations and updates each: where a search spends 17 evaluations on a move, the policy alone plays
17 moves. Imitation goes on with its expert games for the same number of updates, and needs no
evaluations at all.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.files import write_whole
from engine.nets import load_net
from selfplay.arena import Tally
from selfplay.charts import comparison_chart, of_kind
from selfplay.config import parse_config
from selfplay.demo import GAME, MATCH_VISITS, demo_config, final_match
from selfplay.metrics import Metrics
from selfplay.progress import Reporter, clock
from selfplay.run import Run
from selfplay.stages import SHIPPED

IMITATION_SHARE, SELF_PLAY_SHARE, MATCH_SHARE = 0.3, 0.15, 0.05  # of the time; the last two for each
VISITS = 17  # of a search, and so the moves of the policy alone that cost as much
POSITIONS = 4000  # of an iteration with search
PASSES = 3.0
BATCH = 256
RATES = {"expert": 5e-4, "winners": 5e-4, "reinforce": 2e-4, "search": 1e-3}
NEVER = 1e9  # minutes; the comparison plays its own matches


@dataclass(frozen=True)
class Lesson:
    """What one teacher made of the imitation net."""

    teacher: str
    evaluations: int
    steps: int
    match: Tally


@dataclass(frozen=True)
class Comparison:
    """The Elo of each teacher's net over the imitation net."""

    lessons: list[Lesson]
    seconds: float
    chart: Path

    def as_json(self) -> dict[str, Any]:
        """One row for each teacher, and where the chart is."""
        rows = [
            {
                "teacher": lesson.teacher,
                "evaluations": lesson.evaluations,
                "steps": lesson.steps,
                **lesson.match.as_json(),
            }
            for lesson in self.lessons
        ]
        return {
            "teachers": rows,
            "visits": MATCH_VISITS,
            "seconds": round(self.seconds),
            "chart": str(self.chart),
        }

    def table(self) -> str:
        """The result for people."""
        head = f"{'teacher':<11}{'evaluations':>13}{'updates':>9}  Elo over imitation"
        rows = [
            f"{lesson.teacher:<11}{lesson.evaluations:>13,}{lesson.steps:>9,}  {lesson.match.elo}, "
            f"{lesson.match.games} games at {MATCH_VISITS} visits"
            for lesson in self.lessons
        ]
        end = f"Took {clock(self.seconds)}.  Chart: {self.chart}"
        return "\n".join(["", head, *rows, "", end])


def compare_teachers(out: Path, minutes: float, device: str, seed: int, report: Reporter) -> Comparison:
    """Runs or resumes a comparison that takes about so many minutes."""
    began = time.monotonic()
    values = demo_config(minutes, device, seed).model_dump(exclude_unset=True)
    expert, _ = values["stages"]
    first = {**values, "stages": [{**expert, "minutes": minutes * IMITATION_SHARE}]}
    imitation = _run(out / "imitation", first, "imitation", report)
    start = {"game": GAME, "seed": seed, "device": device, "start": str(imitation)}

    nets = {"search": _run(out / "search", _search(start, minutes), "search", report)}
    iterations = len(of_kind(_events(out / "search"), "iteration"))
    steps = load_net(nets["search"])[1].training["steps"]
    for teacher in ("reinforce", "winners"):
        nets[teacher] = _run(out / teacher, _own_moves(start, teacher, iterations), teacher, report)
    nets["expert"] = _run(out / "expert", _expert(start, steps), "expert", report)

    lessons = []
    for teacher in ("expert", "winners", "reinforce", "search"):
        report.line(f"the match of {teacher} against imitation, at {MATCH_VISITS} visits each")
        until = time.monotonic() + 60 * minutes * MATCH_SHARE
        tally = final_match(nets[teacher], imitation, until, device, seed, report)
        training = load_net(nets[teacher])[1].training
        lessons.append(Lesson(teacher, training.get("evaluations", 0), training["steps"], tally))
        report.line(f"  {tally}")
    return Comparison(lessons, time.monotonic() - began, _draw(out, lessons))


def _run(folder: Path, values: dict[str, Any], what: str, report: Reporter) -> Path:
    report.line(f"{what}, in {folder}")
    run = Run.open(folder, parse_config(values, what), report)
    run.go_on()
    return run.net_of_stage(0)


def _events(folder: Path) -> list[dict[str, Any]]:
    return Metrics(folder, board=False).read()


def _search(start: dict[str, Any], minutes: float) -> dict[str, Any]:
    stage = {
        "teacher": "search",
        "minutes": minutes * SELF_PLAY_SHARE,
        "positions_per_iteration": POSITIONS,
        "passes": PASSES,
        "search": {"visits": VISITS, "root_policy": "gumbel", "random_symmetry": True},
    }
    return {**start, "stages": [{**stage, **_common("search")}]}


def _own_moves(start: dict[str, Any], teacher: str, iterations: int) -> dict[str, Any]:
    stage = {
        "teacher": teacher,
        "iterations": iterations,
        "positions_per_iteration": POSITIONS * VISITS,
        "passes": PASSES / VISITS,
    }
    return {**start, "stages": [{**stage, **_common(teacher)}]}


def _expert(start: dict[str, Any], steps: int) -> dict[str, Any]:
    stage = {
        "teacher": "expert",
        "data": [SHIPPED],
        "steps": steps,
        "measure_every": max(1, steps // 10),
        "patience": steps,
        "learner": {"learning_rate": RATES["expert"], "batch_size": BATCH},
    }
    return {**start, "stages": [stage]}


def _common(teacher: str) -> dict[str, Any]:
    learner = {"learning_rate": RATES[teacher], "averaging": 0.998, "batch_size": BATCH}
    return {"match_minutes": NEVER, "learner": learner}


def _draw(out: Path, lessons: list[Lesson]) -> Path:
    rows = [{"label": lesson.teacher, **lesson.match.as_json()} for lesson in lessons]
    path = out / "teachers.png"
    title = f"Four teachers, equal evaluations and updates: {GAME}"
    write_whole(path, comparison_chart(rows, title))
    return path
