"""The learner: losses by hand, learning that shows, and a state that comes back."""

import math

import numpy as np
import pytest
import torch

from engine.games import load
from engine.net import Output
from engine.nets import new_net
from selfplay.learner import Learner, LearnerSettings, loss_terms
from selfplay.replay import Batch

CPU = torch.device("cpu")


def tiny_batch(value: float = 1.0, score: float = 5.0) -> Batch:
    """One 2x2 position with the legal moves 0 and 1 (of 5) and the target 0."""
    return Batch(
        planes=torch.zeros(1, 3, 2, 2, dtype=torch.uint8),
        globals_=torch.zeros(1, 0),
        legal=torch.tensor([[True, True, False, False, False]]),
        policy=torch.tensor([[1.0, 0.0, 0.0, 0.0, 0.0]]),
        advantage=torch.ones(1),
        value=torch.tensor([value]),
        score=torch.tensor([score]),
        ownership=torch.ones(1, 2, 2),
    )


def answer(policy: list[float], value: float = 0.0, score: float = 0.0) -> Output:
    return Output(
        torch.tensor([policy]), torch.tensor([value]), torch.tensor([score]), torch.zeros(1, 2, 2)
    )


def test_illegal_moves_do_not_enter_the_policy_loss() -> None:
    terms = loss_terms(answer([0.0, 0.0, 50.0, 50.0, 50.0]), tiny_batch())
    assert terms["policy"].item() == pytest.approx(math.log(2))


def test_the_losses_are_those_computed_by_hand() -> None:
    terms = loss_terms(answer([math.log(3), 0, 0, 0, 0], value=math.log(4), score=0.2), tiny_batch())
    assert terms["policy"].item() == pytest.approx(-math.log(3 / 4))
    assert terms["value"].item() == pytest.approx(-math.log(4 / 5))  # logit ln 4: 80 % to win
    assert terms["score"].item() == pytest.approx(0.5 * (0.5 - 0.2) ** 2)  # in tens of points
    assert terms["ownership"].item() == pytest.approx(math.log(2))


def test_a_draw_asks_for_an_even_chance() -> None:
    even = loss_terms(answer([0.0] * 5, value=0.0), tiny_batch(value=0.0))["value"]
    sure = loss_terms(answer([0.0] * 5, value=2.0), tiny_batch(value=0.0))["value"]
    assert even.item() == pytest.approx(math.log(2)) and even < sure


def test_unknown_results_and_scores_teach_nothing() -> None:
    terms = loss_terms(answer([0.0] * 5, value=3.0, score=3.0), tiny_batch(math.nan, math.nan))
    assert terms["value"].item() == terms["score"].item() == terms["ownership"].item() == 0.0


def tic_tac_toe_batch(rng: np.random.Generator) -> Batch:
    """The centre is always the move and the mover always wins."""
    planes = torch.from_numpy(rng.integers(0, 2, (16, 3, 3, 3), dtype=np.uint8))
    policy = torch.zeros(16, 9)
    policy[:, 4] = 1
    unknown = torch.full((16,), math.nan)
    return Batch(
        planes,
        torch.zeros(16, 0),
        torch.ones(16, 9, dtype=torch.bool),
        policy,
        torch.ones(16),
        torch.ones(16),
        unknown,
        torch.zeros(16, 3, 3),
    )


def learner(seed: int = 0, **settings: float) -> Learner:
    net = new_net(load("tic_tac_toe"), 1, 8, seed)
    return Learner(net, LearnerSettings(batch_size=16, **settings), CPU)  # type: ignore[arg-type]


def test_a_few_steps_learn_a_simple_truth() -> None:
    rng = np.random.default_rng(0)
    taught = learner(warmup_steps=0, learning_rate=0.01)
    first = taught.step(tic_tac_toe_batch(rng))
    for _ in range(60):
        last = taught.step(tic_tac_toe_batch(rng))
    assert last["policy"] < 0.1 * first["policy"] and last["value"] < 0.2 * first["value"]
    batch = tic_tac_toe_batch(rng)
    averaged = taught.averaged(batch.planes.float(), batch.globals_)
    assert (averaged.policy.argmax(dim=1) == 4).all()


def test_a_restored_learner_goes_on_exactly_as_the_first() -> None:
    rng = np.random.default_rng(1)
    batches = [tic_tac_toe_batch(rng) for _ in range(6)]
    one = learner()
    for batch in batches[:3]:
        one.step(batch)
    two = learner(seed=9)
    two.restore(one.state())
    for batch in batches[3:]:
        assert one.step(batch) == two.step(batch)
    for name, value in one.state().items():
        assert torch.equal(value, two.state()[name]), name


def test_a_loss_that_is_not_finite_leaves_the_weights_alone() -> None:
    taught = learner()
    batch = tic_tac_toe_batch(np.random.default_rng(2))
    taught.step(batch)
    weights = {name: value.clone() for name, value in taught.net.named_parameters()}
    batch.policy[0, 0] = math.inf
    with pytest.raises(FloatingPointError, match="learning rate"):
        taught.step(batch)
    assert all(torch.equal(weights[n], v) for n, v in taught.net.named_parameters())
