"""Batched inference with a net: the evaluator that the search calls."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import numpy as np
import torch

from engine.analyst import Outlook
from engine.cuda import FixedBatches
from engine.errors import UserError
from engine.net import SCORE_SCALE, Net, Output
from mcts import Evaluation

THREADS_OF_A_GPU = 4  # that play games: while one waits for its batch, the others fill theirs


def choose_device(name: str = "auto") -> torch.device:
    """The device to compute on: `auto` takes CUDA when present. Raises UserError for others."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UserError(f"unknown device '{name}': use auto, cpu or cuda") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UserError(f"device '{name}' is not available on this machine: use --device cpu")
    return device


def devices_of(device: torch.device) -> list[torch.device]:
    """The devices that evaluate: `cuda` stands for every GPU there is, `cuda:1` for that one."""
    if str(device) == "cuda":
        return [torch.device("cuda", index) for index in range(torch.cuda.device_count())]
    return [device]


def describe_devices(device: torch.device) -> str:
    """One line that says what computes: `device: cuda:0, cuda:1 (NVIDIA H100), 32 CPU cores`."""
    found = devices_of(device)
    names = ", ".join(map(str, found))
    if device.type == "cuda":
        names += f" ({torch.cuda.get_device_name(found[0])})"
    cores = cpu_count()
    return f"device: {names}, {cores} CPU core{'s'[: cores > 1]}"


def cpu_count() -> int:
    """How many CPU cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def game_threads(device: torch.device) -> int:
    """How many threads play games side by side: one a core, or some that take turns on each GPU."""
    if device.type == "cpu":
        return cpu_count()
    return max(2, min(cpu_count(), THREADS_OF_A_GPU * len(devices_of(device))))


class NetEvaluator:
    """A net as `mcts.Evaluator`, on all GPUs when there are. Safe to call from several threads."""

    def __init__(self, net: Net, device: torch.device | None = None) -> None:
        self.device = device or choose_device()
        self._batches: FixedBatches | None = None
        if self.device.type == "cuda":
            self._batches = FixedBatches(net, devices_of(self.device))
        else:
            self.net = net.frozen(self.device)

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

    @torch.inference_mode()
    def _forward(self, planes: np.ndarray, globals_: np.ndarray) -> Output:
        if self._batches is not None:
            return self._batches(planes, globals_)
        board = torch.from_numpy(planes).to(self.device)
        board = board.to(torch.float32, memory_format=torch.channels_last)
        output: Output = self.net(board, torch.from_numpy(globals_).to(self.device))
        return output


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
