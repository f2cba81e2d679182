"""The engine behind GTP: what its commands do to the game, its clocks and its searches."""

import json
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from gtp_live import LiveEngine

from engine import games
from engine.analyst import MoveReport, Outlook, Report
from engine.gtp.analysis import Request, cgos_line, parse_request, report_line, waiting_line
from engine.gtp.protocol import Command, Inbox, lines_of, parse, reply_text
from engine.levels import find_level
from mcts import UniformEvaluator

ROOT = Path(__file__).parent.parent.parent

# --- Framing --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("genmove b", Command("", "genmove", ("b",))),
        ("12 genmove b\r\n", Command("12", "genmove", ("b",))),
        ("\x01 3\tplay \x07b\t D4 # why not", Command("3", "play", ("b", "D4"))),
        ("00000000000000000000001 name", Command("00000000000000000000001", "name", ())),
        ("4", Command("4", "", ())),
        ("4x", Command("", "4x", ())),
        ("kata-analyze 10", Command("", "kata-analyze", ("10",))),
        ("", None),
        ("   \t ", None),
        ("# interrupt", None),
    ],
)
def test_lines_are_read_as_the_specification_says(line, command):
    assert parse(line) == command


def test_a_reply_holds_no_blank_line():
    assert reply_text("a\n\n  \nb  \n") == "a\nb"


def test_lines_come_whole_however_they_were_sent():
    import os

    read, write = os.pipe()
    for part in (b"na", b"me\nver", b"sion\n\nquit"):
        os.write(write, part)
    os.close(write)
    assert list(lines_of(read)) == [b"name", b"version", b"", b"quit"]
    os.close(read)


def test_the_inbox_tells_an_interruption_from_other_lines():
    inbox = Inbox([b"name", b"# interrupt", b"quit"])
    inbox._reader.join()
    assert inbox.arrived() and inbox.interrupted()
    assert [inbox.take(), inbox.take()] == ["name", "# interrupt"]
    assert inbox.arrived() and not inbox.interrupted()
    assert [inbox.take(), inbox.take(), inbox.take()] == ["quit", None, None]


# --- The game -------------------------------------------------------------------------------


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
        engine.tell("komi 0", "kata-set-rule friendlyPassOk false")  # nothing can be agreed on
        engine.send("kata-search_analyze b 10000 rootInfo true")
        assert "rootInfo visits" in engine.read_reply()[1]


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


# --- Time -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "told", "most"),
    [
        ("time_settings 0 1 1", "time_left b 1 1", 1.0),
        ("time_settings 1 0 0", "time_left b 1 0", 0.5),
        ("kgs-time_settings byoyomi 0 1 3", "time_left b 1 2", 1.0),
        ("kata-time_settings fischer 0.5 0.5", "time_left b 0.5 0", 0.5),
        ("time_settings 100 0 0", "time_left b 0 0", 0.5),
        ("kata-set-param maxTime 0.3", "stop", 0.6),
    ],
)
def test_a_move_stays_within_the_clock(setting, told, most):
    with LiveEngine(visits=None) as engine:
        engine.tell("genmove b")  # warm
        engine.tell(setting, told)
        begun = time.monotonic()
        engine.tell("genmove b")
        assert time.monotonic() - begun < most


def test_without_a_clock_the_visits_decide():
    with LiveEngine(visits=None) as engine:
        engine.tell("time_settings 1 1 0")
        engine.send("kata-genmove_analyze b 10000 rootInfo true")
        reply = "\n".join(engine.read_reply())
        assert int(re.search(r"rootInfo visits (\d+)", reply)[1]) >= 400


def test_it_thinks_in_the_opponents_time_only_when_asked_to():
    calls = []

    class Counting(UniformEvaluator):
        def __call__(self, planes, globals_):
            calls.append(len(planes))
            return super().__call__(planes, globals_)

    for ponder in (False, True):
        with LiveEngine(ponder=ponder, evaluator_of=lambda game: Counting(game.actions)) as engine:
            engine.tell("genmove b", "name")
            before = len(calls)
            time.sleep(0.1)
            assert (len(calls) > before) == ponder
            engine.tell("genmove w")


# --- Levels ---------------------------------------------------------------------------------


def visits_of(engine):
    engine.send("kata-genmove_analyze b 10000 rootInfo true")
    reply = "\n".join(engine.read_reply())
    return int(re.search(r"rootInfo visits (\d+)", reply)[1])


def test_a_level_plays_as_weakly_as_it_should_whatever_was_analysed_before():
    with LiveEngine(visits=None, evaluator_of=for_levels, level=find_level("steady")) as engine:
        engine.send("lz-analyze b 10")
        for _ in range(3):
            engine.read_line()
        engine.send("")
        engine.read_reply()
        assert 24 <= visits_of(engine) < 24 + 16


def test_the_level_can_be_changed_between_moves():
    with LiveEngine(visits=300, evaluator_of=for_levels) as engine:
        assert engine.tell("kata-get-param level") == "none"
        assert visits_of(engine) >= 300
        engine.tell("clear_board", "kata-set-param level beginner")
        assert engine.tell("kata-get-param level") == "beginner"
        assert visits_of(engine) == 1
        assert engine.ask("kata-set-param level genius").startswith("? unknown level 'genius'")
        engine.tell("clear_board", "kata-set-param level none")
        assert visits_of(engine) >= 300


def test_a_level_obeys_the_clock_and_a_time_a_move():
    begun = time.monotonic()
    with LiveEngine(evaluator_of=for_levels, level=find_level("full"), seconds=0.2) as engine:
        engine.tell("genmove b")
    assert time.monotonic() - begun < 10  # far less than 3200 visits of a slow evaluator take


def for_levels(game, level=None):
    """A uniform evaluator, slow for `full`."""

    class Slow(UniformEvaluator):
        def __call__(self, planes, globals_):
            time.sleep(0.1)
            return super().__call__(planes, globals_)

    full = level is not None and level.name == "full"
    return (Slow if full else UniformEvaluator)(game.actions)


# --- Analysis -------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["", "# a comment", "name", "nonsense"])
@pytest.mark.parametrize("command", ["lz-analyze 1", "kata-analyze b 1 ownership true", "analyze W 1"])
def test_any_line_stops_an_analysis(command, line):
    with LiveEngine() as engine:
        engine.send(f"7 {command}")
        assert engine.read_line() == "=7"
        assert engine.read_line().startswith("info move")
        engine.send(line)
        while (text := engine.read_line()) != "":
            assert text.startswith("info move")
        if line in ("name", "nonsense"):
            assert engine.read_reply() == ["= move37" if line == "name" else "? unknown command"]
        assert engine.ask("9 protocol_version") == "=9 2"


def test_the_end_of_input_stops_an_analysis():
    with LiveEngine() as engine:
        engine.send("lz-analyze 1")
        assert engine.read_line() == "="


def test_the_first_line_comes_within_the_interval_while_the_net_is_busy():
    release = threading.Event()

    class Slow(UniformEvaluator):
        def __call__(self, planes, globals_):
            release.wait(20)
            return super().__call__(planes, globals_)

    with LiveEngine(evaluator_of=lambda game: Slow(game.actions)) as engine:
        engine.tell("name")
        engine.send("lz-analyze 5")
        assert engine.read_line(5) == "="
        words = "visits 0 winrate 5000 prior 385 lcb 5000 order 0"
        assert engine.read_line(5) == f"info move A5 {words} pv A5"
        release.set()
        assert "visits 0" not in engine.read_line()


def test_an_interrupt_ends_a_long_thought_with_a_move():
    with LiveEngine(visits=1_000_000) as engine:
        engine.send("genmove b")
        time.sleep(0.2)
        assert engine.silent()
        engine.send("# interrupt")
        assert re.fullmatch(r"= ([A-E][1-5]|pass)", "\n".join(engine.read_reply()))


def test_a_move_with_analysis_is_not_stopped_by_other_commands():
    with LiveEngine(visits=60) as engine:
        engine.send("1 kata-genmove_analyze b 10000 rootInfo true")
        engine.send("2 name")
        first, report, play = engine.read_reply()
        assert first == "=1" and re.fullmatch(r"play ([A-E][1-5]|pass)", play)
        assert int(re.search(r"rootInfo visits (\d+)", report)[1]) >= 60
        assert engine.read_reply() == ["=2 move37"]
        assert ("(X)" in engine.ask("showboard").split("Black (X)")[0]) == ("pass" not in play)


def test_a_search_does_not_play_and_can_be_cancelled():
    with LiveEngine() as engine:
        before = engine.ask("showboard")
        engine.send("kata-search_analyze b 10")
        assert engine.read_reply()[-1].startswith("play ")
        assert re.fullmatch(r"= ([A-E][1-5]|pass)", engine.ask("kata-search b"))
        assert engine.ask("showboard") == before
        engine.tell("kata-set-param maxVisits 100000")
        engine.send("kata-search_analyze_cancellable b 1")
        assert engine.read_line() == "=" and engine.read_line().startswith("info")
        engine.send("")
        assert engine.read_reply()[-1] == "play cancelled"
        assert engine.ask("showboard") == before


def test_a_search_that_is_cancelled_names_no_move():
    with LiveEngine(visits=1_000_000) as engine:
        engine.send("kata-search_cancellable b")
        engine.send("name")
        assert engine.read_reply() == ["= cancelled"]
        assert engine.read_reply() == ["= move37"]


def test_the_nets_own_words_are_about_the_board_as_it_is_under_each_symmetry():
    with LiveEngine() as engine:
        engine.tell("play b B4", "play w C3")
        views = re.split(r"(?=symmetry)", engine.tell("kata-raw-nn all"))[1:]
        assert [int(view.split()[1]) for view in views] == list(range(8))
        for view in views:
            policy = re.search(r"policy\n(.*)\npolicyPass (\S+)", view, re.DOTALL)
            rows = [row.split() for row in policy[1].splitlines()]
            assert [(y, x) for y in range(5) for x in range(5) if rows[y][x] == "NAN"] == [
                (1, 1),
                (2, 2),
            ]
            shares = [float(share) for row in rows for share in row if share != "NAN"]
            assert sum(shares) + float(policy[2]) == pytest.approx(1, abs=1e-4)
        assert engine.tell("kata-raw-nn 5").split() == views[5].split()


def test_the_nets_own_words_are_whites_whoever_is_to_move():
    class AheadByFour(UniformEvaluator):
        """The side to move wins by four points and owns the upper left corner."""

        def __call__(self, planes, globals_):
            values = np.full(len(planes), 0.5, np.float32)
            return super().__call__(planes, globals_)._replace(values=values)

        def outlook(self, planes, globals_):
            ownership = np.zeros((len(planes), 5, 5), np.float32)
            ownership[:, 0, 0] = 1
            return Outlook(np.full(len(planes), 4, np.float32), ownership)

    with LiveEngine(evaluator_of=lambda game: AheadByFour(game.actions)) as engine:
        for black_moved, sign in ((False, -1), (True, 1)):
            if black_moved:
                engine.tell("play b C3")
            text = engine.tell("kata-raw-nn 0")
            assert f"whiteWin {0.5 + sign * 0.25:.6f}\n" in text
            assert f"whiteLead {sign * 4:.6f}\n" in text
            square = float(re.search(r"whiteScoreSelfplaySq (\S+)", text)[1])
            assert square == pytest.approx(16 + 24), "24 points are open"
            assert f"whiteOwnership\n{sign:.6f} " in text
            turned = engine.tell("kata-raw-nn 4").partition("whiteOwnership\n")[2].splitlines()
            assert turned[0].split()[4] == f"{sign:.6f}", "what a mirrored view shows upper left"


def moves_of(lines):
    return {move for line in lines for move in re.findall(r"info move (\S+)", line)}


@pytest.mark.parametrize(
    ("options", "moves"),
    [
        ("allow b C3,D4 3", {"C3", "D4"}),
        ("allow b C3,D4 3 avoid b D4 1", {"C3"}),
        ("allow w C3 3 allow b pass 1", {"pass"}),
    ],
)
def test_moves_can_be_allowed_and_avoided(options, moves):
    with LiveEngine(visits=50) as engine:
        engine.send(f"kata-search_analyze b 1 minmoves 30 {options}")
        lines = engine.read_reply()
        assert moves_of(lines) == moves
        assert lines[-1].removeprefix("play ") in moves
        assert engine.ask("lz-analyze b allow b C3 1 avoid b C3 1").startswith("? ")


def test_a_position_is_analysed_for_either_player_whoever_moved_last():
    with LiveEngine(visits=30) as engine:
        engine.tell("play b C3")
        engine.send("kata-search_analyze b 1 ownership true rootInfo true minmoves 24")
        line = engine.read_reply()[-2]
        assert len(moves_of([line])) >= 24
        owners = line.partition(" ownership ")[2].split()
        assert len(owners) == 25 and all(-1 <= float(owner) <= 1 for owner in owners)


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("", Request()),
        ("b 50", Request(player=0, interval=0.5)),
        ("50 white", Request(player=1, interval=0.5)),
        ("interval 200", Request(interval=2.0)),
        ("B 0", Request(player=0, interval=0.01)),
        ("b 10 maxmoves 3 minmoves 2", Request(0, 0.1, 2, 3)),
        ("ownership true rootInfo true", Request(wanted={"ownership", "rootInfo"})),
        ("ownership true ownership false", Request()),
        ("avoid b E5,pass 9", Request(avoid=[(0, (4, 25))])),
        ("allow w A1 2", Request(allow=[(1, (20,))])),
    ],
)
def test_requests_are_read(text, request_):
    assert parse_request(tuple(text.split()), games.load("go5")) == request_


def a_report():
    """C3, then D2, seen by White to move."""
    c3 = MoveReport(12, 0, 30, 0.625, 0.5, -1.5, 4.0, 0.25, (12, 25), (30, 4), None)
    d2 = MoveReport(18, 1, 10, 0.4, 0.25, None, None, 0.125, (18,), (10,), None)
    policy = np.full(26, -1, np.float32)
    policy[[12, 18, 3]] = 0.25, 0.125, 0.0625
    ownership = np.zeros((5, 5), np.float32)
    ownership[0, :3] = 1, -1, 0.5
    spread = np.full((5, 5), 0.25, np.float32)
    return Report(1, 1, 41, 0.55, 0.5, -1.5, 4.0, policy, ownership, (c3, d2), spread)


def test_the_lz_dialect():
    line = report_line(a_report(), games.load("go5"), "lz", Request())
    assert line == (
        "info move C3 visits 30 winrate 6250 prior 2500 lcb 5000 order 0 pv C3 pass "
        "info move D2 visits 10 winrate 4000 prior 1250 lcb 2500 order 1 pv D2"
    )


def test_the_kata_dialect():
    request = Request(max_moves=1, wanted={"rootInfo", "ownership", "pvVisits"})
    line = report_line(a_report(), games.load("go5"), "kata", request)
    lead = "scoreMean -1.500000 scoreStdev 4.000000 scoreLead -1.500000 scoreSelfplay -1.500000"
    assert line == (
        f"info move C3 visits 30 edgeVisits 30 utility 0.250000 winrate 0.625000 {lead} prior 0.250000 "
        "lcb 0.500000 utilityLcb 0.000000 weight 30 order 0 pv C3 pass pvVisits 30 4 "
        f"rootInfo visits 41 utility 0.100000 winrate 0.550000 {lead} weight 41 rawWinrate 0.500000 "
        "ownership 1.000000 -1.000000 0.500000" + 22 * " 0.000000"
    )


def test_the_spread_of_the_ownership_follows_when_asked_for():
    line = report_line(a_report(), games.load("go5"), "kata", Request(0, wanted={"ownershipStdev"}))
    assert line.endswith(" pv D2 ownershipStdev" + 25 * " 0.250000")


def test_the_dialect_of_cgos_is_json_whose_lines_begin_after_the_move():
    line = cgos_line(a_report(), games.load("go5"), Request())
    assert json.loads(line) == {
        "winrate": 0.55,
        "score": -1.5,
        "visits": 41,
        "moves": [
            {"move": "C3", "winrate": 0.625, "score": -1.5, "visits": 30, "prior": 0.25, "pv": "pass"},
            {"move": "D2", "winrate": 0.4, "visits": 10, "prior": 0.125, "pv": ""},
        ],
        "ownership": "+Au" + 22 * "f",
    }


def test_unvisited_moves_fill_up_to_the_least_number_by_their_priors():
    line = report_line(a_report(), games.load("go5"), "lz", Request(min_moves=5))
    assert line.endswith("info move D5 visits 0 winrate 5500 prior 625 lcb 5500 order 2 pv D5")
    assert line.count("info move") == 3


def test_the_view_of_a_report_can_be_chosen():
    with LiveEngine(visits=20) as engine:
        engine.tell("play b C3")
        shown = {}
        for viewer in ("SIDETOMOVE", "BLACK", "WHITE"):
            engine.tell(f"kata-set-param reportAnalysisWinratesAs {viewer}", "clear_cache")
            engine.send("kata-search_analyze w 10000")
            shown[viewer] = float(re.search(r"winrate (\S+)", engine.read_reply()[1])[1])
        assert shown["WHITE"] == shown["SIDETOMOVE"]
        assert shown["BLACK"] == pytest.approx(1 - shown["WHITE"], abs=2e-6)


def test_the_waiting_line_is_a_legal_move():
    assert waiting_line([7, 8], games.load("go5"), "kata").startswith("info move C4 visits 0 ")


# --- As a program ---------------------------------------------------------------------------


def test_the_command_serves_gtp_and_writes_nothing_else_on_stdout():
    command = [sys.executable, "-c", "import move37; move37.main()", "gtp", "--visits", "2"]
    identity = ["--name", "KataGo", "--version", "1.15.3"]
    typed = b"name\r\n\r\n1 version\r\nget_komi\nboardsize 26\nlz-analyze 5\n2 genmove b\nquit\nname\n"
    process = subprocess.run(
        [*command, *identity, "--rules", "japanese", "--komi", "6.5"],
        input=typed,
        capture_output=True,
        cwd=ROOT,
        timeout=300,
        check=True,
    )
    lines = process.stdout.decode().split("\n\n")
    assert lines[:4] == ["= KataGo", "=1 1.15.3", "= 6.5", "? unacceptable size"]
    assert lines[4].startswith("=\n") or lines[4] == "="
    assert re.fullmatch(r"=2 ([A-HJ][1-9]|pass)", lines[5])
    assert lines[6:] == ["= ", ""]
    assert b"japanese" in process.stderr
