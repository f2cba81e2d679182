"""What can go wrong in self-play without an error, noticed from the facts of the iterations.

Pure functions of what `reinforcement.Iteration` tells: each check looks at one sign and names the
likely cause and the remedy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from selfplay.teachers.reinforcement import Iteration


@dataclass(frozen=True)
class Thresholds:
    """Where a sign becomes a warning; for games of any kind, so they are wide."""

    value_correlation: float = 0.05  # of the search's value with the result, least
    entropy_share: float = 0.05  # of the policy's entropy at the beginning, least
    unique_share: float = 0.5  # of games that no other repeats, least
    draw_share: float = 0.9  # most; only where the first iterations had fewer
    length_factor: float = 3.0  # change of the mean length since the beginning, most
    illegal_target: float = 1e-4  # share of the policy target on illegal moves, most
    surprise: float = 2.0  # nats between the search's policy and the net's, most
    replay_age: float = 100.0  # iterations, most
    drift: float = 0.1  # nats from the policy that played, where updates are bounded, most
    gradient_norm: float = 10.0  # times the median of the run, most
    wrong_resignations: float = 0.05  # of games played on after one, most
    settled: int = 3  # iterations before a change since the beginning means anything


@dataclass(frozen=True)
class Symptom:
    """A sign of illness: which one, and one line that says its likely cause and remedy."""

    sign: str
    text: str


Check = Callable[[Sequence[Iteration], Thresholds], str | None]


NORMAL = Thresholds()


def examine(history: Sequence[Iteration], limits: Thresholds = NORMAL) -> list[Symptom]:
    """What is wrong in the newest iteration of a stage; an empty list when nothing is."""
    found = [(sign, check(history, limits)) for sign, check in CHECKS.items()]
    return [Symptom(sign, text) for sign, text in found if text is not None]


def _not_finite(history: Sequence[Iteration], limits: Thresholds) -> str | None:
    bad = [name for name, value in history[-1].losses.items() if not math.isfinite(value)]
    if not bad:
        return None
    return f"{', '.join(bad)} not finite: the learning rate is too high"


def _value_sign(history: Sequence[Iteration], limits: Thresholds) -> str | None:
    value = history[-1].value_correlation
    if value is None or value >= limits.value_correlation or len(history) < limits.settled:
        return None
    if value < -limits.value_correlation:
        return (
            f"values go against the results (correlation {value:.2f}): "
            "a sign is wrong in the game's outcome or in the side to move of its planes"
        )
    return (
        f"values tell nothing about the results (correlation {value:.2f}): "
        "the value head has not learned, or chance decides the games; raise visits or value_weight"
    )


def _entropy(history: Sequence[Iteration], limits: Thresholds) -> str | None:
    first, now = history[0].losses["entropy"], history[-1].losses["entropy"]
    if now >= limits.entropy_share * first:
        return None
    return (
        f"the policy has collapsed (entropy {now:.3f}, at first {first:.3f}): "
        "lower the learning rate, or explore more (opening_share, noise_fraction, temperature)"
    )


def _unique(history: Sequence[Iteration], limits: Thresholds) -> str | None:
    share = history[-1].unique_share
    if share >= limits.unique_share:
        return None
    return (
        f"only {share:.0%} of the games differ: too little randomness; "
        "raise opening_share, temperature_moves or gumbel_scale"
    )


def _draws(history: Sequence[Iteration], limits: Thresholds) -> str | None:
    if history[-1].draw_share <= limits.draw_share or history[0].draw_share > limits.draw_share:
        return None
    return (
        f"{history[-1].draw_share:.0%} of the games are drawn: results teach nothing any more; "
        "vary the openings, or the game is solved"
    )


def _length(history: Sequence[Iteration], limits: Thresholds) -> str | None:
    first, now = history[0].mean_length, history[-1].mean_length
    if len(history) < limits.settled or 1 / limits.length_factor <= now / first <= limits.length_factor:
        return None
    cause = (
        "players pass or give up too early" if now < first else "players do not know how to end a game"
    )
    return f"games have {now:.0f} moves, at first {first:.0f}: {cause}; look at a sample game"


def _illegal(history: Sequence[Iteration], limits: Thresholds) -> str | None:
    share = history[-1].losses["illegal_target"]
    if share <= limits.illegal_target:
        return None
    return (
        f"{share:.2%} of the policy target is on illegal moves: "
        "the game's legal moves, play or symmetry tables do not agree"
    )


def _surprise(history: Sequence[Iteration], limits: Thresholds) -> str | None:
    surprise = history[-1].surprise
    if surprise is None or surprise <= limits.surprise or len(history) < limits.settled:
        return None
    return (
        f"the search disagrees with the net ({surprise:.1f} nats): the net does not follow its "
        "teacher; raise passes or the learning rate, or the search is too noisy"
    )


def _age(history: Sequence[Iteration], limits: Thresholds) -> str | None:
    if history[-1].replay_age <= limits.replay_age:
        return None
    return (
        f"the replay is {history[-1].replay_age:.0f} iterations old on average: "
        "lower window or window_slope, or raise positions_per_iteration"
    )


def _drift(history: Sequence[Iteration], limits: Thresholds) -> str | None:
    drift = history[-1].losses.get("drift", 0.0)  # runs of older versions did not look
    if drift <= limits.drift:
        return None
    return (
        f"the updates leave the policy that played the games ({drift:.2f} nats), near which alone they "
        "are right: lower the learning rate or passes"
    )


def _gradient(history: Sequence[Iteration], limits: Thresholds) -> str | None:
    norms = sorted(iteration.losses["gradient_norm"] for iteration in history)
    now, median = history[-1].losses["gradient_norm"], norms[len(norms) // 2]
    if len(history) < limits.settled or now <= limits.gradient_norm * median:
        return None
    return f"the gradient is {now / median:.0f} times its median: lower the learning rate"


def _resignation(history: Sequence[Iteration], limits: Thresholds) -> str | None:
    wrong = [i.wrong_resignations for i in history if i.wrong_resignations is not None][-20:]
    if len(wrong) < limits.settled:
        return None
    share, error = mean(wrong), stdev(wrong) / math.sqrt(len(wrong))  # of a few games each
    if share - 2 * error <= limits.wrong_resignations:
        return None
    return f"{share:.0%} of resignations would have been wrong: lower resignation.below"


CHECKS: dict[str, Check] = {
    "not finite": _not_finite,
    "value sign": _value_sign,
    "policy entropy": _entropy,
    "repeated games": _unique,
    "draws": _draws,
    "game length": _length,
    "illegal moves": _illegal,
    "surprise": _surprise,
    "replay age": _age,
    "drift": _drift,
    "gradient": _gradient,
    "resignation": _resignation,
}
