"""The signature of the search: repeatable, and sensitive to what the search does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine import games
from mcts import signature as module
from mcts.signature import signature


def of(*names):
    return signature(games.load(name).native for name in names)


def test_it_is_the_same_each_time_and_in_another_process():
    program = (
        "from engine import games; from mcts.signature import signature;"
        "print(signature([games.load('connect_four').native]))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    found = of("connect_four")
    assert found == of("connect_four") == run.stdout.strip()
    assert len(found) == 12
    assert int(found, 16) >= 0


@pytest.mark.parametrize(
    "change", [{"visits": 97}, {"c_puct": 1.3}, {"fpu_reduction": 0.3}, {"solve": False}]
)
def test_a_change_of_the_search_changes_it(change, monkeypatch):
    before = of("connect_four")
    changed = tuple(player.model_copy(update=change) for player in module.PLAYERS)
    monkeypatch.setattr(module, "PLAYERS", changed)
    assert of("connect_four") != before


def test_a_cache_or_its_absence_does_not_change_it(monkeypatch):
    before = of("tic_tac_toe", "connect_four")
    uncached = tuple(player.model_copy(update={"cache_mib": 0}) for player in module.PLAYERS)
    monkeypatch.setattr(module, "PLAYERS", uncached)
    assert of("tic_tac_toe", "connect_four") == before
