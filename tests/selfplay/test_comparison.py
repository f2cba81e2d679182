"""The four teachers get the same evaluations and the same updates."""

from pathlib import Path

import pytest

from selfplay import comparison, demo
from selfplay.comparison import BATCH, PASSES, POSITIONS, VISITS, compare_teachers
from selfplay.config import parse_config
from selfplay.progress import Silent


def test_a_search_and_the_policy_alone_cost_and_learn_the_same() -> None:
    start = {"game": "go9"}
    (search,) = parse_config(comparison._search(start, 60), "test").stages
    (winners,) = parse_config(comparison._own_moves(start, "winners", 7), "test").stages
    assert winners.iterations == 7
    evaluations = [s.positions_per_iteration * s.search.visits for s in (search, winners)]
    assert evaluations[0] == evaluations[1] == POSITIONS * VISITS
    samples = [s.positions_per_iteration * s.passes for s in (search, winners)]
    assert samples == pytest.approx([POSITIONS * PASSES] * 2)
    assert search.learner.batch_size == winners.learner.batch_size == BATCH


@pytest.mark.slow
def test_a_small_comparison_goes_all_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "POSITIONS", 60)
    monkeypatch.setattr(demo, "MATCH_GAMES", 2)
    outcome = compare_teachers(tmp_path, 0.1, "cpu", 0, Silent())
    teachers = [lesson.teacher for lesson in outcome.lessons]
    assert teachers == ["expert", "winners", "reinforce", "search"]
    steps = {lesson.steps for lesson in outcome.lessons}
    assert max(steps) <= 1.5 * min(steps)
    assert outcome.lessons[0].evaluations == 0 < outcome.lessons[1].evaluations
    assert outcome.chart.read_bytes().startswith(b"\x89PNG")
    assert all(teacher in outcome.table() for teacher in teachers)
