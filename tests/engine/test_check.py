"""`move37 check` finds each mistake in a tic-tac-toe that has it, and none in a game without."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine import check, games
from engine.check import check_game
from engine.check.examination import FEW_GAMES
from engine.check.guarded import Guarded, MistakeError, Rules
from engine.errors import UserError
from engine.game import Game

ROOT = Path(__file__).parents[2]
SOURCE = (ROOT / "engine/games/tic_tac_toe.py").read_text().replace("tic_tac_toe", "my_game")


def write(folder, *changes, source=SOURCE):
    """A file with a game in which each (old, new) text is exchanged."""
    for old, new in changes:
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    path = folder / "my_game.py"
    path.write_text(source)
    return path


# --- What is refused at once ------------------------------------------------------------------

REFUSED = {
    "a field of the wrong type": (
        [('("to_move", np.int8)', '("to_move", np.int32)')],
        "the field 'to_move' of its state is int32: make it np.int8",
    ),
    "a field that lacks": ([('        ("over", np.int8),\n', "")], "its state lacks the field 'over'"),
    "a state without fields": ([("state=STATE", "state=np.dtype(np.int8)")], "a structured dtype"),
    "too few actions": ([("actions=9", "actions=8")], "it has 8 actions: there must be one for each"),
    "too many actions": ([("actions=9", "actions=40_000")], "at most 32767"),
    "a bad name": ([('name="my_game"', 'name="my game!"')], "its name must be of a-z, 0-9 and _"),
    "one plane": ([("planes=3", "planes=1")], "planes 2 or more"),
    "a rule with too few arguments": (
        [("def legal(state, mask):", "def legal(state):")],
        "legal takes 1 arguments, but must take 2",
    ),
    "a compiled rule": (
        [("def play(state, action):", "@nb.njit\ndef play(state, action):")],
        "play must be a plain function: leave @njit out there",
    ),
    "symmetries of another board": (
        [("dihedral_symmetries(3, 3)", "dihedral_symmetries(3, 4)")],
        "the points table of its symmetries must be [S, 9]",
    ),
    "a symmetry that is no permutation": (
        [("symmetries=dihedral_symmetries(3, 3)", "symmetries=(np.array([range(9), [0] * 9]),) * 2")],
        "each row of the points table of its symmetries must hold 0 ... 8 once",
    ),
    "no function": ([("def my_game()", "def other()")], "has no function my_game()"),
    "a function that returns something else": (
        [("        encode=encode,\n    )", "        encode=encode,\n    ).name")],
        "returns str, not a Game: add `return Game(...)`",
    ),
    "a syntax error": ([("def reset(state):", "def reset(state:")], "SyntaxError"),
    "an error in the file": ([("rules_text=", "rulez_text=")], "TypeError"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", REFUSED)
def test_a_bad_description_is_refused_whoever_loads_it(mistake, tmp_path):
    changes, said = REFUSED[mistake]
    path = write(tmp_path, *changes)
    with pytest.raises(UserError) as error:
        games.load(str(path))
    assert said in str(error.value) and "\n" not in str(error.value)


def test_an_error_in_the_file_is_told_with_its_line(tmp_path):
    path = write(tmp_path, ("    return count\n", "    return count\n\n\n1 / 0\n"))
    line = path.read_text().splitlines().index("1 / 0") + 1
    with pytest.raises(UserError, match=rf"my_game.py' line {line}: ZeroDivisionError: division"):
        games.load(str(path))


def test_a_file_that_is_not_there_is_refused():
    with pytest.raises(UserError, match=r"there is no file 'nowhere\.py'"):
        games.load("nowhere.py")


# --- What is found in play --------------------------------------------------------------------

LAST_LINE_OF_PLAY = "    state.to_move = 1 - state.to_move\n"
FOUND = {
    "encode writes behind its buffer": (
        [("planes[18 + cell] = 1", "planes[19 + cell] = 1")],
        r"encode line \d+: IndexError: index 27 is out of bounds",
    ),
    "encode writes before its buffer": (
        [("planes[cell] =", "planes[cell - 1] =")],
        r"encode line \d+: IndexError: index -1 is before the beginning",
    ),
    "encode leaves a plane unwritten": (
        [("        planes[18 + cell] = 1\n", "")],
        "encode leaves entry 18 of 27 as it was: write every entry",
    ),
    "encode writes large numbers": (
        [("planes[18 + cell] = 1", "planes[18 + cell] = 7")],
        "encode writes 7 on plane 2: planes hold 0 or 1",
    ),
    "encode does not see with the eyes of the mover": (
        [("    own = state.to_move + 1\n", "    own = 1\n")],
        "the opponent has a new piece",
    ),
    "encode is random": (
        [("planes[18 + cell] = 1", "planes[18 + cell] = np.random.random() < 0.5")],
        "encode answers differently when asked again",
    ),
    "a taken place is legal": (
        [("mask[cell] = state.cells[cell] == 0", "mask[cell] = 1")],
        r"legal allows action \d, but play leaves the board as it was: is the place taken",
    ),
    "legal miscounts": (
        [("    return count\n", "    return 9\n")],
        "legal returns 9, but 8 actions are 1",
    ),
    "the game does not end": (
        [("    elif state.moves == 9:\n        state.over = 1\n", "")],
        "legal knows no action, but the game is not over",
    ),
    "max_moves is too small": (
        [("max_moves=9", "max_moves=6")],
        "a random game is not over after max_moves = 6 moves",
    ),
    "the second player begins": (
        [("    state.to_move = 0\n", "    state.to_move = 1\n")],
        "reset must set to_move to 0",
    ),
    "reset clears nothing": (
        [("    state.cells[:] = 0\n", "")],
        "reset leaves the field 'cells' as it was: set all of it",
    ),
    "reset leaves the winner of another game": (
        [("    state.winner = 0\n", "")],
        "reset leaves the field 'winner' as it was: set all of it",
    ),
    "the turn never passes": ([(LAST_LINE_OF_PLAY, "")], "only the first player ever moves"),
    "to_move counts on": (
        [(LAST_LINE_OF_PLAY, "    state.to_move += 1\n")],
        "to_move is 2 and over is 0: each must be 0 or 1",
    ),
    "a symmetry is none": (
        [("dihedral_symmetries(3, 3)", "symmetries_of_views([np.arange(9), np.roll(np.arange(9), 1)])"),
         ("dihedral_symmetries\n", "symmetries_of_views\n")],
        "symmetry 1 is none of this game",
    ),
    "the hash leaves a cell out": (
        [("uint64(0)\n    for cell in range(9):", "uint64(0)\n    for cell in range(8):")],
        "position_hash is the same for two different positions",
    ),
    "the hash knows the last move": (
        [("    return key\n", "    return key + np.uint64(state.last) * np.uint64(1_000_003)\n"),
         ('("moves", np.int8),', '("moves", np.int8),\n        ("last", np.int8),'),
         ("    mark = state.to_move + 1\n", "    mark = state.to_move + 1\n    state.last = action\n"),
         ("    state.winner = 0\n", "    state.winner = 0\n    state.last = 0\n"),
        ],
        "position_hash differs for two equal positions",
    ),
    "outcome has no sign": (
        [("    return float(state.winner)", "    return 2.0 * state.winner")],
        r"outcome is -?2.0: it must be \+1, 0 or -1",
    ),
    "a number grows beyond its type": (
        [("    state.moves += 1\n", "    state.moves += 50\n")],
        r"play line \d+: OverflowError: .*out of bounds for int8",
    ),
    "outcome changes the state": (
        [("    return float(state.winner)", "    state.moves = 0\n    return float(state.winner)")],
        "outcome changes the state",
    ),
    "a field that is not in the state": (
        [("    state.moves += 1\n", "    state.moves_played += 1\n")],
        r"play line \d+: AttributeError: the state has no field 'moves_played'",
    ),
    "what only Python understands": (
        [("    return float(state.winner)", "    return float(eval('state.winner'))")],
        r"numba cannot compile the rules.*eval",
    ),
    "a crash": (
        [("import numba as nb\n", "import os\nimport sys\n\nimport numba as nb\n"),
         ("    return Game(\n", "    if 'native' in sys.argv:\n        os.abort()\n    return Game(\n"),
        ],
        r"the rules as machine code crashed \(signal 6\)",
    ),
    "two answers": (
        [("    return key\n", "    return key + np.uint64(nb.config.DISABLE_JIT)\n")],
        "position_hash: machine code and plain Python differ at the start",
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("mistake", FOUND)
def test_a_mistake_is_found_and_explained(mistake, tmp_path):
    changes, said = FOUND[mistake]
    report = check_game(str(write(tmp_path, *changes)), seconds=0.3)
    assert not report.sound
    (text,) = report.mistakes
    assert re.search(said, text), text
    assert "\n" not in text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("winner", "said"),
    [
        ("1", r"the first player won all \d+ decisive random games, whoever moved last"),
        ("2 * state.to_move - 1", r"whoever moved last lost all \d+ decisive random games"),
    ],
)
def test_a_result_of_doubtful_sign_is_mentioned(winner, said, tmp_path):
    path = write(tmp_path, ("state.winner = 1 - 2 * state.to_move", f"state.winner = {winner}"))
    report = check_game(str(path), seconds=0.5)
    assert report.sound
    (text,) = report.doubts
    assert re.search(said, text), text


@pytest.mark.slow
def test_a_game_in_which_nobody_ever_wins_is_mentioned(tmp_path):
    path = write(tmp_path, ("    return float(state.winner)", "    return 0.0"))
    (text,) = check_game(str(path), seconds=0.5).doubts
    assert re.search(r"all \d+ random games are drawn", text), text


def test_a_rule_without_an_end_is_named_with_its_line(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.check.guarded.CALL_SECONDS", 0.2)
    path = write(tmp_path, ("    state.moves += 1\n", "    while True:\n        pass\n"))
    rules = Rules(games.load(str(path)), "plain", path)
    with pytest.raises(MistakeError, match=r"play line \d+: TimeoutError: no end after 0.2 s"):
        rules("play", rules.new(), 0)


@pytest.mark.slow
def test_an_endless_loop_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(check, "PATIENCE", 6.0)
    path = write(tmp_path, ("    state.moves += 1\n", "    while True:\n        pass\n"))
    (text,) = check_game(str(path), seconds=0.1).mistakes
    assert text == "the rules as plain Python do not come to an end: look for an endless loop"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["tic_tac_toe", "connect_four", "go5", "othello6", "gomoku5", "hex5", "breakthrough5"]
)
def test_the_games_that_ship_are_sound(name):
    report = check_game(name, seconds=1)
    assert (report.mistakes, report.doubts) == ([], [])
    assert report.games["plain"] >= 1 and report.games["native"] >= FEW_GAMES


# --- Machine code ------------------------------------------------------------------------------


def overrun(rule: str, **changes: object) -> Game:
    return replace(games.load("tic_tac_toe"), **{rule: changes[rule]})  # type: ignore[arg-type]


def encode_too_much(state, planes, globals_):
    planes[27] = 1


def legal_too_early(state, mask):
    mask[-1] = 1
    return 1


@pytest.mark.parametrize(
    ("rule", "function", "buffers"),
    [("encode", encode_too_much, [27, 0]), ("legal", legal_too_early, [9])],
)
def test_machine_code_that_writes_beyond_its_buffer_is_caught(rule, function, buffers):
    rules = Rules(overrun(rule, **{rule: function}), "native", None)
    memory = [Guarded(size, np.uint8) for size in buffers]
    with pytest.raises(MistakeError, match=f"{rule} writes beyond its buffer of {buffers[0]} entries"):
        rules(rule, rules.new(), *memory)
