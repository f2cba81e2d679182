"""Inference in batches of fixed sizes, on one GPU or several: what CUDA graphs need.

A call takes a slot of the smallest size that its rows fit in: input and output buffers that never
move, and the graph captured over them, on a stream of its own. Rows that nobody asked for are
computed and thrown away. Threads that call at the same time get different slots, on the device
with the fewest calls, so that one batch is copied while another is computed.

What goes over the bus is small: inputs as the bytes they are, outputs in half precision. The same
class works on the CPU, without graphs and streams, where its tests run.
"""

from __future__ import annotations

import copy
import threading
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from engine.nets.net import ConvNorm, Net, Output, on_device

LARGEST = 1024  # rows of a batch; more are cut into several
WARM_UPS = 3  # calls before a graph is captured, in which cuDNN chooses its algorithms

_capturing = threading.Lock()  # one at a time, over all devices


def padded(rows: int) -> int:
    """The smallest size of a batch that holds so many rows: 1, 2, 3, 4, 6, 8, 12, 16, ...

    At most half of a batch more than asked, and few sizes to capture.
    """
    size = 1 << max(0, rows - 1).bit_length()
    return size * 3 // 4 if size >= 4 and rows <= size * 3 // 4 else size


def fused(net: Net, device: torch.device, dtype: torch.dtype) -> Net:
    """A copy for inference on the device, batch norms made part of their convolutions."""
    twin = copy.deepcopy(net).eval().requires_grad_(False)
    for module in twin.modules():
        if isinstance(module, ConvNorm):
            fuse = fuse_conv_bn_eval(module.conv, module.norm)
            module.conv, module.norm = fuse, nn.Identity()  # type: ignore[assignment]
    return on_device(twin.to(dtype), device)


class Slot:
    """Buffers of one batch size on one device, and the forward pass over them."""

    def __init__(self, net: Net, device: torch.device, planes: tuple[int, ...], globals_: int) -> None:
        """planes is the shape (rows, C, H, W), globals_ the number G; the net is on the device."""
        self.device = device
        rows, gpu = planes[0], device.type == "cuda"
        self.planes = torch.zeros(planes, dtype=torch.uint8, pin_memory=gpu)
        self.globals_ = torch.zeros((rows, globals_), pin_memory=gpu)
        self._net = net
        self._dtype = next(net.parameters()).dtype
        self._inputs = self.planes.to(device), self.globals_.to(device)
        self._graph: torch.cuda.CUDAGraph | None = None
        if gpu:
            self._stream = torch.cuda.Stream(device)
            self._done = torch.cuda.Event(blocking=True)  # waiting costs no CPU time
            self._capture()
        else:
            self._outputs = self._forward()
        self._answers = [torch.empty_like(t, device="cpu", pin_memory=gpu) for t in self._outputs]

    def run(self, rows: int) -> Output:
        """The answers [rows, ...] float32 for what stands in `planes` and `globals_`."""
        if self._graph is None:
            self._inputs[0].copy_(self.planes)
            self._inputs[1].copy_(self.globals_)
            self._outputs = self._forward()
            for host, answer in zip(self._answers, self._outputs, strict=True):
                host.copy_(answer)
        else:
            with torch.cuda.device(self.device), torch.cuda.stream(self._stream):
                self._inputs[0].copy_(self.planes, non_blocking=True)
                self._inputs[1].copy_(self.globals_, non_blocking=True)
                self._graph.replay()
                for host, answer in zip(self._answers, self._outputs, strict=True):
                    host.copy_(answer, non_blocking=True)
                self._done.record()
            self._done.synchronize()
        return Output(*(host[:rows].to(torch.float32, copy=True) for host in self._answers))

    def _forward(self) -> Output:
        planes, globals_ = self._inputs
        board = planes.to(self._dtype, memory_format=torch.channels_last)
        output: Output = self._net(board, globals_.to(self._dtype))
        return output

    def _capture(self) -> None:
        with _capturing, torch.cuda.device(self.device):
            self._stream.wait_stream(torch.cuda.current_stream())
            tuning = torch.backends.cudnn.flags(enabled=True, benchmark=True)
            with torch.cuda.stream(self._stream), tuning:
                for _ in range(WARM_UPS):
                    self._forward()
            self._stream.synchronize()
            graph = torch.cuda.CUDAGraph()
            # The other threads go on using the GPU meanwhile, which only this mode allows.
            with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
                self._outputs = self._forward()
            self._graph = graph


class FixedBatches:
    """A net on several devices, called with batches of any size from several threads."""

    def __init__(
        self, net: Net, devices: Sequence[torch.device], dtype: torch.dtype = torch.float16
    ) -> None:
        self._nets = [fused(net, device, dtype) for device in devices]
        self._devices = list(devices)
        self._calls = [0] * len(devices)  # now under way on each device
        self._idle: defaultdict[tuple[int, ...], list[Slot]] = defaultdict(list)
        self._lock = threading.Lock()
        self.slots = 0  # made so far

    @torch.inference_mode()
    def __call__(self, planes: np.ndarray, globals_: np.ndarray) -> Output:
        """planes [n, C, H, W] uint8, globals_ [n, G] float32; answers [n, ...] float32 on the CPU."""
        parts = [
            self._one(planes[first : first + LARGEST], globals_[first : first + LARGEST])
            for first in range(0, len(planes), LARGEST)
        ]
        return parts[0] if len(parts) == 1 else Output(*map(torch.cat, zip(*parts, strict=True)))

    def _one(self, planes: np.ndarray, globals_: np.ndarray) -> Output:
        rows = len(planes)
        shape = (padded(rows), *planes.shape[1:])
        with self._lock:
            number = self._calls.index(min(self._calls))
            self._calls[number] += 1
            idle = self._idle[number, *shape]
            slot = idle.pop() if idle else None
        try:
            if slot is None:
                device, net = self._devices[number], self._nets[number]
                slot = Slot(net, device, shape, globals_.shape[1])
                self.slots += 1
            slot.planes[:rows] = torch.from_numpy(planes)
            slot.globals_[:rows] = torch.from_numpy(globals_)
            answer = slot.run(rows)
            with self._lock:
                idle.append(slot)
            return answer
        finally:
            with self._lock:
                self._calls[number] -= 1
