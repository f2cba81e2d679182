"""What boards and servers say at the start and while they play, replayed word for word.

A transcript has lines `> input` and the replies that are due. In a reply, {vertex}, {float} and the
like stand for what may vary; {reports ...} for lines of analysis that go on until the next input.
"""

import re
from pathlib import Path

import pytest
from gtp_live import LiveEngine

FOLDER = Path(__file__).parent / "gtp"
NUMBER = r"-?\d+\.\d+(?:e-?\d+)?"
PATTERNS = {
    "*": r".*",
    "float": rf"{NUMBER}|\d+",
    "json": r'\{"winrate": .*"moves": \[.*\].*"ownership": "[A-Za-z0-9+]+"\}',
    "numbers": rf"{NUMBER}(?: {NUMBER})*",
    "score": r"0|[BW]\+\d+(?:\.\d)?",
    "version": r"\d+\.\d+\.\d+",
    "vertex": r"[A-HJ]\d|pass|resign",
    "word": r"\S+",
}
MOVES = r"(?: (?:[A-HJ]\d|pass))+"
LZ = rf"info move \S+ visits \d+ winrate \d+ prior \d+ lcb \d+ order \d+ pv{MOVES}"
KATA = (
    rf"info move \S+ visits \d+ edgeVisits \d+ utility {NUMBER} winrate {NUMBER}"
    rf"(?: scoreMean {NUMBER}(?: scoreStdev {NUMBER})? scoreLead {NUMBER} scoreSelfplay {NUMBER})?"
    rf" prior {NUMBER} lcb {NUMBER} utilityLcb {NUMBER} weight \d+ order \d+ pv{MOVES}"
)
REPORTS = {
    "lz": rf"{LZ}(?: {LZ})*",
    "kata": rf"{KATA}(?: {KATA})*",
    "kata ownership": rf"{KATA}(?: {KATA})*(?: ownership(?: {NUMBER})+)?",
}


def steps(path):
    """The inputs of a transcript with the lines that are due after each."""
    found = []
    for line in path.read_text().splitlines():
        if line.startswith(">"):
            found.append((line[2:], []))
        elif found:
            found[-1][1].append(line)
    return found


def matches(pattern, line):
    parts = re.split(r"(\{[a-z*]+\})", pattern)
    regex = "".join(f"(?:{PATTERNS[p[1:-1]]})" if p[1:-1] in PATTERNS else re.escape(p) for p in parts)
    return re.fullmatch(regex, line.rstrip()) is not None


def check(engine, due):
    """Reads lines and compares them with those that are due; false when a report goes on."""
    rest = None
    for position, pattern in enumerate(due):
        if pattern.startswith("{words including"):
            lines = engine.read_reply()
            missing = set(pattern[1:-1].split()[2:]) - set(" ".join(lines).split())
            assert not missing, missing
            return
        if pattern == "{chains}":
            for line in engine.read_reply():
                assert re.fullmatch(MOVES, f" {line}"), line
            return
        if pattern.startswith("{reports"):
            regex = REPORTS[pattern[9:-1]]
            line = engine.read_line()
            assert re.fullmatch(regex, line), line
            if position == len(due) - 1:
                return  # the next input ends them
            while re.fullmatch(regex, line):
                line = engine.read_line()
            rest = line
            continue
        line = rest if rest is not None else engine.read_line()
        rest = None
        while pattern == "" and line.startswith("info"):  # the last reports before an interruption
            line = engine.read_line()
        assert matches(pattern, line), f"due: {pattern!r}, is: {line!r}"
    if due:
        assert engine.read_line() == ""


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.gtp")), ids=lambda path: path.stem)
def test_a_session_of(path):
    with LiveEngine() as engine:
        for line, due in steps(path):
            engine.send(line)
            try:
                check(engine, due)
            except AssertionError as error:
                raise AssertionError(f"after '{line}': {error}") from None
        assert engine.silent()
        engine.thread.join(10)
        assert not engine.thread.is_alive()


def test_there_is_a_transcript_for_each_board_and_server():
    names = {path.stem for path in FOLDER.glob("*.gtp")}
    assert {"sabaki", "lizzie", "q5go", "gogui", "kgs", "cgos", "standard"} <= names
