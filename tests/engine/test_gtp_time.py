"""The engine behind GTP: how long it thinks, and how strongly."""

import re
import time

import pytest
from gtp_live import LiveEngine

from engine.players.levels import find_level
from mcts import UniformEvaluator


@pytest.mark.parametrize(
    ("setting", "told", "most"),
    [
        ("time_settings 0 1 1", "time_left b 1 1", 1.0),
        ("time_settings 1 0 0", "time_left b 1 0", 0.5),
        ("kgs-time_settings byoyomi 0 1 3", "time_left b 1 2", 1.0),
        ("kata-time_settings fischer 0.5 0.5", "time_left b 0.5 0", 0.5),
        ("time_settings 100 0 0", "time_left b 0 0", 0.5),
        ("kata-set-param maxTime 0.3", "stop", 0.6),
    ],
)
def test_a_move_stays_within_the_clock(setting, told, most):
    with LiveEngine(visits=None) as engine:
        engine.tell("genmove b")  # warm
        engine.tell(setting)
        needed = []
        for _ in range(3):  # another process may hold one of them up, not all
            engine.tell("clear_board", told)
            begun = time.monotonic()
            engine.tell("genmove b")
            needed.append(time.monotonic() - begun)
        assert min(needed) < most


def test_without_a_clock_the_visits_decide():
    with LiveEngine(visits=None) as engine:
        engine.tell("time_settings 1 1 0")
        engine.send("kata-genmove_analyze b 10000 rootInfo true")
        reply = "\n".join(engine.read_reply())
        assert int(re.search(r"rootInfo visits (\d+)", reply)[1]) >= 400


def test_it_thinks_in_the_opponents_time_only_when_asked_to():
    calls = []

    class Counting(UniformEvaluator):
        def __call__(self, planes, globals_):
            calls.append(len(planes))
            return super().__call__(planes, globals_)

    for ponder in (False, True):
        with LiveEngine(ponder=ponder, evaluator_of=lambda game: Counting(game.actions)) as engine:
            engine.tell("genmove b", "name")
            before = len(calls)
            while ponder and len(calls) == before:
                time.sleep(0.01)
            time.sleep(0.1)
            assert (len(calls) > before) == ponder
            engine.tell("genmove w")


def reported_visits(line):
    """The visits of all moves in a line of an analysis."""
    return sum(map(int, re.findall(r"visits (\d+)", line)))


def visits_of(engine):
    engine.send("kata-genmove_analyze b 10000 rootInfo true")
    reply = "\n".join(engine.read_reply())
    return int(re.search(r"rootInfo visits (\d+)", reply)[1])


def test_a_level_plays_as_weakly_as_it_should_whatever_was_analysed_before():
    with LiveEngine(visits=None, evaluator_of=for_levels, level=find_level("steady")) as engine:
        engine.send("lz-analyze b 10")
        while reported_visits(engine.read_line()) < 100:
            pass
        engine.send("")
        engine.read_reply()
        assert 24 <= visits_of(engine) < 24 + 16


def test_the_level_can_be_changed_between_moves():
    with LiveEngine(visits=300, evaluator_of=for_levels) as engine:
        assert engine.tell("kata-get-param level") == "none"
        assert visits_of(engine) >= 300
        engine.tell("clear_board", "kata-set-param level beginner")
        assert engine.tell("kata-get-param level") == "beginner"
        assert visits_of(engine) == 1
        assert engine.ask("kata-set-param level genius").startswith("? unknown level 'genius'")
        engine.tell("clear_board", "kata-set-param level none")
        assert visits_of(engine) >= 300


def test_a_level_obeys_the_clock_and_a_time_a_move():
    with LiveEngine(evaluator_of=for_levels, level=find_level("full"), seconds=0.2) as engine:
        assert visits_of(engine) < 3200


def for_levels(game, level=None):
    """A uniform evaluator, slow for `full`."""

    class Slow(UniformEvaluator):
        def __call__(self, planes, globals_):
            time.sleep(0.1)
            return super().__call__(planes, globals_)

    full = level is not None and level.name == "full"
    return (Slow if full else UniformEvaluator)(game.actions)
