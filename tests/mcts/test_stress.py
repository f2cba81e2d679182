"""Many threads, bad evaluators and Ctrl-C: nothing is lost, and everything stops at once."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from playing import play_all, same_games, starts
from reference_search import HashEvaluator
from searching import FOUR

from mcts import MatchPool, SearchSettings

REPOSITORY = Path(__file__).parents[2]


def new_pool(count, *, workers=1, parallel=64, **options):
    return MatchPool(
        FOUR.native,
        [SearchSettings(**{"visits": 12, "leaves_per_batch": 2, **options})],
        iter(starts(count, FOUR)),
        parallel_games=parallel,
        workers=workers,
        record_policies=True,
        seed=4,
    )


def expected(count, **options):
    return play_all(new_pool(count, parallel=1, **options), HashEvaluator(FOUR.actions))


# --- Threads ------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2, 64])
def test_games_are_the_same_on_any_number_of_threads(workers):
    found = play_all(new_pool(80, workers=workers), HashEvaluator(FOUR.actions))
    assert same_games(found, expected(80))


class Troubled(HashEvaluator):
    """Sound, but in the one thread that comes first it goes wrong now and then."""

    def __init__(self, actions, trouble):
        super().__init__(actions)
        self.trouble = trouble
        self.thread, self.calls_there = None, 0

    def __call__(self, planes, globals_):
        here = threading.get_ident()
        self.thread = self.thread or here
        logits, values = super().__call__(planes, globals_)
        if here != self.thread:
            return logits, values
        self.calls_there += 1
        return self.trouble(self.calls_there, logits, values)


def raising(call, logits, values):
    if call == 3:
        raise OSError("the device is gone")
    return logits, values


def not_a_number(call, logits, values):
    return logits, np.full_like(values, np.nan) if call == 3 else values


def slow(call, logits, values):
    time.sleep(0.002)
    return logits, values


@pytest.mark.parametrize("workers", [1, 2, 64])
@pytest.mark.parametrize("trouble", [raising, not_a_number, slow])
def test_trouble_in_one_thread_costs_no_game_and_changes_none(trouble, workers):
    pool, logs, errors = new_pool(80, workers=workers), {}, 0
    evaluator = Troubled(FOUR.actions, trouble)

    def keep(log):
        assert log.id not in logs
        logs[log.id] = log
        return True

    while len(logs) < 80:
        try:
            pool.play([evaluator], keep)
        except (OSError, RuntimeError):
            errors += 1
    assert errors == (0 if trouble is slow else 1)
    assert same_games(logs, expected(80))


def test_an_error_in_one_of_many_threads_ends_all_at_once():
    class Late(HashEvaluator):
        def __call__(self, planes, globals_):
            time.sleep(0.01)
            if self.calls == 20:
                raise OSError("the device is gone")
            return super().__call__(planes, globals_)

    pool, evaluator = new_pool(100_000, workers=16), Late(FOUR.actions)
    with pytest.raises(OSError, match="gone"):
        pool.play([evaluator], lambda log: True)
    assert evaluator.calls < 20 + 2 * 16  # each thread ends with the batch that it has
    assert threading.active_count() < 16


def test_one_thread_gives_the_same_bits_every_time():
    runs = [
        play_all(
            new_pool(30, noise_fraction=0.25, temperature=1.0, temperature_moves=9),
            HashEvaluator(FOUR.actions),
        )
        for _ in range(2)
    ]
    assert same_games(*runs)


def resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_the_games_played():
    class Quick:
        def __call__(self, planes, globals_):
            rows = len(planes)
            return np.zeros((rows, FOUR.actions), np.float32), np.zeros(rows, np.float32)

    pool = new_pool(3000, visits=20, cache_mib=1, temperature=1.0, temperature_moves=99)
    marks = []

    def mark(log):
        if log.id % 500 == 499:
            marks.append(resident_bytes())
        return True

    pool.play([Quick()], mark)
    assert max(marks[2:]) - marks[1] < 4 * 2**20
    assert pool.bytes < 16 * 2**20


# --- Ctrl-C -------------------------------------------------------------------------------------

PROGRAMS = {
    "a deep search": """
        from mcts import Search, SearchSettings
        search = Search(game.native, SearchSettings(visits=10_000_000, leaves_per_batch=8), evaluator)
        search.set_root(start)
        try:
            search.run()
        except KeyboardInterrupt:
            print("stopped", search.core.root_visits > 0, flush=True)
    """,
    "a pool of games": """
        import itertools
        from mcts import MatchPool, SearchSettings, Start
        pool = MatchPool(game.native, [SearchSettings(visits=400)],
            (Start(i, start) for i in itertools.count()),
            parallel_games=16, workers=4, record_policies=True, seed=0)
        try:
            pool.play([evaluator], lambda log: True)
        except KeyboardInterrupt:
            print("stopped", pool.evaluations > 0, flush=True)
    """,
}
PROLOGUE = """
    import numpy as np
    from engine import games
    from engine.position import Position
    game = games.load("go9")
    start = Position(game).state
    calls = 0
    def evaluator(planes, globals_):
        global calls
        calls += 1
        if calls == 50:
            print("running", flush=True)
        rng = np.random.default_rng(calls)
        return rng.normal(size=(len(planes), 82)).astype(np.float32), np.zeros(len(planes), np.float32)
"""


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
@pytest.mark.parametrize("program", PROGRAMS)
def test_ctrl_c_stops_at_once(program):
    source = textwrap.dedent(PROLOGUE) + textwrap.dedent(PROGRAMS[program])
    with running([sys.executable, "-c", source]) as child:
        assert child.stdout.readline() == "running\n"
        output, errors = interrupt(child)
    assert (output, errors) == ("stopped True\n", "")
    assert child.returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
def test_ctrl_c_on_the_command_line_is_one_line():
    source = "import sys, move37; sys.argv[0] = 'move37'; print('running', flush=True); move37.main()"
    arguments = ["bench", "search", "--seconds", "1000"]
    with running([sys.executable, "-c", source, *arguments]) as child:
        assert child.stdout.readline() == "running\n"
        time.sleep(5)
        output, errors = interrupt(child)
    assert output == ""
    assert errors.splitlines()[-1] == "move37: stopped; finished work is kept"
    assert "Traceback" not in errors
    assert child.returncode == 130


@contextlib.contextmanager
def running(command):
    """A child process; it does not outlive the context."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # else a shell's job ignores it
    child = subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    signal.signal(signal.SIGINT, before)
    with child:
        try:
            yield child
        finally:
            child.kill()


def interrupt(child):
    """Ctrl-C; (the rest of stdout, stderr). Left alone, each of these programs runs for hours."""
    child.send_signal(signal.SIGINT)
    return child.communicate(timeout=20)
