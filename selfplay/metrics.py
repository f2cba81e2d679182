"""What happens in a run, as lines of JSON and as TensorBoard events."""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from engine.files import write_whole


class Metrics:
    """The run's events: lines of metrics.jsonl, and TensorBoard when it is installed."""

    def __init__(self, folder: Path, board: bool = True) -> None:
        self.path = folder / "metrics.jsonl"
        self._wants_board = board

    @cached_property
    def _board(self) -> Any:
        """TensorBoard's writer, which makes its file when the first event comes, or None."""
        if self._wants_board:
            with contextlib.suppress(ImportError):
                from torch.utils.tensorboard import SummaryWriter

                return SummaryWriter(self.path.parent / "tensorboard")
        return None

    def write(self, event: str, **facts: Any) -> None:
        """Appends an event with its facts and the time of day; infinite and NaN facts become null."""
        facts = {name: None if _endless(value) else value for name, value in facts.items()}
        row = {"event": event, "time": round(time.time(), 1), **facts}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        if self._board is not None:
            step = int(facts.get("steps", facts.get("seconds", 0)))
            for name, value in facts.items():
                if isinstance(value, int | float):
                    self._board.add_scalar(f"{event}/{name}", value, step)
            self._board.flush()

    def rewind(self, kept: Callable[[dict[str, Any]], bool]) -> None:
        """Forgets the events that are not `kept`: those that a resumed stage will write again."""
        rows = self.read()
        left = [row for row in rows if kept(row)]
        text = "".join(json.dumps(row) + "\n" for row in left)
        if self.path.exists() and text != self.path.read_text(encoding="utf-8"):
            write_whole(self.path, text.encode())

    def read(self) -> list[dict[str, Any]]:
        """All events so far; a half-written last line is left out."""
        rows = []
        if self.path.exists():
            for line in self.path.read_text(encoding="utf-8").splitlines():
                with contextlib.suppress(json.JSONDecodeError):
                    rows.append(json.loads(line))
        return rows


def _endless(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
