"""How a long job tells a person what it is doing: lines that stay and one bar that moves."""

from __future__ import annotations

import sys
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Reporter(Protocol):
    """What long jobs need to report."""

    def line(self, text: str) -> None:
        """Says something that stays."""

    def bar(self, what: str, share: float, overall: str = "") -> None:
        """Shows how far the present step is, in [0, 1], and how the whole job stands."""


class Silent:
    """A reporter that says nothing."""

    def line(self, text: str) -> None:
        """Says nothing."""

    def bar(self, what: str, share: float, overall: str = "") -> None:
        """Shows nothing."""


class Terminal:
    """A reporter on stderr, so that stdout stays free for results; the bar needs a terminal."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._progress = Progress(
            TextColumn("{task.description:<12}"),
            BarColumn(bar_width=32),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[overall]}"),
            console=self.console,
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._task: TaskID | None = None
        self._what = ""

    def __enter__(self) -> Terminal:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def line(self, text: str) -> None:
        """Prints a line above the bar."""
        self.console.print(text, markup=False)

    def bar(self, what: str, share: float, overall: str = "") -> None:
        """Moves the bar; a new `what` starts it anew."""
        if self._task is None or what != self._what:
            if self._task is not None:
                self._progress.remove_task(self._task)
            self._task = self._progress.add_task(what, total=1.0, overall=overall)
            self._what = what
        self._progress.update(self._task, completed=min(1.0, share), overall=overall)


def clock(seconds: float) -> str:
    """A duration for people: `12 min 05 s`, `2 h 10 min`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
