"""Framing of GTP version 2: lines in, replies out.

Specification: Farnebäck, "GTP version 2, draft 2", sections 2 and 6.
"""

from __future__ import annotations

import os
import re
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TextIO

UNKNOWN_COMMAND = "unknown command"
SYNTAX_ERROR = "syntax error"
UNACCEPTABLE_SIZE = "unacceptable size"
ILLEGAL_MOVE = "illegal move"
CANNOT_UNDO = "cannot undo"
CANNOT_LOAD = "cannot load file"
CANNOT_SAVE = "cannot save file"

# A comment that GoGui sends to end a command that takes long.
INTERRUPT = re.compile(r"#\s*interrupt\s*", re.IGNORECASE)
_CONTROL = dict.fromkeys((*range(32), 127)) | {9: " "}
_COMMAND = re.compile(r"(?:(\d+)(?:\s+|$))?(.*)", re.ASCII)


class GtpFailure(Exception):  # noqa: N818, `GtpError` is what other engines do
    """A command failed: the text is the reply after `?`, one line."""


@dataclass(frozen=True)
class Command:
    """One command: its id as it was written (empty: none), its name and its arguments."""

    id: str
    name: str
    arguments: tuple[str, ...]

    @property
    def text(self) -> str:
        """The arguments as one text, the spaces between them single."""
        return " ".join(self.arguments)


def parse(line: str) -> Command | None:
    """The command on a line; None when the line is empty or a comment."""
    text = line.translate(_CONTROL).partition("#")[0].strip()
    if not text:
        return None
    match = _COMMAND.fullmatch(text)
    assert match is not None
    name, *arguments = match[2].split() or [""]
    return Command(match[1] or "", name, tuple(arguments))


def reply_text(text: str) -> str:
    """A reply without the blank lines that would end it too soon."""
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip())


class Replies:
    """Writes replies, each line at once. For use by one thread, `line` by several."""

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._lock = threading.Lock()

    def whole(self, command: Command, text: str, ok: bool = True) -> None:
        """A whole reply; text that begins with a newline stands below the sign and the id."""
        body = reply_text(text)
        gap = "\n" if body and text.startswith("\n") else " "
        self._write(f"{'=' if ok else '?'}{command.id}{gap}{body}\n\n")

    def begin(self, command: Command) -> None:
        """The first line of a reply that comes line by line."""
        self._write(f"={command.id}\n")

    def line(self, text: str) -> None:
        """One line of a reply that comes line by line."""
        self._write(f"{text}\n")

    def end(self) -> None:
        """Ends a reply that came line by line."""
        self._write("\n")

    def _write(self, text: str) -> None:
        with self._lock:
            self._output.write(text)
            self._output.flush()


class Inbox:
    """The lines that have arrived, read by a thread of its own so that they can interrupt."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._waiting: deque[str | None] = deque()
        self._changed = threading.Condition()
        self._interrupts = 0
        self._reader = threading.Thread(target=self._read, args=(lines,), name="gtp", daemon=True)
        self._reader.start()

    def _read(self, lines: Iterable[bytes]) -> None:
        try:
            for line in lines:
                self._put(line.decode("utf-8", "replace"))
        finally:
            self._put(None)

    def _put(self, line: str | None) -> None:
        with self._changed:
            self._waiting.append(line)
            self._interrupts += line is not None and INTERRUPT.fullmatch(line.strip()) is not None
            self._changed.notify_all()

    def take(self) -> str | None:
        """The next line; waits for it. None when no more will come."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting)
            line = self._waiting[0]
            if line is None:
                return None
            self._waiting.popleft()
            self._interrupts -= INTERRUPT.fullmatch(line.strip()) is not None
            return line

    def wait(self) -> None:
        """Waits until a line has arrived, or the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting)

    def arrived(self) -> bool:
        """Whether any line, even an empty one, or the end has arrived: analysis stops for it."""
        return bool(self._waiting)

    def interrupted(self) -> bool:
        """Whether `# interrupt` has arrived: a move that is being thought about is played at once."""
        return self._interrupts > 0


def lines_of(descriptor: int) -> Iterator[bytes]:
    """The lines of an open file, without the locks that would keep the program from ending."""
    rest = b""
    while chunk := os.read(descriptor, 1 << 16):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
    if rest:
        yield rest
