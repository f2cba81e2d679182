import shlex
import sys
from pathlib import Path

import pytest

from engine.errors import UserError
from engine.games import load
from engine.position import Position
from engine.records.files import read_records
from engine.records.record import GameRecord, start_position
from engine.records.sgf import write_sgf
from selfplay.record import record_games

FAKE = shlex.join([sys.executable, str(Path(__file__).parent.parent / "fake_engine.py")])
PASSING = f"{FAKE} --moves 2"


def games_in(path):
    records = list(read_records([path]))
    assert all(isinstance(record, GameRecord) for record in records)
    return {int(record.name.removeprefix("game ")): record for record in records}


def test_games_are_finished_legal_and_tagged_as_expert(tmp_path):
    out = tmp_path / "new" / "games.sgf"
    seen = []
    report = record_games(
        out, 4, [PASSING], size=5, komi=5.5, progress=lambda done, all_: seen.append((done, all_))
    )
    assert (report.games, report.already, report.forfeits, report.failures) == (4, 0, [], [])
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    games = games_in(out)
    assert sorted(games) == [0, 1, 2, 3]
    for record in games.values():
        assert (record.game, record.komi, record.expert) == ("go5", 5.5, (True, True))
        assert record.result == "B+3.5"
        position = start_position(record)
        for player, action in record.moves:
            assert player == position.to_move
            position.play(action)
        assert position.over


def test_openings_are_random_setup_off_the_first_line(tmp_path):
    out = tmp_path / "games.sgf"
    record_games(out, 20, [f"{FAKE} --answer-genmove resign"], size=5, opening_moves=3)
    games = games_in(out)
    inner = {r * 5 + c for r in (1, 2, 3) for c in (1, 2, 3)}
    assert {len(record.setup) for record in games.values()} == {0, 1, 2, 3}
    for record in games.values():
        assert {action for action, _ in record.setup} <= inner
        assert record.to_move == len(record.setup) % 2
        assert record.result == "BW"[1 - record.to_move] + "+R"
        assert record.moves == []


def test_each_pair_of_engines_meets_with_both_colours(tmp_path):
    out = tmp_path / "games.sgf"
    engines = [f"{FAKE} --answer-genmove resign --as {name}" for name in "abc"]
    record_games(out, 6, engines, size=3, opening_moves=0)
    pairs = {tuple(line[-1] for line in record.players) for record in games_in(out).values()}
    assert pairs == {(x, y) for x in "abc" for y in "abc" if x != y}


def test_the_seed_of_a_command_line_differs_from_game_to_game(tmp_path):
    out = tmp_path / "games.sgf"
    record_games(out, 3, [f"{FAKE} --answer-genmove resign --seed {{seed}}"], size=3)
    lines = [line for record in games_in(out).values() for line in record.players]
    assert len({line.split()[-1] for line in lines}) == 6
    assert all(line.split()[-1].isdigit() for line in lines)


def test_a_stopped_recording_goes_on_with_the_missing_games(tmp_path):
    whole, part = tmp_path / "whole.sgf", tmp_path / "part.sgf"
    record_games(whole, 5, [PASSING], size=5)
    games = games_in(whole)
    torn = write_sgf(games[0])[:-20]
    part.write_text(write_sgf(games[3]) + torn)
    report = record_games(part, 5, [PASSING], size=5)
    assert (report.already, report.games) == (1, 4)
    again = {
        record.name: record.moves for record in read_records([part]) if isinstance(record, GameRecord)
    }
    assert again == {record.name: record.moves for record in games.values()}
    assert record_games(part, 5, [PASSING], size=5).games == 0


def test_a_collection_of_another_board_is_left_alone(tmp_path):
    out = tmp_path / "games.sgf"
    report = record_games(out, 1, [PASSING], size=5)
    assert str(report) == "1 games recorded, 0 were there already"
    before = out.read_bytes()
    with pytest.raises(UserError, match="holds games of go5: name another file for those of go7"):
        record_games(out, 2, [PASSING], size=7)
    assert out.read_bytes() == before


def test_an_illegal_move_forfeits_and_is_reported(tmp_path):
    out = tmp_path / "games.sgf"
    report = record_games(out, 1, [f"{FAKE} --answer-genmove a1"], size=5, opening_moves=0)
    record = games_in(out)[0]
    assert record.moves == [(0, 20)]
    assert record.result == "B+F"
    assert len(report.forfeits) == 1
    assert "played A1, which is illegal" in report.forfeits[0]


@pytest.mark.parametrize("answer", ["'? cannot score'", "?", "perhaps"])
def test_without_a_score_from_the_engines_the_board_is_scored(tmp_path, answer):
    out = tmp_path / "games.sgf"
    engine = f"{PASSING} --answer-final_score {answer}"
    record_games(out, 1, [engine], size=5, komi=0.5, opening_moves=0)
    record = games_in(out)[0]
    position = Position(load("go5"))
    position.set_start(komi_half_points=1)
    for _, action in record.moves:
        position.play(action)
    assert record.result == f"W+{-position.score()[0]:g}"


def test_an_engine_that_fails_now_and_then_costs_only_its_games(tmp_path):
    out = tmp_path / "games.sgf"
    engines = [PASSING, PASSING, f"{FAKE} --die-at genmove"]
    report = record_games(out, 4, engines, size=5, jobs=1)
    assert report.games == 2
    assert len(report.failures) == 2
    assert "ended at 'genmove" in report.failures[0]


def test_an_engine_that_always_fails_stops_the_recording(tmp_path):
    with pytest.raises(UserError, match="no program 'no-such-engine'"):
        record_games(tmp_path / "games.sgf", 100, ["no-such-engine"])
    with pytest.raises(UserError, match="refused 'boardsize 9'"):
        record_games(tmp_path / "games.sgf", 1, [f"{FAKE} --answer-boardsize ?"])


def test_mistakes_of_the_user_are_told_in_one_line(tmp_path):
    with pytest.raises(UserError, match="at least one command line"):
        record_games(tmp_path / "games.sgf", 1, [])
    with pytest.raises(UserError, match="1 to 19 rows"):
        record_games(tmp_path / "games.sgf", 1, [PASSING], size=40)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        record_games(tmp_path / "file" / "games.sgf", 1, [PASSING])
