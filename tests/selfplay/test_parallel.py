"""Several processes, one learner: the same losses and weights as one process on the whole batch."""

import json
import math
import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from engine.games import load
from engine.nets.files import load_net, new_net
from selfplay.learning import parallel
from selfplay.learning.learner import Learner, LearnerSettings
from selfplay.learning.parallel import GlobalBatchNorm, Layout
from selfplay.learning.replay import Batch

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")


def batch(seed: int, rows: int = 16) -> Batch:
    """Random samples of tic-tac-toe; results and replies are known in the first half more often."""
    rng = np.random.default_rng(seed)
    unknown = rng.random(rows) < np.linspace(0, 1, rows)
    values = np.where(unknown, math.nan, rng.choice([-1.0, 1.0], rows))
    replies = rng.dirichlet(np.ones(9), rows)
    return Batch(
        planes=torch.from_numpy(rng.integers(0, 2, (rows, 3, 3, 3), dtype=np.uint8)),
        globals_=torch.zeros(rows, 0),
        legal=torch.ones(rows, 9, dtype=torch.bool),
        policy=torch.from_numpy(rng.dirichlet(np.ones(9), rows).astype(np.float32)),
        advantage=torch.from_numpy(rng.normal(size=rows).astype(np.float32)),
        prior=torch.from_numpy(np.where(unknown, math.nan, rng.random(rows)).astype(np.float32)),
        value=torch.from_numpy(values.astype(np.float32)),
        score=torch.from_numpy((3 * values).astype(np.float32)),
        ownership=torch.from_numpy(rng.integers(-1, 2, (rows, 3, 3)).astype(np.float32)),
        reply=torch.from_numpy((replies * ~unknown[:, None]).astype(np.float32)),
        reply_legal=torch.ones(rows, 9, dtype=torch.bool),
    )


def train(steps: int = 6) -> tuple[list[dict[str, float]], Learner]:
    settings = LearnerSettings(
        batch_size=16, warmup_steps=2, learning_rate=0.01, reply_weight=0.15, precision="float32"
    )
    learner = Learner(new_net(load("tic_tac_toe"), 2, 8, 0), settings, CPU)
    history = []
    for step in range(steps):
        learner.rate_factor = 1.0 if step < 3 else 0.5
        history.append(dict(learner.step(batch(step))))
    return history, learner


def torchrun(arguments: list[str], processes: int = 2) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(processes)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests/selfplay'}"}
    return subprocess.run(
        [*command, "--no-python", sys.executable, *arguments],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
        cwd=ROOT,
    )


TRAIN = """
import json, sys
from pathlib import Path
import test_parallel
from selfplay.learning import parallel
from selfplay.learning.learner import Learner
from safetensors.torch import save_file

def lead():
    assert parallel.world() == 2
    history, learner = test_parallel.train()
    state = {name: part.contiguous() for name, part in learner.state().items()}
    save_file(state, sys.argv[1] + "/state")
    Path(sys.argv[1], "losses").write_text(json.dumps(history))

with parallel.together() as leads:
    lead() if leads else parallel.follow(Learner.following)
"""


def test_two_processes_learn_what_one_learns_from_the_whole_batch(tmp_path: Path) -> None:
    shown = torchrun(["-c", TRAIN, str(tmp_path)])
    assert shown.returncode == 0, shown.stderr[-6000:]
    history, learner = train()
    for mine, alone in zip(json.loads((tmp_path / "losses").read_text()), history, strict=True):
        assert mine == pytest.approx(alone, rel=1e-3, abs=1e-4)
    # Adam makes whole steps of rounding errors where a gradient is near zero, so weights are compared
    # by how far they went.
    together, start = load_file(tmp_path / "state"), train(steps=0)[1].state()
    alone = learner.state()
    assert together.keys() == alone.keys()

    def distance(other: dict[str, torch.Tensor]) -> float:
        weights = [name for name in start if name.startswith("net.")]
        return math.sqrt(sum(float((alone[n] - other[n]).double().square().sum()) for n in weights))

    assert distance(together) < 0.02 * distance(start)


def test_a_sample_is_a_row_of_bytes_and_comes_back() -> None:
    sent = batch(0)
    sent.globals_ = torch.from_numpy(np.zeros((16, 0), np.float32))  # of which torch has its own view
    layout = Layout.of(sent)
    rows = layout.pack(sent)
    assert rows.dtype == torch.uint8 and rows.shape == (16, sum(layout.widths()))
    again = layout.unpack(rows[4:8])
    for field in fields(Batch):
        expected, got = getattr(sent, field.name)[4:8], getattr(again, field.name)
        assert got.dtype == expected.dtype and torch.equal(got.nan_to_num(9), expected.nan_to_num(9))


def test_batch_norm_over_one_process_is_torchs() -> None:
    plain = torch.nn.BatchNorm2d(4)
    with torch.no_grad():
        plain.weight.uniform_(0.5, 2)
        plain.bias.uniform_(-1, 1)
    twin = GlobalBatchNorm.over(torch.nn.BatchNorm2d(4))
    twin.load_state_dict(plain.state_dict())
    for step in range(3):
        x = torch.randn(6, 4, 3, 3, generator=torch.Generator().manual_seed(step)) * 3 + 1
        assert torch.allclose(plain(x), twin(x), atol=1e-5)
    for name, value in plain.state_dict().items():
        assert torch.allclose(value.float(), twin.state_dict()[name].float(), atol=1e-5), name
    assert torch.allclose(plain.eval()(x), twin.eval()(x), atol=1e-5)


def test_one_process_is_alone() -> None:
    with parallel.together() as leads:
        assert leads and parallel.world() == 1


CONFIG: dict[str, Any] = {
    "teacher": "search",
    "iterations": 2,
    "parallel_games": 8,
    "positions_per_iteration": 60,
    "match_games": 0,
    "search": {"visits": 8, "root_policy": "gumbel"},
    "learner": {"batch_size": 16},
}


def run_file(folder: Path, batch_size: int) -> Path:
    lines = [
        'game = "tic_tac_toe"',
        'device = "cpu"',
        "net = { blocks = 1, channels = 8 }",
        "[[stages]]",
    ]
    stage = {**CONFIG, "learner": {"batch_size": batch_size}}
    lines += [f"{key} = {_toml(value)}" for key, value in stage.items()]
    path = folder / "run.toml"
    path.write_text("\n".join(lines))
    return path


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {json.dumps(part)}" for key, part in value.items()) + " }"
    return json.dumps(value)


MOVE37 = "import sys, move37; sys.argv[0] = 'move37'; move37.main()"


@pytest.mark.slow
def test_a_run_under_torchrun_is_written_by_one_process_alone(tmp_path: Path) -> None:
    config = run_file(tmp_path, 16)
    run = tmp_path / "run"
    shown = torchrun(["-c", MOVE37, "train", str(run), "--config", str(config)])
    assert shown.returncode == 0, shown.stderr[-6000:]
    assert shown.stdout.count("is complete") == 1
    assert "2 processes train" in shown.stderr
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [row["number"] for row in rows if row["event"] == "iteration"] == [1, 2]
    assert load_net(run / "nets/01-search.safetensors")[1].training["positions"] >= 120
    assert len(list(run.glob("tensorboard/*"))) <= 1


@pytest.mark.slow
def test_a_batch_that_cannot_be_shared_is_one_clear_line(tmp_path: Path) -> None:
    config = run_file(tmp_path, 17)
    shown = torchrun(["-c", MOVE37, "train", str(tmp_path / "run"), "--config", str(config)])
    assert shown.returncode != 0
    assert "batch_size 17 cannot be shared by 2 processes" in shown.stderr
