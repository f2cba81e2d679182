"""Peers beside us, where they are installed: pip install '.[peers]'."""

import os
import sys

import pytest

from engine import games, peers
from engine.errors import UserError
from mcts.bench import one_core
from selfplay.bench import draw_speeds, run_suites
from selfplay.progress import Silent

OURS = {"playouts_per_s": 1e6, "moves_per_s": 9e6, "simulations_per_s": 1e5}


@pytest.mark.parametrize("game", ["go5", "tic_tac_toe", "connect_four"])
def test_random_games_of_open_spiel_stand_beside_ours(game):
    pytest.importorskip("pyspiel", reason="OpenSpiel is not installed")
    playouts, moves = peers.compare("board", games.load(game), OURS, seconds=0.01)
    assert [playouts["figure"], moves["figure"]] == ["playouts_per_s", "moves_per_s"]
    assert moves["per_s"] >= 5 * playouts["per_s"] > 0
    for row in playouts, moves:
        assert row["move37_per_s"] == OURS[row["figure"]]
        assert row["ratio"] == pytest.approx(row["move37_per_s"] / row["per_s"], rel=0.01, abs=0.06)


@pytest.mark.parametrize(
    ("peer", "module"),
    [
        ("OpenSpiel (Python)", "pyspiel"),
        pytest.param("mctx + Pgx", "mctx", marks=pytest.mark.slow),
        pytest.param("gumbel-mcts", "gumbel_mcts", marks=pytest.mark.slow),
    ],
)
def test_a_search_of_a_peer_stands_beside_ours(peer, module, monkeypatch):
    pytest.importorskip(module, reason=f"{peer} is not installed")
    monkeypatch.setitem(peers.PEERS, "tree", {peer: peers.PEERS["tree"][peer]})
    (row,) = peers.compare("tree", games.load("tic_tac_toe"), OURS, seconds=0.01)
    assert (row["suite"], row["game"], row["peer"]) == ("tree", "tic_tac_toe", peer)
    assert row["figure"] == "simulations_per_s"
    assert 0 < row["per_s"] < OURS["simulations_per_s"]


@pytest.mark.parametrize("suite", ["board", "tree", "net"])
def test_absent_peers_are_left_out(suite, monkeypatch):
    for module in ("pyspiel", "open_spiel", "jax", "gumbel_mcts"):
        monkeypatch.setitem(sys.modules, module, None)
    assert peers.compare(suite, games.load("tic_tac_toe"), OURS, seconds=0.01) == []


def test_a_peer_without_the_game_is_left_out():
    pytest.importorskip("pyspiel", reason="OpenSpiel is not installed")
    assert peers.open_spiel_search(games.load("go3x2")) is None


def a_peer(figure, per_s):
    return {"suite": "tree", "game": "go5", "peer": "slow", "figure": figure, "per_s": per_s,
            "spread": 0.0, "move37_per_s": 0, "ratio": 0.0}  # fmt: skip


def test_peers_have_a_table_of_their_own(monkeypatch):
    monkeypatch.setattr("selfplay.bench.compare", lambda suite, *_: [a_peer(suite, 1.0)])
    rows = run_suites(["tree", "board"], "tic_tac_toe", "no net", 0.01, "cpu", Silent())
    assert list(rows) == ["board", "tree", "peers"]
    assert [row["figure"] for row in rows["peers"]] == ["board", "tree"]


def test_the_chart_shows_us_alone_or_beside_peers(tmp_path):
    pytest.importorskip("matplotlib")
    tree = {"tree": [{"game": "go5", "simulations_per_s": 1000}]}
    drawn = []
    for rows in (tree, {**tree, "peers": [a_peer("simulations_per_s", 10.0)]}):
        draw_speeds(tmp_path / "speeds.png", rows)
        drawn.append((tmp_path / "speeds.png").read_bytes())
    assert all(png.startswith(b"\x89PNG") for png in drawn)
    assert drawn[0] != drawn[1]


def test_a_chart_of_other_suites_is_a_user_error(tmp_path):
    with pytest.raises(UserError, match="--chart shows the board and the tree"):
        draw_speeds(tmp_path / "speeds.png", {"net": [{"game": "go5", "positions_per_s": 1}]})


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this platform pins no threads")
def test_work_on_one_core_stays_there_and_all_cores_come_back():
    before = os.sched_getaffinity(0)
    with pytest.raises(ZeroDivisionError), one_core():
        assert len(os.sched_getaffinity(0)) == 1
        raise ZeroDivisionError
    assert os.sched_getaffinity(0) == before


def test_without_affinity_the_work_is_done_all_the_same(monkeypatch):
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    with one_core():
        pass
