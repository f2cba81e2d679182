"""One examination, in a process of its own: python -m engine.check GAME MODE SECONDS, told in JSON."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np

from engine.check.examination import Examination
from engine.check.guarded import Mode, Rules
from engine.games import load


def compile_error(error: Exception, file: Path | None) -> str:
    """What numba says of rules that it cannot compile, in one line."""
    text = str(error)
    lines = re.findall(rf'File "[^"]*{re.escape(file.name)}", line (\d+)', text) if file else []
    reasons = [line.strip() for line in text.splitlines() if line.strip()]
    reason = next((line for line in reasons if not line.startswith("Failed in")), reasons[0])
    place = f" line {lines[-1]}" if lines else ""
    return f"numba cannot compile the rules{place}: {reason}; use numbers, loops and the state's fields"


def examine(name: str, mode: Mode, seconds: float) -> dict[str, Any]:
    """What is found in one mode, as plain values; after a mistake perhaps that alone."""
    game = load(name)
    file = Path(name).resolve() if name.endswith(".py") else None
    try:
        rules = Rules(game, mode, file)
    except Exception as error:
        return {"mistakes": [compile_error(error, file)]}
    examination = Examination(rules)
    with np.errstate(over="ignore"):  # hashes wrap round
        mistakes = examination.run(seconds)
    return {
        "mistakes": mistakes,
        "doubts": examination.doubts(),
        "games": examination.games,
        "answers": examination.answers,
    }


if __name__ == "__main__":
    print(json.dumps(examine(sys.argv[1], sys.argv[2], float(sys.argv[3]))))  # type: ignore[arg-type]
