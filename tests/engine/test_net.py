"""The network: any board size, the same answers frozen and not, files that describe themselves."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from engine.errors import UserError
from engine.games import load
from engine.nets.files import NetInfo, check_fit, config_for, load_net, load_start, new_net, save_net
from engine.nets.inference import NetEvaluator, choose_device, torch_threads
from engine.nets.net import FusedConv, Net, NetConfig
from engine.position import Position

CPU = torch.device("cpu")


def inputs(config: NetConfig, rows: int, size: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    planes = torch.randint(0, 2, (rows, config.planes, size, size), generator=generator).float()
    return planes, torch.rand(rows, config.globals, generator=generator)


def lively_net(game_name: str = "go9", seed: int = 0) -> Net:
    """A net whose batch norms are not the identity."""
    net = new_net(load(game_name), 3, 16, seed)
    net.train()
    for step in range(5):
        net(*inputs(net.config, 8, 9, step))
    return net.eval()


@pytest.mark.parametrize("size", [5, 9, 13, 19])
def test_one_net_answers_on_every_board_size(size: int) -> None:
    net = lively_net()
    output = net(*inputs(net.config, 3, size))
    assert output.policy.shape == (3, size * size + 1)
    assert output.value.shape == output.score.shape == (3,)
    assert output.ownership.shape == (3, size, size)


@pytest.mark.parametrize("size", [5, 9])
def test_the_frozen_net_says_what_the_net_says(size: int) -> None:
    net = lively_net()
    planes, globals_ = inputs(net.config, 17, size)
    with torch.inference_mode():
        for plain, frozen in zip(net(planes, globals_), net.frozen(CPU)(planes, globals_), strict=True):
            assert torch.allclose(plain, frozen, atol=1e-5)


def test_a_frozen_net_lays_its_weights_out_once_for_each_board() -> None:
    """oneDNN wants another layout for another board; rearranging at each call takes seconds."""
    net = new_net(load("go9"), 1, 48, 0).eval()
    frozen = net.frozen(CPU)
    fused = [module for module in frozen.modules() if isinstance(module, FusedConv)]
    for rows, size in ((1, 9), (8, 9), (2, 19), (64, 9), (1, 19)):
        planes, globals_ = inputs(net.config, rows, size)
        with torch.inference_mode():
            expected, answer = net(planes, globals_), frozen(planes, globals_)
        assert torch.allclose(expected.policy, answer.policy, atol=1e-5)
    assert fused
    assert all(set(conv.layouts) == {(9, 9), (19, 19)} for conv in fused)


def test_freezing_leaves_the_net_as_it_was() -> None:
    net = lively_net()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    net.frozen(CPU)
    after = net.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_global_pooling_lets_a_far_corner_matter() -> None:
    net = lively_net()  # three blocks see no further than eight points by convolution alone
    planes, globals_ = inputs(net.config, 1, 19)
    with torch.no_grad():
        before = net(planes, globals_).ownership[0, 18, 18]
        planes[0, :, 0, 0] = 1 - planes[0, :, 0, 0]
        assert net(planes, globals_).ownership[0, 18, 18] != before


def test_komi_reaches_the_value() -> None:
    net = lively_net()
    planes, globals_ = inputs(net.config, 1, 9)
    with torch.no_grad():
        before = net(planes, globals_).value
        globals_[0, 0] += 1
        assert net(planes, globals_).value != before


@pytest.mark.parametrize("name", ["go9", "tic_tac_toe", "connect_four"])
def test_an_evaluator_gives_a_logit_to_every_action_and_a_value_in_range(name: str) -> None:
    game = load(name)
    planes, globals_ = Position(game).encode()
    logits, values, _ = NetEvaluator(new_net(game, 1, 8, 0), choose_device("cpu"), game)(
        planes[None], globals_[None]
    )
    assert logits.shape == (1, game.actions) and logits.dtype == np.float32
    assert -1 <= values[0] <= 1


def test_a_new_net_depends_on_its_seed_alone() -> None:
    game = load("go9")
    torch.manual_seed(1)
    one = new_net(game, 1, 8, 5).state_dict()
    torch.manual_seed(2)
    two = new_net(game, 1, 8, 5).state_dict()
    other = new_net(game, 1, 8, 6).state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one["stem.conv.weight"], other["stem.conv.weight"])


def described(net: Net, game: str = "go9", sizes: tuple[int, ...] = (9,)) -> NetInfo:
    return NetInfo(game=game, sizes=list(sizes), config=net.config, training={"teacher": "expert"})


def test_a_net_file_brings_back_weights_and_description(tmp_path: Path) -> None:
    net = lively_net()
    path = tmp_path / "folder" / "net.safetensors"
    save_net(path, net, described(net))
    again, info = load_net(path, load("go9"))
    assert info == described(net)
    planes, globals_ = inputs(net.config, 2, 9)
    assert torch.equal(net(planes, globals_).policy, again(planes, globals_).policy)
    assert [entry.name for entry in path.parent.iterdir()] == ["net.safetensors"]


def test_a_net_that_does_not_fit_is_refused_with_the_reason(tmp_path: Path) -> None:
    net = lively_net()
    check_fit(net, described(net, sizes=(9, 13)), load("go13"), "n")
    with pytest.raises(UserError, match="board size 13 is not trained: net 'n' supports 9"):
        check_fit(net, described(net), load("go13"), "n")
    with pytest.raises(UserError, match="plays go9, not connect_four"):
        check_fit(net, described(net), load("connect_four"), "n")
    narrow = Net(config_for(load("go9"), 1, 8).model_copy(update={"planes": 9}))
    with pytest.raises(UserError, match="other inputs"):
        check_fit(narrow, described(narrow), load("go9"), "n")


def test_a_net_of_one_size_may_start_another_but_no_other_game(tmp_path: Path) -> None:
    net, path = lively_net(), tmp_path / "nine.safetensors"
    save_net(path, net, described(net))
    larger, info = load_start(path, load("go13x9"))
    assert (info.game, info.sizes) == ("go13x9", [9, 13]) and info.training == {"teacher": "expert"}
    planes, globals_ = inputs(net.config, 2, 13)
    assert torch.equal(net(planes, globals_).policy, larger(planes, globals_).policy)
    with pytest.raises(UserError, match="plays go9, not connect_four"):
        load_start(path, load("connect_four"))


def test_a_foreign_safetensors_file_is_not_a_net(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"x": torch.zeros(1)}, path)
    with pytest.raises(UserError, match="not a net of move37"):
        load_net(path)


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(UserError, match="use auto, cpu, cuda, openvino or openvino-int8"):
        choose_device("gpu")
    if not torch.cuda.is_available():
        with pytest.raises(UserError, match="use --device cpu"):
            choose_device("cuda")


def test_the_number_of_threads_comes_back() -> None:
    before = torch.get_num_threads()
    with torch_threads(1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_a_shipped_net_says_what_it_is() -> None:
    _, info = load_net("go9-imitation", load("go9"))
    assert info.training["teacher"] == "expert"
    assert info.strength["held_out"]["top1"] > 0.4
