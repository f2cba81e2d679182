"""How often a Connect Four net plays a move that keeps what perfect play would reach.

usage: python tests/engine/connect_four_exactness.py NET [POSITIONS]

The positions come after 12 to 28 random moves, drawn with a fixed seed that no training uses, and only
those count in which some legal move throws a result away. The net's policy chooses without a search.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
from connect_four_solver import Solver

from engine.games import load
from engine.inference import NetEvaluator, choose_device
from engine.nets import load_net
from engine.position import Position

SEED = 20_240_601


def held_out_positions(count, seed=SEED):
    """Different positions that are not over."""
    rng, rules, found = np.random.default_rng(seed), load("connect_four"), {}
    while len(found) < count:
        position, moves = Position(rules), rng.integers(12, 29)
        while not position.over and len(position.actions) < moves:
            position.play(int(rng.choice(np.flatnonzero(position.legal_mask()))))
        if not position.over:
            found.setdefault(position.state.tobytes(), position)
    return list(found.values())


def exactness(evaluator, positions):
    """(positions in which it matters, share of exact moves there, the same for a random mover)."""
    solver, exact, at_random = Solver(), [], []
    for position in positions:
        values = solver.move_values(position)
        best = max(values.values())
        if min(values.values()) == best:
            continue
        planes, globals_ = position.encode()
        logits, _ = evaluator(planes[None], globals_[None])
        chosen = max(values, key=lambda action: logits[0, action])
        exact.append(values[chosen] == best)
        at_random.append(np.mean([value == best for value in values.values()]))
    return len(exact), float(np.mean(exact)), float(np.mean(at_random))


if __name__ == "__main__":
    net, _ = load_net(sys.argv[1], load("connect_four"))
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    measured = exactness(NetEvaluator(net, choose_device("cpu")), held_out_positions(count))
    print("{} positions that matter: {:.1%} exact, a random mover {:.1%}".format(*measured))
