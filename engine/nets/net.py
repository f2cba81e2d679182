"""The network: a residual tower with global pooling that fits every board size.

Legend: B batch, C input planes, G globals, H, W board, K action planes, E extra actions,
A = K * H * W + E actions.

Nothing in it depends on H or W, so one set of weights plays 5x5 to 19x19. Global pooling lets a
block see the whole board (Wu 2019, "Accelerating Self-Play Learning in Go", section 3.3). The
auxiliary heads for score and ownership are of section 4.1 there.
"""

from __future__ import annotations

import copy
from typing import NamedTuple

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

SCORE_SCALE = 10.0  # points of score per unit of the score head


class NetConfig(BaseModel):
    """The shape of a network; stored with its weights."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    blocks: int = Field(4, ge=1, le=80, description="residual blocks of two convolutions")
    channels: int = Field(32, ge=8, le=1024, description="channels of the tower")
    head_channels: int = Field(16, ge=4, le=256, description="channels inside each head")
    planes: int = Field(ge=1, description="input planes C")
    globals: int = Field(ge=0, description="global inputs G")
    action_planes: int = Field(1, ge=1, description="actions per point K")
    extra_actions: int = Field(0, ge=0, description="actions that are no point, such as a pass, E")


class Output(NamedTuple):
    """What the network says of a batch, everything as seen by the side to move.

    policy    [B, A] logits, legal or not
    value     [B] logit of winning: value in [-1, 1] = tanh(logit / 2), a draw counts as half
    score     [B] expected margin / SCORE_SCALE
    ownership [B, H, W] logit of the point ending as the mover's
    """

    policy: Tensor
    value: Tensor
    score: Tensor
    ownership: Tensor


class PolicyFeatures(NamedTuple):
    """What the policy is read off: points [B, h, H, W] and the whole board's summary [B, 3 h]."""

    points: Tensor
    summary: Tensor

    def logits(self, points: nn.Module, extra: nn.Module | None) -> Tensor:
        """[B, A], by a convolution of the points and a linear layer for the extra actions."""
        logits: Tensor = points(self.points).flatten(1)
        return logits if extra is None else torch.cat([logits, extra(self.summary)], dim=1)


class ConvNorm(nn.Module):
    """Convolution, batch norm, an optional residual added, and ReLU."""

    def __init__(self, inputs: int, outputs: int, size: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        y: Tensor = self.norm(self.conv(x))
        return torch.relu(y if residual is None else y + residual)


class FusedConv(nn.Module):
    """A `ConvNorm` for inference on a CPU: one oneDNN call on weights in oneDNN's own layout.

    Which layout that is depends on the board's size, so the first call on a board chooses it; in
    another one the weights would be rearranged at every call, which takes longer than the rest.
    """

    def __init__(self, source: ConvNorm) -> None:
        super().__init__()
        conv = fuse_conv_bn_eval(source.conv.eval(), source.norm.eval())
        self.padding = list(conv.padding)
        self.bias = conv.bias
        self.weight = conv.weight.detach()
        self.layouts: dict[torch.Size, Tensor] = {}  # the weights by [H, W]

    def forward(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        y: Tensor
        weight = self.layouts.get(x.shape[2:])
        if weight is None:
            weight = self.layouts[x.shape[2:]] = torch.ops.mkldnn._reorder_convolution_weight(
                self.weight, self.padding, [1, 1], [1, 1], 1, list(x.shape)
            )
        common = (weight, self.bias, self.padding, [1, 1], [1, 1], 1)
        run = torch.ops.mkldnn._convolution_pointwise
        if residual is None:
            y = run(x, *common, "relu", [], "")
        else:
            y = run.binary(x, residual, *common, "add", 1.0, "relu", [], "")
        return y


def pool(x: Tensor) -> Tensor:
    """Global pooling [B, c, H, W] -> [B, 3 c]: mean, mean scaled by the board's width, maximum."""
    mean = x.mean(dim=(2, 3))
    return torch.cat([mean, mean * ((x.shape[3] - 9) * 0.1), x.amax(dim=(2, 3))], dim=1)


class Block(nn.Module):
    """A residual block; with `pooled`, the whole board's summary joins between the convolutions."""

    def __init__(self, channels: int, pooled: bool) -> None:
        super().__init__()
        self.first = ConvNorm(channels, channels, 3)
        self.second = ConvNorm(channels, channels, 3)
        self.summary = nn.Linear(3 * channels, channels) if pooled else None

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.first(x)
        if self.summary is not None:
            y = y + self.summary(pool(y))[:, :, None, None]
        joined: Tensor = self.second(y, x)
        return joined


class Net(nn.Module):
    """Policy, value, score and ownership of a batch of positions."""

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.config = config
        c, h = config.channels, config.head_channels
        self.stem = ConvNorm(config.planes, c, 3)
        self.stem_globals = nn.Linear(config.globals, c) if config.globals else None
        self.tower = nn.Sequential(*(Block(c, i % 2 == 1) for i in range(config.blocks)))
        self.policy_features = ConvNorm(c, h, 1)
        self.policy_summary = nn.Linear(3 * h, h)
        self.policy_points = nn.Conv2d(h, config.action_planes, 1)
        self.policy_extra = nn.Linear(3 * h, config.extra_actions) if config.extra_actions else None
        self.value_features = ConvNorm(c, h, 1)
        self.value_hidden = nn.Linear(3 * h, 4 * h)
        self.value_score = nn.Linear(4 * h, 2)
        self.ownership = nn.Conv2d(h, 1, 1)

    def forward(self, planes: Tensor, globals_: Tensor) -> Output:
        """planes [B, C, H, W] float, globals_ [B, G] float."""
        return self.read(planes, globals_)[0]

    def read(self, planes: Tensor, globals_: Tensor) -> tuple[Output, PolicyFeatures]:
        """As `forward`, with the features that the policy is read off."""
        x = self.stem(planes)
        if self.stem_globals is not None:
            x = x + self.stem_globals(globals_)[:, :, None, None]
        x = self.tower(x)

        p = self.policy_features(x)
        summary = pool(p)
        features = PolicyFeatures(p + self.policy_summary(summary)[:, :, None, None], summary)
        policy = features.logits(self.policy_points, self.policy_extra)

        v = self.value_features(x)
        value, score = self.value_score(torch.relu(self.value_hidden(pool(v)))).unbind(1)
        return Output(policy, value, score, self.ownership(v).squeeze(1)), features

    def frozen(self, device: torch.device) -> Net:
        """A copy for inference on the device, fused where oneDNN can."""
        twin = copy.deepcopy(self).eval().requires_grad_(False)
        if device.type == "cpu" and torch.backends.mkldnn.is_available():
            for parent in list(twin.modules()):
                for name, child in list(parent.named_children()):
                    if isinstance(child, ConvNorm):
                        setattr(parent, name, FusedConv(child))
        return on_device(twin, device)


def on_device(net: Net, device: torch.device) -> Net:
    """The net, moved to a device, its convolutions in the layout that is fastest there."""
    net.to(device)
    for parameter in net.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return net
