"""The rules of a game called on guarded memory, as plain Python or as machine code."""

from __future__ import annotations

import contextlib
import ctypes
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np

from engine.game import Game
from engine.games.own import where_in

Mode = Literal["plain", "native"]
GUARD, GUARD_BYTE = 64, 0xA5
CALL_SECONDS = 10.0  # that a rule may take as plain Python


class MistakeError(Exception):
    """A breach of the contract, described in one line."""


class Guarded:
    """An array between guard bytes."""

    def __init__(self, shape: int, dtype: Any, fill: int = 0) -> None:
        size = shape * np.dtype(dtype).itemsize
        self._memory = np.full(size + 2 * GUARD, GUARD_BYTE, np.uint8)
        self.bytes = self._memory[GUARD : GUARD + size]
        self.bytes[:] = fill
        self.array = self.bytes.view(dtype)

    def intact(self) -> bool:
        """Whether nothing was written before or behind the array."""
        guards = (self._memory[:GUARD], self._memory[-GUARD:])
        return all(bool((guard == GUARD_BYTE).all()) for guard in guards)


class Rules:
    """A game's rules, called on guarded memory in one of the modes."""

    def __init__(self, game: Game, mode: Mode, file: Path | None) -> None:
        self.game, self.mode, self.file = game, mode, file
        self._call: Callable[..., Any] = _native_caller(game) if mode == "native" else _plain_call

    def __call__(self, rule: str, state: Guarded, *arguments: Any) -> Any:
        """The rule's answer. Raises MistakeError when it fails or writes where it must not."""
        before = state.bytes.tobytes() if rule not in ("reset", "play", "vary") else None
        try:
            answer = self._call(self.game, rule, state, *arguments)
        except Exception as error:
            place = where_in(self.file, error) if self.file else ""
            raise MistakeError(f"{rule}{place}: {type(error).__name__}: {error}") from error
        if not state.intact():
            raise MistakeError(f"{rule} writes beyond the state: an index of a field is out of range")
        for argument in arguments:
            if isinstance(argument, Guarded) and not argument.intact():
                raise MistakeError(
                    f"{rule} writes beyond its buffer of {len(argument.array)} entries: "
                    "an index is out of range"
                )
        if before is not None and state.bytes.tobytes() != before:
            raise MistakeError(f"{rule} changes the state: only reset, play and vary may")
        return answer

    def new(self) -> Guarded:
        """The initial state. Raises MistakeError when it depends on what was in its memory before."""
        state, other = (Guarded(self.game.state.itemsize, np.uint8, junk) for junk in (0, 0x55))
        for memory in (state, other):
            self("reset", memory)
        for field in self.game.state.names or ():
            found, same = (memory.bytes.view(self.game.state)[field] for memory in (state, other))
            if found.tobytes() != same.tobytes():
                raise MistakeError(f"reset leaves the field '{field}' as it was: set all of it")
        return state

    def filled(
        self, rule: str, state: Guarded, *buffers: tuple[int, Any]
    ) -> tuple[Any, list[np.ndarray]]:
        """A rule's answer and what it wrote, asked again on memory of other and of the same content."""
        told = []
        for junk in (0x55, 0x33, 0x55):
            memory = [Guarded(size, dtype, junk) for size, dtype in buffers]
            answer = self(rule, state, *memory)
            told.append((answer, [part.array.copy() for part in memory]))
        (answer, arrays), (_, others), (again, same) = told
        if answer != again or any(map(_first_difference, arrays, same)):
            raise MistakeError(f"{rule} answers differently when asked again: it must not be random")
        for array, other in zip(arrays, others, strict=True):
            entry = _first_difference(array, other)
            if entry:
                left = f"{entry} of {len(array)}"
                raise MistakeError(f"{rule} leaves {left} as it was: write every entry")
        return answer, arrays


def _first_difference(array: np.ndarray, other: np.ndarray) -> str:
    differ = np.flatnonzero(array.view(np.uint8) != other.view(np.uint8))
    return f"entry {differ[0] // array.itemsize}" if len(differ) else ""


def _plain_call(game: Game, rule: str, state: Guarded, *arguments: Any) -> Any:
    from engine.check.plain import Buffer, State

    passed = [part.array.view(Buffer) if isinstance(part, Guarded) else part for part in arguments]
    with _time_limit():
        answer = getattr(game, rule)(State(game.state, state.bytes), *passed)
    return int(answer) & (2**64 - 1) if rule == "position_hash" else answer


@contextlib.contextmanager
def _time_limit() -> Iterator[None]:
    """Interrupts Python code, though no machine code, that does not come to an end."""

    def give_up(*_: object) -> None:
        raise TimeoutError(f"no end after {CALL_SECONDS:g} s, look for an endless loop")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, CALL_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _native_caller(game: Game) -> Callable[..., Any]:
    from engine.native import RULES, addresses_of_rules

    c_types: dict[str, Any] = {
        "void": None,
        "int32": ctypes.c_int32,
        "uint64": ctypes.c_uint64,
        "float32": ctypes.c_float,
    }
    functions = {}
    for rule, address in addresses_of_rules(game).items():
        result, *arguments = (c_types.get(str(part), ctypes.c_void_p) for part in RULES[rule])
        functions[rule] = ctypes.CFUNCTYPE(result, ctypes.c_void_p, *arguments)(address)

    def call(game: Game, rule: str, state: Guarded, *arguments: Any) -> Any:
        passed = [part.array.ctypes.data if isinstance(part, Guarded) else part for part in arguments]
        return functions[rule](state.bytes.ctypes.data, *passed)

    return call
