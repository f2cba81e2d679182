"""Games of one's own: from a file or an installed package, for every command, with nets that load."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import move37
from engine import games
from engine.errors import UserError
from engine.games import own
from selfplay.train import default_config

ROOT = Path(__file__).parents[2]
TIC_TAC_TOE = (ROOT / "engine/games/tic_tac_toe.py").read_text()


@pytest.fixture
def my_game(tmp_path, monkeypatch):
    """A game in a file of the present folder."""
    (tmp_path / "noughts.py").write_text(TIC_TAC_TOE.replace("tic_tac_toe", "noughts"))
    monkeypatch.chdir(tmp_path)
    return "noughts.py"


def run(*arguments, input=None):
    shown = CliRunner().invoke(move37.app, [str(word) for word in arguments], input=input)
    assert shown.exit_code == 0, shown.output
    return shown.stdout


CONFIG = """
game = "noughts.py"
net = { blocks = 1, channels = 8 }

[[stages]]
teacher = "search"
iterations = 1
search = { visits = 4 }
parallel_games = 4
positions_per_iteration = 16
window = 16
learner = { batch_size = 8 }
"""


def test_a_file_is_a_game_for_every_command_and_its_nets_load_again(my_game, tmp_path):
    Path("run.toml").write_text(CONFIG)
    assert "complete" in run("train", "run", "--config", "run.toml", "--device", "cpu")
    net = "run/nets/01-search.safetensors"
    for game in (my_game, tmp_path / my_game):
        tally = run("arena", f"net={net},visits=4", "random", "--games", 2, "--game", game, "--json")
        assert json.loads(tally)["games"] == 2
    board = run("play", "--game", my_game, "--net", net, "--visits", 4, "--plain", input="B2\nquit\n")
    assert "You play X" in board
    rows = json.loads(run("bench", "board", "tree", "--game", my_game, "--seconds", 0.05, "--json"))
    assert rows["board"][0]["game"] == rows["tree"][0]["game"] == "noughts"
    assert "noughts is sound" in run("check", my_game, "--seconds", 0.1)


def test_a_run_remembers_the_file_so_that_it_is_resumed_from_any_folder(my_game, tmp_path, monkeypatch):
    stored = default_config(my_game).game
    assert stored == str(tmp_path / my_game)
    monkeypatch.chdir("/")
    assert games.load(stored).name == "noughts"


def test_rules_that_cannot_be_compiled_are_a_mistake_of_the_user(my_game, tmp_path) -> None:
    text = (
        Path(my_game).read_text().replace("noughts", "typo").replace("state.moves +=", "state.movs +=")
    )
    Path("typo.py").write_text(text)
    with pytest.raises(UserError, match=r"'typo' cannot be compiled.*movs.*move37 check"):
        _ = games.load(str(tmp_path / "typo.py")).native


def test_what_a_file_prints_stays_off_stdout(my_game, tmp_path, capfd) -> None:
    text = Path(my_game).read_text()
    Path("chatty.py").write_text("print('hello')\n" + text.replace("noughts", "chatty"))
    games.load(str(tmp_path / "chatty.py"))
    told = capfd.readouterr()
    assert told.out == "" and "hello" in told.err


def test_a_game_may_use_helpers_from_files_beside_it(tmp_path, monkeypatch):
    (tmp_path / "helpers_of_mine.py").write_text("RULES = 'Three in a row'\n")
    text = TIC_TAC_TOE.replace("tic_tac_toe", "with_helpers").replace(
        '"Tic-tac-toe: three in a row on 3x3"', "helpers_of_mine.RULES"
    )
    (tmp_path / "with_helpers.py").write_text("import helpers_of_mine\n" + text)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert games.load(str(tmp_path / "with_helpers.py")).rules_text == "Three in a row"


PACKAGE = """
from dataclasses import replace
from engine.games import load

def wild():
    return replace(load("tic_tac_toe"), name="wild_tic_tac_toe", rules_text="Wild")

def broken():
    return 3
"""
ENTRY_POINTS = """
[move37.games]
wild_tic_tac_toe = wild_package:wild
broken_game = wild_package:broken
lost_game = wild_package:nowhere
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A package with games, as pip would install it."""
    (tmp_path / "wild_package.py").write_text(PACKAGE)
    described = tmp_path / "wild_package-1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: wild_package\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(tmp_path)
    own._installed.cache_clear()
    yield tmp_path
    own._installed.cache_clear()


@pytest.mark.usefixtures("installed")
def test_an_installed_package_brings_games():
    assert "wild_tic_tac_toe" in games.names()
    assert games.load("wild_tic_tac_toe").rules_text == "Wild"
    with pytest.raises(UserError, match="did you mean 'wild_tic_tac_toe'"):
        games.load("wild_tic_tac_to")


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("broken_game", "wild_package:broken returns int, not a Game"),
        ("lost_game", "game 'lost_game': its package fails at wild_package:nowhere: AttributeError"),
    ],
)
def test_a_package_that_fails_is_named(name, said):
    with pytest.raises(UserError, match=said):
        games.load(name)


def test_an_installed_game_is_played_in_a_fresh_process(installed):
    done = subprocess.run(
        [sys.executable, "-c", "import move37; move37.main()", "play", "--game", "wild_tic_tac_toe",
         "--plain", "--visits", "4", "--device", "cpu"],
        input="B2\nquit\n", env={**os.environ, "PYTHONPATH": f"{installed}:{ROOT}"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("Note: no net for wild_tic_tac_toe")
