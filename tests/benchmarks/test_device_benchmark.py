"""What computes a net fastest on a CPU, one core each. RESULTS.md has the table of

    taskset -c 0 pytest tests/benchmarks/test_device_benchmark.py --benchmark-enable \
        --benchmark-timer=time.process_time --benchmark-columns=median,iqr,rounds
"""

import numpy as np
import pytest
import torch

from engine import games
from engine.nets.files import new_net
from engine.nets.inference import NetEvaluator, choose_device, torch_threads
from mcts.bench import random_positions

NETS = [(4, 32), (6, 64), (6, 96)]
GO = "go9"


def inputs(rows):
    game = games.load(GO)
    encoded = [game.native.encode(state) for state in random_positions(game.native, rows)]
    return tuple(np.stack(part) for part in zip(*encoded, strict=True))


def evaluator_of(device, net, game):
    """A net as that device computes it; `eager` is torch without freezing."""
    if device != "eager":
        return NetEvaluator(net, choose_device(device), game)

    @torch.inference_mode()
    def eager(planes, globals_):
        return net.eval()(torch.from_numpy(planes).float(), torch.from_numpy(globals_))

    return eager


@pytest.mark.parametrize("device", ["eager", "cpu", "openvino", "openvino-int8"])
@pytest.mark.parametrize("batch", [1, 8, 64])
@pytest.mark.parametrize("shape", NETS, ids=lambda shape: "{}x{}".format(*shape))
def test_inference(benchmark, shape, batch, device):
    game = games.load(GO)
    evaluator = evaluator_of(device, new_net(game, *shape, seed=0), game)
    planes, globals_ = inputs(batch)
    benchmark.group = f"{shape[0]}x{shape[1]}, batch {batch}"
    with torch_threads(1):
        benchmark.pedantic(evaluator, (planes, globals_), rounds=30, warmup_rounds=3)
    if benchmark.enabled:
        benchmark.extra_info["positions_per_s"] = batch / benchmark.stats.stats.median


@pytest.mark.parametrize("device", ["cpu", "openvino", "openvino-int8"])
def test_getting_a_net_ready_for_self_play(benchmark, device):
    """What an iteration of self-play pays for new weights: conversion and the first call."""
    game = games.load(GO)
    net = new_net(game, 6, 64, seed=0)
    planes, globals_ = inputs(64)

    def ready():
        return NetEvaluator(net, choose_device(device), game)(planes, globals_)

    with torch_threads(1):
        answer = benchmark.pedantic(ready, rounds=3)
    assert answer.logits.shape == (64, game.actions)
