"""Playing with an engine that speaks the Go Text Protocol (GTP), in a process of its own."""

from __future__ import annotations

import contextlib
import json
import math
import queue
import shlex
import shutil
import subprocess
import threading
from collections.abc import Callable
from typing import Any, Literal, TextIO

import numpy as np

from engine.errors import UserError
from engine.position import Position
from engine.rules import rules_of

# Debian puts games where a service's PATH may not look.
EXTRA_FOLDERS = "/usr/games:/usr/local/games"
COLOURS = ("b", "w")
GRACE = 5.0  # seconds beyond its time after which an engine is stopped
FIRST_ANSWER = 60.0  # seconds that an engine may take to start


class GtpError(UserError):
    """The engine could not be started, died, did not answer in time, or answered `?`."""


class GtpRefusalError(GtpError):
    """The engine answered `?`; it stays usable."""


class GtpTimeoutError(GtpError):
    """The engine did not answer in time and was stopped."""


class GtpEngine:
    """An engine process; use it as a context manager so that it never outlives its use.

    command_line is split like a shell does; the program is looked up on PATH and in /usr/games.
    timeout is the default patience in seconds for an answer. Of what the engine writes besides its
    answers the last line is kept, for the message when it fails. Raises GtpError when it cannot be
    started.
    """

    def __init__(self, command_line: str, *, timeout: float = 120.0) -> None:
        self.command_line = command_line
        self.timeout = timeout
        self._launch()

    def _launch(self) -> None:
        self._answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._last_words = ""
        process = self._process = _start(self.command_line)
        assert process.stdout is not None and process.stderr is not None
        self._readers = [
            _in_background(self._read, process.stdout, self._answers),
            _in_background(self._listen, process.stderr),
        ]

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def restart(self) -> None:
        """Starts the engine anew, ending it first if it still runs. Raises GtpError."""
        self.close()
        self._launch()

    def __enter__(self) -> GtpEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, command: str, *, timeout: float | None = None) -> str:
        """Sends one command and returns the engine's answer without `=` and blank lines.

        Raises GtpError when the engine answers `?` (it stays usable), or when it has died or does
        not answer in time (then it is stopped).
        """
        if "\n" in command:
            raise ValueError("a GTP command is one line")
        patience = self.timeout if timeout is None else timeout
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(command + "\n")
            self._process.stdin.flush()
            answer = self._answers.get(timeout=patience)
        except queue.Empty:
            self._stop()
            raise self._failure(
                f"did not answer '{command}' within {patience:g} s", GtpTimeoutError
            ) from None
        except (OSError, ValueError):  # a closed pipe
            answer = None
        if answer is None:
            self._answers.put(None)
            status = self._exit_status()
            self._stop()
            raise self._failure(f"ended at '{command}' ({status})")
        if answer.startswith("?"):
            reason = answer[1:].strip() or "no reason given"
            raise self._failure(f"refused '{command}': {reason}", GtpRefusalError)
        return answer[1:].strip()

    def greet(self) -> None:
        """Waits for the first answer, at most `FIRST_ANSWER` seconds. Raises GtpError without one."""
        with contextlib.suppress(GtpRefusalError):
            self.send("protocol_version", timeout=FIRST_ANSWER)

    def close(self) -> None:
        """Asks the engine to quit, and kills it if it has not within a second. Safe to repeat."""
        if self._process.poll() is None:
            with contextlib.suppress(OSError, ValueError, subprocess.TimeoutExpired):
                assert self._process.stdin is not None
                self._process.stdin.write("quit\n")
                self._process.stdin.flush()
                self._process.wait(timeout=1)
        self._stop()

    def _read(self, output: TextIO, answers: queue.SimpleQueue[str | None]) -> None:
        """Collects the answers, which end in a blank line; None stands for the end."""
        lines: list[str] = []
        with output:
            for raw in output:
                line = raw.rstrip()
                if lines and not line:
                    answers.put("\n".join(lines))
                    lines = []
                elif lines or line[:1] in ("=", "?"):
                    lines.append(line)
                else:  # chatter between answers
                    self._last_words = line or self._last_words
        answers.put(None)

    def _listen(self, errors: TextIO) -> None:
        """Reads stderr, which an engine may fill, to its end."""
        with errors:
            for raw in errors:
                self._last_words = raw.strip() or self._last_words

    def _stop(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        # A child of the engine may hold the pipes open, so the readers are not waited for for long.
        for reader in self._readers:
            reader.join(timeout=1)
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def _exit_status(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return f"exit status {self._process.wait(timeout=1)}"
        return "it closed its output"

    def _failure(self, what: str, kind: type[GtpError] = GtpError) -> GtpError:
        # What the engine wrote may have several lines.
        last_words = f"; the last that it wrote: {self._last_words[:200]}" if self._last_words else ""
        said = "" if kind is GtpRefusalError else last_words
        return kind(f"engine '{self.command_line}' {' '.join(what.split())}{said}")


def _in_background(read: Callable[..., None], *arguments: Any) -> threading.Thread:
    thread = threading.Thread(target=read, args=arguments, name="gtp", daemon=True)
    thread.start()
    return thread


def _start(command_line: str) -> subprocess.Popen[str]:
    try:
        words = shlex.split(command_line)
    except ValueError as error:
        raise GtpError(f"engine '{command_line}' is not a command line: {error}") from None
    if not words:
        raise GtpError("the engine's command line is empty: give e.g. 'gnugo --mode gtp'")
    program = shutil.which(words[0]) or shutil.which(words[0], path=EXTRA_FOLDERS)
    if program is None:
        raise GtpError(
            f"engine '{command_line}': no program '{words[0]}' on PATH or in /usr/games; "
            "install it or give its full path"
        )
    try:
        return subprocess.Popen(
            [program, *words[1:]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # Ctrl-C is for us; we close the engine in order
        )
    except OSError as error:
        raise GtpError(f"engine '{command_line}' does not start: {error.strerror}") from None


class GtpPlayer:
    """An engine at the board: actions and positions instead of vertices. Colours: 0 Black, 1 White.

    seconds is its time for a move, None for no limit but the engine's own patience; it is told so,
    and after `GRACE` seconds more it is stopped. All methods raise GtpError as `GtpEngine.send` does.
    """

    def __init__(self, engine: GtpEngine, seconds: float | None = None) -> None:
        self.engine, self.seconds = engine, seconds

    def new_game(self, position: Position) -> None:
        """Gives the engine, started anew if it has ended, the board, rules, komi, stones and moves.

        Engines that know no `kata-set-rules` play by the rules they were started with.
        """
        if not self.engine.alive:
            self.engine.restart()
        start = position.copy()
        start.set_start()
        self.notation = position.game.notation
        self.actions = position.game.actions
        komi = int(start.record["komi_half_points"][0]) / 2
        for command in (f"boardsize {position.game.shape[0]}", "clear_board"):
            self.engine.send(command)
        with contextlib.suppress(GtpRefusalError):
            self.engine.send(f"kata-set-rules {json.dumps(rules_of(position).as_json())}")
        self.engine.send(f"komi {komi:g}")
        if self.seconds is not None:
            with contextlib.suppress(GtpRefusalError):  # it may have no clock
                self.engine.send(f"time_settings 0 {math.ceil(self.seconds)} 1")
        for action, piece in enumerate(start.pieces().ravel().tolist()):
            if piece:
                self.play(piece - 1, action)
        for i, action in enumerate(position.actions):
            self.play((start.to_move + i) % 2, action)

    def play(self, colour: int, action: int) -> None:
        """Tells the engine a move."""
        self.engine.send(f"play {COLOURS[colour]} {self.notation.name(action)}")

    def genmove(self, colour: int) -> int | Literal["resign"]:
        """The engine's move, which it has played on its own board. Legality is not checked."""
        patience = None if self.seconds is None else self.seconds + GRACE
        answer = self.engine.send(f"genmove {COLOURS[colour]}", timeout=patience)
        if answer.lower() == "resign":
            return "resign"
        try:
            return self.notation.parse(answer, np.ones(self.actions, np.uint8))
        except UserError:
            raise GtpError(
                f"engine '{self.engine.command_line}' answered '{answer[:40]}' to genmove: "
                "a vertex, pass or resign is due"
            ) from None

    def final_score(self) -> str:
        """The engine's result of the game, such as `B+3.5`, `W+0.5` or `0`."""
        return self.engine.send("final_score")
