"""The learner: losses by hand, learning that shows, and a state that comes back."""

import math

import numpy as np
import pytest
import torch

from engine.games import load
from engine.nets.files import new_net
from engine.nets.net import Output
from selfplay.learning.learner import Learner, LearnerSettings, cooled, loss_terms
from selfplay.learning.replay import Batch

CPU = torch.device("cpu")


def tiny_batch(value: float = 1.0, score: float = 5.0) -> Batch:
    """One 2x2 position with the legal moves 0 and 1 (of 5) and the target 0; the reply, of the moves
    0, 1 and 2, is 1."""
    return Batch(
        planes=torch.zeros(1, 3, 2, 2, dtype=torch.uint8),
        globals_=torch.zeros(1, 0),
        legal=torch.tensor([[True, True, False, False, False]]),
        policy=torch.tensor([[1.0, 0.0, 0.0, 0.0, 0.0]]),
        advantage=torch.ones(1),
        value=torch.tensor([value]),
        score=torch.tensor([score]),
        ownership=torch.ones(1, 2, 2),
        reply=torch.tensor([[0.0, 1.0, 0.0, 0.0, 0.0]]),
        reply_legal=torch.tensor([[True, True, True, False, False]]),
    )


def answer(policy: list[float], value: float = 0.0, score: float = 0.0) -> Output:
    return Output(
        torch.tensor([policy]), torch.tensor([value]), torch.tensor([score]), torch.zeros(1, 2, 2)
    )


@pytest.mark.parametrize(
    ("spent", "cooldown", "factor"),
    [
        (0, 0.3, 1),
        (0.7, 0.3, 1),
        (0.85, 0.3, 0.5),
        (1, 0.3, 0.02),
        (1.2, 0.3, 0.02),
        (1, 0, 1),
        (0.4, 1, 0.6),
    ],
)
def test_the_rate_falls_to_nearly_nothing_in_the_last_share(spent, cooldown, factor) -> None:
    assert cooled(spent, cooldown) == pytest.approx(factor)


def test_illegal_moves_do_not_enter_the_policy_loss() -> None:
    terms = loss_terms(answer([0.0, 0.0, 50.0, 50.0, 50.0]), None, tiny_batch())
    assert terms["policy"].item() == pytest.approx(math.log(2))


def test_the_losses_are_those_computed_by_hand() -> None:
    output = answer([math.log(3), 0, 0, 0, 0], value=math.log(4), score=0.2)
    terms = loss_terms(output, torch.tensor([[math.log(2), 0, 0, 50, 50]]), tiny_batch())
    assert terms["policy"].item() == pytest.approx(-math.log(3 / 4))
    assert terms["value"].item() == pytest.approx(-math.log(4 / 5))  # logit ln 4: 80 % to win
    assert terms["score"].item() == pytest.approx(0.5 * (0.5 - 0.2) ** 2)  # in tens of points
    assert terms["ownership"].item() == pytest.approx(math.log(2))
    assert terms["reply"].item() == pytest.approx(-math.log(1 / 4))  # of the moves 0, 1 and 2


def test_a_draw_asks_for_an_even_chance() -> None:
    even = loss_terms(answer([0.0] * 5, value=0.0), None, tiny_batch(value=0.0))["value"]
    sure = loss_terms(answer([0.0] * 5, value=2.0), None, tiny_batch(value=0.0))["value"]
    assert even.item() == pytest.approx(math.log(2)) and even < sure


def test_unknown_results_scores_and_replies_teach_nothing() -> None:
    batch = tiny_batch(math.nan, math.nan)
    batch.reply[:] = 0
    terms = loss_terms(answer([0.0] * 5, value=3.0, score=3.0), torch.ones(1, 5), batch)
    assert terms["value"].item() == terms["score"].item() == terms["ownership"].item() == 0.0
    assert terms["reply"].item() == 0.0


def tic_tac_toe_batch(rng: np.random.Generator) -> Batch:
    """The centre is always the move, a corner the reply, and the mover always wins."""
    planes = torch.from_numpy(rng.integers(0, 2, (16, 3, 3, 3), dtype=np.uint8))
    policy = torch.zeros(16, 9)
    policy[:, 4] = 1
    reply_legal = policy == 0
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
        policy.roll(4, dims=1),
        reply_legal,
    )


def learner(seed: int = 0, **settings: float | str) -> Learner:
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


def test_the_reply_is_learned_when_it_has_a_weight_and_the_net_stays_as_it_is() -> None:
    rng = np.random.default_rng(3)
    taught = learner(warmup_steps=0, learning_rate=0.01, reply_weight=0.15)
    first = taught.step(tic_tac_toe_batch(rng))
    assert first["reply"] == pytest.approx(math.log(8))  # it begins with nothing but the legal moves
    parts = sum(first[name] for name in ("policy", "value"))
    assert first["total"] == pytest.approx(parts + 0.15 * math.log(8))
    for _ in range(60):
        last = taught.step(tic_tac_toe_batch(rng))
    assert last["reply"] < 0.2 * first["reply"]
    names = new_net(load("tic_tac_toe"), 1, 8, 0).state_dict().keys()
    assert taught.averaged.state_dict().keys() == taught.net.state_dict().keys() == names


def test_without_a_weight_there_is_no_reply() -> None:
    taught = learner()
    assert taught.pupil.reply is None
    assert "reply" not in taught.step(tic_tac_toe_batch(np.random.default_rng(4)))


@pytest.mark.parametrize("reply_weight", [0.0, 0.15])
def test_a_restored_learner_goes_on_exactly_as_the_first(reply_weight: float) -> None:
    rng = np.random.default_rng(1)
    batches = [tic_tac_toe_batch(rng) for _ in range(6)]
    one = learner(reply_weight=reply_weight)
    for batch in batches[:3]:
        one.step(batch)
    two = learner(seed=9, reply_weight=reply_weight)
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


def test_bfloat16_tells_nearly_the_same_losses_as_float32() -> None:
    rng = np.random.default_rng(6)
    batches = [tic_tac_toe_batch(rng) for _ in range(5)]
    told = {}
    for precision in ("float32", "bfloat16"):
        taught = learner(precision=precision)
        told[precision] = [taught.step(batch)["total"] for batch in batches]
    assert told["bfloat16"] == pytest.approx(told["float32"], rel=0.03)
    assert told["bfloat16"] != told["float32"]
