"""`move37 check`: finds the mistakes in a game of one's own before they cost a day of training.

The rules play random games twice, each time in a process of their own, since a mistake may crash or
never end: first as plain Python (`plain`), where a mistake has a line number, then as machine code
with guard bytes around all that the rules write to (`guarded`). Both must keep the contract of
`engine.game.Game` in each position (`positions`) and in whole games (`examination`), and answer
alike. What is certainly wrong is a mistake, what merely looks wrong is a doubt.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.check.guarded import Mode
from engine.errors import UserError
from engine.games import load

PATIENCE = 120.0  # seconds for starting and compiling


@dataclass
class Report:
    """What was found in a game; sound when nothing is certainly wrong."""

    game: str
    mistakes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    games: dict[str, int] = field(default_factory=dict)  # random games played in each mode

    @property
    def sound(self) -> bool:
        return not self.mistakes

    def as_json(self) -> dict[str, Any]:
        """The report as plain values."""
        return {**self.__dict__, "sound": self.sound}

    def __str__(self) -> str:
        lines = [f"mistake: {text}" for text in self.mistakes]
        lines += [f"doubt: {text}" for text in self.doubts]
        if self.sound:
            played = f"{self.games['plain']} random games in plain Python, {self.games['native']}"
            lines.append(f"{self.game} is sound: {played} in machine code.")
        return "\n".join(lines)


def check_game(name: str, seconds: float = 10.0) -> Report:
    """Examines the game of that name or file, for about `seconds` in each mode besides compiling.

    Raises UserError when it cannot be loaded.
    """
    report = Report(load(name).name)
    answers = {}
    modes: tuple[Mode, ...] = ("plain", "native")
    for mode in modes:
        found = _examine_in_another_process(name, mode, seconds)
        report.mistakes += found["mistakes"]
        if not report.sound:
            return report
        report.doubts = found["doubts"]
        report.games[mode] = found["games"]
        answers[mode] = found["answers"]
    for plain, native in zip(answers["plain"], answers["native"], strict=False):
        if plain != native:
            report.mistakes.append(
                f"{plain[0]}: machine code and plain Python differ {plain[1]}: look for numbers beyond "
                "their type, or an index that is out of range"
            )
            break
    return report


def _examine_in_another_process(name: str, mode: Mode, seconds: float) -> dict[str, Any]:
    paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        "NUMBA_DISABLE_JIT": "1" if mode == "plain" else "0",
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }
    command = [sys.executable, "-P", "-m", "engine.check", name, mode, str(seconds)]
    words = "as plain Python" if mode == "plain" else "as machine code"
    try:
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE + 12 * seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"mistakes": [f"the rules {words} do not come to an end: look for an endless loop"]}
    if done.returncode < 0:
        return {
            "mistakes": [
                f"the rules {words} crashed (signal {-done.returncode}): look for an index that is out "
                "of range; machine code does not check it"
            ]
        }
    if done.returncode > 0:
        raise UserError(done.stderr.strip().splitlines()[-1])
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer
