"""Plays random games with the rules as plain Python, in a process where numba is switched off.

usage: NUMBA_DISABLE_JIT=1 python interpreted.py FOLDER GAME...
Writes FOLDER/GAME.npz: one row for each move, the state before and after it and what the rules
answer about the state after. The records of Go must be sound as well.
"""

import random
import sys
from pathlib import Path

import numpy as np
from go_invariants import assert_sound

from engine import games
from engine.check.plain import Buffer, State

MOVES = {"go9": 25, "go19": 6}  # of the larger boards, where plain Python is slow
GAMES, MOVES_OF_OTHERS = 4, 60


def buffer(size, dtype):
    return np.full(size, 9, dtype).view(Buffer)


def trace(rules):
    rng = random.Random(rules.name)
    rows = []
    for _ in range(1 if rules.name in MOVES else GAMES):
        record = np.zeros(rules.state.itemsize, np.uint8)
        state = State(rules.state, record)
        rules.reset(state)
        mask = buffer(rules.actions, np.uint8)
        for _ in range(MOVES.get(rules.name, MOVES_OF_OTHERS)):
            rules.legal(state, mask)
            start = record.copy()
            action = rng.choice(np.flatnonzero(mask).tolist())
            rules.play(state, action)
            if rules.family == "go":
                assert_sound(record.view(rules.state).view(np.recarray)[0], rules.shape)
            rules.legal(state, mask)
            # The buffers start full of junk: every byte must be written.
            planes = buffer(rules.planes * rules.area, np.uint8)
            globals_ = buffer(rules.globals, np.float32)
            ownership = buffer(rules.area, np.int8)
            rules.encode(state, planes, globals_)
            if rules.score:
                rules.score(state, ownership)
            rows.append(
                {
                    "start": start,
                    "action": action,
                    "state": record.copy(),
                    "mask": mask.copy(),
                    "planes": planes,
                    "globals": globals_,
                    "hash": np.uint64(rules.position_hash(state)),
                    "outcome": float(rules.outcome(state)),
                    "ownership": ownership,
                }
            )
            if state.over:
                break
    return {part: np.array([row[part] for row in rows]) for part in rows[0]}


if __name__ == "__main__":
    with np.errstate(over="ignore"):  # hashes wrap round
        for name in sys.argv[2:]:
            np.savez(Path(sys.argv[1]) / f"{name}.npz", **trace(games.load(name)))
