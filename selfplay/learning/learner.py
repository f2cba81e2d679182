"""The learner: one step of gradient descent on whatever the teachers put into the replay.

The same loss serves every teacher: the policy head follows the policy target as far as its advantage
says, the value head the value target, and score and ownership help where they are known (Wu 2019,
section 4.1). What differs between imitation and reinforcement is the advantage, and the prior, which
bounds how far updates may take a policy from the one that drew the moves.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional

from engine.nets.net import SCORE_SCALE, Net, NetConfig, Output, on_device
from selfplay.learning import parallel
from selfplay.learning.pupil import Pupil
from selfplay.learning.replay import Batch


class LearnerSettings(BaseModel):
    """How the net learns from a batch. Unknown names and values out of range are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    batch_size: int = Field(256, ge=8, le=65536, description="samples per step")
    learning_rate: float = Field(2e-3, gt=0, le=1, description="peak learning rate of AdamW")
    warmup_steps: int = Field(50, ge=0, description="steps of linear warm-up")
    weight_decay: float = Field(1e-3, ge=0, le=1, description="of AdamW, on weights only")
    value_weight: float = Field(1.0, ge=0, description="of the value loss; the policy's is 1")
    score_weight: float = Field(0.05, ge=0, description="of the score loss")
    ownership_weight: float = Field(0.3, ge=0, description="of the ownership loss")
    reply_weight: float = Field(
        0.0, ge=0, description="of the opponent's reply, 0.15 in the paper; 0 leaves it out"
    )
    ratio_clip: float = Field(
        0.2,
        gt=0,
        lt=1,
        description="by what share the updates of an iteration may change how likely a move is, for "
        "teachers that bound them (Schulman et al. 2017, epsilon)",
    )
    gradient_clip: float = Field(5.0, gt=0, description="largest norm of the gradient")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="of the net's products; auto: bfloat16 where the hardware has it"
    )
    averaging: float = Field(
        0.995, ge=0, lt=1, description="decay a step of the averaged weights that play"
    )


class Losses(dict[str, float]):
    """Means by name: total, policy, value, score, ownership, reply if it is learned, entropy, drift,
    illegal_target, gradient_norm.

    entropy is that of the net's policy, in nats; drift is its divergence from the policy before the
    updates that are bounded, in nats, 0 where none are; illegal_target is the share of the policy
    target on illegal moves: anything but 0 is a bug.
    """

    @staticmethod
    def mean(history: Sequence[Losses]) -> Losses:
        """The mean of several steps."""
        return Losses({k: float(np.mean([losses[k] for losses in history])) for k in history[0]})


def cooled(spent: float, cooldown: float) -> float:
    """The factor of the learning rate when a share of a stage is spent: it falls to 0.02 in the last
    share `cooldown`, and stays 1 without one."""
    return 1.0 if cooldown == 0 else min(1.0, max(0.02, (1 - spent) / cooldown))


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device has instructions for products of bfloat16."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    told = torch.cpu.get_capabilities()
    return bool(told.get("avx512_bf16") or told.get("amx_bf16"))


def known_mean(values: Tensor, known: Tensor) -> Tensor:
    """The mean over the samples where a target is known; 0 when none is.

    Of several processes each gives its part, and the mean of the parts is that over all samples.
    """
    count = parallel.global_mean(known.sum().float()).clamp(min=1 / parallel.world())
    return torch.where(known, values, 0.0).sum() / count


def log_softmax(logits: Tensor, legal: Tensor) -> Tensor:
    """Log probabilities [B, A] over the legal moves [B, A]."""
    return functional.log_softmax(logits.masked_fill(~legal, -1e9), dim=1)


def policy_gain(log_target: Tensor, batch: Batch, ratio_clip: float) -> tuple[Tensor, Tensor]:
    """What the policy is to gain [B], and its drift [B] (see `Losses`).

    `log_target` [B] is the log probability of the policy target. Where its prior is known, the gain is
    the clipped surrogate of PPO (Schulman et al. 2017, equation 7); its gradient is that of
    advantage * log_target until the probability has left the prior by a share `ratio_clip`.
    """
    advantage, known = batch.advantage, ~batch.prior.isnan()
    log_ratio = torch.where(known, log_target - batch.prior.nan_to_num(1.0).clamp(min=1e-9).log(), 0.0)
    ratio = log_ratio.exp()
    bounded = ratio.clamp(1 - ratio_clip, 1 + ratio_clip)
    surrogate = torch.minimum(ratio * advantage, bounded * advantage)
    return torch.where(known, surrogate, advantage * log_target), ratio - 1 - log_ratio


def loss_terms(
    output: Output, reply: Tensor | None, batch: Batch, ratio_clip: float = 0.2
) -> dict[str, Tensor]:
    """The losses of a batch, its entropy, drift and illegal_target, each a scalar mean.

    `reply` are logits [B, A] of the opponent's next move, or None.
    """
    log_policy = log_softmax(output.policy, batch.legal)
    gain, drift = policy_gain((batch.policy * log_policy).sum(dim=1), batch, ratio_clip)
    has_value, has_score = ~batch.value.isnan(), ~batch.score.isnan()
    win = (batch.value.nan_to_num() + 1) / 2
    value = functional.binary_cross_entropy_with_logits(output.value, win, reduction="none")
    score = functional.smooth_l1_loss(
        output.score, batch.score.nan_to_num() / SCORE_SCALE, reduction="none"
    )
    owned = (batch.ownership + 1) / 2
    ownership = functional.binary_cross_entropy_with_logits(
        output.ownership, owned, reduction="none"
    ).mean(dim=(1, 2))
    terms = {
        "policy": -gain.mean(),
        "value": known_mean(value, has_value),
        "score": known_mean(score, has_score),
        "ownership": known_mean(ownership, has_score),
        "entropy": -(log_policy.exp() * log_policy).sum(dim=1).mean(),
        "drift": known_mean(drift, ~batch.prior.isnan()),
        "illegal_target": batch.policy.masked_fill(batch.legal, 0.0).sum(dim=1).mean(),
    }
    if reply is not None:
        surprise = -(batch.reply * log_softmax(reply, batch.reply_legal)).sum(dim=1)
        terms["reply"] = known_mean(surprise, batch.reply.sum(dim=1) > 0)
    return terms


class Learner:
    """A net in training: weights, optimiser and the averaged weights that are used to play."""

    def __init__(self, net: Net, settings: LearnerSettings, device: torch.device) -> None:
        self.settings = settings
        self.device = device
        self.net = on_device(net, device).train()
        self.averaged: Net = copy.deepcopy(self.net).eval().requires_grad_(False)
        self.pupil = Pupil(self.net, settings.reply_weight > 0).to(device)
        decayed = [p for p in self.pupil.parameters() if p.ndim > 1]
        plain = [p for p in self.pupil.parameters() if p.ndim <= 1]
        self.optimiser = torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": settings.weight_decay},
                {"params": plain, "weight_decay": 0.0},
            ],
            lr=settings.learning_rate,
        )
        self.steps = 0
        self.rate_factor = 1.0
        self._brief = settings.precision == "bfloat16" or (
            settings.precision == "auto" and has_bfloat16(device)
        )
        self._model: nn.Module = self.pupil  # or as several processes train it
        self._leader: parallel.Leader | None = None

    def step(self, batch: Batch) -> Losses:
        """One update; under torchrun every process takes its share (see selfplay/learning/parallel.py).

        Raises FloatingPointError, leaving the weights as they were, on a NaN loss.
        """
        if parallel.world() > 1:
            if self._leader is None:
                facts = {
                    "net": self.net.config.model_dump(),
                    "settings": self.settings.model_dump(),
                    "device": self.device.type,
                }
                self._leader = parallel.Leader(facts, self.state(), parallel.Layout.of(batch))
                self._model = parallel.spread(self.pupil)
            batch = self._leader.share(batch, self.rate_factor)
        return self._step(batch)

    @staticmethod
    def following(facts: dict[str, Any], state: dict[str, Tensor]) -> Callable[[Batch, float], object]:
        """The steps of a learner like the leader's: (its share of a batch, factor of the rate)."""
        device = torch.device(facts["device"])
        net = Net(NetConfig.model_validate(facts["net"]))
        learner = Learner(net, LearnerSettings.model_validate(facts["settings"]), device)
        learner.restore(state)
        learner._model = parallel.spread(learner.pupil)

        def step(part: Batch, rate_factor: float) -> None:
            learner.rate_factor = rate_factor
            learner._step(part)

        return step

    def _step(self, batch: Batch) -> Losses:
        s = self.settings
        batch = batch.to(self.device)
        output, reply = self.answer(self._model, batch)
        terms = loss_terms(output, reply, batch, s.ratio_clip)
        total = (
            terms["policy"]
            + s.value_weight * terms["value"]
            + s.score_weight * terms["score"]
            + s.ownership_weight * terms["ownership"]
        )
        if reply is not None:
            total = total + s.reply_weight * terms["reply"]
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.pupil.parameters(), s.gradient_clip)
        if not torch.isfinite(norm):
            raise FloatingPointError("the loss is not finite: lower the learning rate")
        warm = min(1.0, (self.steps + 1) / max(1, s.warmup_steps))
        for group in self.optimiser.param_groups:
            group["lr"] = s.learning_rate * self.rate_factor * warm
        self.optimiser.step()
        self.steps += 1
        self._average()
        means = parallel.global_mean(torch.stack([total, *terms.values()]).detach())
        names = ["total", *terms]
        return Losses(zip(names, means.tolist(), strict=True), gradient_norm=norm.item())

    def answer(self, model: nn.Module, batch: Batch) -> tuple[Output, Tensor | None]:
        """What a `Pupil` says of a batch on this device, in float32: its output and logits [B, A] of
        the reply, or None."""
        planes = batch.planes.to(torch.float32, memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._brief):
            output, reply = model(planes, batch.globals_)
        return Output(*(part.float() for part in output)), None if reply is None else reply.float()

    @torch.no_grad()
    def _average(self) -> None:
        """Moves the averaged weights a little towards the trained ones, faster at the start."""
        decay = min(self.settings.averaging, self.steps / (self.steps + 10))
        current = self.net.state_dict()
        for name, value in self.averaged.state_dict().items():
            if value.dtype.is_floating_point:
                value.lerp_(current[name], 1 - decay)
            else:
                value.copy_(current[name])

    def state(self) -> dict[str, Tensor]:
        """Everything needed to go on, as named tensors."""
        tensors = {f"net.{k}": v for k, v in self.net.state_dict().items()}
        tensors |= {f"averaged.{k}": v for k, v in self.averaged.state_dict().items()}
        if self.pupil.reply is not None:
            tensors |= {f"reply.{k}": v for k, v in self.pupil.reply.state_dict().items()}
        for index, slot in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{index}.{k}": torch.as_tensor(v) for k, v in slot.items()}
        tensors["steps"] = torch.tensor(self.steps)
        tensors["rate_factor"] = torch.tensor(self.rate_factor, dtype=torch.float64)
        return {name: tensor.detach().cpu().clone() for name, tensor in tensors.items()}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """The inverse of `state`."""

        def under(prefix: str) -> dict[str, Tensor]:
            return {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}

        self.net.load_state_dict(under("net."))
        self.averaged.load_state_dict(under("averaged."))
        if self.pupil.reply is not None:
            self.pupil.reply.load_state_dict(under("reply."))
        slots: dict[int, dict[str, Tensor]] = {}
        for key, value in under("optimiser.").items():
            index, name = key.split(".", 1)
            slots.setdefault(int(index), {})[name] = value
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": slots, "param_groups": groups})
        self.steps = int(tensors["steps"])
        self.rate_factor = float(tensors["rate_factor"])


class Anchor:
    """The policy that drew the moves of an iteration, while the learner leaves it.

    It looks at a batch just as the learner does, under the same symmetries and with the batch's own
    statistics, so that the two agree until there is an update.
    """

    def __init__(self, learner: Learner) -> None:
        """Keeps the averaged weights of this moment, the ones that have played."""
        self._learner = learner
        self._policy = Pupil(copy.deepcopy(learner.averaged), learns_reply=False).train()

    @torch.no_grad()
    def bound(self, batch: Batch) -> Batch:
        """The batch with its priors."""
        there = batch.to(self._learner.device)
        output, _ = self._learner.answer(self._policy, there)
        log_target = (there.policy * log_softmax(output.policy, there.legal)).sum(dim=1)
        return dataclasses.replace(batch, prior=log_target.exp().cpu())
