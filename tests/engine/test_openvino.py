"""OpenVINO as a device: the same answers as torch, and nearly the same ones from integers."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from engine.errors import UserError
from engine.game import Game
from engine.games import load
from engine.nets.files import load_net, new_net
from engine.nets.inference import NetEvaluator, choose_device, torch_threads
from engine.nets.net import Net
from mcts import Evaluation
from mcts.bench import random_positions

CPU, FLOATS, INTEGERS = (choose_device(name) for name in ("cpu", "openvino", "openvino-int8"))
Inputs = tuple[np.ndarray, np.ndarray]


def positions(game: Game, count: int) -> Inputs:
    inputs = [game.native.encode(state) for state in random_positions(game.native, count)]
    return np.stack([planes for planes, _ in inputs]), np.stack([globals_ for _, globals_ in inputs])


def some_net(game: Game) -> Net:
    """The net that ships, or a random one whose batch norms are not the identity."""
    if game.name in ("go9", "tic_tac_toe"):
        return load_net(f"{game.name}-imitation" if game.name == "go9" else game.name, game)[0]
    net = new_net(game, 3, 16, seed=1).train()
    planes, globals_ = map(torch.from_numpy, positions(game, 64))
    for _ in range(20):
        net(planes.float(), globals_)
    return net.eval()


def moves(answer: Evaluation, game: Game, count: int) -> np.ndarray:
    """The first choice among the legal moves of the `positions`."""
    legal = np.stack([game.native.legal_mask(s) for s in random_positions(game.native, count)])
    return np.where(legal > 0, answer.logits, -np.inf).argmax(axis=1)


@pytest.mark.parametrize("name", ["go9", "tic_tac_toe", "connect_four"])
def test_floats_say_what_torch_says(name: str) -> None:
    game = load(name)
    net = some_net(game)
    torch_, openvino = (NetEvaluator(net, device, game) for device in (CPU, FLOATS))
    planes, globals_ = positions(game, 64)
    for rows in (1, 3, 64, 1):
        inputs = planes[:rows], globals_[:rows]
        for ours, theirs in zip(torch_(*inputs), openvino(*inputs), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=2e-4)
        for ours, theirs in zip(torch_.outlook(*inputs), openvino.outlook(*inputs), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=2e-4)


def test_one_net_serves_boards_of_every_size() -> None:
    game = load("go9")
    net = some_net(game)
    torch_, openvino = (NetEvaluator(net, device, game) for device in (CPU, FLOATS))
    rng = np.random.default_rng(0)
    for board in ((5, 5), (9, 9), (5, 13), (9, 9)):
        planes = rng.integers(0, 2, (2, net.config.planes, *board)).astype(np.uint8)
        inputs = planes, rng.random((2, net.config.globals), np.float32)
        for ours, theirs in zip(torch_(*inputs), openvino(*inputs), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=2e-4)


@pytest.mark.parametrize("name", ["go9", "tic_tac_toe", "connect_four"])
def test_integers_choose_the_same_moves_nearly_always_and_miss_the_value_by_little(name: str) -> None:
    game = load(name)
    net, inputs = some_net(game), positions(game, 256)
    exact, rounded = (NetEvaluator(net, device, game)(*inputs) for device in (CPU, INTEGERS))
    assert np.mean(moves(exact, game, 256) == moves(rounded, game, 256)) >= 0.93
    assert np.abs(exact.values - rounded.values).mean() < 0.025
    assert np.abs(exact.values - rounded.values).max() > 0  # they are integers


def test_integers_are_the_same_every_time() -> None:
    game = load("go9")
    net, inputs = some_net(game), positions(game, 8)
    one, two = (NetEvaluator(net, INTEGERS, game)(*inputs) for _ in range(2))
    np.testing.assert_array_equal(one.logits, two.logits)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("device", [FLOATS, INTEGERS], ids=str)
def test_threads_that_call_at_once_get_their_own_answers(device, threads) -> None:
    game = load("tic_tac_toe")
    evaluator = NetEvaluator(some_net(game), device, game)
    planes, globals_ = positions(game, 64)
    parts = [slice(first, first + 1 + first % 7) for first in range(50)]
    with torch_threads(threads):
        alone = [evaluator(planes[part], globals_[part]) for part in parts]
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(lambda part: evaluator(planes[part], globals_[part]), parts * 4))
    for expected, answer in zip(alone * 4, together, strict=True):
        np.testing.assert_allclose(expected.logits, answer.logits, atol=1e-4)


def test_an_answer_stays_when_the_next_question_comes() -> None:
    game = load("tic_tac_toe")
    evaluator = NetEvaluator(some_net(game), FLOATS, game)
    planes, globals_ = positions(game, 8)
    first = evaluator(planes[:4], globals_[:4])
    before = first.logits.copy()
    evaluator(planes[4:], globals_[4:])
    np.testing.assert_array_equal(first.logits, before)


@pytest.mark.parametrize("device", [FLOATS, INTEGERS], ids=str)
def test_an_evaluator_keeps_its_weights_while_training_goes_on(device) -> None:
    game = load("tic_tac_toe")
    net, inputs = some_net(game), positions(game, 8)
    evaluator, later = (NetEvaluator(net, device, game) for _ in range(2))
    before = evaluator(*inputs).logits
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.1)
    np.testing.assert_array_equal(later(*inputs).logits, before)
    assert not np.allclose(NetEvaluator(net, device, game)(*inputs).logits, before, atol=0.1)


def test_training_and_its_accuracy_stay_with_torch() -> None:
    assert INTEGERS.torch_device == torch.device("cpu")
    assert INTEGERS.exact == CPU
    assert str(INTEGERS) == "openvino-int8"


@pytest.mark.parametrize("name", ["openvino", "openvino-int8"])
def test_without_the_package_one_line_says_what_to_install(monkeypatch, name: str) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(UserError, match=rf"'{name}' needs OpenVINO: pip install 'move37\[openvino\]'"):
        choose_device(name)


@pytest.mark.parametrize(
    ("gpu", "installed", "chosen"),
    [(True, True, "cuda"), (False, True, "openvino-int8"), (False, False, "cpu")],
)
def test_auto_takes_the_fastest_device_that_there_is(monkeypatch, gpu, installed, chosen) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: gpu)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    if not installed:
        monkeypatch.setitem(sys.modules, "openvino", None)
    assert str(choose_device("auto")) == chosen


def test_a_misspelt_device_is_corrected() -> None:
    with pytest.raises(UserError, match="did you mean 'openvino-int8'"):
        choose_device("openvino-int4")


def test_openvino_tells_nobody_that_it_is_used() -> None:
    from openvino.tools import ovc

    assert ovc.telemetry_utils.tm.__name__.endswith("telemetry_stub")
