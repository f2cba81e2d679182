"""What a search teaches: how much better its policy is than the net's, and how far from it.

    python docs/targets.py go9 --positions 200 --device openvino-int8

Learning pulls a net towards the improved policy of its searches. Two things say how good a teacher
a search is: the *gain*, by which a move drawn from the improved policy is worth more than one drawn
from the net's own (in units of value, judged by a deeper search of every move that counts), and the
*divergence* (Kullback-Leibler, in nats) that the net has to cross for it. What is divergence without
gain is noise, which flattens a policy instead of improving it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.game import Game
from engine.games import load
from engine.nets.files import load_net
from engine.nets.inference import NetEvaluator, choose_device, torch_threads
from engine.position import Position
from mcts import Evaluator, Search, SearchSettings, search_all
from selfplay.reports.worth import values_of_moves

COUNTS = 0.02  # share of a policy from which on a move is judged
KINDS: dict[str, dict[str, Any]] = {
    "Gumbel, c_scale 0.5": {"root_policy": "gumbel", "gumbel_c_scale": 0.5},
    "Gumbel, c_scale 0.2": {"root_policy": "gumbel", "gumbel_c_scale": 0.2},
    "PUCT, visits": {},
    "PUCT, visits, noise": {"noise_fraction": 0.25},
    "PUCT, completed Q, c_scale 0.1": {"completed_q": True, "gumbel_c_scale": 0.1},
    "PUCT, completed Q, c_scale 0.2": {"completed_q": True, "gumbel_c_scale": 0.2},
    "PUCT, completed Q, c_scale 0.2, noise": {
        "completed_q": True,
        "gumbel_c_scale": 0.2,
        "noise_fraction": 0.25,
    },
}
SEARCHES = {
    f"{visits:3} {name}": SearchSettings(visits=visits, random_symmetry=True, score_weight=0.1, **kind)
    for visits in (17, 33, 65)
    for name, kind in KINDS.items()
}


@dataclass(frozen=True)
class Target:
    """What searches taught, over positions: [N] each, in values of [-1, 1] and in nats."""

    gains: np.ndarray
    divergences: np.ndarray

    def __str__(self) -> str:
        gain, error = self.gains.mean(), self.gains.std() / len(self.gains) ** 0.5
        divergence = self.divergences.mean()
        return f"{gain:+.4f} +- {error:.4f}  {divergence:.3f}  {gain / divergence:.3f}"


def searches_of(
    settings: SearchSettings, positions: Sequence[Position], evaluator: Evaluator
) -> list[Search]:
    """Finished searches of positions."""
    states = (position.state for position in positions)
    return list(search_all(positions[0].game.native, settings, states, evaluator))


def from_games(game: Game, count: int, evaluator: Evaluator, seed: int) -> list[Position]:
    """Positions of games whose moves are drawn from the net's policy; fewer where games had ended."""
    lengths = np.random.default_rng(seed).integers(0, game.area, count)
    drawn = SearchSettings(visits=1, temperature=1.0, temperature_moves=game.area)
    positions = [Position(game) for _ in range(count)]
    for ply in range(game.area):
        going = [p for p, end in zip(positions, lengths, strict=True) if ply < end and not p.over]
        if not going:
            break
        for position, search in zip(going, searches_of(drawn, going, evaluator), strict=True):
            position.play(search.core.choose(ply))
    return [position for position in positions if not position.over]


def shares(searches: Sequence[Search], actions: int, of: str) -> np.ndarray:
    """`prior` or `policy` of every action: [N, A] float64, each row sums to 1."""
    table = np.zeros((len(searches), actions))
    for row, search in zip(table, searches, strict=True):
        for move in search.core.moves():
            row[move.action] = getattr(move, of)
    table /= table.sum(axis=1, keepdims=True)
    return table


def compare(
    game: Game,
    positions: Sequence[Position],
    searches: dict[str, SearchSettings],
    deep: int,
    evaluator: Evaluator,
) -> dict[str, Target]:
    """What each kind of search would teach in the positions."""
    done = {name: searches_of(how, positions, evaluator) for name, how in searches.items()}
    learned = {name: shares(of, game.actions, "policy") for name, of in done.items()}
    prior = shares(next(iter(done.values())), game.actions, "prior")
    judged = np.maximum.reduce([prior, *learned.values()]) > COUNTS
    judge = SearchSettings(visits=deep, random_symmetry=True)
    values = values_of_moves(positions, judged, judge, evaluator)

    def mean(policy: np.ndarray) -> np.ndarray:
        counted = np.where(judged, policy, 0)
        found: np.ndarray = (counted * values).sum(axis=1) / counted.sum(axis=1)
        return found

    def divergence(policy: np.ndarray) -> np.ndarray:
        found: np.ndarray = (policy * np.log(np.maximum(policy, 1e-9) / np.maximum(prior, 1e-9))).sum(1)
        return found

    return {name: Target(mean(of) - mean(prior), divergence(of)) for name, of in learned.items()}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("net", help="of those that ship, or a file")
    parser.add_argument("--game", default="go9", help="that the net plays")
    parser.add_argument("--positions", type=int, default=200)
    parser.add_argument("--deep", type=int, default=150, help="visits that judge a move")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    game = load(options.game)
    net, _ = load_net(options.net, game)
    with torch_threads(1):
        evaluator = NetEvaluator(net, choose_device(options.device), game)
        positions = from_games(game, options.positions, evaluator, options.seed)
        print(
            f"{len(positions)} positions\n{'visits, search':<45}gain                nats   gain a nat"
        )
        for name, target in compare(game, positions, SEARCHES, options.deep, evaluator).items():
            print(f"{name:<45}{target}")


if __name__ == "__main__":
    main()
