"""Runs: stages in order, resumed after any stop, described by their own folder."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open

from engine.errors import UserError
from engine.files import is_half_written
from engine.games import load
from engine.nets.files import load_net
from mcts import SearchSettings
from selfplay.config import parse_config, preset_names, read_config, read_preset
from selfplay.learning.learner import Learner, Losses
from selfplay.learning.replay import Batch, Games
from selfplay.metrics import Metrics
from selfplay.progress import Silent
from selfplay.run import Run, alone
from selfplay.teachers.teacher import SearchStage
from selfplay.train import asked_run, in_words, train_run, with_options

STAGE = {
    "teacher": "search",
    "iterations": 3,
    "parallel_games": 8,
    "positions_per_iteration": 60,
    "window": 100,
    "match_minutes": 1e-6,
    "match_games": 4,
    "match_search": {"visits": 4},
    "search": {"visits": 8, "root_policy": "gumbel"},
    "learner": {"batch_size": 16},
}


def values(**changes: Any) -> dict[str, Any]:
    stage = {**STAGE, **changes}
    return {"game": "tic_tac_toe", "net": {"blocks": 1, "channels": 8}, "stages": [stage]}


def begin(folder: Path, **changes: Any) -> Run:
    return Run.open(folder, parse_config(values(**changes), "test"), Silent())


def test_a_run_ends_with_a_net_that_describes_itself(tmp_path: Path) -> None:
    run = begin(tmp_path / "run")
    assert run.go_on() and run.complete
    net, info = load_net(run.net_of_stage(0), run.game)
    assert info.game == "tic_tac_toe" and info.training["teacher"] == "search"
    assert info.training["positions"] >= 180 and info.strength["against_start"]["games"] == 4
    assert net.config.blocks == 1
    events = [row["event"] for row in Metrics(tmp_path / "run").read()]
    assert events == ["iteration", "match"] * 3
    assert json.loads((tmp_path / "run/versions.json").read_text())["torch"]


def test_a_run_learns_on_from_a_net_of_another_size(tmp_path: Path) -> None:
    stage = {**STAGE, "iterations": 1, "search": {"visits": 2}}
    small = {"game": "go5", "net": {"blocks": 1, "channels": 8}, "stages": [stage]}
    first = Run.open(tmp_path / "go5", parse_config(small, "test"), Silent())
    assert first.go_on()
    larger = {"game": "go6", "start": str(first.net_of_stage(0)), "stages": [stage]}
    second = Run.open(tmp_path / "go6", parse_config(larger, "test"), Silent())
    assert second.go_on()
    info = load_net(second.net_of_stage(0), load("go6"))[1]
    assert (info.game, info.sizes) == ("go6", [6]) and info.training["start"]["teacher"] == "search"


def test_the_learning_rate_falls_in_the_last_share_of_a_stage(tmp_path: Path, monkeypatch) -> None:
    rates: list[float] = []
    learn = Learner.step

    def step(self: Learner, batch: Batch) -> Losses:
        rates.append(self.rate_factor)
        return learn(self, batch)

    monkeypatch.setattr(Learner, "step", step)
    begin(tmp_path, iterations=4, cooldown=0.5).go_on()  # 0, 1/4, 2/4 and 3/4 are over
    assert list(dict.fromkeys(rates)) == [1.0, 0.5]
    assert rates.count(0.5) < len(rates) / 2


def test_each_position_with_the_full_search_is_drawn_as_often_as_asked(tmp_path: Path) -> None:
    capped = {"playout_cap": {"full_share": 0.25, "quick": {"visits": 3}}, "iterations": 1}
    run = begin(tmp_path, **capped, passes=4, positions_per_iteration=400)
    run.go_on()
    (shard,) = tmp_path.glob("replay/*/*")
    taught, positions = int(Games.load(shard).taught.sum()), Games.load(shard).positions
    steps = load_net(run.net_of_stage(0), run.game)[1].training["steps"]
    assert taught < positions / 2 and steps == 4 * taught // 16


def test_matches_are_against_the_reference_when_there_is_one(tmp_path: Path) -> None:
    stage = {**STAGE, "iterations": 2, "match_games": 20}
    config = parse_config({**values(), "reference": "tic_tac_toe", "stages": [stage]}, "test")
    run = Run.open(tmp_path, config, Silent())
    run.go_on()
    match = load_net(run.net_of_stage(0), run.game)[1].strength["against_reference"]
    assert match["games"] == 20 and match["wins_a"] < match["wins_b"]  # against perfect play


def test_the_net_of_an_oblong_board_fits_its_game(tmp_path: Path) -> None:
    config = parse_config({**values(iterations=2), "game": "connect_four"}, "test")
    run = Run.open(tmp_path, config, Silent())
    assert run.go_on()
    _, info = load_net(run.net_of_stage(0), run.game)
    assert info.sizes == [6, 7]


def test_a_finished_run_has_nothing_left_to_do(tmp_path: Path) -> None:
    begin(tmp_path).go_on()
    before = (tmp_path / "metrics.jsonl").read_text()
    assert Run.open(tmp_path, None, Silent()).go_on()
    assert (tmp_path / "metrics.jsonl").read_text() == before


def test_a_run_stopped_by_its_deadline_goes_on_where_it_was(tmp_path: Path) -> None:
    run = begin(tmp_path, iterations=1)
    assert not run.go_on(deadline=time.monotonic())
    assert Run.open(tmp_path, None, Silent()).go_on()


def train(folder: Path, config: Path | None = None, **options: Any) -> dict[str, Any] | None:
    asked, at_once = asked_run(folder, config, None, options), time.monotonic()
    return train_run(folder, asked, options, at_once, None, Silent())


def test_options_change_what_a_configuration_says(tmp_path: Path) -> None:
    config = tmp_path / "run.toml"
    config.write_text('game = "go9"\nseed = 3\n[[stages]]\nteacher = "search"\niterations = 1\n')
    done = train(tmp_path / "run", config, game="go5", start="go5", device="cpu")
    assert done == {"run": str(tmp_path / "run"), "complete": False, "net": None}
    begun = Run.open(tmp_path / "run", None, Silent()).config
    assert (begun.game, begun.start, begun.device, begun.seed) == ("go5", "go5", "cpu", 3)


def test_a_run_goes_on_with_the_options_it_was_begun_with_and_refuses_others(tmp_path: Path) -> None:
    begin(tmp_path)
    train(tmp_path, game="tic_tac_toe", seed=0)
    with pytest.raises(UserError, match=r"begun with start None, not 'go9'.*--start"):
        train(tmp_path, start="go9")
    with pytest.raises(UserError, match=r"begun with seed 0, not 4"):
        train(tmp_path, seed=4)


@pytest.mark.parametrize(
    ("name", "net"), [("start", "nowhere.safetensors"), ("start", "hex7"), ("reference", "nowhere")]
)
def test_a_net_that_is_not_there_or_does_not_fit_leaves_no_run(tmp_path: Path, name, net) -> None:
    config = parse_config({**values(), name: net}, "test")
    with pytest.raises(UserError, match=net):
        Run.open(tmp_path / "run", config, Silent())
    assert not (tmp_path / "run").exists()


class StoppedError(Exception):
    pass


class Stopping(Silent):
    """Stops the run at the n-th sign of progress."""

    def __init__(self, signs: int) -> None:
        self.left = signs

    def bar(self, what: str, share: float, overall: str = "") -> None:
        self.left -= 1
        if self.left == 0:
            raise StoppedError


def test_finished_games_outlive_a_stop_while_they_are_learned(tmp_path: Path) -> None:
    class InTraining(Silent):
        def bar(self, what: str, share: float, overall: str = "") -> None:
            if what == "training":
                raise StoppedError

    config = parse_config(values(evaluations=1), "test")  # so it ends with its first games
    with pytest.raises(StoppedError):
        Run.open(tmp_path, config, InTraining()).go_on()
    (shard,) = tmp_path.glob("replay/*/*")
    played = shard.stat().st_mtime_ns
    run = Run.open(tmp_path, None, Silent())
    assert run.go_on() and shard.stat().st_mtime_ns == played
    (row,) = [row for row in run.metrics.read() if row["event"] == "iteration"]
    assert row["positions"] >= 60 and row["self_play_seconds"] > 0 and row["first_moves"]
    assert load_net(run.net_of_stage(0), run.game)[1].training["steps"] > 0


def test_a_run_killed_after_its_last_match_still_says_how_it_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise StoppedError

    with monkeypatch.context() as patched, pytest.raises(StoppedError):
        patched.setattr("selfplay.run.save_net", killed)
        begin(tmp_path).go_on()
    run = Run.open(tmp_path, None, Silent())
    assert run.go_on()
    last = [row for row in run.metrics.read() if row["event"] == "match"][-1]
    strength = load_net(run.net_of_stage(0), run.game)[1].strength["against_start"]
    assert strength["games"] == 4 and strength["visits"] == 4
    assert all(strength[name] == last[name] for name in strength)


# Everything random that a stage may use.
EVERYTHING = {
    "iterations": 4,
    "match_games": 0,
    "playout_cap": {"full_share": 0.5, "quick": {"visits": 3}},
    "resignation": {"below": -0.5, "moves": 2, "play_on_share": 0.5},
    "surprise_weight": 0.5,
    "learner": {"batch_size": 16, "reply_weight": 0.15},
}
POLICY_TEACHER = {
    "iterations": 4,
    "match_games": 0,
    "positions_per_iteration": 60,
    "parallel_games": 8,
    "learner": {"batch_size": 16},
}


def tensors_of(path: Path) -> dict[str, Any]:
    with safe_open(path, framework="np") as file:
        return {name: file.get_tensor(name).tobytes() for name in file.keys()}  # noqa: SIM118


def result_of(run: Run) -> tuple[Any, ...]:
    """All that a run has made, but for times: its net, its replay and its events."""
    shards = sorted(run.folder.glob("replay/*/*"))
    events = [
        {k: v for k, v in row.items() if k != "time" and "seconds" not in k}
        for row in run.metrics.read()
    ]
    return tensors_of(run.net_of_stage(0)), [(s.name, tensors_of(s)) for s in shards], events


@pytest.mark.parametrize("teacher", ["search", "winners", "reinforce"])
def test_a_stopped_run_goes_on_bit_for_bit_as_if_it_had_not_been(
    tmp_path: Path, teacher: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("selfplay.stages.game_threads", lambda device: 1)
    changes = EVERYTHING if teacher == "search" else POLICY_TEACHER
    stage = {**(STAGE if teacher == "search" else {}), **changes, "teacher": teacher}
    config = parse_config({**values(), "stages": [stage]}, "test")
    whole = Run.open(tmp_path / "whole", config, Silent())
    assert whole.go_on()
    stops = 0
    signs = 3
    while True:
        run = Run.open(tmp_path / "parts", config, Stopping(signs))
        try:
            assert run.go_on()
            break
        except StoppedError:
            stops += 1
            signs += 7  # each time a little further, so that every part of an iteration is met
    assert stops > 3
    assert result_of(run) == result_of(whole)


KILLER = """
import os, random, signal, sys, time
from pathlib import Path
os.sched_setaffinity(0, {next(iter(os.sched_getaffinity(0)))})  # one core, so that runs are alike
sys.path.insert(0, "tests/selfplay")
import test_run
folder, chance = Path(sys.argv[1]), random.Random(int(sys.argv[2]))
kills = 0
while True:
    child = os.fork()
    if child == 0:
        test_run.begin(folder, **test_run.EVERYTHING | {"iterations": 40}).go_on()
        os._exit(0)
    ended = time.monotonic() + chance.uniform(0.3, 1.5) if kills < 20 else float("inf")
    while time.monotonic() < ended and os.waitpid(child, os.WNOHANG) == (0, 0):
        time.sleep(0.01)
    if time.monotonic() < ended:
        break
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    kills += 1
    test_run.assert_whole(folder)
print(kills)
"""


def assert_whole(folder: Path) -> None:
    """Every file of a killed run can be read, but for those that were never given their name."""
    for path in folder.rglob("*"):
        if path.suffix in (".safetensors", ".checkpoint") and not path.name.startswith("."):
            tensors_of(path)
        elif path.suffix == ".json" and not path.name.startswith("."):
            json.loads(path.read_text())


@pytest.mark.slow
def test_a_run_killed_at_twenty_moments_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    def killed(folder: Path, seed: int, kills: bool) -> Run:
        code = KILLER if kills else KILLER.replace("kills < 20", "False")
        command = [sys.executable, "-c", code, str(folder), str(seed)]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        shown = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        assert (int(shown.stdout) >= 5) == kills
        return Run.open(folder, None, Silent())

    whole = killed(tmp_path / "whole", 1, kills=False)
    parts = killed(tmp_path / "parts", 1, kills=True)
    assert result_of(parts) == result_of(whole)
    assert not [p for p in parts.folder.rglob(".*") if is_half_written(p)]


def test_a_run_is_for_one_process_at_a_time(tmp_path: Path) -> None:
    run = begin(tmp_path)
    with alone(tmp_path), pytest.raises(UserError, match="another process"):
        run.go_on()


def test_a_loss_that_is_not_finite_ends_the_run_and_keeps_the_last_good_net(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begin(tmp_path)
    learn = Learner.step

    def step(learner: Learner, batch: Batch) -> Losses:
        if learner.steps > 25:
            batch.policy[0, 0] = float("inf")
        return learn(learner, batch)

    monkeypatch.setattr(Learner, "step", step)
    with pytest.raises(UserError, match=r"iteration 3: .*latest\.safetensors"):
        run.go_on()
    net, info = load_net(tmp_path / "latest.safetensors")
    assert info.training["steps"] > 0
    assert all(p.isfinite().all() for p in net.parameters())


def test_a_sick_run_warns_once_with_the_cause(tmp_path: Path) -> None:
    class Heard(Silent):
        def __init__(self) -> None:
            self.lines: list[str] = []

        def line(self, text: str) -> None:
            self.lines.append(text)

    heard = Heard()
    certain = SearchSettings(visits=2).model_dump()  # no noise, no temperature, no symmetries
    alike = {"opening_share": 0.0, "search": certain, "iterations": 3}
    Run.open(tmp_path, parse_config(values(**alike), "test"), heard).go_on()
    warnings = [line for line in heard.lines if "repeated games" in line]
    assert len(warnings) == 1 and "opening_share" in warnings[0]
    assert "warning" in [row["event"] for row in Metrics(tmp_path, board=False).read()]


def test_old_shards_are_removed_and_the_window_stays(tmp_path: Path) -> None:
    begin(tmp_path, iterations=8, window=100, window_slope=0).go_on()
    left = sorted(path.name for path in tmp_path.glob("replay/01-search/*"))
    assert left[-1] == "000007.safetensors" and 1 < len(left) < 5


def test_imitation_then_self_play_from_the_same_records(tmp_path: Path) -> None:
    games = "".join(
        f"(;GM[1]SZ[5]KM[{0.5 + i % 3}]RE[B+1];B[c{'bcd'[i % 3]}];W[b{'bcd'[i // 3 % 3]}];B[dd];W[dc]"
        f";B[d{'ab'[i // 9 % 2]}];W[a{'abc'[i // 18 % 3]}])"
        for i in range(54)
    )
    (tmp_path / "games.sgf").write_text(games)
    expert = {
        "teacher": "expert",
        "data": [str(tmp_path / "games.sgf")],
        "held_out": 0.2,
        "measure_every": 5,
        "patience": 6,
        "drops": 1,
        "learner": {"batch_size": 16, "reply_weight": 0.15},
    }
    replies = {"learner": {"batch_size": 16, "reply_weight": 0.15}, "expert_positions": 50}
    search = {**STAGE, "iterations": 1, "positions_per_iteration": 100, **replies}
    config = {"game": "go5", "net": {"blocks": 1, "channels": 8}, "stages": [expert, search]}
    run = Run.open(tmp_path / "run", parse_config(config, "test"), Silent())
    assert run.go_on()
    first, second = (load_net(run.net_of_stage(i), run.game)[1] for i in (0, 1))
    assert first.strength["held_out"]["top1"] > 0.1
    assert second.training["start"]["teacher"] == "expert"
    assert all(row["reply"] > 0 for row in run.metrics.read() if "policy" in row)
    assert not list((tmp_path / "run").glob("*.checkpoint"))


def test_a_run_that_failed_before_it_learned_takes_another_configuration(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere"):
        begin(tmp_path, data=["nowhere.sgf"], expert_positions=8).go_on()
    assert begin(tmp_path, iterations=1).go_on()


def test_a_run_refuses_another_configuration(tmp_path: Path) -> None:
    begin(tmp_path, iterations=1).go_on()
    with pytest.raises(UserError, match="another configuration"):
        begin(tmp_path, iterations=9)
    with pytest.raises(UserError, match="no run"):
        Run.open(tmp_path / "nowhere", None, Silent())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"visit": 3}, "visit"),
        ({"search": {"visits": 0}}, "visits"),
        ({"search": {"root_policy": "pucd"}}, "root_policy"),
        ({"passes": "many"}, "passes"),
        ({"learner": {"learning_rat": 1}}, r"did you mean 'learning_rate'"),
    ],
)
def test_a_wrong_setting_is_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        parse_config(values(**change), "run.toml")


def test_every_wrong_value_of_a_configuration_is_told_in_a_line() -> None:
    wrong = {
        "game": 9,
        "sed": 1,
        "visits": 3,
        "net": {"blocks": "many", "channels": 2},
        "stages": [
            {"teacher": "search", "minutes": 0, "search": {"root_policy": "pucd"}},
            {"teacher": "serch"},
            {"passes": 1},
        ],
    }
    with pytest.raises(UserError) as error:
        parse_config(wrong, "run.toml")
    assert str(error.value).splitlines() == [
        "run.toml: game = 9: must be a text in quotes",
        'run.toml: net.blocks = "many": must be a whole number',
        "run.toml: net.channels = 2: must be at least 8",
        "run.toml: stage 1: minutes = 0: must be more than 0",
        "run.toml: stage 1: search.root_policy = \"pucd\": must be 'puct' or 'gumbel'",
        'run.toml: stage 2: teacher = "serch": must be one of '
        "'expert', 'winners', 'reinforce', 'search'",
        "run.toml: stage 3: teacher: must be given",
        "run.toml: sed = 1: there is no such key (did you mean 'seed'?); docs/training.md names them",
        "run.toml: visits = 3: there is no such key here: it belongs in match_search or quick or "
        "search; docs/training.md names them",
    ]


def test_a_complete_run_says_how_to_learn_on() -> None:
    said = in_words({"run": "runs/mine", "complete": True, "net": "runs/mine/net.safetensors"})
    assert "move37 train ANOTHER --start runs/mine/net.safetensors" in said


def test_a_configuration_is_a_toml_file(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text('game = "go9"\n[[stages]]\nteacher = "search"\nminutes = 5\n')
    assert read_config(path).stages[0].minutes == 5
    path.write_text("game = go9")
    with pytest.raises(UserError, match=r"run\.toml"):
        read_config(path)
    path.write_text('start = "go9"\n[net]\nblocks = 8\n[[stages]]\nteacher = "search"\n')
    with pytest.raises(UserError, match=r"run\.toml: net: the net of 'start' has its own shape"):
        read_config(path)


@pytest.mark.parametrize("name", ["cluster", "demo", "gpu", "laptop"])
def test_every_preset_imitates_first_and_then_searches(name: str) -> None:
    assert name in preset_names()
    config = read_preset(name)
    assert [stage.teacher for stage in config.stages] == ["expert", "search"]
    assert all(stage.minutes for stage in config.stages)


def test_a_preset_with_a_net_to_start_from_skips_imitation_but_keeps_its_games() -> None:
    config = with_options(read_preset("laptop"), {"start": "go9-imitation", "device": "cpu", "seed": 7})
    assert (config.start, config.device, config.seed) == ("go9-imitation", "cpu", 7)
    (stage,) = config.stages
    assert isinstance(stage, SearchStage) and stage.data == ["shipped"]


def test_an_unknown_preset_is_named() -> None:
    with pytest.raises(UserError, match=r"'labtop' \(did you mean 'laptop'\?\)"):
        read_preset("labtop")
