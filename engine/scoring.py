"""Scoring finished games of Go, given the dead stones; and which stones those are.

A board is [H, W] uint8: 0 empty, 1 Black, 2 White. A chain is a sorted list of actions
`row * W + column`. Margins are Black's, after komi.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from engine import symmetry
from engine.analyst import HasOutlook
from engine.chains import chains, neighbours, regions
from engine.games.go.life import pass_alive
from engine.position import Position
from engine.rules import Rules
from mcts import Evaluator

# Random games say best which chains can be killed, the net knows seki: on the ends of 180 games with
# a shipped net, this share of the net agreed with GNU Go's dead stones on 178, the net alone on 167
# and random games alone on 177.
NET_SHARE = 0.25
PLAYOUTS = 400

# The largest eye that cannot be told from the only eye of a chain in seki.
SMALL_EYE = 3


@dataclass(frozen=True)
class Score:
    """A finished game: Black's margin in points, and who owns each point.

    ownership [H, W] int8: 1 Black, -1 White, 0 neither; without the stones under territory scoring.
    """

    margin: float
    ownership: np.ndarray

    def __str__(self) -> str:
        if self.margin == 0:
            return "0"
        return f"{'B' if self.margin > 0 else 'W'}+{abs(self.margin):g}"


def without(board: np.ndarray, dead: Iterable[int]) -> np.ndarray:
    """The board with some stones taken off."""
    cleaned = board.copy()
    cleaned.flat[list(dead)] = 0
    return cleaned


def area_score(board: np.ndarray, dead: Iterable[int] = (), komi: float = 0.0) -> Score:
    """Area scoring: living stones, and the empty points that only one colour reaches."""
    cleaned = without(board, dead)
    ownership = np.array([0, 1, -1], np.int8)[cleaned] + _territory(cleaned)
    return Score(float(ownership.sum()) - komi, ownership)


def territory_score(
    board: np.ndarray,
    prisoners: tuple[int, int],
    dead: Iterable[int] = (),
    komi: float = 0.0,
    *,
    seki_counts: bool = False,
) -> Score:
    """Territory scoring: surrounded points, prisoners, and dead stones as prisoners.

    prisoners are the stones taken by Black and by White. Points surrounded by chains in seki count
    only if `seki_counts`.
    """
    dead = list(dead)
    cleaned = without(board, dead)
    ownership = _territory(cleaned)
    if not seki_counts:
        ownership.flat[_points_in_seki(cleaned, ownership)] = 0
    black_dead = sum(board.flat[action] == 1 for action in dead)
    taken = prisoners[0] - prisoners[1] + len(dead) - 2 * black_dead
    return Score(float(ownership.sum() + taken) - komi, ownership)


def score(position: Position, rules: Rules, dead: Iterable[int]) -> Score:
    """A position of Go, with the komi and prisoners in its record, scored as the rules say."""
    record = position.record
    komi = int(record["komi_half_points"][0]) / 2
    if rules.scoring == "AREA":
        return area_score(position.pieces(), dead, komi)
    black, white = record["prisoners"][0].tolist()
    return territory_score(
        position.pieces(), (black, white), dead, komi, seki_counts=rules.tax == "NONE"
    )


def dead_stones(position: Position, evaluator: Evaluator) -> set[int]:
    """The stones of a finished game of Go that the opponent owns, always whole chains.

    What is pass-alive, or captured inside, is certain. Of all else the owner is whom random games
    from here on and, if it can say so, the evaluator expect.
    """
    board, certain = position.pieces(), pass_alive(position.game, position.state)
    owner = np.where(certain, certain, expected_ownership(position, evaluator))
    dead: set[int] = set()
    for chain in chains(board):
        sign = 1 if board.flat[chain[0]] == 1 else -1
        if sign * owner.flat[chain].mean() < 0:
            dead.update(chain)
    return dead


def expected_ownership(position: Position, evaluator: Evaluator) -> np.ndarray:
    """Who will own each point [H, W] in [-1, 1], 1 Black."""
    game = position.game
    owner = np.zeros(game.shape, np.float32)
    for to_move in (0, 1):
        going_on = position.resumed(to_move)
        going_on.record["moves"] = 0  # else long games end within the random ones
        owner += game.native.playout_ownership(going_on.state, PLAYOUTS // 2, seed=to_move) / 2
    if not isinstance(evaluator, HasOutlook):
        return owner
    views = evaluator.outlook(*symmetry.seen(position)).ownership.reshape(-1, game.area)
    expected = symmetry.turned_back(views, game.symmetries[0]).mean(axis=0)
    expected *= 1 - 2 * position.to_move
    mixed: np.ndarray = NET_SHARE * expected.reshape(game.shape) + (1 - NET_SHARE) * owner
    return mixed


def _territory(board: np.ndarray) -> np.ndarray:
    """Who surrounds each empty point [H, W] int8; 0 for dame and under stones."""
    shape = (board.shape[0], board.shape[1])
    ownership = np.zeros(shape, np.int8)
    for region in regions(board):
        if board.flat[region[0]] == 0:
            borders = {int(board.flat[q]) for p in region for q in neighbours(p, shape)} - {0}
            if len(borders) == 1:
                ownership.flat[region] = 1 if borders == {1} else -1
    return ownership


def chains_in_seki(board: np.ndarray, dead: Iterable[int] = ()) -> list[list[int]]:
    """The chains in seki on a finished board, given the dead stones.

    Chains that share surrounded points form a group. A group lives by itself with two eyes or a
    large one; groups of both colours that have less, beside the same dame, live in seki. (Dame that
    are still to be filled make no difference to a group with two eyes.)
    """
    cleaned = without(board, dead)
    shape, territory = (board.shape[0], board.shape[1]), _territory(cleaned)
    found = chains(cleaned)
    chain_at = {action: i for i, chain in enumerate(found) for action in chain}
    group = list(range(len(found)))  # by chain: another chain of its group, or itself

    def group_of(chain: int) -> int:
        while group[chain] != chain:
            chain = group[chain]
        return chain

    def beside(region: list[int]) -> list[int]:
        return sorted({chain_at[q] for p in region for q in neighbours(p, shape) if q in chain_at})

    empty = [region for region in regions(cleaned) if cleaned.flat[region[0]] == 0]
    eyes = [region for region in empty if territory.flat[region[0]]]
    for eye in eyes:
        first, *others = beside(eye)
        for other in others:
            group[group_of(other)] = group_of(first)
    eyes_of: dict[int, list[list[int]]] = {}
    for eye in eyes:
        eyes_of.setdefault(group_of(beside(eye)[0]), []).append(eye)

    def is_weak(owner: int) -> bool:
        held = eyes_of.get(owner, [])
        return not held or (len(held) == 1 and len(held[0]) <= SMALL_EYE)

    in_seki: set[int] = set()
    for dame in empty:
        if not territory.flat[dame[0]]:
            weak = {group_of(chain) for chain in beside(dame) if is_weak(group_of(chain))}
            if len({int(cleaned.flat[found[owner][0]]) for owner in weak}) == 2:
                in_seki |= weak
    return [chain for i, chain in enumerate(found) if group_of(i) in in_seki]


def _points_in_seki(board: np.ndarray, territory: np.ndarray) -> list[int]:
    """The surrounded points that only chains in seki surround."""
    shape = (board.shape[0], board.shape[1])
    stones = {action for chain in chains_in_seki(board) for action in chain}
    return [
        point
        for eye in regions(board)
        if territory.flat[eye[0]] and any(q in stones for p in eye for q in neighbours(p, shape))
        for point in eye
    ]
