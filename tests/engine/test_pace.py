"""The machine's pace: measured, remembered a while by net and device, and put into words."""

import json
import os
import time

import pytest

from engine import games
from engine.errors import UserError
from engine.nets import pace
from engine.nets.files import net_path
from engine.nets.inference import choose_device, hardware
from engine.nets.pace import Pace, measure, pace_of
from engine.play.setup import GameSetup, pace_words
from engine.players.levels import find_level
from mcts import SearchSettings, UniformEvaluator

CPU = choose_device("cpu")


@pytest.fixture
def counted(monkeypatch, tmp_path):
    """An empty cache, and a list that grows with each measurement."""
    made = []

    def measured(game, evaluator, settings):
        made.append(game.name)
        return 580.0

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(pace, "measure", measured)
    return made


def test_a_pace_is_measured_once_for_each_net(counted):
    go, oxo = games.load("go9"), games.load("tic_tac_toe")
    assert pace_of("go9-imitation", go, CPU) == pace_of("go9-imitation", go, CPU)
    assert pace_of("tic_tac_toe", oxo, CPU).visits_per_s == 580.0
    assert counted == ["go9", "tic_tac_toe"]


@pytest.mark.parametrize("hours", [1.1, -1.1])
def test_a_pace_of_more_than_an_hour_ago_or_to_come_is_measured_anew(counted, monkeypatch, hours):
    pace_of("go9-imitation", games.load("go9"), CPU)
    later = time.time() + 3600 * hours
    monkeypatch.setattr(pace.time, "time", lambda: later)
    assert pace_of("go9-imitation", games.load("go9"), CPU).measured_at == later
    assert counted == ["go9", "go9"]


def test_a_net_that_was_replaced_is_measured_anew(counted, tmp_path):
    net = tmp_path / "net.safetensors"
    net.write_bytes(net_path("tic_tac_toe").read_bytes())
    os.utime(net, (0, 0))
    for _ in range(2):
        pace_of(str(net), games.load("tic_tac_toe"), CPU)
    os.utime(net)
    pace_of(str(net), games.load("tic_tac_toe"), CPU)
    assert len(counted) == 2


@pytest.mark.parametrize("text", ["", "[1]", '{"a": "b"}', "{", '{"a": {"b": null}}'])
def test_a_damaged_memory_is_measured_anew(counted, tmp_path, text):
    path = tmp_path / "move37" / "machine.json"
    path.parent.mkdir()
    path.write_text(text)
    pace_of("go9-imitation", games.load("go9"), CPU)
    assert counted == ["go9"] and list(json.loads(path.read_text())) == [hardware(CPU)]


def test_a_pace_of_another_version_is_measured_anew(counted, tmp_path):
    path = tmp_path / "move37" / "machine.json"
    pace_of("go9-imitation", games.load("go9"), CPU)
    path.write_text(path.read_text().replace("visits_per_s", "playouts_per_s"))
    pace_of("go9-imitation", games.load("go9"), CPU)
    assert counted == ["go9", "go9"]


def test_without_a_place_to_remember_it_is_measured_each_time(counted, tmp_path):
    (tmp_path / "move37").write_text("a file where the folder should be")
    for _ in range(2):
        pace_of("go9-imitation", games.load("go9"), CPU)
    assert counted == ["go9", "go9"]


def test_a_net_that_does_not_exist_is_a_mistake_of_the_user(counted):
    with pytest.raises(UserError, match="there is no net 'nothing'"):
        pace_of("nothing", games.load("go9"), CPU)


def test_visits_are_told_in_two_digits():
    told = Pace(visits_per_s=583.7, measured_at=0)
    assert [told.visits_in(s) for s in (0.001, 0.1, 1, 5)] == [1, 58, 580, 2900]
    assert told.words(5) == "about 2,900 visits in 5 s on this machine"


def test_only_a_time_alone_is_told_in_visits(counted):
    assert pace_words(GameSetup(move_time=2.0)) == "about 1,200 visits in 2 s on this machine"
    for setup in (
        GameSetup(),
        GameSetup(visits=5),
        GameSetup(game="breakthrough", move_time=2.0),  # no net ships
        GameSetup(level=find_level("casual"), move_time=2.0),
    ):
        assert pace_words(setup) == ""


def test_a_measurement_takes_about_a_second():
    game = games.load("go9")
    assert measure(game, UniformEvaluator(game.actions), SearchSettings(visits=1_000_000)) > 100
