"""Machine code on disk: reused while the sources stay, made anew when they change."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from engine import games, native

ROOT = Path(__file__).parents[2]

COMPILE = """
from engine import games
from engine.position import Position
position = Position(games.load("tic_tac_toe"))
position.play(4)
print(position.legal_mask().sum())
"""


def compile_in_a_fresh_process(root=ROOT, **environment):
    """Compiles and plays a move of tic-tac-toe; returns what it printed."""
    clean = {key: value for key, value in os.environ.items() if key != "XDG_CACHE_HOME"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", COMPILE],
        cwd=root,
        env={**clean, **environment},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    return done.stdout


def machine_code(folder):
    """The cached files with their time of writing."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.nb[ci]")}


def test_the_second_process_finds_all_machine_code_of_the_first(tmp_path):
    assert compile_in_a_fresh_process(XDG_CACHE_HOME=str(tmp_path)) == "8\n"
    first = machine_code(tmp_path)
    assert len(first) >= 12  # an index and the code of each of the six rules
    assert compile_in_a_fresh_process(XDG_CACHE_HOME=str(tmp_path)) == "8\n"
    assert machine_code(tmp_path) == first


def test_without_xdg_cache_home_the_code_lies_in_the_home(tmp_path):
    compile_in_a_fresh_process(HOME=str(tmp_path))
    assert machine_code(tmp_path / ".cache" / "move37" / "native")


def test_a_read_only_home_falls_back_to_the_temp_folder(tmp_path):
    blocked, temp = tmp_path / "file", tmp_path / "temp"
    blocked.touch()  # a folder cannot be made below a file, not even by root
    temp.mkdir()
    first = compile_in_a_fresh_process(XDG_CACHE_HOME=str(blocked), TMPDIR=str(temp))
    found = machine_code(temp)
    second = compile_in_a_fresh_process(XDG_CACHE_HOME=str(blocked), TMPDIR=str(temp))
    assert first == second == "8\n"
    assert found == machine_code(temp) != {}


def test_when_nothing_is_writable_but_new_temp_folders_the_code_goes_there(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    (tmp_path / "file").touch()
    (tmp_path / f"move37-{os.getuid()}").touch()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = native._cache_folder("digest")
    assert folder.is_dir()
    assert folder.parent == tmp_path


def test_a_cache_folder_is_dropped_after_a_month_without_use(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    stale, used = native._cache_folder("stale"), native._cache_folder("used")
    (stale / "code").touch()
    day = 86400
    os.utime(stale, (time.time() - 31 * day,) * 2)
    os.utime(used, (time.time() - 29 * day,) * 2)
    native._cache_folder("new")
    assert sorted(path.name for path in used.parent.iterdir()) == ["new", "used"]


def test_a_stale_folder_that_is_used_again_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = native._cache_folder("old")
    os.utime(folder, (0, 0))
    assert native._cache_folder("old").is_dir()


def rules(name):
    return native.rules_of(games.load(name)).values()


def digest(name):
    return native._digest(rules(name))


@pytest.mark.parametrize("module", ["nb", "np"])
def test_a_new_version_of_numba_or_numpy_changes_the_digest(module, monkeypatch):
    before = digest("go2")
    monkeypatch.setattr(getattr(native, module), "__version__", "99.0")
    assert digest("go2") != before


GAME_OF_ONES_OWN = """
from dataclasses import replace
import numba as nb
import numpy as np
import rules_of_mine
from rules_of_mine import helper, TABLE
from engine import games

FACTOR = 1

@nb.njit
def mark(state):
    return {mark}

def play(state, action):
    state.cells[action] = mark(state) * FACTOR * helper(1) * rules_of_mine.nested(1) * TABLE[0]
    state.moves += 1

def my_game():
    return replace(games.load("tic_tac_toe"), name="my_game", play=play)
"""

HELPERS = """
import numba as nb
import numpy as np

NUMBER = {number}
TABLE = np.array([{entry}])

@nb.njit
def deepest(x):
    return {deepest}

@nb.njit
def nested(x):
    return deepest(x) * NUMBER

helper = nested
"""

PLAY_ONE_MOVE = """
from engine import games
from engine.position import Position
position = Position(games.load("my_game.py"))
position.play(0)
print(position.record["cells"][0, 0])
"""


def test_a_changed_game_of_ones_own_plays_by_its_new_rules_wherever_the_change_is(tmp_path):
    """In the file of the game, in a helper of a helper, or in a constant of another file."""
    first = {"mark": "1", "number": "1", "entry": "1", "deepest": "x"}
    changes = [{}, {"mark": "2"}, {"number": "2"}, {"entry": "2"}, {"deepest": "2 * x"}, {}]
    played = []
    for change in changes:
        values = first | change
        (tmp_path / "my_game.py").write_text(GAME_OF_ONES_OWN.replace("{mark}", values["mark"]))
        (tmp_path / "rules_of_mine.py").write_text(HELPERS.format(**values))
        done = subprocess.run(
            [sys.executable, "-B", "-c", PLAY_ONE_MOVE],
            env={**os.environ, "XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
            cwd=tmp_path,
            check=True,
            capture_output=True,
            text=True,
        )
        played.append(int(done.stdout))
    assert played == [1, 2, 4, 2, 4, 1]  # NUMBER and deepest are used twice


def test_the_digest_of_a_game_depends_on_its_own_sources_alone():
    """So a change of one game leaves the machine code of the others in the cache."""
    sources = {name: native._ingredients(rules(name)) for name in ("hex5", "hex7", "connect_four")}
    hex_source = (ROOT / "engine/games/hex.py").read_bytes()
    assert hex_source in sources["hex5"] & sources["hex7"]
    assert hex_source not in sources["connect_four"]
    assert digest("hex5") != digest("hex7")
    assert digest("hex5") == digest("hex5")


def test_compiling_leaves_numbas_own_cache_setting_alone():
    before = native.nb.config.CACHE_DIR
    native.compile_game(games.load("tic_tac_toe"))
    assert before == native.nb.config.CACHE_DIR


def test_a_rule_that_a_game_lacks_is_refused_in_words():
    from engine.position import Position

    position = Position(games.load("tic_tac_toe"))
    assert not position.game.native.has_score
    with pytest.raises(ValueError, match="the game has no score"):
        position.score()
    with pytest.raises(ValueError, match="the game has no setup"):
        position.setup(0, 1)
