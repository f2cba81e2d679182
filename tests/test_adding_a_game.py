"""The tutorial: its Python blocks are a whole game, sound and ready to train."""

import re
import shlex
from pathlib import Path

import pytest
import typer

import move37
from engine.check import check_game
from engine.games import load
from engine.position import Position

TUTORIAL = (Path(__file__).parents[1] / "docs/adding-a-game.md").read_text()


@pytest.fixture(scope="module")
def squares(tmp_path_factory) -> Path:
    """The file that a reader ends up with."""
    path = tmp_path_factory.mktemp("tutorial") / "squares.py"
    path.write_text("\n\n".join(re.findall(r"```python\n(.*?)```", TUTORIAL, re.DOTALL)))
    return path


def test_it_has_at_most_ten_steps_and_ends_in_training() -> None:
    steps = re.findall(r"^## \d+\. .*", TUTORIAL, re.MULTILINE)
    assert len(steps) <= 10 and steps[-1].endswith("Train it")


def test_its_game_is_squares(squares: Path) -> None:
    position = Position(load(str(squares)))
    for word in ("A1", "D4", "B1", "D3", "A2", "C4", "B2"):
        assert not position.over
        position.play(position.game.notation.parse(word, position.legal_mask()))
    assert position.over and position.outcome() == 1


@pytest.mark.slow
def test_its_game_is_sound(squares: Path) -> None:
    report = check_game(str(squares), seconds=1)
    assert (report.mistakes, report.doubts) == ([], [])


def test_its_commands_exist_and_take_their_options() -> None:
    commands = typer.main.get_group(move37.app).commands
    lines = [shlex.split(line) for line in re.findall(r"^    move37 (.*)", TUTORIAL, re.MULTILINE)]
    assert len(lines) == 6
    for name, *words in lines:
        known = {option for parameter in commands[name].params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known
