"""Comparisons: every variant begins with the same net and gets as many evaluations."""

import json
import math
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import move37
from engine.errors import UserError
from engine.games import load
from engine.nets.files import info_of, load_net, new_net, save_net
from selfplay import demo
from selfplay.comparison.compare import compare
from selfplay.comparison.plan import COMPARISONS, ComparisonConfig, read_comparison
from selfplay.comparison.results import Comparison, Trial
from selfplay.config import parse, preset_names, read_toml
from selfplay.metrics import Metrics
from selfplay.progress import Reporter, Silent
from selfplay.reports.charts import of_kind

EVALUATIONS = 600
VALUES: dict[str, Any] = {
    "game": "tic_tac_toe",
    "net": {"blocks": 1, "channels": 8},
    "device": "cpu",
    "evaluations": EVALUATIONS,
    "match": {"visits": 4, "games": 6},
    "base": {
        "teacher": "search",
        "parallel_games": 8,
        "positions_per_iteration": 60,
        "search": {"visits": 8, "root_policy": "gumbel"},
        "learner": {"batch_size": 16},
    },
    "variants": {
        "base": {},
        "short": {"search": {"visits": 4}},
        "winners": {
            "teacher": "winners",
            "parallel_games": 8,
            "positions_per_iteration": 300,
            "passes": 0.5,
            "learner": {"batch_size": 16},
        },
    },
}


def config(**changes: Any) -> ComparisonConfig:
    parsed: ComparisonConfig = parse(ComparisonConfig, {**VALUES, **changes}, "test.toml")
    return parsed


def run(out: Path, report: Reporter | None = None, **changes: Any) -> Comparison:
    return compare(config(**changes), out, report or Silent())


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a run depends on its seed alone."""
    monkeypatch.setattr("selfplay.stages.game_threads", lambda device: 1)
    monkeypatch.setattr("selfplay.rating.match.game_threads", lambda device: 1)


def trial(
    won: int, lost: int, loss: float = 1.0, wrong: float | None = None, alone: bool = False
) -> Trial:
    played = {"wins_a": won, "wins_b": lost, "draws": 0, "games": won + lost}
    facts = {**played, "unique_games": won + lost, "elo": 0.0}
    return Trial(0, 100, 50, 5, 10, 1.0, loss, loss, None, wrong, facts, facts if alone else None)


def test_all_start_from_one_net_and_end_in_the_iteration_that_exhausts_the_evaluations(
    tmp_path: Path,
) -> None:
    compared = run(tmp_path)
    rows = {row["variant"]: row for row in compared.rows()}
    assert list(rows) == ["base", "short", "winners"]
    for name, row in rows.items():
        events = Metrics(tmp_path / name / "seed-0", board=False).read()
        made = [event["evaluations"] for event in of_kind(events, "iteration")]
        assert made[-1] == row["evaluations"] >= EVALUATIONS > made[-2]
        training = load_net(tmp_path / name / "seed-0/nets" / f"01-{_teacher(name)}.safetensors")[1]
        assert training.training["steps"] == row["updates"] > 0
        assert row["games"] == 6 and row["elo_low"] <= row["elo"] <= row["elo_high"]
    assert rows["winners"]["positions"] > rows["short"]["positions"] > rows["base"]["positions"]
    assert compared.chart.read_bytes().startswith(b"\x89PNG")
    page = compared.page.read_text()
    assert compared.table() in page and str(compared).startswith(f"\n{compared.table()}")


def _teacher(variant: str) -> str:
    return "winners" if variant == "winners" else "search"


def test_a_budget_in_minutes_is_the_first_variants_and_the_others_get_its_evaluations(
    tmp_path: Path,
) -> None:
    compared = run(tmp_path, evaluations=None, minutes=1e-4, seeds=[3, 4])
    first = compared.trials["base"][0].evaluations
    again = Metrics(tmp_path / "base/seed-3", board=False).read()
    assert len(of_kind(again, "iteration")) == 1  # a few milliseconds
    for name, trials in compared.trials.items():
        assert [done.seed for done in trials] == [3, 4]
        assert all(done.evaluations >= first for done in trials), name


class StoppedError(Exception):
    pass


class Stopping(Silent):
    """Stops the comparison at the n-th sign of progress, and hears what is said before."""

    def __init__(self, signs: float = math.inf) -> None:
        self.left = signs
        self.lines: list[str] = []

    def line(self, text: str) -> None:
        self.lines.append(text)

    def bar(self, what: str, share: float, overall: str = "") -> None:
        self.left -= 1
        if self.left == 0:
            raise StoppedError


def test_a_comparison_stopped_anywhere_goes_on_and_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole, stops, signs = run(tmp_path / "whole"), 0, 9
    while True:
        try:
            parts = run(tmp_path / "parts", Stopping(signs))
            break
        except StoppedError:
            stops += 1
            signs += 23  # further and further, so that self-play, training and matches are met
    assert stops > 3

    def figures(compared: Comparison) -> list[dict[str, Any]]:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in compared.rows()]

    assert figures(parts) == figures(whole)


def test_what_is_finished_is_not_done_again_but_a_new_variant_is(tmp_path: Path) -> None:
    two = {name: VALUES["variants"][name] for name in ("base", "short")}
    run(tmp_path, variants=two)
    kept = {path: path.read_bytes() for path in tmp_path.rglob("*.jsonl")}
    heard = Stopping()
    compared = run(tmp_path, heard)
    assert {path: path.read_bytes() for path in kept} == kept
    assert sum("iteration" in line for line in heard.lines) > 0
    assert list(compared.trials) == ["base", "short", "winners"]


def test_another_match_is_played_anew_from_the_same_runs(tmp_path: Path) -> None:
    run(tmp_path)
    compared = run(tmp_path, Stopping(60), match={"visits": 2, "games": 8})
    assert [row["games"] for row in compared.rows()] == [8, 8, 8]


def test_a_folder_keeps_the_net_it_began_with(tmp_path: Path) -> None:
    game = load("tic_tac_toe")
    for name, seed in (("a", 1), ("b", 2)):
        net = new_net(game, 1, 8, seed)
        save_net(tmp_path / f"{name}.safetensors", net, info_of(net, game))
    one = {"variants": {"base": {}}, "evaluations": 1}
    run(tmp_path / "out", start=str(tmp_path / "a.safetensors"), **one)
    with pytest.raises(UserError, match="another net"):
        run(tmp_path / "out", start=str(tmp_path / "b.safetensors"), **one)
    with pytest.raises(UserError, match="another configuration"):
        run(tmp_path / "out", start=str(tmp_path / "a.safetensors"), **{**one, "evaluations": 2})


def test_imitation_gets_as_many_updates_as_the_first_variant(tmp_path: Path) -> None:
    games = "".join(
        f"(;GM[1]SZ[5]KM[{0.5 + i % 3}]RE[B+1];B[c{'bcd'[i % 3]}];W[b{'bcd'[i // 3 % 3]}];B[dd];W[dc])"
        for i in range(27)
    )
    (tmp_path / "games.sgf").write_text(games)
    stage = {"data": [str(tmp_path / "games.sgf")], "held_out": 0.2, "learner": {"batch_size": 16}}
    variants = {"base": {}, "expert": {"teacher": "expert", **stage}}
    compared = run(tmp_path / "out", game="go5", evaluations=400, variants=variants)
    base, expert = (compared.trials[name][0] for name in variants)
    assert (expert.updates, expert.evaluations) == (base.updates, 0)


def test_several_seeds_make_one_row_with_all_their_games(tmp_path: Path) -> None:
    trials = [trial(30, 10, loss=1.0, wrong=0.2), trial(10, 30, loss=2.0)]
    (row,) = Comparison(config(), {"base": trials}, tmp_path, 0.0).rows()
    assert (row["elo"], row["games"], row["wins_a"]) == (0.0, 80, 40)
    assert row["elo_low"] == -row["elo_high"]
    assert row["policy_loss"] == 1.5 and row["wrong_resignations"] == 0.2


def test_a_second_match_measures_the_policies_without_search(tmp_path: Path) -> None:
    one = {"base": VALUES["variants"]["base"]}
    first = run(tmp_path, variants=one)
    assert "policy_elo" not in first.rows()[0] and "without search" not in first.table()
    compared = run(tmp_path, variants=one, policy_games=10)
    (row,) = compared.rows()
    assert (row["games"], row["policy_games"]) == (6, 10)
    assert row["policy_elo_low"] <= row["policy_elo"] <= row["policy_elo_high"]
    assert "without search" in compared.table()
    kept = of_kind(Metrics(tmp_path / "base/seed-0", board=False).read(), "final")
    assert [(event["plan"]["visits"], event["games"]) for event in kept] == [(4, 6), (1, 10)]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"variant": {}}, "variant: there is no such key.*did you mean 'variants'"),
        ({"variants": {"a b": {}}}, "a b"),
        ({"variants": {}}, "variants"),
        ({"seeds": [1, 2, 1]}, "each of the seeds once"),
        ({"minutes": 3}, "either evaluations or minutes"),
        ({"evaluations": None}, "either evaluations or minutes"),
        ({"variants": {"x": {"visits": 3}}}, "variant 'x': .*visits"),
        ({"variants": {"x": {"search": {"visits": 0}}}}, "variant 'x': .*visits"),
        ({"variants": {"x": {"iterations": 3}}}, "variant 'x': .*leave out iterations"),
        ({"variants": {"x": {"teacher": "expert"}}}, "variant 'x': .*another variant first"),
        ({"base": {}}, "variant 'base': .*teacher"),
    ],
)
def test_a_mistake_is_named_before_anything_is_played(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        run(tmp_path / "out", **changes)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", preset_names(COMPARISONS))
def test_the_variants_that_come_with_move37_are_stages_and_all_differ(name: str) -> None:
    comparison = read_comparison(name)
    stages = [comparison.run(variant, 0, Path("x"), {}).stages[0] for variant in comparison.variants]
    assert all(a != b for i, a in enumerate(stages) for b in stages[:i])
    assert comparison.stage(next(iter(comparison.variants))) == comparison.base


def test_the_example_of_the_documentation_is_a_comparison() -> None:
    text = (Path(__file__).parents[2] / "docs/training.md").read_text()
    (example,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    told: ComparisonConfig = parse(ComparisonConfig, tomllib.loads(example), "docs/training.md")
    assert told.stage("visits-33")["search"] == {**told.base["search"], "visits": 33}


def test_the_command_prints_a_row_for_each_variant(tmp_path: Path) -> None:
    (tmp_path / "two.toml").write_text(
        """
        game = "tic_tac_toe"
        net = { blocks = 1, channels = 8 }
        evaluations = 100
        [base]
        teacher = "search"
        positions_per_iteration = 16
        learner = { batch_size = 8 }
        [variants.base]
        [variants.no-averaging]
        learner = { averaging = 0 }
        """
    )
    options = ["--games", "4", "--device", "cpu", "--json"]
    arguments = ["compare", str(tmp_path / "two.toml"), str(tmp_path / "out"), *options]
    shown = CliRunner().invoke(move37.app, arguments)
    assert shown.exit_code == 0, shown.output
    facts = json.loads(shown.stdout)
    assert [row["variant"] for row in facts["variants"]] == ["base", "no-averaging"]
    assert all(row["games"] == 4 and row["evaluations"] >= 100 for row in facts["variants"])
    assert Path(facts["chart"]).exists() and Path(facts["page"]).exists()


def test_options_take_the_place_of_what_the_file_says() -> None:
    told = read_comparison("teachers", start="go9", minutes=2, games=10, seeds=[5, 6], device="cpu")
    assert (told.evaluations, told.minutes, told.match.games, told.match.visits) == (None, 2, 10, 32)
    assert (told.start, told.seeds, told.device) == ("go9", [5, 6], "cpu")
    with pytest.raises(UserError, match="did you mean 'teachers'"):
        read_comparison("teacher")


def test_a_search_and_the_policy_alone_cost_and_learn_the_same() -> None:
    teachers = read_comparison("teachers")
    search, *own_moves = (
        teachers.run(name, 0, Path("x"), {}).stages[0] for name in ("search", "winners", "reinforce")
    )
    for stage in own_moves:
        asked = search.search.visits / 2  # the rest it has from the subtree of the move before
        assert stage.positions_per_iteration == search.positions_per_iteration * asked
        samples = [s.positions_per_iteration * s.passes for s in (search, stage)]
        assert samples[0] == pytest.approx(samples[1], rel=1e-3)
        assert search.learner.batch_size == stage.learner.batch_size


@pytest.mark.slow
def test_the_demo_of_the_teachers_goes_all_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "MATCH_GAMES", 2)
    smaller = read_toml(COMPARISONS / "teachers.toml")
    for stage, positions in (
        (smaller["base"], 60),
        (smaller["variants"]["winners"], 1000),
        (smaller["variants"]["reinforce"], 1000),
    ):
        stage.update(parallel_games=2, positions_per_iteration=positions)
    smaller["match"]["visits"], smaller["policy_games"] = 2, 2
    monkeypatch.setattr("selfplay.comparison.plan.read_toml", lambda path: smaller)
    compared = demo.compare_teachers(tmp_path, 0.1, "cpu", 0, Silent())
    rows = {row["variant"]: row for row in compared.rows()}
    assert rows.keys() == {"expert", "winners", "reinforce", "search"}
    assert rows["expert"]["updates"] == rows["search"]["updates"]
    assert rows["expert"]["evaluations"] == 0
    assert rows["search"]["evaluations"] <= min(
        rows[name]["evaluations"] for name in ("winners", "reinforce")
    )
