"""Games that come to a run through its folder: what actors leave there, and the learner takes up.

Each file holds finished games and appears by atomic rename, so that a kill on either side loses
nothing but games in flight.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
from safetensors.numpy import load as deserialise
from safetensors.numpy import save as serialise

from engine.files import write_whole
from mcts import Log
from selfplay.learning.replay import unpack_logs

Packed = dict[str, np.ndarray]  # games as `replay.pack_finished` makes them


class Inbox:
    """The folder where actors leave games for one stage of a run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.taken: list[str] = []  # names of files whose games the learner has, not yet removed

    def waiting(self) -> list[Path]:
        """The files that no learner has taken up, the oldest first, so that no actor waits for ever."""
        ages: dict[Path, int] = {}
        for path in self.folder.glob("*.safetensors"):
            with contextlib.suppress(FileNotFoundError):  # cleared meanwhile
                ages[path] = path.stat().st_mtime_ns
        return sorted((p for p in ages if p.name not in self.taken), key=lambda p: (ages[p], p.name))

    def post(self, name: str, games: Packed, evaluations: int) -> None:
        """Leaves games, and how many evaluations they took. Raises OSError, e.g. on a full disk."""
        self.folder.mkdir(parents=True, exist_ok=True)
        arrays = games | {"evaluations": np.array([evaluations], np.int64)}
        write_whole(self.folder / f"{name}.safetensors", serialise(arrays))

    def take(self, most: int) -> tuple[list[Log], int]:
        """Games not yet taken, until they have `most` positions, and their evaluations.

        The files stay until `clear`, so that a learner killed before its checkpoint finds them again;
        the checkpoint names those in `taken`, so that one killed after it does not.
        """
        logs: list[Log] = []
        evaluations = positions = 0
        for path in self.waiting():
            if positions >= most:
                break
            arrays = deserialise(path.read_bytes())
            logs += unpack_logs(arrays)
            positions += len(arrays["actions"])
            evaluations += int(arrays["evaluations"][0])
            self.taken.append(path.name)
        return logs, evaluations

    def clear(self) -> None:
        """Removes what was taken: a checkpoint has it."""
        for name in self.taken:
            (self.folder / name).unlink(missing_ok=True)
        self.taken.clear()
