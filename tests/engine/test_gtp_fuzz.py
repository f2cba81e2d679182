"""Whatever is sent, each command gets one sound reply, nothing crashes and no state is lost."""

import re

import pytest
from gtp_live import LiveEngine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.gtp.protocol import parse
from engine.gtp.session import COMMANDS

VERTICES = st.sampled_from(["A1", "C3", "e5", "D2", "pass", "PASS", "B4", "A6", "I1", "Z9", "resign"])
COLOURS = st.sampled_from(["b", "w", "black", "White", "B", "x", ""])
NUMBERS = st.one_of(
    st.integers(-3, 12).map(str),
    st.sampled_from(["5", "7", "6.5", "-0.5", "nan", "inf", "1e999", "99999999999", "0x5", "\u0665"]),
)
OPTIONS = (
    "interval avoid allow minmoves maxmoves ownership rootInfo true false chinese japanese absolute "
    'canadian byoyomi fischer dead alive seki maxVisits c_puct ko SIMPLE {} {"ko":1} \u00e9\u4e2d'
)
WORDS = st.one_of(VERTICES, COLOURS, NUMBERS, st.sampled_from(OPTIONS.split(" ")), st.text(max_size=6))
# What plays on for long, ends the session or writes files is not for random arguments.
NAMES = sorted(set(COMMANDS) - {"quit", "printsgf", "kata-set-param", "loadsgf"})
KNOWN = st.builds(
    lambda number, name, words: " ".join([number, name, *words]),
    st.sampled_from(["", "1", "0042"]),
    st.sampled_from(NAMES),
    st.lists(WORDS, max_size=5),
)
PLAY = st.builds("play {} {}".format, st.sampled_from("bw"), VERTICES)
LINES = st.one_of(KNOWN, PLAY, st.text(max_size=30), st.binary(max_size=30))

REPLY = re.compile(r"[=?](\d*)(\s.*)?", re.DOTALL)


@pytest.fixture(scope="module")
def engine():
    with LiveEngine(visits=3) as running:
        running.tell("kata-set-param maxTime 0.2")
        yield running


def raw_lines(item):
    data = item if isinstance(item, bytes) else item.encode("utf-8", "surrogatepass")
    return data.split(b"\n")


def state(engine):
    shown = (engine.ask("printsgf"), engine.ask("kata-get-rules"), engine.ask("get_komi"))
    return (*shown, engine.ask("query_boardsize"), engine.ask("kata-get-params"))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LINES, min_size=1, max_size=6))
def test_every_command_gets_one_sound_reply_and_a_refused_one_changes_nothing(engine, items):
    for line in (raw for item in items for raw in raw_lines(item)):
        command = parse(line.decode("utf-8", "replace"))
        if command is not None and command.name.lower() in ("quit", "printsgf", "loadsgf"):
            continue
        before = state(engine)
        engine.send(line)
        sentinel = "31415926 protocol_version"
        engine.send(sentinel)
        replies = []
        while not (lines := engine.read_reply())[0].startswith("=31415926"):
            replies.append("\n".join(lines))
        assert len(replies) == (command is not None)
        for reply in replies:
            match = REPLY.fullmatch(reply)
            assert match and match[1] == command.id, reply
            assert "internal error" not in reply, reply
            if reply.startswith("?"):
                assert "\n" not in reply
                assert state(engine) == before


@settings(max_examples=100)
@given(st.text() | st.binary().map(lambda data: data.decode("utf-8", "replace")))
def test_any_text_is_a_command_or_none(text):
    command = parse(text)
    if command is not None:
        assert not command.id or command.id.isdigit()
        assert "#" not in command.name and all(word for word in command.arguments)


@settings(max_examples=30)
@given(st.lists(PLAY | st.just("undo") | st.just("genmove b") | st.just("genmove w"), max_size=25))
def test_undoing_everything_leads_back_to_the_empty_board(engine, lines):
    engine.tell("boardsize 5", "clear_board", "kata-set-rules chinese-ogs", "komi 7")
    empty = engine.ask("showboard")
    for line in lines:
        engine.ask(line)
    while engine.ask("undo") == "=":
        pass
    assert engine.ask("showboard") == empty
