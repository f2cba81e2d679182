"""Reports: every chart of what a run did, and nothing of what it did not."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import UserError
from engine.games import load
from engine.position import Position
from engine.records.files import read_records
from engine.records.record import GameRecord
from selfplay.config import parse_config
from selfplay.metrics import Metrics
from selfplay.progress import Silent
from selfplay.reports import charts
from selfplay.reports.report import record_of, write_report
from selfplay.run import Run

PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of self-play on go5, with a match after each of its iterations."""
    folder = tmp_path_factory.mktemp("runs") / "tiny <run>"
    stage = {
        "teacher": "search",
        "iterations": 3,
        "parallel_games": 8,
        "positions_per_iteration": 60,
        "opening_share": 0.0,
        "match_minutes": 1e-6,
        "match_games": 2,
        "match_search": {"visits": 2},
        "search": {"visits": 3, "root_policy": "gumbel"},
        "learner": {"batch_size": 16},
    }
    config = {"game": "go5", "net": {"blocks": 1, "channels": 8}, "stages": [stage]}
    Run.open(folder, parse_config(config, "test"), Silent()).go_on()
    return folder


def test_the_page_shows_every_chart_that_there_is(finished: Path) -> None:
    page = write_report(finished)
    text = page.read_text()
    shown = re.findall(r'<img src="(\w+\.png)"', text)
    assert shown == ["elo.png", "losses.png", "games.png", "openings.png"]
    for name in shown:
        assert (page.parent / name).read_bytes().startswith(PNG)
    assert "tiny &lt;run&gt;" in text and "<run>" not in text
    assert "01-search.safetensors" in text and "over the net before" in text
    assert "<h2>Health</h2>" in text


def test_the_sample_game_is_a_whole_game_by_the_rules(finished: Path) -> None:
    page = write_report(finished)
    (record,) = read_records([page.parent / "sample.sgf"])
    assert isinstance(record, GameRecord) and record.result
    position = Position(load("go5"))
    position.set_start(komi_half_points=round(2 * record.komi))
    for _, action in record.moves:
        position.play(action)
    assert position.over
    assert f"{len(record.moves)} moves" in page.read_text()


def test_a_record_keeps_the_stones_and_the_side_of_its_start() -> None:
    position = Position(load("go5"))
    position.setup(12, 1)
    position.setup(7, 2)
    position.set_start(to_move=1, komi_half_points=11)
    position.play(0)
    record = record_of(position)
    assert record.setup == [(7, 2), (12, 1)] and record.to_move == 1
    assert record.komi == 5.5 and record.moves == [(1, 0)] and record.result == ""


def test_a_folder_without_a_run_or_without_events_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no run folder"):
        write_report(tmp_path)
    (tmp_path / "config.json").write_text('{"game": "go5"}')
    with pytest.raises(UserError, match="no measurements yet"):
        write_report(tmp_path)


def test_numbers_that_are_not_finite_do_not_break_the_events_or_the_charts(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path, board=False)
    elo = {"elo": 500.0, "elo_low": 200.0, "elo_high": float("inf")}
    metrics.write("match", stage="02-search", seconds=60.0, evaluations=1000, **elo)
    assert "Infinity" not in (tmp_path / "metrics.jsonl").read_text()
    events = metrics.read()
    assert charts.interval(events[0]) == (200.0, np.inf)
    drawn = charts.elo_chart(events)
    assert drawn is not None and drawn.startswith(PNG)


def test_events_can_be_taken_back_and_a_half_written_line_is_forgotten(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path, board=False)
    for number in range(1, 4):
        metrics.write("iteration", number=number)
    with metrics.path.open("a") as file:
        file.write('{"event": "iter')
    metrics.rewind(lambda row: row["number"] <= 2)
    metrics.write("iteration", number=3)
    assert [row["number"] for row in metrics.read()] == [1, 2, 3]


def test_a_comparison_shows_every_teacher() -> None:
    rows: list[dict[str, Any]] = [
        {"label": name, "elo": elo, "elo_low": elo - 40, "elo_high": elo + 40}
        for name, elo in (("expert", 5.0), ("search", 150.0))
    ]
    assert charts.comparison_chart(rows, "two").startswith(PNG)
