"""The teachers: each formula against figures computed by hand."""

import numpy as np
import pytest
import torch

from engine.games import load
from engine.nets.net import Output
from mcts import Log, SearchSettings
from selfplay.learning.learner import loss_terms
from selfplay.learning.replay import Games, make_batch
from selfplay.teachers.teacher import (
    ReinforceStage,
    SearchStage,
    SelfPlayStage,
    WinnersStage,
    surprise_weights,
    window_size,
)

GAME = load("tic_tac_toe")


def log(outcome: float = 1.0, recorded: bool = False, **changes: object) -> Log:
    """Four moves of tic-tac-toe; the net expected +0.5, +0.2, -0.1 and 0 for the first player."""
    start = np.zeros(GAME.state.itemsize, np.uint8)
    GAME.native.reset(start)
    policies = np.full((4, 9), 1 / 9, np.float32) if recorded else np.zeros((0, 9), np.float32)
    values = {
        "id": 0,
        "first_seat": 0,
        "start": start,
        "actions": np.array([4, 0, 8, 2], np.int16),
        "movers": np.array([0, 1, 0, 1], np.uint8),
        "root_values": np.array([0.5, 0.2, -0.1, 0.0], np.float32),
        "full": np.ones(4, np.uint8),
        "policies": policies,
        "surprises": np.zeros(4 if recorded else 0, np.float32),
        "resigner": -1,
        "resigned": False,
        "outcome": outcome,
        "score": 0.0,
        "ownership": np.zeros(0, np.int8),
    }
    return Log(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("outcome", "advantages"), [(1, [1, 0, 1, 0]), (-1, [0, 1, 0, 1]), (0, [0, 0, 0, 0])]
)
def test_winners_imitates_the_winner_and_learns_values_from_both(outcome, advantages) -> None:
    weights, found = WinnersStage().lesson(log(outcome))
    assert found.tolist() == advantages
    assert weights.tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("outcome", "baseline", "advantages"),
    [
        (1, False, [1, -1, 1, -1]),
        (-1, False, [-1, 1, -1, 1]),
        (0, False, [0, 0, 0, 0]),
        (1, True, [1 - 0.5, -1 + 0.2, 1 + 0.1, -1]),
        (-1, True, [-1 - 0.5, 1 + 0.2, -1 + 0.1, 1]),
    ],
)
def test_reinforce_signs_the_moves_by_the_result_less_the_baseline(outcome, baseline, advantages):
    _, found = ReinforceStage(baseline=baseline, gae_lambda=1).lesson(log(outcome))
    assert found == pytest.approx(advantages)


@pytest.mark.parametrize(
    ("gae_lambda", "advantages"),
    [
        (1.0, [0.5, 0.8, 1.1, 1.0]),  # the result less the expectations .5, .2, -.1, 0
        (0.0, [-0.3, -0.3, 0.1, 1.0]),  # from each expectation to the next, at last to the result
        (0.5, [-0.3 + 0.5 * 0.0, -0.3 + 0.5 * 0.6, 0.1 + 0.5 * 1.0, 1.0]),
    ],
)
def test_reinforce_can_trust_its_expectation_of_the_positions_that_follow(gae_lambda, advantages):
    _, found = ReinforceStage(gae_lambda=gae_lambda).lesson(log(1))
    assert found == pytest.approx(np.array(advantages) * [1, -1, 1, -1])


def test_a_table_changes_what_it_names_of_the_default_of_its_stage() -> None:
    stage = SearchStage.model_validate({"search": {"visits": 33}, "learner": {"batch_size": 512}})
    assert stage.search == SearchStage().search.model_copy(update={"visits": 33})
    assert stage.learner == SearchStage().learner.model_copy(update={"batch_size": 512})
    learner = ReinforceStage.model_validate({"learner": {"batch_size": 512}}).learner
    assert learner == ReinforceStage().learner.model_copy(update={"batch_size": 512})


def test_a_gumbel_search_begins_from_its_own_default() -> None:
    """Noise, temperature and completed Q belong to PUCT."""
    table = {"root_policy": "gumbel", "visits": 33}
    search = SearchStage.model_validate({"search": table}).search
    assert search == SearchSettings(visits=33, root_policy="gumbel", random_symmetry=True)


def test_quick_searches_vary_as_the_full_ones_unless_told_otherwise() -> None:
    search = {"temperature": 0.7, "temperature_moves": 9, "random_symmetry": False}
    stage = SearchStage.model_validate({"search": search, "playout_cap": {"full_share": 0.5}})
    assert stage.playout_cap is not None
    assert stage.playout_cap.quick == SearchSettings(visits=6, **search)
    told = {"playout_cap": {"quick": {"visits": 4, "temperature": 0.2}}}
    told_stage, full = SearchStage.model_validate(told), SearchStage().search
    assert told_stage.playout_cap is not None
    quick = told_stage.playout_cap.quick
    assert (quick.visits, quick.temperature, quick.noise_fraction) == (4, 0.2, 0)
    assert (quick.temperature_moves, quick.random_symmetry) == (full.temperature_moves, True)
    assert SearchStage.model_validate(stage.model_dump()) == stage  # as a run folder stores it


def test_settings_given_whole_stay_as_they_are() -> None:
    settings = SearchSettings(visits=5)
    assert SearchStage(search=settings).search == settings


def test_search_learns_from_all_positions_with_the_full_search() -> None:
    full = np.array([1, 0, 0, 1], np.uint8)
    weights, advantages = SearchStage().lesson(log(recorded=True, full=full))
    assert weights.tolist() == [1, 0, 0, 1] and advantages.tolist() == [1, 1, 1, 1]


def test_half_of_the_weight_goes_to_positions_by_their_surprise() -> None:
    # The mean surprise of the three full positions is 2: 0.5 + 0.5 * surprise / 2.
    surprises = np.array([0.0, 2.0, 9.0, 4.0])
    full = np.array([True, True, False, True])
    assert surprise_weights(surprises, full, 0.5).tolist() == [0.5, 1.0, 0.0, 1.5]
    assert surprise_weights(surprises, full, 0.0).tolist() == [1, 1, 0, 1]
    assert surprise_weights(np.zeros(4), full, 0.5).tolist() == [1, 1, 0, 1]
    assert surprise_weights(surprises, np.zeros(4, bool), 0.5).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        (0, 250_000),
        (250_000, 250_000),
        (4_000_000, 1_183_333),  # 16^0.75 = 8: c * (1 + 0.4 * 7 / 0.75)
        (20_250_000, 3_716_667),  # 81^0.75 = 27: c * (1 + 0.4 * 26 / 0.75)
    ],
)
def test_the_window_grows_as_published(total: int, expected: int) -> None:
    assert window_size(total, 250_000, 0.75, 0.4) == expected


def test_a_window_without_slope_stays_as_it_is() -> None:
    assert window_size(10_000_000, 16, 0.75, 0.0) == 16


def test_the_gradient_of_reinforce_raises_winning_moves_and_lowers_losing_ones() -> None:
    stage = ReinforceStage(baseline=False)
    games = Games.from_logs(GAME, [log(1)], [stage.lesson(log(1))])
    batch = make_batch(GAME, games, np.array([0, 1]), np.zeros(2, np.int64), 0.0)
    logits = torch.zeros(2, 9, requires_grad=True)
    output = Output(logits, torch.zeros(2), torch.zeros(2), torch.zeros(2, 3, 3))
    loss_terms(output, None, batch)["policy"].backward()
    assert logits.grad is not None
    # -advantage * (1 - 1/n) / batch for the move played, n legal moves: 9, then 8.
    assert logits.grad[0, 4].item() == pytest.approx(-(1 - 1 / 9) / 2)
    assert logits.grad[1, 0].item() == pytest.approx(+(1 - 1 / 8) / 2)


@pytest.mark.parametrize("stage", [SearchStage, WinnersStage, ReinforceStage])
def test_every_setting_says_what_it_does(stage: type[SelfPlayStage]) -> None:
    for name, field in stage.model_fields.items():
        assert field.description or name in ("teacher", "search", "match_search", "learner"), name
