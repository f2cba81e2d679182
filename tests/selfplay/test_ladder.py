"""Ratings: against formulas by hand, and a table that goes on where it stopped."""

import json
import math
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UserError
from engine.games import load
from engine.nets.files import NetInfo, new_net, save_net
from selfplay.progress import Silent
from selfplay.rating.ladder import Pairing, Result, Standings, Table, climb, players_of, rate
from selfplay.rating.match import MatchOptions

pytest.importorskip("choix")


def table(*rows: tuple[str, str, int, int, int]) -> Table:
    results = [
        Result(a=a, b=b, wins_a=won, draws=drawn, wins_b=lost, unique=won + drawn + lost)
        for a, b, won, drawn, lost in rows
    ]
    return Table(game="go5", results=results)


def elos(standings: Standings) -> dict[str, float]:
    return {row.player: row.elo for row in standings.rows}


def test_two_players_are_rated_by_the_logistic_curve_with_one_more_draw() -> None:
    found = rate(table(("a", "b", 30, 0, 10)), "b")
    assert elos(found)["a"] == pytest.approx(400 * math.log10(30.5 / 10.5), abs=1e-3)
    assert elos(found)["b"] == 0
    row = found.rows[0]
    # One unit of log-odds has the variance 1 / (n p (1 - p)), with n = 41 and p = 30.5 / 41.
    sigma = 400 / math.log(10) / math.sqrt(30.5 * 10.5 / 41)
    assert row.high - row.elo == pytest.approx(1.959964 * sigma, rel=1e-4)
    assert (row.player, row.games, row.points) == ("a", 40, 30.0)


def test_draws_count_half_and_all_won_is_finite() -> None:
    assert elos(rate(table(("a", "b", 0, 50, 0)), "a"))["b"] == pytest.approx(0, abs=1e-6)
    assert elos(rate(table(("a", "b", 20, 0, 0)), "b"))["a"] == pytest.approx(
        400 * math.log10(20.5 / 0.5), abs=1e-2
    )


def test_ratings_are_carried_along_a_chain_of_games() -> None:
    """a beats b and b beats c by the same odds: a is twice as far from c, and less surely so."""
    found = rate(table(("a", "b", 30, 0, 10), ("b", "c", 30, 0, 10)), "c")
    step = 400 * math.log10(30.5 / 10.5)
    assert elos(found) == pytest.approx({"a": 2 * step, "b": step, "c": 0}, abs=1e-2)
    widths = {row.player: row.high - row.low for row in found.rows}
    assert widths["a"] == pytest.approx(math.sqrt(2) * widths["b"], rel=1e-3)


def test_players_not_linked_with_the_anchor_are_left_out() -> None:
    found = rate(table(("a", "b", 3, 0, 1), ("x", "y", 3, 0, 1), ("b", "z", 0, 0, 0)), "a")
    assert set(elos(found)) == {"a", "b"}
    assert rate(table(("x", "y", 3, 0, 1)), "a").rows[0].games == 0


COUNTS = st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30)).filter(any)


@given(COUNTS, COUNTS, COUNTS)
def test_at_the_maximum_expected_points_are_the_points(ab, bc, ca) -> None:  # type: ignore[no-untyped-def]
    """The condition of Bradley and Terry: each player's expected score is what it has won."""
    played = table(("a", "b", *ab), ("b", "c", *bc), ("c", "a", *ca))
    found = elos(rate(played, "a"))
    for player in "abc":
        expected = won = 0.0
        for result in played.results:
            if player not in (result.a, result.b):
                continue
            other = result.b if player == result.a else result.a
            games = result.games + 1
            expected += games / (1 + 10 ** ((found[other] - found[player]) / 400))
            won += result.points(player) + 0.5
        assert expected == pytest.approx(won, abs=1e-3)


def test_repeated_games_widen_the_interval() -> None:
    played = table(("a", "b", 30, 0, 10))
    wide = played.model_copy(deep=True)
    wide.results[0].unique = 5
    assert rate(wide, "b").rows[0].low < rate(played, "b").rows[0].low


def test_players_are_files_folders_or_their_own_text(tmp_path: Path) -> None:
    (tmp_path / "nets").mkdir()
    for name in ("02-search", "01-expert"):
        (tmp_path / "nets" / f"{name}.safetensors").touch()
    assert players_of(["random", str(tmp_path), "my.safetensors", "random"], 50) == [
        "random",
        f"net={tmp_path}/nets/01-expert.safetensors,visits=50",
        f"net={tmp_path}/nets/02-search.safetensors,visits=50",
        "net=my.safetensors,visits=50",
    ]
    levels = players_of(["levels"], 50)
    assert levels[0] == "level=beginner" and levels[-1] == "level=full"
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no nets"):
        players_of([str(tmp_path / "empty")], 50)


def climbed(path: Path, games: int, *players: str, pairing: Pairing = "all") -> Standings:
    options = MatchOptions(opening_moves=1)
    return climb(players, path, games, pairing, 4, "tic_tac_toe", options, "cpu", 0, Silent())


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A run with two nets of random weights."""
    game = load("tic_tac_toe")
    for seed in (1, 2):
        net = new_net(game, 1, 8, seed)
        info = NetInfo(game=game.name, sizes=[3], config=net.config)
        save_net(tmp_path / "run" / "nets" / f"{seed}.safetensors", net, info)
    return tmp_path / "run"


def test_a_ladder_plays_what_is_missing_and_keeps_all(tmp_path: Path, run_folder: Path) -> None:
    path = tmp_path / "ladder.json"
    first = climbed(path, 2, str(run_folder), "random")
    assert [row.games for row in first.rows] == [4, 4, 4]
    written = path.stat().st_mtime_ns
    assert climbed(path, 2, str(run_folder), "random") == first
    assert path.stat().st_mtime_ns == written, "nothing was missing"
    more = climbed(path, 6, str(run_folder), "random")
    assert [row.games for row in more.rows] == [12, 12, 12]
    assert sum(row.points for row in more.rows) == 18
    assert len(json.loads(path.read_text())["results"]) == 3
    assert "anchor" in str(more) and more.as_json()["players"][0]["games"] == 12


def test_a_gauntlet_is_the_first_player_against_the_others(tmp_path: Path, run_folder: Path) -> None:
    path = tmp_path / "ladder.json"
    climbed(path, 2, "random", str(run_folder), pairing="gauntlet")
    pairs = [(r.a, r.b) for r in Table.read(path, "tic_tac_toe").results]
    assert len(pairs) == 2 and all(a == "random" for a, _ in pairs)


def test_in_a_chain_each_player_meets_the_next(tmp_path: Path, run_folder: Path) -> None:
    path = tmp_path / "ladder.json"
    levels = [f"level={number}" for number in (1, 2, 3)]
    climbed(path, 2, *levels, pairing="chain")
    pairs = [(r.a, r.b) for r in Table.read(path, "tic_tac_toe").results]
    assert pairs == [("level=1", "level=2"), ("level=2", "level=3")]


def test_bad_tables_and_players_are_mistakes_of_the_user(tmp_path: Path, run_folder: Path) -> None:
    path = tmp_path / "ladder.json"
    with pytest.raises(UserError, match="two players at least"):
        climbed(path, 2, "random", "random")
    with pytest.raises(UserError, match="there is no net 'nothing'"):
        climbed(path, 2, "random", "nothing")
    climbed(path, 2, str(run_folder))
    shutil.copy(run_folder / "nets" / "1.safetensors", run_folder / "nets" / "2.safetensors")
    with pytest.raises(UserError, match="has changed since it was rated"):
        climbed(path, 4, str(run_folder))
    with pytest.raises(UserError, match="is a table of tic_tac_toe, not go9"):
        Table.read(path, "go9")
    for text in ("nonsense", "[]", '{"game": "go9", "results": [{"a": 1}]}'):
        path.write_text(text)
        with pytest.raises(UserError, match="is not a table of move37"):
            Table.read(path, "go9")
