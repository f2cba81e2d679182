"""The health checks: a run that is well raises none, and each illness raises its own."""

from dataclasses import replace
from typing import Any

import pytest

from selfplay.health import CHECKS, examine
from selfplay.learning.learner import Losses
from selfplay.teachers.reinforcement import Iteration

LOSSES = {
    "total": 3.0,
    "policy": 2.0,
    "value": 0.6,
    "score": 0.1,
    "ownership": 0.5,
    "entropy": 2.0,
    "drift": 0.004,
    "illegal_target": 0.0,
    "gradient_norm": 1.0,
}
WELL = Iteration(
    number=1,
    seconds=20.0,
    games=50,
    positions=4000,
    evaluations=60_000,
    self_play_seconds=15.0,
    training_seconds=5.0,
    window=4000,
    replay_age=0.0,
    expert_share=0.0,
    mean_length=80.0,
    first_player_share=0.5,
    draw_share=0.02,
    unique_share=1.0,
    value_correlation=0.5,
    surprise=0.4,
    resigned_share=0.0,
    wrong_resignations=None,
    first_moves={"40": 50},
    losses=Losses(LOSSES),
)


def sick(losses: dict[str, float] | None = None, **facts: Any) -> list[Iteration]:
    """Four good iterations, then one that is not."""
    return [WELL] * 4 + [replace(WELL, losses=Losses({**LOSSES, **(losses or {})}), **facts)]


def signs(history: list[Iteration]) -> list[str]:
    return [symptom.sign for symptom in examine(history)]


def test_a_run_that_is_well_raises_no_warning() -> None:
    assert signs([WELL]) == signs([WELL] * 30) == []


ILLNESSES = [
    ("not finite", sick({"value": float("nan")})),
    ("value sign", sick(value_correlation=-0.4)),
    ("value sign", sick(value_correlation=0.0)),
    ("policy entropy", sick({"entropy": 0.01})),
    ("repeated games", sick(unique_share=0.1)),
    ("draws", sick(draw_share=0.97)),
    ("game length", sick(mean_length=4.0)),
    ("game length", sick(mean_length=400.0)),
    ("illegal moves", sick({"illegal_target": 0.02})),
    ("surprise", sick(surprise=5.0)),
    ("replay age", sick(replay_age=300.0)),
    ("drift", sick({"drift": 0.3})),
    ("gradient", sick({"gradient_norm": 80.0})),
    ("resignation", [replace(WELL, wrong_resignations=share) for share in (0.1, 0.3, 0.2, 0.2)]),
]


@pytest.mark.parametrize(("sign", "history"), ILLNESSES, ids=[sign for sign, _ in ILLNESSES])
def test_an_illness_is_named_with_its_cause_and_a_remedy(sign: str, history: list[Iteration]) -> None:
    symptoms = examine(history)
    assert [symptom.sign for symptom in symptoms] == [sign]
    assert ":" in symptoms[0].text and "\n" not in symptoms[0].text


@pytest.mark.parametrize(
    "shares", [(0.5,), (0.0, 0.13, 0.06), (0.0, 0.1) * 10, (0.0,) * 17 + (0.5,) * 3]
)
def test_wrong_resignations_that_chance_explains_raise_no_warning(shares: tuple[float, ...]) -> None:
    """Each iteration plays a few games on: their share scatters about a true one of 5 % or less."""
    assert signs([replace(WELL, wrong_resignations=share) for share in shares]) == []


def test_every_check_has_an_illness_that_raises_it() -> None:
    assert {sign for sign, _ in ILLNESSES} == set(CHECKS)


def test_a_wrong_sign_and_an_ignorant_value_have_different_causes() -> None:
    (wrong,), (ignorant,) = examine(sick(value_correlation=-0.4)), examine(sick(value_correlation=0.0))
    assert "sign" in wrong.text and "has not learned" in ignorant.text


def test_the_first_iterations_are_given_time() -> None:
    assert signs([replace(WELL, value_correlation=0.0, surprise=5.0)]) == []


def test_a_game_that_is_always_drawn_is_no_illness() -> None:
    assert signs([replace(WELL, draw_share=1.0)] * 5) == []
