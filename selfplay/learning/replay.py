"""Games as flat arrays, and batches of training samples drawn from them.

Legend: N games, P moves of all games, S starts, A actions, B batch, C planes, G globals, H, W board.
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

    starts       [S, state_bytes] uint8     the positions that games begin from (rules and komi in them)
    start_of     [N] int32                  which of them each game begins from
    offsets      [N + 1] int64              game g owns the moves offsets[g] ... offsets[g + 1] - 1
    actions      [P] int16
    weights      [P] float32                how often a position is drawn, relative to others; 0 never
    advantages   [P] float32                factor of the policy loss: 1 imitates the policy target,
                                            0 leaves the policy alone, below 0 unlearns it
    policies     [P, A] float16 or [0, A]   policy targets; without them the action itself is the target
    root_values  [P] float32                the search's value before the move, the first player's
                                            view; NaN without a search
    outcomes     [N] float32                +1 the first player won, -1 the second, 0 draw; NaN unknown
    scores       [N] float32                the first player's margin; NaN unknown
    ownership    [N, H * W] int8            +1 the first player's; meaningful where the score is known
    """

    starts: np.ndarray
    start_of: np.ndarray
    offsets: np.ndarray
    actions: np.ndarray
    weights: np.ndarray
    advantages: np.ndarray
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

    @property
    def taught(self) -> np.ndarray:
        """Which positions are ever drawn: [P] bool."""
        taught: np.ndarray = self.weights > 0
        return taught

    def moves_of(self, index: int) -> np.ndarray:
        """The actions of one game."""
        first, end = self.offsets[index : index + 2]
        moves: np.ndarray = self.actions[first:end]
        return moves

    def game_of(self, rows: np.ndarray) -> np.ndarray:
        """The games that the moves `rows` belong to."""
        games: np.ndarray = np.searchsorted(self.offsets, rows, side="right") - 1
        return games

    def state_before(self, game: Game, index: int, ply: int) -> np.ndarray:
        """The state [state_bytes] of one game after its first `ply` moves."""
        state: np.ndarray = self.starts[self.start_of[index]].copy()
        game.native.replay(state, self.moves_of(index)[:ply])
        return state

    def select(self, wanted: np.ndarray) -> Games:
        """The games where `wanted` [N] bool is set."""
        lengths = np.diff(self.offsets)
        moves = np.repeat(wanted, lengths)
        return Games(
            starts=self.starts,
            start_of=self.start_of[wanted],
            offsets=np.concatenate([[0], np.cumsum(lengths[wanted])]).astype(np.int64),
            actions=self.actions[moves],
            weights=self.weights[moves],
            advantages=self.advantages[moves],
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
            if field.name not in ("offsets", "start_of")
        }
        lengths = np.concatenate([np.diff(part.offsets) for part in parts])
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        before = np.cumsum([0] + [len(part.starts) for part in parts])
        start_of = [part.start_of + first for part, first in zip(parts, before, strict=False)]
        return Games(offsets=offsets, start_of=np.concatenate(start_of).astype(np.int32), **joined)

    @staticmethod
    def from_logs(
        game: Game, logs: Sequence[Log], lessons: Sequence[tuple[np.ndarray, np.ndarray]]
    ) -> Games:
        """Finished games of self-play; `lessons` are each game's (weights [P], advantages [P])."""
        known = np.array([len(log.ownership) > 0 for log in logs])
        unknown = np.zeros(game.area, np.int8)
        return Games(
            starts=np.stack([log.start for log in logs]),
            start_of=np.arange(len(logs), dtype=np.int32),
            offsets=np.concatenate([[0], np.cumsum([len(log.actions) for log in logs])]),
            actions=np.concatenate([log.actions for log in logs]),
            weights=np.concatenate([weights for weights, _ in lessons]).astype(np.float32),
            advantages=np.concatenate([advantages for _, advantages in lessons]).astype(np.float32),
            policies=np.concatenate([log.policies for log in logs]).astype(np.float16),
            root_values=np.concatenate([log.root_values for log in logs]),
            outcomes=np.array([log.outcome for log in logs], np.float32),
            scores=np.where(known, [log.score for log in logs], np.nan).astype(np.float32),
            ownership=np.stack(
                [log.ownership if ok else unknown for log, ok in zip(logs, known, strict=True)]
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
    policy [B, A] float32 (sums to 1), advantage [B] float32 (see `Games`),
    prior [B] float32, how likely the target was before the updates that it bounds, NaN: no bound,
    value [B] float32 in [-1, 1], score [B] float32 points,
    ownership [B, H, W] float32 in {-1, 0, 1}; value and score are NaN where nothing is known;
    reply [B, A] float32, the policy target of the next position (0 everywhere where that is not
    known or not the opponent's), and reply_legal [B, A] bool, the moves that are legal there; both
    are [B, 0] unless asked for.
    """

    planes: Tensor
    globals_: Tensor
    legal: Tensor
    policy: Tensor
    advantage: Tensor
    prior: Tensor
    value: Tensor
    score: Tensor
    ownership: Tensor
    reply: Tensor
    reply_legal: Tensor

    @staticmethod
    def join(parts: Sequence[Batch]) -> Batch:
        """The samples of all parts, in order."""
        return Batch(*(torch.cat([getattr(p, f.name) for p in parts]) for f in fields(Batch)))

    def to(self, device: torch.device) -> Batch:
        """The batch on a device."""
        return Batch(*(getattr(self, f.name).to(device, non_blocking=True) for f in fields(Batch)))


def draw_rows(weights: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` positions [count] int64 drawn with replacement, each as often as its weight says."""
    reach = np.cumsum(weights, dtype=np.float64)
    drawn = np.searchsorted(reach, rng.random(count) * reach[-1], side="right")
    rows: np.ndarray = np.minimum(drawn, np.flatnonzero(weights)[-1])
    return rows


def make_batch(
    game: Game,
    games: Games,
    rows: np.ndarray,
    symmetries: np.ndarray,
    root_value_weight: float,
    with_replies: bool = False,
) -> Batch:
    """Samples for the moves `rows` [B] int64 of the games, seen under `symmetries` [B].

    The value target is (1 - root_value_weight) * result + root_value_weight * search value,
    or whichever of the two is known.
    """
    planes, globals_, legal, to_move = _encode(game, games, rows, symmetries)
    index = games.game_of(rows)
    sign = (1.0 - 2.0 * to_move).astype(np.float32)
    points, actions = (table[symmetries] for table in game.symmetries)
    result, searched = games.outcomes[index], games.root_values[rows]
    mixed = (1 - root_value_weight) * result + root_value_weight * searched
    value = np.where(np.isnan(mixed), np.where(np.isnan(result), searched, result), mixed)
    ownership = np.take_along_axis(games.ownership[index], points, axis=1) * sign[:, None]
    policy = _policy_targets(game, games, rows)
    reply = np.zeros((len(rows), game.actions if with_replies else 0), np.float32)
    reply_legal = np.zeros_like(reply, dtype=np.uint8)
    if with_replies:
        asked = np.flatnonzero(rows + 1 < games.offsets[index + 1])
        following = rows[asked] + 1
        _, _, reply_legal[asked], next_to_move = _encode(game, games, following, symmetries[asked])
        answered = next_to_move != to_move[asked]
        reply[asked] = _policy_targets(game, games, following) * answered[:, None]
        reply = np.take_along_axis(reply, actions, axis=1)
    return Batch(
        planes=torch.from_numpy(planes),
        globals_=torch.from_numpy(globals_),
        legal=torch.from_numpy(legal).bool(),
        policy=torch.from_numpy(np.take_along_axis(policy, actions, axis=1)),
        advantage=torch.from_numpy(games.advantages[rows]),
        prior=torch.full((len(rows),), torch.nan),
        value=torch.from_numpy((value * sign).astype(np.float32)),
        score=torch.from_numpy((games.scores[index] * sign).astype(np.float32)),
        ownership=torch.from_numpy(ownership.reshape(-1, *game.shape).astype(np.float32)),
        reply=torch.from_numpy(reply),
        reply_legal=torch.from_numpy(reply_legal).bool(),
    )


def _encode(
    game: Game, games: Games, rows: np.ndarray, symmetries: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The net's inputs (planes and globals_), legal moves and movers before the moves `rows`."""
    index = games.game_of(rows)
    return game.native.encode_samples(
        games.starts,
        games.start_of,
        games.actions,
        games.offsets,
        index,
        (rows - games.offsets[index]).astype(np.int32),
        symmetries.astype(np.int32),
    )


def _policy_targets(game: Game, games: Games, rows: np.ndarray) -> np.ndarray:
    """The policy targets [B, A] before the moves `rows`: 0 everywhere where no search made one."""
    if len(games.policies):
        policy: np.ndarray = games.policies[rows].astype(np.float32)
        total = policy.sum(axis=1, keepdims=True)
        policy /= np.where(total > 0, total, 1)
    else:
        policy = np.zeros((len(rows), game.actions), np.float32)
        policy[np.arange(len(rows)), games.actions[rows]] = 1
    return policy


def pack_logs(game: Game, logs: Sequence[Log]) -> dict[str, np.ndarray]:
    """Unfinished games as arrays that `unpack_logs` turns back into exactly the same games."""
    none = np.zeros(0, np.float32)
    policies = [log.policies.reshape(-1, game.actions) for log in logs]
    return {
        "ids": np.array([log.id for log in logs], np.int64),
        "first_seats": np.array([log.first_seat for log in logs], np.int8),
        "resigners": np.array([log.resigner for log in logs], np.int8),
        "lengths": np.array([len(log.actions) for log in logs], np.int64),
        "recorded": np.array([len(log.surprises) for log in logs], np.int64),
        "starts": np.stack([log.start for log in logs]) if logs else np.zeros((0, 1), np.uint8),
        "actions": np.concatenate([none.astype(np.int16), *(log.actions for log in logs)]),
        "movers": np.concatenate([none.astype(np.uint8), *(log.movers for log in logs)]),
        "full": np.concatenate([none.astype(np.uint8), *(log.full for log in logs)]),
        "root_values": np.concatenate([none, *(log.root_values for log in logs)]),
        "surprises": np.concatenate([none, *(log.surprises for log in logs)]),
        "policies": np.concatenate([np.zeros((0, game.actions), np.float32), *policies]),
    }


def pack_finished(game: Game, logs: Sequence[Log]) -> dict[str, np.ndarray]:
    """Finished games as arrays, for the way to the learner; policies as float16, as in `Games`."""
    unknown = np.zeros(game.area, np.int8)
    packed = pack_logs(game, logs)
    return packed | {
        "policies": packed["policies"].astype(np.float16),
        "resigned": np.array([log.resigned for log in logs], np.uint8),
        "outcomes": np.array([log.outcome for log in logs], np.float32),
        "scores": np.array([log.score for log in logs], np.float32),
        "owned": np.array([len(log.ownership) > 0 for log in logs], np.uint8),
        "ownership": np.stack([log.ownership if len(log.ownership) else unknown for log in logs]),
    }


def unpack_logs(arrays: dict[str, np.ndarray]) -> list[Log]:
    """The inverse of `pack_logs` and of `pack_finished`."""
    finished, nobody = "outcomes" in arrays, np.zeros(0, np.int8)
    moves = np.concatenate([[0], np.cumsum(arrays["lengths"])])
    recorded = np.concatenate([[0], np.cumsum(arrays["recorded"])])
    logs = []
    for i in range(len(arrays["ids"])):
        played, noted = slice(*moves[i : i + 2]), slice(*recorded[i : i + 2])
        logs.append(
            Log(
                id=int(arrays["ids"][i]),
                first_seat=int(arrays["first_seats"][i]),
                start=arrays["starts"][i],
                actions=arrays["actions"][played],
                movers=arrays["movers"][played],
                root_values=arrays["root_values"][played],
                full=arrays["full"][played],
                policies=arrays["policies"][noted],
                surprises=arrays["surprises"][noted],
                resigner=int(arrays["resigners"][i]),
                resigned=finished and bool(arrays["resigned"][i]),
                outcome=float(arrays["outcomes"][i]) if finished else 0.0,
                score=float(arrays["scores"][i]) if finished else 0.0,
                ownership=arrays["ownership"][i] if finished and arrays["owned"][i] else nobody,
            )
        )
    return logs
