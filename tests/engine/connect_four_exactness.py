"""How often a Connect Four net plays a move that keeps what perfect play would reach.

usage: python tests/engine/connect_four_exactness.py NET [POSITIONS [VISITS]]

The positions come after 12 to 28 random moves, drawn with a fixed seed that no training uses, and only
those count in which some legal move throws a result away. With 1 visit, as without a number, the
net's policy chooses without a search.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
from connect_four_solver import Solver

from engine.games import load
from engine.nets.files import load_net
from engine.nets.inference import NetEvaluator, choose_device
from engine.position import Position
from mcts import Search, SearchSettings

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


def exactness(choose, positions):
    """(positions in which it matters, share of exact moves there, the same for a random mover).

    `choose` gives the action it would play in a position.
    """
    solver, exact, at_random = Solver(), [], []
    for position in positions:
        values = solver.move_values(position)
        best = max(values.values())
        if min(values.values()) == best:
            continue
        exact.append(values[choose(position)] == best)
        at_random.append(np.mean([value == best for value in values.values()]))
    return len(exact), float(np.mean(exact)), float(np.mean(at_random))


def searcher(net, visits):
    """What a net chooses after a search."""
    rules = load("connect_four")
    evaluator = NetEvaluator(load_net(net, rules)[0], choose_device(), rules)
    settings = SearchSettings(visits=visits, leaves_per_batch=1 + visits // 100)
    search = Search(rules.native, settings, evaluator)

    def choose(position):
        search.set_root(position.state)
        search.run()
        return search.core.choose(len(position.actions))

    return choose


if __name__ == "__main__":
    net, count, visits = [*sys.argv[1:], *("", "1000", "1")[len(sys.argv) - 1 :]]
    measured = exactness(searcher(net, int(visits)), held_out_positions(int(count)))
    print("{} positions that matter: {:.1%} exact, a random mover {:.1%}".format(*measured))
