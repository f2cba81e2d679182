"""KaTrain's own engine class talks to ours. Runs where KaTrain is installed, without a display."""

import os
import shlex
import sys
import threading
from pathlib import Path

import pytest

os.environ.update(KIVY_NO_ARGS="1", KIVY_NO_CONSOLELOG="1", KIVY_NO_FILELOG="1")
katrain_engine = pytest.importorskip(
    "katrain.core.engine", reason="KaTrain, Kivy and what they need are not installed"
)
game_node = pytest.importorskip(
    "katrain.core.game_node", reason="KaTrain, Kivy and what they need are not installed"
)
Move = pytest.importorskip("pysgf", reason="KaTrain is not installed").Move

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PROGRAM = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import move37; move37.main()"
COMMAND = shlex.join([sys.executable, "-c", PROGRAM, "analysis", "--visits", "50"])
PATIENCE = 120


class KaTrain:
    """As much of KaTrain's application as its engine needs."""

    def __init__(self):
        self.lines = []

    def log(self, message, level=0):
        self.lines.append((level, str(message)))

    def __call__(self, *message):
        self.lines.append((-1, str(message)))

    def errors(self):
        return [line for level, line in self.lines if level in (-1, katrain_engine.OUTPUT_ERROR)]


@pytest.fixture(scope="module")
def katrain():
    app = KaTrain()
    config = {
        "backend": "custom",
        "altcommand": f"exec {COMMAND}",
        "max_visits": 40,
        "fast_visits": 5,
        "max_time": 8.0,
        "wide_root_noise": 0.04,
        "_enable_ownership": True,
    }
    app.engine = katrain_engine.KataGoEngine(app, config)
    process = app.engine.katago_process
    yield app
    app.engine.shutdown()
    with process:  # KaTrain neither waits for its engine nor closes the pipes
        process.wait(30)
    assert app.errors() == []


@pytest.fixture
def game(katrain):
    """The end of a short game on 9x9, with its parents, none of them analysed."""
    node = game_node.GameNode(properties={"SZ": 9, "KM": 7, "RU": "japanese"})
    for player, vertex in (("B", "E5"), ("W", "D4"), ("B", "F3")):
        node = node.play(Move.from_gtp(vertex, player=player))
    return node


def wait_for(condition):
    """Waits until KaTrain's threads have brought something about."""
    tick = threading.Event()
    for _ in range(PATIENCE * 20):
        if condition():
            return
        tick.wait(0.05)
    pytest.fail("KaTrain heard nothing in time")


def test_katrain_analyses_a_whole_game(katrain, game):
    for node in game.nodes_from_root:
        node.analyze(katrain.engine)
    wait_for(lambda: all(node.analysis_complete for node in game.nodes_from_root))
    for node in game.nodes_from_root:
        assert node.root_visits == 40 and 0 <= node.winrate <= 1 and abs(node.score) < 81
        assert len(node.ownership) == 81 and len(node.policy) == 82
        best = node.candidate_moves[0]
        assert best["order"] == 0 and best["pv"][0] == best["move"]
    assert game.points_lost is not None
    assert game.policy_ranking[0][0] > 0


def test_katrain_asks_for_other_moves_and_for_a_region(katrain, game):
    game.analyze(katrain.engine)
    wait_for(lambda: game.analysis_complete)
    known = set(game.analysis["moves"])
    game.analyze(katrain.engine, find_alternatives=True)
    wait_for(lambda: set(game.analysis["moves"]) > known)
    region = (0, 2, 6, 8)
    heard = []
    katrain.engine.request_analysis(
        game, lambda answer, partial: heard.append(answer), region_of_interest=region
    )
    wait_for(lambda: heard)
    for info in heard[0]["moveInfos"]:
        column, row = Move.from_gtp(info["move"]).coords or (0, 6)
        assert 0 <= column <= 2 and 6 <= row <= 8


def test_katrain_ponders_until_it_stops(katrain, game):
    partial = []
    katrain.engine.request_analysis(
        game, lambda answer, during: partial.append(during), ponder=True, time_limit=False
    )
    wait_for(lambda: sum(partial) >= 2)
    katrain.engine.stop_pondering()
    wait_for(lambda: partial and not partial[-1] and katrain.engine.is_idle())
