"""Actors that share a run folder: games arrive whole, once, and kills lose no more."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.errors import UserError
from engine.files import is_half_written
from engine.games import load
from engine.nets.files import NetInfo, new_net, save_net
from engine.nets.inference import Device
from mcts import Log, UniformEvaluator
from selfplay.actor import MOST_WAITING, help_run
from selfplay.config import parse_config
from selfplay.learning.checkpoint import Checkpoint
from selfplay.learning.replay import Games, pack_finished, unpack_logs
from selfplay.metrics import Metrics
from selfplay.progress import Silent
from selfplay.run import Run
from selfplay.teachers.inbox import Inbox
from selfplay.teachers.openings import Openings
from selfplay.teachers.sources import LocalGames
from selfplay.teachers.teacher import SearchStage

ROOT = Path(__file__).parents[2]
GAME = load("tic_tac_toe")
CPU = Device(torch.device("cpu"))
STAGE = SearchStage(parallel_games=4, search={"visits": 4})  # type: ignore[arg-type]


def finished_games(wanted: int = 40, first_id: int = 0) -> list[Log]:
    games = LocalGames(Openings(GAME, STAGE, seed=1), CPU, workers=1)
    games.next_id = first_id
    return games.more(UniformEvaluator(GAME.actions), wanted, lambda share: None)


def moves_of(logs: list[Log]) -> list[tuple[int, list[int]]]:
    return sorted((log.id, log.actions.tolist()) for log in logs)


def test_finished_games_come_back_as_they_went() -> None:
    go = load("go5")
    for game in (GAME, go):
        openings = Openings(game, STAGE, seed=1)
        logs = LocalGames(openings, CPU, 1).more(UniformEvaluator(game.actions), 60, lambda share: None)
        again = unpack_logs(pack_finished(game, logs))
        lessons = [STAGE.lesson(log) for log in logs]
        one, two = Games.from_logs(game, logs, lessons), Games.from_logs(game, again, lessons)
        for name, array in vars(one).items():
            assert np.array_equal(array, getattr(two, name), equal_nan=array.dtype.kind == "f"), name
        facts = [(log.resigned, log.resigner, log.outcome, log.full.tolist()) for log in logs]
        assert facts == [(g.resigned, g.resigner, g.outcome, g.full.tolist()) for g in again]


def test_games_in_flight_go_on_in_the_next_call_and_after_a_pause() -> None:
    """Nothing is lost or played twice: the numbers of all games are those from 0 on."""
    games = LocalGames(Openings(GAME, STAGE, seed=1), CPU, workers=1)
    evaluator = UniformEvaluator(GAME.actions)
    logs = games.more(evaluator, 30, lambda share: None)
    logs += games.more(evaluator, 30, lambda share: None)
    games.pause()
    waiting = [log.id for log in games.unfinished]
    assert sorted([log.id for log in logs] + waiting) == list(range(games.next_id))
    logs += games.more(evaluator, 60, lambda share: None)
    assert set(waiting) <= {log.id for log in logs}


def test_the_inbox_gives_each_file_once_and_keeps_it_until_a_checkpoint_has_it(tmp_path: Path) -> None:
    actor, learner = Inbox(tmp_path / "inbox"), Inbox(tmp_path / "inbox")
    assert learner.take(100) == ([], 0)
    logs = finished_games()
    actor.post("a-000001", pack_finished(GAME, logs), 123)
    taken, evaluations = learner.take(100)
    assert moves_of(taken) == moves_of(logs) and evaluations == 123
    assert learner.take(100) == ([], 0)
    after_a_kill = Inbox(tmp_path / "inbox")
    assert moves_of(after_a_kill.take(100)[0]) == moves_of(logs)
    learner.clear()
    assert not list((tmp_path / "inbox").iterdir()) and actor.waiting() == []


def test_the_inbox_gives_no_more_files_than_are_wanted(tmp_path: Path) -> None:
    inbox, files = Inbox(tmp_path), [finished_games(20, 1000 * number) for number in range(4)]
    for number, logs in enumerate(files):
        inbox.post(f"a-{number}", pack_finished(GAME, logs), 1)
    first = sum(len(log.actions) for log in files[0])
    assert moves_of(inbox.take(first + 1)[0]) == moves_of(files[0] + files[1])
    assert len(inbox.waiting()) == 2


def test_the_inbox_gives_the_oldest_file_first_whatever_its_actors_name(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    for age, name in enumerate(["b-1", "a-1", "b-2", "a-2"]):
        inbox.post(name, pack_finished(GAME, finished_games(1)), 1)
        os.utime(tmp_path / f"{name}.safetensors", (age, age))
    assert [path.stem for path in inbox.waiting()] == ["b-1", "a-1", "b-2", "a-2"]


def test_a_file_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".a-000001.safetensors.4711").write_bytes(b"half")
    assert Inbox(tmp_path).take(100) == ([], 0)


def test_the_learner_takes_up_what_actors_left_between_its_own(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    brought = finished_games(40, first_id=1_000_000)
    inbox.post("a-000001", pack_finished(GAME, brought), 77)
    games = LocalGames(Openings(GAME, STAGE, seed=1), CPU, 1, inbox)
    logs = games.play(new_net(GAME, 1, 8, 0), 400, lambda share: None)
    ids = {log.id for log in logs}
    assert {log.id for log in brought} <= ids and 0 in ids
    assert games.evaluations > 77
    games.saved()
    assert inbox.waiting() == [] and not list(tmp_path.iterdir())


def test_a_full_inbox_leaves_the_learner_nothing_to_play(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    inbox.post("a-000001", pack_finished(GAME, finished_games(200, first_id=1_000_000)), 1)
    endless = {"visits": 10_000_000, "solve": False}
    slow = SearchStage.model_validate({"parallel_games": 2, "search": endless})
    games = LocalGames(Openings(GAME, slow, seed=1), CPU, 1, inbox)
    logs = games.play(new_net(GAME, 1, 8, 0), 100, lambda share: None)
    assert all(log.id >= 1_000_000 for log in logs)


CONFIG: dict[str, Any] = {
    "teacher": "search",
    "iterations": 400,
    "parallel_games": 8,
    "positions_per_iteration": 100,
    "match_games": 0,
    "search": {"visits": 8, "root_policy": "gumbel"},
    "learner": {"batch_size": 16},
}


def begin(folder: Path, **changes: Any) -> Run:
    net, stage = {"blocks": 1, "channels": 8}, {**CONFIG, **changes}
    config = {"game": "tic_tac_toe", "device": "cpu", "net": net, "stages": [stage]}
    return Run.open(folder, parse_config(config, "test"), Silent())


class KilledError(Exception):
    """Stands for a kill."""


@pytest.mark.parametrize("moment", ["before the checkpoint", "after the checkpoint"])
def test_a_kill_around_the_checkpoint_neither_loses_nor_repeats_an_actors_games(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    run = begin(tmp_path, iterations=2, positions_per_iteration=30)
    inbox = Inbox(tmp_path / "actors/01-search")
    for number in range(2):
        logs = finished_games(40, first_id=1_000_000 * (number + 1))
        inbox.post(f"a-{number}", pack_finished(GAME, logs), 1)
    learned: list[list[int]] = []
    lessons = Games.from_logs

    def noted(game: Any, logs: list[Log], targets: Any) -> Games:
        learned.append([log.id for log in logs if log.id >= 1_000_000])
        return lessons(game, logs, targets)

    def killed(*_: Any) -> None:
        raise KilledError

    monkeypatch.setattr(Games, "from_logs", noted)
    with monkeypatch.context() as kill, pytest.raises(KilledError):
        if moment == "before the checkpoint":
            kill.setattr(Checkpoint, "save", killed)
        else:
            kill.setattr(Inbox, "clear", killed)
        run.go_on()
    if moment == "before the checkpoint":
        learned.clear()  # that was forgotten
    assert run.go_on()
    games = [number for iteration in learned for number in iteration]
    assert len(games) == len(set(games)) and {number // 1_000_000 for number in games} == {1, 2}


def test_an_actor_of_no_run_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no run"):
        help_run(tmp_path / "nowhere", "cpu", time.monotonic() + 5, Silent())


def test_an_actor_leaves_a_complete_run(tmp_path: Path) -> None:
    assert begin(tmp_path, iterations=1).go_on()
    assert help_run(tmp_path, "cpu", float("inf"), Silent())
    assert not (tmp_path / "actors").exists()


def test_an_actor_waits_when_nobody_takes_its_games_up(tmp_path: Path) -> None:
    run = begin(tmp_path, positions_per_iteration=16)
    run.go_on(deadline=time.monotonic())
    net = new_net(run.game, 1, 8, 0)
    info = NetInfo(game="tic_tac_toe", sizes=[3], config=net.config)
    save_net(tmp_path / "latest.safetensors", net, info)
    assert not help_run(tmp_path, "cpu", time.monotonic() + 8, Silent())
    files = list((tmp_path / "actors/01-search").iterdir())
    assert 1 <= len(files) <= MOST_WAITING


@contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    code = "import sys, move37; sys.argv[0] = 'move37'; move37.main()"
    command = [sys.executable, "-c", code, "train", *arguments]
    running = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL
    )
    try:
        yield running
    finally:
        running.kill()
        running.wait()


def until(condition: Any, seconds: float = 100) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.1)


@pytest.mark.slow
def test_learner_and_actor_are_killed_and_the_run_goes_on(tmp_path: Path) -> None:
    begin(tmp_path)
    inbox = tmp_path / "actors/01-search"
    rows = Metrics(tmp_path, board=False)

    def iterations() -> int:
        return sum(row["event"] == "iteration" for row in rows.read())

    seen: set[str] = set()

    def arrived() -> bool:
        seen.update(path.name for path in inbox.glob("*.safetensors"))
        return bool(seen)

    with process(str(tmp_path)) as learner, process(str(tmp_path), "--actor") as actor:
        until(lambda: iterations() >= 1)
        until(arrived)
        os.kill(actor.pid, signal.SIGKILL)
        before = iterations()
        until(lambda: iterations() >= before + 2)  # alone
        os.kill(learner.pid, signal.SIGKILL)
    before = iterations()
    with process(str(tmp_path), "--actor"), process(str(tmp_path)):
        until(lambda: iterations() >= before + 3)
    numbers = [row["number"] for row in rows.read() if row["event"] == "iteration"]
    assert numbers == list(range(1, len(numbers) + 1))
    own = [path for path in tmp_path.rglob(".*") if is_half_written(path)]
    assert len(own) <= 2  # of the last kill
