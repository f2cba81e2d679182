"""Games as flat arrays, and batches of training samples drawn from them.

Legend: N games, P moves of all games, A actions, B batch, C planes, G globals, H, W board.
Positions are not stored: the core replays the moves when a sample is drawn, so a position costs
its two-byte move and what its teacher said about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load as deserialise
from safetensors.numpy import save as serialise
from torch import Tensor

from engine.files import write_whole
from engine.game import Game
from mcts import Log


@dataclass
class Games:
    """Games with what their teacher says about each move.

    starts       [N, state_bytes] uint8     the position each game began from (rules and komi in it)
    offsets      [N + 1] int64              game g owns the moves offsets[g] ... offsets[g + 1] - 1
    actions      [P] int16
    taught       [P] bool                   whether the teacher vouches for this move
    policies     [P, A] float16 or [0, A]   policy targets; without them the action itself is the target
    root_values  [P] float32                the search's value before the move, the first player's
                                            view; NaN without a search
    outcomes     [N] float32                +1 the first player won, -1 the second, 0 draw; NaN unknown
    scores       [N] float32                the first player's margin; NaN unknown
    ownership    [N, H * W] int8            +1 the first player's; meaningful where the score is known
    """

    starts: np.ndarray
    offsets: np.ndarray
    actions: np.ndarray
    taught: np.ndarray
    policies: np.ndarray
    root_values: np.ndarray
    outcomes: np.ndarray
    scores: np.ndarray
    ownership: np.ndarray

    def __len__(self) -> int:
        return len(self.outcomes)

    @property
    def positions(self) -> int:
        """The number of positions before a move, P."""
        return len(self.actions)

    def select(self, wanted: np.ndarray) -> Games:
        """The games where `wanted` [N] bool is set."""
        moves = np.repeat(wanted, np.diff(self.offsets))
        lengths = np.diff(self.offsets)[wanted]
        return Games(
            starts=self.starts[wanted],
            offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            actions=self.actions[moves],
            taught=self.taught[moves],
            policies=self.policies[moves] if len(self.policies) else self.policies,
            root_values=self.root_values[moves],
            outcomes=self.outcomes[wanted],
            scores=self.scores[wanted],
            ownership=self.ownership[wanted],
        )

    @staticmethod
    def join(parts: Sequence[Games]) -> Games:
        """All games of the parts, in order; all parts with policies or none."""
        joined = {
            field.name: np.concatenate([getattr(part, field.name) for part in parts])
            for field in fields(Games)
            if field.name != "offsets"
        }
        lengths = np.concatenate([np.diff(part.offsets) for part in parts])
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return Games(offsets=offsets, **joined)

    @staticmethod
    def from_logs(game: Game, logs: Sequence[Log]) -> Games:
        """Self-play games with their search policies as targets; every move is taught."""
        area = game.area
        known = np.array([len(log.ownership) > 0 for log in logs])
        return Games(
            starts=np.stack([log.start for log in logs]),
            offsets=np.concatenate([[0], np.cumsum([len(log.actions) for log in logs])]),
            actions=np.concatenate([log.actions for log in logs]),
            taught=np.ones(sum(len(log.actions) for log in logs), bool),
            policies=np.concatenate([log.policies for log in logs]).astype(np.float16),
            root_values=np.concatenate([log.root_values for log in logs]),
            outcomes=np.array([log.outcome for log in logs], np.float32),
            scores=np.where(known, [log.score for log in logs], np.nan).astype(np.float32),
            ownership=np.stack(
                [
                    log.ownership if ok else np.zeros(area, np.int8)
                    for log, ok in zip(logs, known, strict=True)
                ]
            ),
        )

    def save(self, path: Path) -> None:
        """Writes a shard, by atomic rename. Raises OSError, e.g. on a full disk."""
        arrays = {f.name: np.ascontiguousarray(getattr(self, f.name)) for f in fields(Games)}
        write_whole(path, serialise(arrays))

    @staticmethod
    def load(path: Path) -> Games:
        """Reads a shard."""
        return Games(**deserialise(path.read_bytes()))


@dataclass
class Batch:
    """Training samples [B]; everything as seen by the side to move, under one symmetry each.

    planes [B, C, H, W] uint8, globals_ [B, G] float32, legal [B, A] bool,
    policy [B, A] float32 (sums to 1), value [B] float32 in [-1, 1], score [B] float32 points,
    ownership [B, H, W] float32 in {-1, 0, 1}; value and score are NaN where nothing is known.
    """

    planes: Tensor
    globals_: Tensor
    legal: Tensor
    policy: Tensor
    value: Tensor
    score: Tensor
    ownership: Tensor

    def to(self, device: torch.device) -> Batch:
        """The batch on a device."""
        return Batch(*(getattr(self, f.name).to(device, non_blocking=True) for f in fields(Batch)))


def make_batch(
    game: Game, games: Games, rows: np.ndarray, symmetries: np.ndarray, root_value_weight: float
) -> Batch:
    """Samples for the moves `rows` [B] int64 of the games, seen under `symmetries` [B].

    The value target is (1 - root_value_weight) * result + root_value_weight * search value,
    or whichever of the two is known.
    """
    index = np.searchsorted(games.offsets, rows, side="right") - 1
    ply = (rows - games.offsets[index]).astype(np.int32)
    planes, globals_, legal, to_move = game.native.encode_samples(
        games.starts, games.actions, games.offsets, index, ply, symmetries.astype(np.int32)
    )
    sign = (1.0 - 2.0 * to_move).astype(np.float32)
    points, actions = (table[symmetries] for table in game.symmetries)
    if len(games.policies):
        policy = games.policies[rows].astype(np.float32)
        policy /= policy.sum(axis=1, keepdims=True)
    else:
        policy = np.zeros((len(rows), game.actions), np.float32)
        policy[np.arange(len(rows)), games.actions[rows]] = 1
    result, searched = games.outcomes[index], games.root_values[rows]
    mixed = (1 - root_value_weight) * result + root_value_weight * searched
    value = np.where(np.isnan(mixed), np.where(np.isnan(result), searched, result), mixed)
    ownership = np.take_along_axis(games.ownership[index], points, axis=1) * sign[:, None]
    return Batch(
        planes=torch.from_numpy(planes),
        globals_=torch.from_numpy(globals_),
        legal=torch.from_numpy(legal).bool(),
        policy=torch.from_numpy(np.take_along_axis(policy, actions, axis=1)),
        value=torch.from_numpy((value * sign).astype(np.float32)),
        score=torch.from_numpy((games.scores[index] * sign).astype(np.float32)),
        ownership=torch.from_numpy(ownership.reshape(-1, *game.shape).astype(np.float32)),
    )
