"""OpenVINO wherever a net plays: `--device` in a run, a match, a benchmark, an accuracy."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import move37
from engine.bench import endless_starts
from engine.games import load
from engine.nets.files import load_net
from engine.nets.inference import choose_device
from engine.nets.openvino import OpenVinoNet
from mcts import MatchPool, SearchSettings, UniformEvaluator
from selfplay.config import parse_config
from selfplay.learning.replay import Games
from selfplay.progress import Silent
from selfplay.run import Run
from selfplay.teachers.accuracy import measure

STAGE = {
    "teacher": "search",
    "iterations": 2,
    "parallel_games": 8,
    "positions_per_iteration": 60,
    "match_minutes": 1e-6,
    "match_games": 2,
    "match_search": {"visits": 4},
    "search": {"visits": 8, "root_policy": "gumbel"},
    "learner": {"batch_size": 16},
}


def test_self_play_asks_openvino_and_gets_the_new_weights_each_iteration(tmp_path, monkeypatch):
    biases = []
    call = OpenVinoNet.__call__

    def watched(self, planes, globals_):
        biases.append(self._net.value_score.bias.tolist())
        return call(self, planes, globals_)

    monkeypatch.setattr(OpenVinoNet, "__call__", watched)
    values = {"game": "tic_tac_toe", "device": "openvino-int8", "net": {"blocks": 1, "channels": 8}}
    run = Run.open(tmp_path, parse_config({**values, "stages": [STAGE]}, "test"), Silent())
    assert run.go_on()
    assert len({tuple(bias) for bias in biases}) >= 2  # those the stage began with, and later ones


def test_accuracy_is_that_of_the_device():
    game = load("tic_tac_toe")
    net, _ = load_net("tic_tac_toe", game)
    games = Games.from_logs(game, *played(game))
    exact, floats, integers = (
        measure(net, game, games, choose_device(name)) for name in ("cpu", "openvino", "openvino-int8")
    )
    assert floats.value_mse == pytest.approx(exact.value_mse, abs=1e-4)
    assert integers.value_mse == pytest.approx(exact.value_mse, abs=0.05)
    assert integers.value_mse != pytest.approx(exact.value_mse, abs=1e-9)


def played(game):
    """A few random games as logs, each move taught."""
    logs = []
    pool = MatchPool(
        game.native,
        [SearchSettings(visits=1, temperature=1, temperature_moves=100)],
        endless_starts(game),
        parallel_games=4,
        workers=1,
        record_policies=True,
        seed=0,
    )
    pool.play([UniformEvaluator(game.actions)], lambda log: logs.append(log) or len(logs) < 20)
    return logs, [(np.ones(len(log.actions)), np.ones(len(log.actions))) for log in logs]


def test_a_match_computes_each_player_where_it_says():
    done = CliRunner().invoke(
        move37.app,
        [
            "arena",
            "net=tic_tac_toe,visits=4,device=openvino-int8",
            "net=tic_tac_toe,visits=4,device=cpu",
            *("--games", "4", "--game", "tic_tac_toe", "--json"),
        ],
    )
    assert json.loads(done.stdout)["games"] == 4


def test_a_player_elsewhere_than_anywhere_is_a_user_error():
    done = CliRunner().invoke(
        move37.app, ["arena", "net=tic_tac_toe,device=abacus", "random", "--game", "tic_tac_toe"]
    )
    assert done.exit_code == 1 and "unknown device 'abacus'" in done.stderr


def test_the_benchmark_names_the_device():
    done = CliRunner().invoke(
        move37.app,
        [
            "bench",
            "net",
            "--game",
            "tic_tac_toe",
            "--seconds",
            "0.01",
            "--device",
            "openvino",
            "--json",
        ],
    )
    assert {row["device"] for row in json.loads(done.stdout)["net"]} == {"openvino"}
