"""The demo: the whole way from expert games to a chart, in small."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import move37
from selfplay import demo
from selfplay.demo import demo_config
from selfplay.rating import match


def test_the_demo_leaves_time_for_each_part() -> None:
    imitation, self_play = demo_config(20.0, "cpu", 0).stages
    assert imitation.minutes and self_play.minutes
    assert imitation.minutes + self_play.minutes < 20


@pytest.mark.slow
def test_a_short_demo_goes_all_the_way_and_a_second_one_resumes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(match, "LEAST_GAMES", 4)  # weak nets play long games
    monkeypatch.setattr(demo, "MATCH_GAMES", 6)
    arguments = ["demo", "--minutes", "0.5", "--out", str(tmp_path), "--device", "cpu", "--json"]
    shown = CliRunner().invoke(move37.app, arguments)
    assert shown.exit_code == 0, shown.output
    facts = json.loads(shown.stdout.strip())
    assert facts["games"] >= 4 and facts["self_play_games"] > 0
    low, high = facts["elo_low"], facts["elo_high"]  # null where all games are lost or won
    assert (low is None or low <= facts["elo"]) and (high is None or facts["elo"] <= high)
    chart = Path(facts["chart"])
    assert chart.read_bytes().startswith(b"\x89PNG") and chart.stat().st_size > 10_000
    nets = [Path(net).read_bytes() for net in facts["nets"]]
    shown = CliRunner().invoke(move37.app, arguments)
    assert shown.exit_code == 0
    assert Path(facts["nets"][0]).read_bytes() == nets[0]
