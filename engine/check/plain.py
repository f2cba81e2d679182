"""The rules of a game as plain Python, with the numbers of machine code and every index checked.

numpy's small integers overflow where those of numba grow to 64 bits, so here each number that is
read from a state or a buffer is a Python integer; only uint64 stays as it is, and wraps round.
numba itself must be off (NUMBA_DISABLE_JIT=1) for helpers to be plain Python as well.
"""

from __future__ import annotations

from typing import Any

import numpy as np


class Array(np.ndarray):
    """A field of a state: as in numba, a negative index counts from the end."""

    def __getitem__(self, index: Any) -> Any:
        return _plain(super().__getitem__(index))


class Buffer(Array):
    """What a rule writes to: as it is a bare pointer in machine code, no index may be negative."""

    def __getitem__(self, index: Any) -> Any:
        return super().__getitem__(_not_negative(index))

    def __setitem__(self, index: Any, value: Any) -> None:
        super().__setitem__(_not_negative(index), value)


class State:
    """The view of a rule on the bytes of a state."""

    def __init__(self, dtype: np.dtype, data: np.ndarray) -> None:
        """data: [itemsize] uint8, which this object shares."""
        object.__setattr__(self, "_record", data.view(dtype))

    def __getattr__(self, name: str) -> Any:
        if name not in (self._record.dtype.names or ()):
            raise AttributeError(f"the state has no field '{name}'")
        value = self._record[name][0]
        return value.view(Array) if isinstance(value, np.ndarray) else _plain(value)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in (self._record.dtype.names or ()):
            raise AttributeError(f"the state has no field '{name}'")
        self._record[name][0] = value


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, np.integer) and not isinstance(value, np.uint64) else value


def _not_negative(index: Any) -> Any:
    if isinstance(index, int | np.integer) and index < 0:
        raise IndexError(f"index {index} is before the beginning")
    return index
