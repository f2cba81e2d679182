"""Batches of fixed sizes: padding, buffers that are used again, several devices, half precision.

What needs a GPU, that is graphs and streams, is tested where there is one.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from engine.games import load
from engine.nets.cuda import LARGEST, FixedBatches, padded
from engine.nets.files import load_net
from engine.nets.inference import Device, NetEvaluator, describe_devices, devices_of
from engine.nets.net import Net
from engine.nets.tuning import default_tuning
from engine.position import Position

CPU = torch.device("cpu")
GO = load("go9")


@pytest.fixture(scope="module")
def net() -> Net:
    return load_net("go9-imitation", GO)[0]


def positions(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Positions of random games."""
    rng = np.random.default_rng(seed)
    rows = []
    while len(rows) < count:
        position = Position(GO)
        for _ in range(int(rng.integers(60))):
            position.play(int(rng.choice(np.flatnonzero(position.legal_mask()))))
            if position.over:
                break
        else:
            rows.append(position.encode())
    return np.stack([planes for planes, _ in rows]), np.stack([globals_ for _, globals_ in rows])


def test_sizes_hold_the_rows_and_at_most_half_as_many_again() -> None:
    sizes = [padded(rows) for rows in range(1, LARGEST + 1)]
    assert all(rows <= size for rows, size in enumerate(sizes, 1))
    assert all(size <= max(2, 1.5 * rows) for rows, size in enumerate(sizes, 1))
    assert sorted(set(sizes))[:8] == [1, 2, 3, 4, 6, 8, 12, 16] and len(set(sizes)) == 20
    assert sizes[-1] == LARGEST


@pytest.mark.parametrize("rows", [1, 5, 8, 13])
def test_padding_changes_no_answer(net: Net, rows: int) -> None:
    planes, globals_ = positions(rows)
    got = FixedBatches(net, [CPU], torch.float32)(planes, globals_)
    with torch.inference_mode():
        expected = net(torch.from_numpy(planes).float(), torch.from_numpy(globals_))
    for mine, plain in zip(got, expected, strict=True):
        assert mine.shape == plain.shape and torch.allclose(mine, plain, atol=1e-4)


def test_rows_of_an_earlier_batch_leave_no_trace(net: Net) -> None:
    batches = FixedBatches(net, [CPU], torch.float32)
    planes, globals_ = positions(8)
    first = batches(planes[:5], globals_[:5])
    batches(planes, globals_)
    batches(planes[:6], globals_[:6])
    again = batches(planes[:5], globals_[:5])
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert batches.slots == 2  # one of 6 rows and one of 8, used again and again


def test_answers_belong_to_the_caller(net: Net) -> None:
    batches = FixedBatches(net, [CPU])
    planes, globals_ = positions(4)
    first = batches(planes, globals_).policy
    kept = first.clone()
    batches(planes[::-1].copy(), globals_[::-1].copy())
    assert torch.equal(first, kept)


def test_more_rows_than_the_largest_batch_are_cut(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.nets.cuda.LARGEST", 4)
    planes, globals_ = positions(10)
    got = FixedBatches(net, [CPU], torch.float32)(planes, globals_)
    assert got.policy.shape == (10, 82)
    assert torch.allclose(got.value, FixedBatches(net, [CPU], torch.float32)(planes, globals_).value)


def test_boards_of_any_size_have_slots_of_their_own(net: Net) -> None:
    batches = FixedBatches(net, [CPU], torch.float32)
    for name in ("go9", "go7", "go9"):
        planes, globals_ = Position(load(name)).encode()
        area = load(name).area
        assert batches(planes[None], globals_[None]).policy.shape == (1, area + 1)
    assert batches.slots == 2


def test_half_precision_chooses_the_same_moves(net: Net) -> None:
    """As far as it matters: the best move and the value of nearly every position."""
    planes, globals_ = positions(64)
    full = FixedBatches(net, [CPU], torch.float32)(planes, globals_)
    half = FixedBatches(net, [CPU], torch.float16)(planes, globals_)
    same = full.policy.argmax(dim=1) == half.policy.argmax(dim=1)
    assert same.float().mean() >= 0.98
    assert (torch.tanh(full.value / 2) - torch.tanh(half.value / 2)).abs().max() < 0.01
    assert (full.policy.softmax(1) - half.policy.softmax(1)).abs().max() < 0.01


def test_threads_share_the_devices_evenly_and_get_their_own_answers(net: Net) -> None:
    """Two CPUs stand for two GPUs: four threads at once are two calls on each."""
    batches = FixedBatches(net, [CPU, CPU], torch.float32)
    together = threading.Barrier(4)
    most: list[list[int]] = []
    forward = batches._nets[0].forward

    def slowly(*inputs: torch.Tensor) -> object:
        if torch.is_inference_mode_enabled():
            most.append(list(batches._calls))
        return forward(*inputs)

    batches._nets[0].forward = slowly  # type: ignore[method-assign]
    planes, globals_ = positions(32)
    expected = FixedBatches(net, [CPU], torch.float32)(planes, globals_).policy

    def work(thread: int) -> bool:
        rows = slice(8 * thread, 8 * thread + 8)
        right = True
        for _ in range(10):
            together.wait()
            got = batches(planes[rows], globals_[rows]).policy
            right &= torch.allclose(got, expected[rows], atol=1e-4)
        return right

    with ThreadPoolExecutor(4) as executor:
        assert all(executor.map(work, range(4)))
    assert batches._calls == [0, 0]
    assert max(abs(a - b) for a, b in most) <= 2 and max(sum(calls) for calls in most) >= 2
    assert len(batches._nets) == 2 and batches.slots <= 4 + 4
    assert {number for number, *_ in batches._idle} == {0, 1}  # both devices had work


def test_an_error_frees_the_device(net: Net) -> None:
    batches = FixedBatches(net, [CPU])
    planes, globals_ = positions(2)
    with pytest.raises(RuntimeError):
        batches(planes[:, :3], globals_)
    assert batches._calls == [0]
    assert batches(planes, globals_).policy.shape == (2, 82)


def test_the_evaluator_takes_all_gpus(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    """`cuda` is every GPU, `cuda:1` that one; threads and the first line follow."""
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda device: "NVIDIA H100")
    monkeypatch.setattr("engine.nets.inference.cpu_count", lambda: 16)
    monkeypatch.setattr("engine.nets.tuning.cpu_count", lambda: 16)
    both, second, cpu = (Device(torch.device(name)) for name in ("cuda", "cuda:1", "cpu"))
    assert [str(device) for device in devices_of(both)] == ["cuda:0", "cuda:1"]
    assert devices_of(second) == [second.torch_device]
    assert [default_tuning(device).threads for device in (both, second, cpu)] == [8, 4, 16]
    assert describe_devices(both) == "device: cuda:0, cuda:1 (NVIDIA H100), 16 CPU cores"
    assert describe_devices(cpu) == "device: cpu, 16 CPU cores"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_graphs_on_a_gpu_say_what_the_cpu_says(net: Net) -> None:
    evaluators = [NetEvaluator(net, Device(where), GO) for where in (torch.device("cuda"), CPU)]
    planes, globals_ = positions(100)
    for rows in (1, 5, 64, 100, 5):
        gpu, cpu = (evaluator(planes[:rows], globals_[:rows]) for evaluator in evaluators)
        assert np.abs(gpu.values - cpu.values).max() < 0.01
        assert (gpu.logits.argmax(axis=1) == cpu.logits.argmax(axis=1)).mean() > 0.9
