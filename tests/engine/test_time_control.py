"""Time: settings as they are sent, clocks after moves, and a policy that never loses on time."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UserError
from engine.play import time_control
from engine.play.time_control import NO_LIMIT, Reading, TimeControl

ABSOLUTE = TimeControl("absolute", 300)
BYOYOMI = TimeControl("byoyomi", 60, 30, 3)
CANADIAN = TimeControl("canadian", 60, 100, 10)
FISCHER = TimeControl("fischer", 60, 0, 0, 5)
CAPPED = TimeControl("fischer", 60, 0, 0, 5, 65, 20)


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ((300, 0, 0), ABSOLUTE),
        ((60, 100, 10), CANADIAN),
        ((0, 5, 1), TimeControl("canadian", 0, 5, 1)),  # Lizzie: five seconds a move
        ((1, 1, 0), NO_LIMIT),  # q5Go's way to say so
        ((0, 30, 0), NO_LIMIT),
        ((0, 0, 0), NO_LIMIT),
        ((300, 0, 5), ABSOLUTE),
    ],
)
def test_gtp_time_settings(sent, meant):
    assert time_control.gtp_time_settings(*sent) == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("none", NO_LIMIT),
        ("absolute 300", ABSOLUTE),
        ("byoyomi 60 30 3", BYOYOMI),
        ("canadian 60 100 10", CANADIAN),
        ("byoyomi 300 0 0", ABSOLUTE),
        ("fischer 60 5", FISCHER),
        ("fischer-capped 60 5 65 20", CAPPED),
        ("fischer-capped 60 5 -1 -1", FISCHER),
        ("absolute 2.5", TimeControl("absolute", 2.5)),
    ],
)
def test_time_settings_of_other_systems(text, meant):
    assert time_control.parse_time_settings(text.split()) == meant


@pytest.mark.parametrize(
    "text", ["", "hourglass 3", "absolute", "absolute x", "absolute nan", "absolute -1", "byoyomi 1 2"]
)
def test_bad_time_settings_are_refused(text):
    with pytest.raises(UserError):
        time_control.parse_time_settings(text.split())


def test_kgs_has_no_fischer_time():
    with pytest.raises(UserError):
        time_control.parse_time_settings(["fischer", "60", "5"], kgs=True)


@pytest.mark.parametrize(
    ("control", "left", "stones", "shown"),
    [
        (ABSOLUTE, 200, 0, Reading(200)),
        (BYOYOMI, 40, 0, Reading(40)),
        (BYOYOMI, 25, 2, Reading(25, 2)),  # KGS: the periods left
        (BYOYOMI, 0, 0, Reading(30, 3)),
        (CANADIAN, 80, 7, Reading(80, 7)),
        (ABSOLUTE, -0.4, 0, Reading(0)),
        (FISCHER, 12, 1, Reading(12)),
    ],
)
def test_time_left(control, left, stones, shown):
    assert time_control.told(control, left, stones) == shown


@pytest.mark.parametrize(
    ("control", "before", "spent", "after"),
    [
        (ABSOLUTE, Reading(300), 10, Reading(290)),
        (ABSOLUTE, Reading(5), 10, Reading(0)),
        (BYOYOMI, Reading(60), 10, Reading(50)),
        (BYOYOMI, Reading(5), 10, Reading(30, 3)),  # 5 s into the first period, given back
        (BYOYOMI, Reading(5), 40, Reading(30, 2)),
        (BYOYOMI, Reading(30, 3), 29, Reading(30, 3)),
        (BYOYOMI, Reading(30, 3), 31, Reading(30, 2)),
        (BYOYOMI, Reading(30, 1), 31, Reading(0, 1)),
        (CANADIAN, Reading(5), 10, Reading(95, 9)),
        (CANADIAN, Reading(95, 9), 10, Reading(85, 8)),
        (CANADIAN, Reading(20, 1), 10, Reading(100, 10)),
        (FISCHER, Reading(60), 10, Reading(55)),
        (CAPPED, Reading(64), 1, Reading(65)),
        (NO_LIMIT, Reading(0), 99, Reading(0)),
    ],
)
def test_a_clock_after_a_move(control, before, spent, after):
    assert time_control.after_move(control, before, spent) == after


@pytest.mark.parametrize(
    ("control", "reading", "played", "low", "high"),
    [
        (NO_LIMIT, Reading(0), 0, math.inf, math.inf),
        (ABSOLUTE, Reading(300), 0, 5, 20),  # about 29 moves of its own on 9x9
        (ABSOLUTE, Reading(300), 50, 20, 60),
        (BYOYOMI, Reading(30, 3), 30, 28, 29.7),
        (BYOYOMI, Reading(30, 1), 30, 28, 29.7),
        (BYOYOMI, Reading(1), 30, 0.5, 30),
        (CANADIAN, Reading(100, 10), 30, 8, 10),
        (CANADIAN, Reading(3, 1), 30, 2, 2.7),
        (FISCHER, Reading(60), 0, 5, 9),
        (FISCHER, Reading(4), 30, 2, 4),
        (CAPPED, Reading(1000), 70, 15, 20),
        (ABSOLUTE, Reading(0), 30, 0, 0),
    ],
)
def test_how_long_to_think(control, reading, played, low, high):
    assert low <= time_control.thinking_time(control, reading, 81, played) <= high


SECONDS = st.floats(1, 3600)
CONTROLS = st.one_of(
    st.builds(TimeControl, st.just("absolute"), SECONDS),
    st.builds(TimeControl, st.just("byoyomi"), st.floats(0, 3600), SECONDS, st.integers(1, 10)),
    st.builds(
        TimeControl, st.just("canadian"), st.floats(0, 3600), st.floats(30, 3600), st.integers(1, 25)
    ),
    st.builds(TimeControl, st.just("fischer"), SECONDS, st.just(0.0), st.just(0), SECONDS),
    st.builds(
        TimeControl, st.just("fischer"), SECONDS, st.just(0.0), st.just(0), SECONDS, SECONDS, SECONDS
    ),
)


@given(CONTROLS, st.sampled_from([25, 81, 361]))
def test_the_policy_never_loses_on_time(control, area):
    """Each move takes what the policy says and, unless time is absolute, 0.2 s for the way."""
    way = 0.0 if control.kind == "absolute" else 0.2
    reading = time_control.full(control)
    for played in range(0, 3 * area, 2):
        think = time_control.thinking_time(control, reading, area, played)
        assert think + way <= control.move_cap
        if control.kind == "byoyomi" and reading.count:
            assert think + way < reading.left  # not even a period is lost
        reading = time_control.after_move(control, reading, think + way)
        assert reading.left > 0


def test_time_that_a_cap_would_take_away_is_spent():
    control = TimeControl("fischer", 44, increment=1, main_cap=10)
    assert time_control.thinking_time(control, Reading(44), 81, 0) == pytest.approx(35)


@given(CONTROLS, st.sampled_from([81, 361]))
def test_most_of_the_main_time_is_used_in_a_game_of_usual_length(control, area):
    reading, spent = time_control.full(control), 0.0
    for played in range(0, int(0.9 * area), 2):
        think = time_control.thinking_time(control, reading, area, played)
        spent += think
        reading = time_control.after_move(control, reading, think)
    assert spent >= 0.6 * min(control.main, control.move_cap)
