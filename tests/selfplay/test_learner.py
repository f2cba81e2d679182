"""The learner: losses by hand, learning that shows, and a state that comes back."""

import math

import numpy as np
import pytest
import torch

from engine.games import load
from engine.nets.files import new_net
from engine.nets.net import Output
from selfplay.learning.learner import Anchor, Learner, LearnerSettings, cooled, loss_terms
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
        prior=torch.full((1,), math.nan),
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


@pytest.mark.parametrize(
    ("prior", "advantage", "loss", "pull"),
    [
        # The net gives the move 3/4. At that prior the gradient is that of -advantage * log policy,
        # in the logit of the move: -advantage * (1 - 3/4).
        (0.75, 1.0, -1.0, -0.25),
        (0.75, -2.0, 2.0, 0.5),
        (0.7, 1.0, -0.75 / 0.7, -0.25 * 0.75 / 0.7),  # within a share of 0.2 of the prior
        (0.5, 1.0, -1.2, 0.0),  # good and raised by half already: no further
        (0.5, -1.0, 1.5, 0.25 * 1.5),  # bad and raised: back
        (1.0, -1.0, 0.8, 0.0),  # bad and lowered by a quarter already: no further
        (1.0, 1.0, -0.75, -0.25 * 0.75),  # good and lowered: back
        (math.nan, 1.0, -math.log(3 / 4), -0.25),  # not drawn from the policy: the target is imitated
    ],
)
def test_the_prior_of_a_move_bounds_how_far_its_probability_goes(prior, advantage, loss, pull) -> None:
    batch = tiny_batch()
    batch.prior[:], batch.advantage[:] = prior, advantage
    logits = torch.tensor([[math.log(3), 0, 0, 0, 0]], requires_grad=True)
    nothing = torch.zeros(1)
    output = Output(logits, nothing, nothing, torch.zeros(1, 2, 2))
    policy = loss_terms(output, None, batch, ratio_clip=0.2)["policy"]
    policy.backward()
    assert policy.item() == pytest.approx(loss)
    assert logits.grad is not None and logits.grad[0, 0].item() == pytest.approx(pull)


def test_drift_is_how_far_the_policy_has_gone_from_the_one_that_played() -> None:
    """Each move drawn once with its prior 0.2 or 0.8; the net now gives them 0.5 each."""
    parts = [tiny_batch(), *[tiny_batch() for _ in range(4)], tiny_batch()]
    for part, prior in zip(parts, [0.2, 0.8, 0.8, 0.8, 0.8, math.nan], strict=True):
        part.prior[:] = prior
    rows = len(parts)
    output = Output(torch.zeros(rows, 5), *torch.zeros(2, rows), torch.zeros(rows, 2, 2))
    terms = loss_terms(output, None, Batch.join(parts))
    divergence = 0.2 * math.log(0.2 / 0.5) + 0.8 * math.log(0.8 / 0.5)
    assert terms["drift"].item() == pytest.approx(divergence)
    assert loss_terms(answer([0.0] * 5), None, tiny_batch())["drift"].item() == 0


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
        torch.full((16,), math.nan),
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


def test_updates_that_an_anchor_bounds_leave_the_policy_near_it() -> None:
    batch = tic_tac_toe_batch(np.random.default_rng(1))
    drifts = {}
    for bounded in (False, True):
        taught = learner(warmup_steps=0, learning_rate=0.001)
        anchor = Anchor(taught)
        before = anchor.bound(batch).prior
        first = taught.step(anchor.bound(batch))
        assert first["drift"] == pytest.approx(0, abs=1e-6)  # nothing has changed yet
        assert first["policy"] == pytest.approx(-1)  # all ratios are 1, and so are the advantages
        for _ in range(100):
            taught.step(anchor.bound(batch) if bounded else batch)
        assert torch.equal(anchor.bound(batch).prior, before)  # the anchor itself stays
        drifts[bounded] = taught.step(anchor.bound(batch))["drift"]
    assert 0 < drifts[True] < 0.5
    assert drifts[False] > 2


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
