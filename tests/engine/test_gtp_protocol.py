"""GTP as text: lines in, replies out, one process that speaks nothing else."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from engine.gtp.protocol import Command, Inbox, lines_of, parse, reply_text
from engine.rules import PRESETS

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("genmove b", Command("", "genmove", ("b",))),
        ("12 genmove b\r\n", Command("12", "genmove", ("b",))),
        ("\x01 3\tplay \x07b\t D4 # why not", Command("3", "play", ("b", "D4"))),
        ("00000000000000000000001 name", Command("00000000000000000000001", "name", ())),
        ("4", Command("4", "", ())),
        ("4x", Command("", "4x", ())),
        ("kata-analyze 10", Command("", "kata-analyze", ("10",))),
        ("", None),
        ("   \t ", None),
        ("# interrupt", None),
    ],
)
def test_lines_are_read_as_the_specification_says(line, command):
    assert parse(line) == command


def test_a_reply_holds_no_blank_line():
    assert reply_text("a\n\n  \nb  \n") == "a\nb"


def test_lines_come_whole_however_they_were_sent():
    import os

    read, write = os.pipe()
    for part in (b"na", b"me\nver", b"sion\n\nquit"):
        os.write(write, part)
    os.close(write)
    assert list(lines_of(read)) == [b"name", b"version", b"", b"quit"]
    os.close(read)


def test_the_inbox_tells_an_interruption_from_other_lines():
    inbox = Inbox([b"name", b"# interrupt", b"quit"])
    inbox._reader.join()
    assert inbox.arrived() and inbox.interrupted()
    assert [inbox.take(), inbox.take()] == ["name", "# interrupt"]
    assert inbox.arrived() and not inbox.interrupted()
    assert [inbox.take(), inbox.take(), inbox.take()] == ["quit", None, None]


COMMAND = [sys.executable, "-c", "import move37; move37.main()", "gtp", "--visits", "2"]


def served(typed, *options):
    """What the command answers on stdout, one answer an item, and what it says on stderr."""
    process = subprocess.run(
        [*COMMAND, *options], input=typed, capture_output=True, cwd=ROOT, timeout=300, check=True
    )
    return process.stdout.decode().split("\n\n"), process.stderr.decode()


def test_the_command_serves_gtp_and_writes_nothing_else_on_stdout():
    typed = b"name\r\n\r\n1 version\r\nget_komi\nboardsize 26\nlz-analyze 5\n2 genmove b\nquit\nname\n"
    identity = ["--name", "KataGo", "--version", "1.15.3"]
    answers, said = served(typed, *identity, "--rules", "japanese", "--komi", "6.5")
    assert answers[:4] == ["= KataGo", "=1 1.15.3", "= 6.5", "? unacceptable size"]
    assert answers[4].startswith("=\n") or answers[4] == "="
    assert re.fullmatch(r"=2 ([A-HJ][1-9]|pass)", answers[5])
    assert answers[6:] == ["= ", ""]
    assert "japanese" in said


def test_without_other_words_the_command_plays_by_the_rules_of_cgos():
    (answer, *_), said = served(b"kata-get-rules\nquit\n")
    assert json.loads(answer.removeprefix("= ")) == PRESETS["cgos"].as_json()
    assert "cgos" in said
