"""How a search uses this machine best: leaves a batch, and threads that play side by side.

A tree that selects several leaves before it hears of the first one is faster, and wastes a few of
them: `worth` says how much, as matches measured it (RESULTS.md, "What a batch costs"). A batch pays
when it gains more speed than it loses worth. How much speed it gains is a matter of the machine:
`move37 bench search --tune` measures it and keeps it (engine/nets/machine.py), where every search
finds it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from engine.errors import UserError
from engine.nets.files import net_path
from engine.nets.inference import Device, cpu_count, devices_of
from engine.nets.machine import keep, memory_file, recall
from mcts import SearchSettings

THREADS_OF_A_GPU = 4  # that play games: while one waits for its batch, the others fill theirs
MOST_VISITS = 1_000_000  # of a search that something else ends
TIMED_VISITS = 400  # what such a search is taken to reach
# The share of its visits that a search keeps, by the share of them that a batch holds beside its
# first leaf: read off the matches, which tell batches from single leaves, but no batch from another.
WORTH = {0.0: 1.0, 0.05: 0.87, 1.0: 0.87}


class Tuning(BaseModel):
    """What was measured of a net on a machine."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    threads: int = Field(ge=1, description="threads that play games side by side")
    speeds: dict[int, float] = Field(
        description="evaluations/s of one search, by its leaves a batch; only their ratios count"
    )

    def leaves(self, visits: int) -> int:
        """The leaves a batch with which a search of so many visits is worth most per second."""
        fitting = [n for n in self.speeds if n <= most_leaves(visits)]
        return max(fitting, key=lambda n: self.speeds[n] * worth(n, visits), default=1)


def worth(leaves: int, visits: int) -> float:
    """The share of its visits that a search keeps, in (0, 1]: it plays like one of so many alone.

    Between the points of WORTH it follows straight lines.
    """
    return float(np.interp((leaves - 1) / visits, list(WORTH), list(WORTH.values())))


def most_leaves(visits: int) -> int:
    """The largest batch that is chosen: a quarter of the visits; a tree hardly ever has more to ask."""
    return max(1, visits // 4)


def default_tuning(device: Device) -> Tuning:
    """What is assumed of a machine that was not measured."""
    threads = cpu_count()
    if device.torch_device.type == "cuda":
        threads = max(2, min(threads, THREADS_OF_A_GPU * len(devices_of(device))))
    speeds = {1: 1.0, 2: 1.4, 4: 2.0, 8: 2.8, 16: 3.6}
    return Tuning(threads=threads, speeds=speeds)


def tuning_of(device: Device, net: str) -> Tuning:
    """What was measured last for a net on a device of this machine, or the default."""
    return recall(Tuning, device).get(_file_of(net)) or default_tuning(device)


def keep_tuning(device: Device, net: str, tuning: Tuning) -> Path:
    """Keeps what was measured for a net on a device; in which file. Raises UserError if it cannot."""
    try:
        keep(tuning, device, _file_of(net))
    except OSError as error:
        reason = f"cannot write '{memory_file()}': {error.strerror}"
        raise UserError(f"{reason}; set XDG_CACHE_HOME") from error
    return memory_file()


def search_of(visits: int | None, device: Device, net: str | None) -> SearchSettings:
    """One search alone of so many visits; None: until time or somebody ends it.

    Without a net a random game values each leaf.
    """
    if net is None:
        return SearchSettings(visits=visits or MOST_VISITS, playouts=1)
    leaves = tuning_of(device, net).leaves(visits or TIMED_VISITS)
    return SearchSettings(visits=visits or MOST_VISITS, leaves_per_batch=leaves)


def game_threads(device: Device) -> int:
    """How many threads play games side by side: as measured last, with whichever net."""
    return [default_tuning(device), *recall(Tuning, device).values()][-1].threads


def _file_of(net: str) -> str:
    return str(net_path(net).resolve())
