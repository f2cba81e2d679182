"""A net in training, with the head that only training needs.

Predicting the opponent's reply teaches the net what a move provokes (Wu 2019, section 3.4). The
search has no use for it, so the head belongs to the learner: no net file has it, and each stage that
wants one begins with a fresh one.
"""

from __future__ import annotations

from torch import Tensor, nn

from engine.nets.net import Net, NetConfig, Output, PolicyFeatures


class ReplyHead(nn.Module):
    """Logits [B, A] of the opponent's next move, read off the features of the policy.

    It begins with zeros, so that it says nothing at first and does not disturb a trained net.
    """

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        h, extra = config.head_channels, config.extra_actions
        self.points = nn.Conv2d(h, config.action_planes, 1)
        self.extra = nn.Linear(3 * h, extra) if extra else None
        for parameter in self.parameters():
            nn.init.zeros_(parameter)

    def forward(self, features: PolicyFeatures) -> Tensor:
        return features.logits(self.points, self.extra)


class Pupil(nn.Module):
    """A net, and a head for the reply if it is to be learned."""

    def __init__(self, net: Net, learns_reply: bool) -> None:
        super().__init__()
        self.net = net
        self.reply = ReplyHead(net.config) if learns_reply else None

    def forward(self, planes: Tensor, globals_: Tensor) -> tuple[Output, Tensor | None]:
        """The net's output for planes [B, C, H, W] and globals_ [B, G]; logits of the reply [B, A]."""
        output, features = self.net.read(planes, globals_)
        return output, None if self.reply is None else self.reply(features)
