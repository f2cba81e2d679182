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

MOVES = {"go9": 25, "go19": 6}  # of the larger boards, where plain Python is slow
GAMES, MOVES_OF_OTHERS = 4, 60


def trace(rules):
    rng = random.Random(rules.name)
    rows = []
    for _ in range(1 if rules.name in MOVES else GAMES):
        record = np.zeros(1, rules.state).view(np.recarray)
        state = record[0]
        rules.reset(state)
        mask = np.zeros(rules.actions, np.uint8)
        for _ in range(MOVES.get(rules.name, MOVES_OF_OTHERS)):
            rules.legal(state, mask)
            start = np.frombuffer(record.tobytes(), np.uint8)
            action = rng.choice(np.flatnonzero(mask).tolist())
            rules.play(state, action)
            if rules.family == "go":
                assert_sound(record[0], rules.shape)
            rules.legal(state, mask)
            # The buffers start full of junk: every byte must be written.
            planes = np.full(rules.planes * rules.area, 9, np.uint8)
            globals_ = np.full(rules.globals, 9, np.float32)
            ownership = np.full(rules.area, 9, np.int8)
            rules.encode(state, planes, globals_)
            if rules.score:
                rules.score(state, ownership)
            rows.append(
                {
                    "start": start,
                    "action": action,
                    "state": np.frombuffer(record.tobytes(), np.uint8),
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
