"""Several processes, one learner: data-parallel training under torchrun.

    torchrun --nproc-per-node 8 --no-python move37 train RUN

The first process, the leader, does everything that one process does. The others, its followers,
own a copy of the learner each: for every step the leader sends each its share of the batch, and
DistributedDataParallel averages the gradients, so that all take the same step as one process
would on the whole batch. Followers read no data and write no files.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import timedelta
from math import prod
from typing import Any

import torch
from safetensors.torch import load as deserialise
from safetensors.torch import save as serialise
from torch import Tensor, distributed, nn
from torch.distributed.nn.functional import all_reduce

from engine.errors import UserError
from selfplay.learning.replay import Batch

BEGIN, STEP, END = range(3)  # what the leader says
PATIENCE = timedelta(days=30)  # of followers, while games are played


def world() -> int:
    """The number of processes that train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


@contextlib.contextmanager
def together() -> Iterator[bool]:
    """Joins the processes that torchrun started, if it did; gives whether this one leads.

    When the leader ends, or fails with a UserError, its followers end too.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield True
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    distributed.init_process_group(backend, timeout=PATIENCE)
    leads = distributed.get_rank() == 0
    try:
        yield leads
    except UserError:  # raised between two messages, unlike what else may happen
        if leads:
            _say(END)
        raise
    if leads:
        _say(END)
    gc.collect()  # so that no model outlives its process group
    distributed.destroy_process_group()


def global_mean(value: Tensor) -> Tensor:
    """The mean of a tensor over all processes; gradients flow through it."""
    if world() == 1:
        return value
    summed: Tensor = all_reduce(value)
    return summed / world()


class GlobalBatchNorm(nn.BatchNorm2d):
    """Batch norm over the batch of all processes, each with the same number of rows.

    (torch's SyncBatchNorm is for GPUs alone.)
    """

    @staticmethod
    def over(norm: nn.BatchNorm2d) -> GlobalBatchNorm:
        """One with the weights and statistics of another, which they share."""
        twin = GlobalBatchNorm(norm.num_features, norm.eps, norm.momentum).train(norm.training)
        twin.weight, twin.bias = norm.weight, norm.bias
        for name, buffer in norm.named_buffers():
            setattr(twin, name, buffer)
        return twin

    def forward(self, x: Tensor) -> Tensor:
        """x [B, C, H, W]."""
        if not self.training:
            return super().forward(x)
        wide = x.float()
        moments = torch.stack([wide.mean(dim=(0, 2, 3)), wide.square().mean(dim=(0, 2, 3))])
        mean, square = global_mean(moments).unbind()
        variance = (square - mean.square()).clamp(min=0)
        self._remember(mean.detach(), variance.detach(), world() * x.numel() // x.shape[1])
        scale = self.weight * torch.rsqrt(variance + self.eps)
        shift = self.bias - mean * scale
        y: Tensor = wide * scale[:, None, None] + shift[:, None, None]
        return y.to(x.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, count: int) -> None:
        assert self.running_mean is not None and self.running_var is not None
        assert self.num_batches_tracked is not None and self.momentum is not None
        self.num_batches_tracked += 1
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * count / (count - 1), self.momentum)


def spread(net: nn.Module) -> nn.Module:
    """The net as all processes train it together; it shares its weights with the one given."""
    for parent in list(net.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.BatchNorm2d:
                setattr(parent, name, GlobalBatchNorm.over(child))
    return nn.parallel.DistributedDataParallel(net, broadcast_buffers=False)


@dataclass(frozen=True)
class Layout:
    """How a sample is laid out as a row of bytes: a batch is then one tensor to send."""

    shapes: dict[str, list[int]]
    dtypes: dict[str, str]

    @staticmethod
    def of(batch: Batch) -> Layout:
        """The layout of a batch's samples."""
        parts = {field.name: getattr(batch, field.name) for field in fields(Batch)}
        return Layout(
            {name: list(part.shape[1:]) for name, part in parts.items()},
            {name: str(part.dtype).removeprefix("torch.") for name, part in parts.items()},
        )

    def widths(self) -> list[int]:
        """The bytes of each part of a sample."""
        return [
            prod(shape) * getattr(torch, self.dtypes[name]).itemsize
            for name, shape in self.shapes.items()
        ]

    def pack(self, batch: Batch) -> Tensor:
        """[B, sum of widths] uint8."""
        rows = len(batch.value)
        parts = [
            getattr(batch, name).reshape(-1).clone().view(torch.uint8).reshape(rows, width)
            for name, width in zip(self.shapes, self.widths(), strict=True)
            if width
        ]
        return torch.cat(parts, dim=1)

    def unpack(self, rows: Tensor) -> Batch:
        """The inverse of `pack`."""
        parts = {}
        columns = rows.split(self.widths(), dim=1)
        for (name, shape), part in zip(self.shapes.items(), columns, strict=True):
            kind = getattr(torch, self.dtypes[name])
            aligned = part.reshape(-1).clone() if prod(shape) else torch.empty(0, dtype=torch.uint8)
            parts[name] = aligned.view(kind).reshape(len(rows), *shape)
        return Batch(**parts)


class Leader:
    """The leader's side: tells the followers what to learn from, and how."""

    def __init__(self, setting: dict[str, Any], state: dict[str, Tensor], layout: Layout) -> None:
        """`setting` and `state` are all that makes a learner like the leader's."""
        self.layout = layout
        _say(BEGIN)
        facts = {**setting, "shapes": layout.shapes, "dtypes": layout.dtypes}
        _send(json.dumps(facts).encode())
        _send(serialise({name: tensor.contiguous() for name, tensor in state.items()}))

    def share(self, batch: Batch, rate_factor: float) -> Batch:
        """Sends the followers their parts of the batch; the leader's own.

        Raises UserError when the parts would not be equal.
        """
        rows = len(batch.value)
        if rows % world():
            raise UserError(
                f"batch_size {rows} cannot be shared by {world()} processes: take a multiple"
            )
        parts = list(self.layout.pack(batch).chunk(world()))
        _say(STEP, len(parts[0]), rate_factor)
        own = torch.empty_like(parts[0])
        distributed.scatter(own, parts)
        return self.layout.unpack(own)


def follow(
    make: Callable[[dict[str, Any], dict[str, Tensor]], Callable[[Batch, float], object]],
) -> None:
    """A follower's life: `make` builds the step of a learner from its setting and state."""
    step: Callable[[Batch, float], object] | None = None
    layout = Layout({}, {})
    while True:
        what, rows, factor = _hear()
        if what == END:
            return
        if what == BEGIN:
            facts = json.loads(_receive())
            layout = Layout(facts.pop("shapes"), facts.pop("dtypes"))
            step = make(facts, deserialise(_receive()))
        elif step is not None:
            part = torch.empty((rows, sum(layout.widths())), dtype=torch.uint8)
            distributed.scatter(part)
            with contextlib.suppress(FloatingPointError):  # the leader tells the user
                step(layout.unpack(part), factor)


def _say(what: int, rows: int = 0, factor: float = 0.0) -> None:
    distributed.broadcast(torch.tensor([what, rows, factor], dtype=torch.float64), 0)


def _hear() -> tuple[int, int, float]:
    said = torch.zeros(3, dtype=torch.float64)
    distributed.broadcast(said, 0)
    what, rows, factor = said.tolist()
    return int(what), int(rows), factor


def _send(data: bytes) -> None:
    distributed.broadcast(torch.tensor([len(data)]), 0)
    distributed.broadcast(torch.frombuffer(bytearray(data), dtype=torch.uint8), 0)


def _receive() -> bytes:
    size = torch.zeros(1, dtype=torch.int64)
    distributed.broadcast(size, 0)
    data = torch.zeros(int(size), dtype=torch.uint8)
    distributed.broadcast(data, 0)
    return data.numpy().tobytes()
