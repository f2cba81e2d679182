"""Imitation: it learns from experts only, stops when it should, and goes on after a kill."""

import time
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.errors import UserError
from engine.games import load
from engine.nets.files import new_net
from engine.nets.inference import choose_device, torch_threads
from engine.position import Position
from selfplay.learning.checkpoint import Checkpoint
from selfplay.learning.replay import Games
from selfplay.teachers.accuracy import measure
from selfplay.teachers.imitation import ExpertStage, Imitator

CPU = choose_device("cpu")
GAME = load("tic_tac_toe")
CENTRE = 4


def expert_games(count: int, seed: int) -> Games:
    """Two-move games: the first player takes the centre; the second, no expert, plays anywhere."""
    rng = np.random.default_rng(seed)
    start = Position(GAME).state
    replies = rng.choice([cell for cell in range(9) if cell != CENTRE], count)
    actions = np.stack([np.full(count, CENTRE), replies], axis=1).astype(np.int16).ravel()
    return Games(
        starts=start[None],
        start_of=np.zeros(count, np.int32),
        offsets=np.arange(0, 2 * count + 1, 2),
        actions=actions,
        weights=np.tile([1.0, 0.0], count).astype(np.float32),
        advantages=np.ones(2 * count, np.float32),
        policies=np.zeros((0, 9), np.float16),
        root_values=np.full(2 * count, np.nan, np.float32),
        outcomes=np.ones(count, np.float32),
        scores=np.full(count, np.nan, np.float32),
        ownership=np.zeros((count, 9), np.int8),
    )


def stage(**changes: object) -> ExpertStage:
    learner = {"batch_size": 16, "learning_rate": 0.01, "warmup_steps": 0}
    values = {"measure_every": 5, "patience": 5, "drops": 1, "learner": learner}
    return ExpertStage.model_validate({**values, **changes})


def imitator(checkpoint: Checkpoint | None = None, **changes: object) -> Imitator:
    return Imitator(GAME, new_net(GAME, 1, 8, 0), stage(**changes), CPU, 3, checkpoint)


def test_imitation_learns_the_experts_move_and_stops_by_itself() -> None:
    held_out = expert_games(20, 1)
    done = imitator().run(expert_games(60, 0), held_out)
    assert done.stopped == "accuracy stopped rising"
    assert done.accuracy.top1 == 1.0 and done.accuracy.positions == 20
    assert measure(done.net, GAME, held_out, CPU) == done.accuracy


def test_a_time_limit_ends_it_with_the_best_net_so_far() -> None:
    done = imitator(minutes=1e-6).run(expert_games(60, 0), expert_games(20, 1))
    assert done.stopped == "limit reached" and done.steps == 1


def test_a_number_of_steps_ends_it() -> None:
    done = imitator(steps=7).run(expert_games(60, 0), expert_games(20, 1))
    assert done.stopped == "limit reached" and done.steps == 7


@pytest.mark.parametrize("measure_every", [1, 5])
def test_a_deadline_stops_it_and_what_was_learned_stays(tmp_path: Path, measure_every: int) -> None:
    checkpoint = Checkpoint(tmp_path / "expert.checkpoint")
    taught = imitator(checkpoint, steps=7, measure_every=measure_every)
    train, held_out = expert_games(60, 0), expert_games(20, 1)
    assert taught.run(train, held_out, deadline=time.monotonic()) is None
    again = imitator(checkpoint, steps=7, measure_every=measure_every)
    assert again.learner.steps == 1
    done = again.run(train, held_out)
    assert done is not None and done.steps == 7


def test_the_rate_falls_at_the_end_of_a_number_of_steps() -> None:
    rates: list[float] = []
    imitator(steps=8, cooldown=0.5, measure_every=1, patience=100).run(
        expert_games(200, 0), expert_games(20, 1), on_measure=lambda p: rates.append(p.rate_factor)
    )
    assert rates == pytest.approx([1, 1, 1, 1, 1, 0.75, 0.5, 0.25])


def test_too_few_expert_moves_are_refused() -> None:
    with pytest.raises(UserError, match="too few"):
        imitator().run(expert_games(10, 0), expert_games(5, 1))


def test_it_goes_on_from_its_checkpoint_exactly_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    class KilledError(Exception):
        pass

    def kill(progress: object) -> None:
        seen.append(progress)
        if len(seen) == 3:
            raise KilledError

    seen: list[object] = []
    checkpoint = Checkpoint(tmp_path / "expert.checkpoint")
    train, held_out = expert_games(60, 0), expert_games(20, 1)
    with torch_threads(1), pytest.raises(KilledError):
        imitator(checkpoint).run(train, held_out, on_measure=kill)
    again = imitator(checkpoint)
    assert again.learner.steps == 10  # the second measurement was the last one saved
    assert again.best.top1 >= 0 and again.seconds > 0
    with torch_threads(1):
        done, whole = again.run(train, held_out), imitator().run(train, held_out)
    assert (done.steps, done.accuracy) == (whole.steps, whole.accuracy)
    for name, value in whole.net.state_dict().items():
        assert torch.equal(value, done.net.state_dict()[name]), name


def test_accuracy_counts_taught_moves_only() -> None:
    games = expert_games(30, 2)
    net = new_net(GAME, 1, 8, 0)
    assert measure(net, GAME, games, CPU).positions == 30
    games.weights[:] = 1
    assert measure(net, GAME, games, CPU).positions == 60


def test_accuracy_is_that_counted_by_hand() -> None:
    net = new_net(GAME, 1, 8, 0)
    with torch.no_grad():  # constant logits, so the first legal cells in order are the choices
        for parameter in net.parameters():
            parameter.zero_()
    games = expert_games(8, 3)
    games.weights[:] = [0, 1] * 8
    games.actions[1::2] = [0, 1, 2, 3, 5, 6, 7, 8]
    measured = measure(net, GAME, games, CPU)
    assert measured.value_mse == pytest.approx(1.0)  # says 0 where the result is -1 for the mover
    assert measured.positions == 8 and measured.top5 == pytest.approx(5 / 8)
    assert measured.top1 == pytest.approx(1 / 8)
