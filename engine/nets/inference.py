"""Batched inference with a net: the evaluator that the search calls."""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal, get_args

import numpy as np
import torch

from engine.analyst import Outlook
from engine.errors import UserError, did_you_mean
from engine.game import Game
from engine.nets.cuda import FixedBatches
from engine.nets.net import SCORE_SCALE, Net, Output
from mcts import Evaluation

OpenVino = Literal["openvino", "openvino-int8"]
DEVICES = ["auto", "cpu", "cuda", *get_args(OpenVino)]


@dataclass(frozen=True)
class Device:
    """Where nets compute.

    torch_device  where torch keeps its tensors and trains
    openvino      which form of OpenVINO answers for the search instead of torch, if any: it computes
                  on the CPU, in 32-bit floats or with most convolutions in 8-bit integers
    """

    torch_device: torch.device
    openvino: OpenVino | None = None

    def __str__(self) -> str:
        return self.openvino or str(self.torch_device)

    @property
    def exact(self) -> Device:
        """The same place with torch: where nets are trained and their accuracy is measured."""
        return Device(self.torch_device)


def choose_device(name: str = "auto") -> Device:
    """The device of that name, one of DEVICES or as `cuda:1`.

    `auto` takes CUDA when present, else OpenVINO's integers where it is installed: several times as
    fast on a CPU as torch, and no weaker that matches could tell (RESULTS.md, "OpenVINO").
    Raises UserError for another name, or when what it needs is missing.
    """
    if name == "auto":
        on_cpu = "openvino-int8" if find_spec("openvino") else "cpu"
        name = "cuda" if torch.cuda.is_available() else on_cpu
    for openvino in get_args(OpenVino):
        if name == openvino:
            if find_spec("openvino") is None:
                raise UserError(f"device '{name}' needs OpenVINO: pip install 'move37[openvino]'")
            return Device(torch.device("cpu"), openvino)
    try:
        device = torch.device(name)
    except RuntimeError as error:
        known = f"{', '.join(DEVICES[:-1])} or {DEVICES[-1]}"
        raise UserError(f"unknown device '{name}'{did_you_mean(name, DEVICES)}: use {known}") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UserError(f"device '{name}' is not available on this machine: use --device cpu")
    return Device(device)


def devices_of(device: Device) -> list[torch.device]:
    """The devices that evaluate: `cuda` stands for every GPU there is, `cuda:1` for that one."""
    if str(device) == "cuda":
        return [torch.device("cuda", index) for index in range(torch.cuda.device_count())]
    return [device.torch_device]


def describe_devices(device: Device) -> str:
    """One line that says what computes: `device: cuda:0, cuda:1 (NVIDIA H100), 32 CPU cores`."""
    names = str(device)
    if device.torch_device.type == "cuda":
        found = devices_of(device)
        names = f"{', '.join(map(str, found))} ({torch.cuda.get_device_name(found[0])})"
    cores = cpu_count()
    return f"device: {names}, {cores} CPU core{'s'[: cores > 1]}"


def hardware(device: Device) -> str:
    """What computes, by kind: machines that share a folder and say the same are equally fast."""
    gpu = device.torch_device.type == "cuda"
    name = torch.cuda.get_device_name(device.torch_device) if gpu else platform.machine()
    cores = cpu_count()
    return f"{device}, {name}, {cores} core{'s'[: cores > 1]}"


def cpu_count() -> int:
    """How many CPU cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


Forward = Callable[[np.ndarray, np.ndarray], Output]  # of arrays as in `mcts.Evaluator`


class NetEvaluator:
    """A net as `mcts.Evaluator`, on all GPUs when there are. Safe to call from several threads."""

    def __init__(self, net: Net, device: Device | str, game: Game) -> None:
        """`device` may be a name, as `choose_device` knows it; `game` is what the net plays: 8-bit
        integers are calibrated on its positions."""
        self.device = choose_device(device) if isinstance(device, str) else device
        self._forward = _forward_of(net, self.device, game)

    def __call__(self, planes: np.ndarray, globals_: np.ndarray) -> Evaluation:
        """See `mcts.Evaluator`."""
        output = self._forward(planes, globals_)
        return Evaluation(
            logits=output.policy.cpu().numpy(),
            values=torch.tanh(output.value / 2).cpu().numpy(),
            scores=(output.score * SCORE_SCALE).cpu().numpy(),
        )

    def outlook(self, planes: np.ndarray, globals_: np.ndarray) -> Outlook:
        """How positions will end; see `engine.analyst.HasOutlook`."""
        output = self._forward(planes, globals_)
        ownership = torch.tanh(output.ownership / 2)
        return Outlook((output.score * SCORE_SCALE).cpu().numpy(), ownership.cpu().numpy())


def _forward_of(net: Net, device: Device, game: Game) -> Forward:
    """The net, made ready for inference on a device."""
    if device.openvino is not None:
        from engine.nets.openvino import OpenVinoNet

        integers = device.openvino == "openvino-int8"
        return OpenVinoNet(net, cpu_count(), calibrate_on=game if integers else None)
    if device.torch_device.type == "cuda":
        return FixedBatches(net, devices_of(device))
    frozen, where = net.frozen(device.torch_device), device.torch_device

    @torch.inference_mode()
    def forward(planes: np.ndarray, globals_: np.ndarray) -> Output:
        board = torch.from_numpy(planes).to(where)
        board = board.to(torch.float32, memory_format=torch.channels_last)
        output: Output = frozen(board, torch.from_numpy(globals_).to(where))
        return output

    return forward


@contextlib.contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Lets each torch call use `count` CPU threads while the context lasts.

    With several threads of our own calling torch, one each is best.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
