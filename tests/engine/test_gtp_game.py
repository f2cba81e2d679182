"""The engine behind GTP: what its commands do to the game."""

import re

import numpy as np
import pytest
from gtp_live import LiveEngine

from mcts import UniformEvaluator


def test_a_player_may_move_twice_and_undo_goes_back_one_by_one():
    with LiveEngine() as engine:
        engine.tell("play b C3", "play b C4", "play b C5", "play w A1", "play w B1")
        assert engine.ask("play w C3") == "? illegal move"
        engine.tell("undo", "undo", "undo", "undo", "undo")
        assert engine.ask("undo") == "? cannot undo"
        assert "X" not in engine.ask("showboard").replace("(X)", "")


def test_a_game_goes_on_after_two_passes():
    with LiveEngine() as engine:
        engine.tell("play b C3", "play w pass", "play b pass", "play w B2", "play b D4")
        assert re.fullmatch(r"= ([A-E][1-5]|pass)", engine.ask("genmove w"))
        engine.tell("play b pass", "play w pass")
        assert re.fullmatch(r"= ([A-E][1-5]|pass)", engine.ask("genmove b"))


def test_ko_is_kept_when_moves_alternate_and_lifted_when_a_turn_is_given_away():
    with LiveEngine(rules="chinese") as engine:
        engine.tell("play b B3", "play b A2", "play b B1", "play w C3", "play w D2", "play w C1")
        engine.tell("play w B2", "play b C2")  # Black takes the ko
        assert engine.ask("play w B2") == "? illegal move"
        engine.tell("play b E5", "play w B2")


@pytest.mark.parametrize(("rules", "suicide"), [("tromp-taylor", True), ("chinese", False)])
def test_suicide_of_two_stones_is_what_the_rules_say(rules, suicide):
    with LiveEngine(rules=rules) as engine:
        engine.tell("play b A2", "play b B2", "play b C1", "play w A1", "play b E5")
        assert engine.ask("play w B1") == ("=" if suicide else "? illegal move")


@pytest.mark.parametrize(("rules", "free"), [("tromp-taylor", False), ("chinese", True)])
def test_superko_is_what_the_rules_say(rules, free):
    """White gives up one stone, then two: the board before is back, but no single ko was retaken."""
    with LiveEngine(rules=rules) as engine:
        engine.tell("play b A2", "play b B2", "play b C1", "play w A1", "play b B1")  # takes A1
        engine.tell("undo", "undo", "kata-set-rule suicide true", "play w A1")
        assert engine.ask("play w B1") == ("=" if free else "? illegal move")


def test_the_komi_counts_whenever_it_is_told():
    with LiveEngine(rules="new-zealand") as engine:
        engine.tell("set_position b C3 b C4 b C5 b C2 b C1")
        assert engine.ask("final_score") == "= B+18"
        engine.tell("komi 25")
        assert engine.ask("final_score") == "= 0"
        engine.tell("komi 30.5")
        assert engine.ask("final_score") == "= W+5.5"


@pytest.mark.parametrize(("rules", "bonus"), [("chinese", 3), ("aga", 2), ("new-zealand", 0)])
@pytest.mark.parametrize("placed", [True, False])
def test_white_gets_the_bonus_for_handicap_stones_placed_or_played(rules, bonus, placed):
    with LiveEngine(rules=rules) as engine:
        engine.tell("komi 0.5")
        if placed:
            engine.tell("set_free_handicap C1 C2 C3")
        else:
            engine.tell("play b C1", "play b C2", "play b C3")
        engine.tell("play w D1", "play b C4", "play w D2", "play b C5", "play w D3", "play b A1")
        engine.tell("play w D4", "play b A2", "play w D5")
        margin = 15 - 10 - 0.5 - bonus
        assert engine.ask("final_score") == f"= B+{margin:g}"
        assert engine.ask("get_komi") == "= 0.5"


def test_japanese_rules_count_prisoners():
    with LiveEngine(rules="japanese") as engine:
        engine.tell("komi 0", "set_position b C1 b C2 b C3 b C4 b C5 w D1 w D2 w D3 w D4 w D5")
        assert engine.ask("final_score") == "= B+5"
        engine.tell("play b A1", "play w A2", "play b B2", "play w pass", "play b A3")  # takes a stone
        assert engine.ask("final_score") == "= B+3"  # a point filled by each of A1 B2 A3, one prisoner
        engine.tell("kata-set-rules chinese")
        assert engine.ask("final_score") == "= B+5"


def test_dead_stones_are_listed_chain_by_chain():
    with LiveEngine() as engine:
        engine.tell("set_position b C1 b C2 b C3 b C4 b C5 w D1 w D2 w D3 w D4 w D5 w A1 w B5 b E3")
        dead = engine.ask("final_status_list dead").removeprefix("= ").splitlines()
        assert sorted(dead) == ["A1", "B5", "E3"]
        alive = engine.ask("final_status_list alive").removeprefix("= ").splitlines()
        assert sorted(alive) == ["C5 C4 C3 C2 C1", "D5 D4 D3 D2 D1"]
        assert engine.ask("final_status_list seki") == "="


def uniform(game):
    return UniformEvaluator(game.actions)


def test_cleaning_up_takes_dead_stones_before_passing():
    with LiveEngine(size=7, visits=200, evaluator_of=uniform) as engine:
        engine.tell(
            "set_position "
            + " ".join(f"b C{row} w D{row}" for row in range(1, 8))
            + " w A1 w A2 b F3 b F6"
        )
        assert engine.ask("final_status_list dead") != "="
        answers = []
        while "pass" not in answers[-1:] and len(answers) < 30:
            answers.append(engine.tell("kgs-genmove_cleanup b"))
            engine.tell("play w pass")
        assert answers[-1] == "pass" and len(answers) > 2
        board = engine.ask("showboard")
        black_side = [line[2:7] for line in board.splitlines()[2:9]]
        assert not any("O" in row for row in black_side)
        assert engine.ask("final_status_list dead") in ("= F6\nF3", "= F3\nF6")  # Black's own


def test_it_passes_when_the_opponent_passed_and_the_agreed_score_is_a_win():
    with LiveEngine(size=5, visits=2) as engine:
        for row in range(1, 6):
            engine.tell(f"play b C{row}", f"play w D{row}")
        engine.tell("komi 0", "play b A1", "play w B3", "play b B1", "play w pass")
        assert engine.tell("genmove b") == "pass"
        engine.tell("undo", "komi 30")  # lost, so it tries something
        engine.send("kata-search_analyze b 10000 rootInfo true")
        assert "rootInfo visits" in engine.read_reply()[1]


@pytest.mark.parametrize(("rules", "plays_on"), [("cgos", True), ("chinese", False)])
def test_where_every_stone_counts_dead_ones_are_captured_before_it_passes(rules, plays_on):
    with LiveEngine(size=5, visits=50, rules=rules) as engine:
        engine.tell(*(f"play {c}" for row in range(1, 6) for c in (f"b C{row}", f"w D{row}")))
        engine.tell("komi 0", "play b A1", "play w B3", "play b B1", "play w pass")
        assert (engine.tell("genmove b") != "pass") == plays_on  # as they stand White leads by 4


def test_a_lost_game_is_given_up_after_a_while_unless_that_is_off():
    class Hopeless(UniformEvaluator):
        """White wins everything."""

        def __call__(self, planes, globals_):
            values = np.where(globals_[:, 0] > 0, 0.99, -0.99).astype(np.float32)
            return super().__call__(planes, globals_)._replace(values=values)

    def hopeless(game):
        return Hopeless(game.actions)

    for resign_below, due in ((0.05, True), (0.0, False)):
        with LiveEngine(evaluator_of=hopeless, resign_below=resign_below, visits=2) as engine:
            answers = []
            for _ in range(8):
                answers.append(engine.tell("genmove b"))
                if answers[-1] == "resign":
                    break
                engine.tell("play w pass")
                assert engine.ask("genmove w") != "= resign"
            assert ("resign" in answers) == due
            assert len(answers) >= 3  # never at once


def test_records_are_saved_and_loaded(tmp_path):
    file = tmp_path / "game.sgf"
    with LiveEngine(rules="japanese") as engine:
        engine.tell("komi 5.5", "set_free_handicap B2 D4", "play w C3", "play b C2", f"printsgf {file}")
        before = engine.ask("showboard")
        text = engine.ask("printsgf")
        assert "HA[2]" in text and "RU[Japanese]" in text and "KM[5.5]" in text
        engine.tell("clear_board", "komi 0", "kata-set-rules chinese", f"loadsgf {file}")
        assert engine.ask("showboard") == before
        assert '"TERRITORY"' in engine.ask("kata-get-rules")
        engine.tell(f"loadsgf {file} 2")
        assert engine.tell("showboard").endswith("Black to move")
        assert engine.ask(f"loadsgf {tmp_path}") == "? cannot load file"
        (tmp_path / "large.sgf").write_text("(;GM[1]SZ[19];B[aa])")
        assert engine.ask(f"loadsgf {tmp_path / 'large.sgf'}") == "? cannot load file"
        assert engine.tell("showboard").endswith("Black to move")
        assert engine.ask(f"printsgf {tmp_path}") == "? cannot save file"


def test_records_of_oblong_boards_are_saved_and_loaded(tmp_path):
    file = tmp_path / "game.sgf"
    with LiveEngine() as engine:
        engine.tell("rectangular_boardsize 9 7", "play b J1", "play w A7", f"printsgf {file}")
        before = engine.ask("showboard")
        assert "SZ[9:7]" in engine.ask("printsgf")
        engine.tell("boardsize 5", f"loadsgf {file}")
        assert engine.ask("showboard") == before and engine.ask("query_boardsize") == "= 9 7"


def test_a_komi_of_a_record_that_is_assumed_is_told_on_stderr(tmp_path, capsys):
    file = tmp_path / "game.sgf"
    file.write_text("(;SZ[5]KM[abc];B[cc])")
    with LiveEngine() as engine:
        engine.tell(f"loadsgf {file}")
    assert "game.sgf, game 1: KM[abc] is no number" in capsys.readouterr().err


def test_free_handicap_beyond_the_fixed_points_is_the_nets_choice():
    with LiveEngine(size=5) as engine:
        placed = engine.tell("place_free_handicap 4").split()
        assert len(set(placed)) == 4
        assert engine.tell("showboard").endswith("White to move")
    with LiveEngine(size=7) as engine:
        placed = engine.tell("place_free_handicap 6").split()
        assert placed[:4] == ["C3", "E5", "C5", "E3"] and len(set(placed)) == 6


def test_a_failed_inference_is_an_error_and_the_game_goes_on():
    calls = []

    class Fragile(UniformEvaluator):
        def __call__(self, planes, globals_):
            calls.append(len(planes))
            if len(calls) == 1:
                raise RuntimeError("out of memory")
            return super().__call__(planes, globals_)

    with LiveEngine(evaluator_of=lambda game: Fragile(game.actions)) as engine:
        engine.tell("play b C3")
        assert engine.ask("genmove w") == "? internal error: out of memory"
        assert re.fullmatch(r"= ([A-E][1-5]|pass)", engine.ask("genmove w"))
        assert engine.ask("play w C3") == "? illegal move"


def test_a_game_may_last_longer_than_the_rules_of_the_search_allow():
    with LiveEngine() as engine:
        engine.tell(*(70 * ["play b pass", "play w pass"]), "play b C3")  # 130 moves on 5x5
        assert engine.ask("play w C3") == "? illegal move"
        assert re.fullmatch(r"= ([A-E][1-5]|pass)", engine.ask("genmove w"))
        assert re.fullmatch(r"= ([A-E][1-5]|pass)", engine.ask("genmove b"))


def test_every_command_that_is_listed_works(tmp_path):
    file = tmp_path / "game.sgf"
    words = {
        "analyze": "b 1",
        "boardsize": "5",
        "final_status_list": "dead",
        "fixed_handicap": "2",
        "genmove": "b",
        "genmove_analyze": "b 1",
        "gogui-play_sequence": "b A1 w B1",
        "gogui-setup": "b A1",
        "gogui-setup_player": "w",
        "kata-benchmark": "3",
        "kata-get-param": "maxVisits",
        "kata-raw-nn": "all",
        "kata-set-param": "maxVisits 4",
        "kata-set-rule": "ko SIMPLE",
        "kata-set-rules": "aga",
        "kata-time_settings": "absolute 10",
        "kgs-chat": "game somebody hello",
        "kgs-rules": "japanese",
        "kgs-time_settings": "none",
        "known_command": "play",
        "komi": "5.5",
        "loadsgf": str(file),
        "place_free_handicap": "2",
        "play": "b C3",
        "printsgf": str(file),
        "rectangular_boardsize": "5 5",
        "set_free_handicap": "A1 B2",
        "set_position": "b A1 w B2",
        "time_left": "b 10 0",
        "time_settings": "10 0 0",
    }
    coloured = ("analyze", "genmove", "search", "genmove_cleanup")
    with LiveEngine(size=7) as engine:
        listed = engine.tell("list_commands").split()
        assert set(words) <= set(listed)
        engine.tell(f"printsgf {file}")
        for name in listed:
            given = words.get(name, "b" if name.endswith(coloured) or "search_" in name else "")
            engine.tell("boardsize 7", "clear_board")
            if name in ("undo", "gg-undo"):
                engine.tell("play b A1")
            if name != "quit":
                engine.send(f"{name} {given}")
                engine.send("")
                assert engine.read_reply()[0].startswith("="), name
        assert engine.ask("quit") == "="
