"""A net computed by OpenVINO instead of torch: several times as fast on a CPU.

The network of `engine.nets.net` is written down once more in OpenVINO's operations (a test compares
the two) and compiled for each size of board: in 32-bit floats, or with the convolutions of its
tower in 8-bit integers. Those need the range of what enters each convolution, which is looked up
on the positions of random games, so no data is needed and the same net gives the same integers
(Krishnamoorthi 2018, "Quantizing deep convolutional networks for efficient inference", section 3).
"""

from __future__ import annotations

import copy
import threading
from functools import cache
from typing import Any, cast

import numpy as np
import openvino as ov
import torch
from openvino import opset13 as ops
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from engine.game import Game
from engine.nets.net import Block, ConvNorm, Net, Output
from mcts.bench import random_positions

Ranges = dict[nn.Module, tuple[float, float]]  # lowest and highest input of a convolution

CALIBRATION_POSITIONS = 128
OUTLIERS = 1e-4  # share of the inputs that may lie beyond each end of a range; they are cut off


class OpenVinoNet:
    """A net compiled for inference on the CPU; safe to call from several threads at once.

    Torch's number of threads counts here too: with one, as many calls are computed at the same time
    as there are cores; with more, a call uses all of them.
    """

    def __init__(self, net: Net, cores: int, calibrate_on: Game | None = None) -> None:
        """`calibrate_on` asks for 8-bit integers and is the game they are calibrated on."""
        self._net = copy.deepcopy(net).eval().requires_grad_(False)  # training may go on
        self._ranges = None if calibrate_on is None else input_ranges(self._net, calibrate_on)
        self._cores = cores
        self._lock = threading.Lock()
        self._idle: dict[tuple[int, ...], list[ov.InferRequest]] = {}
        self._compiled: dict[tuple[int, ...], ov.CompiledModel] = {}

    def __call__(self, planes: np.ndarray, globals_: np.ndarray) -> Output:
        """planes [B, C, H, W] uint8, globals_ [B, G] float32; the answers lie on the CPU."""
        threads = torch.get_num_threads()
        rows = 1 if len(planes) == 1 else -1  # any number, but one alone is faster when it is known
        key = (rows, *planes.shape[2:], threads)
        with self._lock:
            if key not in self._compiled:
                self._compiled[key] = self._compile(rows, planes.shape[2:], threads)
                self._idle[key] = []
            idle = self._idle[key]
            request = idle.pop() if idle else self._compiled[key].create_infer_request()
        answer = request.infer([planes, globals_], share_inputs=True)
        policy, value_score, ownership = (torch.from_numpy(answer[i]) for i in range(3))
        idle.append(request)
        return Output(policy, value_score[:, 0], value_score[:, 1], ownership)

    def _compile(self, rows: int, board: tuple[int, ...], threads: int) -> ov.CompiledModel:
        model = _Graph(self._net, self._ranges, board).model(rows)
        options = {
            "INFERENCE_NUM_THREADS": self._cores if threads == 1 else threads,
            "NUM_STREAMS": self._cores if threads == 1 else 1,
            "INFERENCE_PRECISION_HINT": "f32",  # of what is not integers, on every processor
            "ENABLE_HYPER_THREADING": True,
            "ENABLE_CPU_PINNING": False,
        }
        return _core().compile_model(model, "CPU", options)


@cache
def _core() -> ov.Core:
    """One for the whole process: when the last one goes, OpenVINO frees a stack that it gave the
    thread for its signals, and the next Ctrl-C crashes."""
    return ov.Core()


@torch.inference_mode()
def input_ranges(net: Net, game: Game) -> Ranges:
    """The range of what enters each convolution of the tower, over positions of random games."""
    ranges: Ranges = {}

    def look(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        x = inputs[0].flatten()
        outside = max(1, round(OUTLIERS * len(x)))
        low, high = (x.topk(outside, largest=most).values[-1].item() for most in (False, True))
        ranges[module] = min(low, 0.0), max(high, 1e-6)  # 0 stays exactly 0

    convolutions = [conv for block in _blocks(net) for conv in (block.first, block.second)]
    hooks = [conv.register_forward_pre_hook(look) for conv in convolutions]
    try:
        states = random_positions(game.native, CALIBRATION_POSITIONS)
        inputs = [game.native.encode(state) for state in states]
        planes = torch.from_numpy(np.stack([planes for planes, _ in inputs]))
        net(planes.float(), torch.from_numpy(np.stack([globals_ for _, globals_ in inputs])))
    finally:
        for hook in hooks:
            hook.remove()
    return ranges


def _blocks(net: Net) -> list[Block]:
    return [cast(Block, block) for block in net.tower]


class _Graph:
    """`Net.forward` in OpenVINO's operations, for one size of board."""

    def __init__(self, net: Net, ranges: Ranges | None, board: tuple[int, ...]) -> None:
        self.net, self.ranges, self.board = net, ranges, board

    def model(self, rows: int) -> ov.Model:
        """From planes [rows, C, H, W] uint8, globals [rows, G] to policy, (value, score), ownership.

        `rows` is -1 for any number.
        """
        net = self.net
        planes = ops.parameter([rows, net.config.planes, *self.board], np.uint8)
        globals_ = ops.parameter([rows, net.config.globals], np.float32)
        x = self.conv_norm(net.stem, ops.convert(planes, np.float32))
        if net.stem_globals is not None:
            x = ops.add(x, self.everywhere(self.linear(net.stem_globals, globals_)))
        for block in _blocks(net):
            x = self.quantised(x, block.first)
            y = self.conv_norm(block.first, x)
            if block.summary is not None:
                y = ops.add(y, self.everywhere(self.linear(block.summary, self.pool(y))))
            x = self.conv_norm(block.second, self.quantised(y, block.second), x)

        p = self.conv_norm(net.policy_features, x)
        summary = self.pool(p)
        p = ops.add(p, self.everywhere(self.linear(net.policy_summary, summary)))
        policy = ops.reshape(self.conv(net.policy_points, p), [0, -1], True)
        if net.policy_extra is not None:
            policy = ops.concat([policy, self.linear(net.policy_extra, summary)], 1)

        v = self.conv_norm(net.value_features, x)
        hidden = ops.relu(self.linear(net.value_hidden, self.pool(v)))
        value_score = self.linear(net.value_score, hidden)
        ownership = ops.squeeze(self.conv(net.ownership, v), [1])
        return ov.Model([policy, value_score, ownership], [planes, globals_], "move37")

    def quantised(self, x: Any, module: nn.Module) -> Any:
        """What enters a convolution of the tower, rounded to 256 levels of its range."""
        if self.ranges is None:
            return x
        low, high = map(np.float32, self.ranges[module])
        return ops.fake_quantize(x, low, high, low, high, 256)

    def conv_norm(self, module: ConvNorm, x: Any, residual: Any = None) -> Any:
        integers = self.ranges is not None and module in self.ranges
        y = self.conv(fuse_conv_bn_eval(module.conv, module.norm), x, integers)
        return ops.relu(y if residual is None else ops.add(y, residual))

    def conv(self, module: nn.Conv2d, x: Any, integers: bool = False) -> Any:
        weight = module.weight.detach().numpy()
        constant = ops.constant(weight)
        if integers:  # 255 levels around 0, for each output channel its own
            most = np.maximum(np.abs(weight).max(axis=(1, 2, 3), keepdims=True), 1e-9)
            constant = ops.fake_quantize(constant, -most, most, -most, most, 255)
        padding = list(module.padding)
        y = ops.convolution(x, constant, [1, 1], padding, padding, [1, 1])
        assert module.bias is not None
        return ops.add(y, ops.constant(module.bias.detach().numpy()[:, None, None]))

    def linear(self, module: nn.Linear, x: Any) -> Any:
        y = ops.matmul(x, ops.constant(module.weight.detach().numpy()), False, True)
        return ops.add(y, ops.constant(module.bias.detach().numpy()))

    def pool(self, x: Any) -> Any:
        """See `engine.nets.net.pool`."""
        mean = ops.reduce_mean(x, [2, 3])
        scaled = ops.multiply(mean, np.float32((self.board[1] - 9) * 0.1))
        return ops.concat([mean, scaled, ops.reduce_max(x, [2, 3])], 1)

    def everywhere(self, x: Any) -> Any:
        """[B, c] -> [B, c, 1, 1], to be added at every point."""
        return ops.unsqueeze(x, [2, 3])
