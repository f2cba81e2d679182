"""How well a net predicts the moves and the results of games it has not learned from."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from engine.game import Game
from engine.games import load
from engine.nets.files import load_net
from engine.nets.inference import (
    Device,
    NetEvaluator,
    choose_device,
    cpu_count,
    torch_threads,
)
from engine.nets.net import Net
from selfplay.learning.replay import Batch, Games, make_batch
from selfplay.progress import Reporter
from selfplay.teachers.experts import read_experts


@dataclass(frozen=True)
class Accuracy:
    """Agreement with the taught moves of some games.

    top1, top5   share of positions whose move is the net's first (among its first five) choice,
                 among the legal moves, in [0, 1]
    value_mse    mean of (value - result)^2 over positions with a known result, values in [-1, 1]
    """

    positions: int
    top1: float
    top5: float
    value_mse: float

    def __str__(self) -> str:
        known = not math.isnan(self.value_mse)
        value = f"value error {self.value_mse:.3f}" if known else "no result known"
        return (
            f"top-1 {100 * self.top1:.1f} %, top-5 {100 * self.top5:.1f} %, {value} "
            f"on {self.positions:,} positions"
        )


def taught_batches(game: Game, games: Games, size: int, most: int) -> Iterator[Batch]:
    """At most so many taught positions, spread evenly, in order, in batches, seen as they are."""
    rows = np.flatnonzero(games.taught)
    rows = rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(np.int64)]
    for chunk in np.array_split(rows, max(1, -(-len(rows) // size))):
        if len(chunk):
            yield make_batch(game, games, chunk, np.zeros(len(chunk), np.int64), 0.0)


def measure(net: Net, game: Game, games: Games, device: Device, most: int = sys.maxsize) -> Accuracy:
    """The accuracy of a net, as the device computes it, on the taught moves, or on so many of them."""
    evaluator = NetEvaluator(net, device, game)
    positions = hits1 = hits5 = known = 0
    squared = 0.0
    for batch in taught_batches(game, games, 512, most):
        answer = evaluator(batch.planes.numpy(), batch.globals_.numpy())
        logits = torch.from_numpy(answer.logits).masked_fill(~batch.legal, -torch.inf)
        best = logits.topk(min(5, logits.shape[1]), dim=1).indices
        hits = best == batch.policy.argmax(dim=1, keepdim=True)
        hits1 += int(hits[:, 0].sum())
        hits5 += int(hits.any(dim=1).sum())
        has = ~batch.value.isnan()
        error = torch.from_numpy(answer.values)[has] - batch.value[has]
        squared += float((error**2).sum())
        known += int(has.sum())
        positions += len(best)
    return Accuracy(
        positions,
        hits1 / max(1, positions),
        hits5 / max(1, positions),
        squared / known if known else float("nan"),
    )


def accuracy_on_files(
    net_name: str,
    paths: list[Path],
    game_name: str | None,
    min_rank: str | None,
    device_name: str,
    reporter: Reporter,
) -> Accuracy:
    """The accuracy of a net on all expert moves of some records."""
    net, info = load_net(net_name)
    game = load(game_name or info.game)
    load_net(net_name, game)
    games, summary = read_experts(list(paths), game, min_rank=min_rank)
    reporter.line(summary.summary())
    device = choose_device(device_name)
    with torch_threads(cpu_count()):
        return measure(net, game, games, device)
