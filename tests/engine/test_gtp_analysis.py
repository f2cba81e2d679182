"""The engine behind GTP: its analyses, how they start and stop, and their dialects."""

import json
import re
import threading
import time

import numpy as np
import pytest
from gtp_live import LiveEngine

from engine import games
from engine.analyst import MoveReport, Outlook, Report
from engine.gtp.analysis import Request, cgos_line, parse_request, report_line, waiting_line
from mcts import UniformEvaluator


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
        assert engine.read_line() == "="
        words = "visits 0 winrate 5000 prior 385 lcb 5000 order 0"
        assert engine.read_line() == f"info move A5 {words} pv A5"
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
        best = re.match(r"info move (\S+) .*?order 0 ", report)[1]
        assert first == "=1" and play == f"play {best}"
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
