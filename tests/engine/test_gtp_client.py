import shlex
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import UserError
from engine.games import load
from engine.players.gtp_client import GtpEngine, GtpError, GtpPlayer, GtpRefusalError, GtpTimeoutError
from engine.position import Position
from engine.rules import parse_rules, preset

FAKE = shlex.join([sys.executable, str(Path(__file__).parent.parent / "fake_engine.py")])


@pytest.fixture
def engine():
    with GtpEngine(FAKE) as engine:
        yield engine


def test_answers_come_without_the_frame_and_in_order(engine):
    assert engine.send("komi 7") == ""
    assert engine.send("echo a") == "a"
    assert engine.send("echo two lines") == "two\nlines"


def test_a_refusal_is_an_error_after_which_the_engine_goes_on(engine):
    with pytest.raises(GtpError, match=r"refused 'dance': unknown command"):
        engine.send("dance")
    assert engine.send("echo a") == "a"


def test_a_command_of_two_lines_is_a_mistake_of_the_caller(engine):
    with pytest.raises(ValueError, match="one line"):
        engine.send("komi 7\nquit")


def test_an_engine_that_dies_is_named_with_its_exit_status():
    with GtpEngine(f"{FAKE} --die-at genmove") as engine:
        for _ in range(2):
            with pytest.raises(GtpError, match=r"fake_engine.py.*ended at 'genmove b' \(exit sta.* 3"):
                engine.send("genmove b")


def test_an_engine_that_hangs_is_stopped():
    with GtpEngine(f"{FAKE} --hang-at genmove", timeout=30) as engine:
        engine.send("komi 7")
        with pytest.raises(GtpError, match=r"did not answer 'genmove b' within 0.05 s"):
            engine.send("genmove b", timeout=0.05)
        with pytest.raises(GtpError, match="ended"):
            engine.send("genmove b")


def test_closing_ends_even_an_engine_that_ignores_quit_and_may_be_repeated():
    engine = GtpEngine(f"{FAKE} --hang-at quit")
    engine.send("komi 7")
    engine.close()
    engine.close()
    with pytest.raises(GtpError):
        engine.send("komi 7")


@pytest.mark.parametrize(
    ("command_line", "words"),
    [
        ("no-such-engine --mode gtp", "no program 'no-such-engine'"),
        ("gnugo 'unclosed", "not a command line"),
        ("  ", "empty"),
    ],
)
def test_an_engine_that_cannot_start_is_a_mistake_of_the_user(command_line, words):
    with pytest.raises(UserError, match=words) as error:
        GtpEngine(command_line)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("command_line", "said"),
    [
        ("sh -c 'echo no licence >&2; exit 3'", r"exit status 3\); the last that it wrote: no licence"),
        ("true", r"ended at 'protocol_version' \(exit status 0\)$"),
        ("cat", r"did not answer .* within 1 s; the last that it wrote: protocol_version"),
    ],
)
def test_an_engine_that_never_answers_is_told_with_its_last_words(command_line, said, monkeypatch):
    monkeypatch.setattr("engine.players.gtp_client.FIRST_ANSWER", 1.0)
    with GtpEngine(command_line) as engine, pytest.raises(GtpError, match=said):
        engine.greet()


def test_an_engine_that_floods_stderr_still_answers():
    with GtpEngine(f"sh -c 'head -c 1000000 /dev/zero >&2; exec {FAKE}'") as engine:
        engine.greet()


def test_a_new_game_gives_the_engine_setup_and_moves(engine):
    position = Position(load("go5"))
    position.setup(0, 2)
    position.setup(24, 1)
    position.set_start(to_move=1, komi_half_points=11)
    for action in (12, 25, 1):
        position.play(action)
    player = GtpPlayer(engine)
    player.new_game(position)
    assert engine.send("taken") == "A5 B5 C3 E1 PASS"
    assert position.actions == [12, 25, 1]
    assert player.genmove(0) == 2
    player.play(1, 3)
    assert engine.send("taken") == "A5 B5 C3 C5 D5 E1 PASS"
    assert player.final_score() == "B+3.5"


@pytest.mark.parametrize("name", ["chinese", "chinese-ogs", "aga", "new-zealand"])
def test_a_new_game_tells_the_rules_to_an_engine_that_listens(engine, name):
    position = Position(load("go5"))
    position.set_start(**preset(name).start_fields())
    GtpPlayer(engine).new_game(position)
    assert parse_rules(engine.send("rules")) == replace(preset(name), handicap_bonus="0")


def test_an_engine_that_knows_no_rules_plays_by_its_own():
    with GtpEngine(f"{FAKE} --answer-kata-set-rules '? unknown command'") as engine:
        GtpPlayer(engine).new_game(Position(load("go5")))
        assert engine.send("rules") == "none"


@pytest.mark.parametrize(
    ("answer", "action"), [("pass", 25), ("PASS", 25), ("resign", "resign"), ("e1", 24)]
)
def test_genmove_gives_an_action_or_resign(answer, action):
    with GtpEngine(f"{FAKE} --answer-genmove {answer}") as engine:
        player = GtpPlayer(engine)
        player.new_game(Position(load("go5")))
        assert player.genmove(0) == action


def test_genmove_that_is_no_vertex_is_the_engines_fault():
    with GtpEngine(f"{FAKE} --answer-genmove K11") as engine:
        player = GtpPlayer(engine)
        player.new_game(Position(load("go5")))
        with pytest.raises(GtpError, match="answered 'K11' to genmove"):
            player.genmove(0)


def test_an_engine_can_be_started_anew():
    with GtpEngine(f"{FAKE} --die-at genmove") as engine:
        for _ in range(2):
            assert engine.send("echo a") == "a"
            with pytest.raises(GtpError):
                engine.send("genmove b")
            assert not engine.alive
            engine.restart()
            assert engine.alive


def test_a_new_game_starts_a_dead_engine_anew():
    with GtpEngine(f"{FAKE} --die-at genmove") as engine:
        player = GtpPlayer(engine)
        for _ in range(2):
            player.new_game(Position(load("go5")))
            with pytest.raises(GtpError):
                player.genmove(0)


def test_refusals_and_late_answers_are_told_apart():
    with GtpEngine(f"{FAKE} --hang-at genmove") as engine:
        with pytest.raises(GtpRefusalError):
            engine.send("dance")
        with pytest.raises(GtpTimeoutError):
            engine.send("genmove b", timeout=0.05)
