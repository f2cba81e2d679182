"""The JSON analysis protocol: what is asked, what is answered, and what is wrong with a question."""

import io
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.analysis.protocol import AnalysisEngine, parse_overrides, read_config, serve
from engine.analysis.query import Options
from engine.analyst import Analyst
from engine.errors import UserError
from engine.games import load
from engine.players.net_source import NetSource
from engine.position import Position
from mcts import SearchSettings, UniformEvaluator

GO = load("go9")
SEARCH = SearchSettings(visits=16)
QUERY = {"id": "q", "moves": [], "rules": "tromp-taylor", "komi": 7, "boardXSize": 9, "boardYSize": 9}


@pytest.fixture(scope="module")
def net():
    source = NetSource("go9-imitation", "cpu")
    source(GO)
    return source


class Session:
    """An engine and what it has answered."""

    def __init__(self, net, **options):
        self.answers = []
        parallel = options.pop("parallel", 8)
        self.engine = AnalysisEngine(
            net,
            net.names,
            Options(SEARCH, **options),
            lambda answer: self.answers.append(json.loads(json.dumps(answer))),
            parallel=parallel,
            version="1.2.3",
        )

    def ask(self, *queries):
        """The answers to some lines, until nothing is left to do."""
        self.answers.clear()
        lines = [query if isinstance(query, str) else json.dumps(query) for query in queries]
        serve(self.engine, lines)
        return list(self.answers)


@pytest.fixture
def session(net):
    return Session(net)


def query(**fields):
    return QUERY | fields


def test_an_answer_has_the_keys_of_the_protocol(session):
    (answer,) = session.ask(
        query(
            moves=[["B", "E5"], ["W", "D4"]],
            includeOwnership=True,
            includeMovesOwnership=True,
            includePolicy=True,
            includePVVisits=True,
        )
    )
    assert (answer["id"], answer["turnNumber"], answer["isDuringSearch"]) == ("q", 2, False)
    assert len(answer["ownership"]) == 81 and len(answer["policy"]) == 82
    policy = answer["policy"]
    assert policy[40] == policy[48] == -1, "the stones on E5 and D4, row-major from A9"
    assert sum(p for p in policy if p >= 0) == pytest.approx(1, abs=1e-4)
    root = answer["rootInfo"]
    assert root["visits"] == 16 and root["currentPlayer"] == "B" and 0 <= root["winrate"] <= 1
    assert {"scoreLead", "scoreSelfplay", "scoreStdev", "utility", "thisHash"} <= root.keys()
    first = answer["moveInfos"][0]
    assert set(first) == {
        *(
            "move",
            "order",
            "visits",
            "edgeVisits",
            "weight",
            "winrate",
            "lcb",
            "utility",
            "utilityLcb",
            "prior",
            "pv",
        ),
        *("scoreLead", "scoreMean", "scoreSelfplay", "scoreStdev", "pvVisits", "ownership"),
    }
    assert first["order"] == 0 and first["pv"][0] == first["move"]
    assert len(first["pvVisits"]) == len(first["pv"]) and len(first["ownership"]) == 81
    assert math.isclose(first["utility"], 2 * first["winrate"] - 1, abs_tol=1e-5)


def test_only_what_was_asked_for_is_told(session):
    (answer,) = session.ask(query())
    assert set(answer) == {"id", "isDuringSearch", "turnNumber", "moveInfos", "rootInfo"}
    assert not {"pvVisits", "ownership"} & answer["moveInfos"][0].keys()


def test_the_answer_is_the_analysts_report(session, net):
    position = Position(GO)
    position.set_start(suicide=1)
    position.play(47)  # C4: no two moves that a symmetry makes equally good
    report = Analyst(GO, net(GO), SEARCH).analyse(position).seen_by(0)
    (answer,) = session.ask(query(moves=[["B", "C4"]]))
    assert [m["visits"] for m in answer["moveInfos"]] == [m.visits for m in report.moves]
    assert answer["rootInfo"]["winrate"] == pytest.approx(report.win_rate, abs=1e-5)
    assert answer["rootInfo"]["scoreLead"] == pytest.approx(report.score_lead, abs=1e-4)


def test_the_view_of_win_rates_can_be_chosen(session):
    def win_rate(turn, **settings):
        asked = query(moves=[["B", "E5"]], analyzeTurns=[turn], overrideSettings=settings)
        root = session.ask(asked)[0]["rootInfo"]
        return root["winrate"], root["scoreLead"]

    for turn, mover in ((0, "BLACK"), (1, "WHITE")):
        black = win_rate(turn, reportAnalysisWinratesAs="BLACK")
        white = win_rate(turn, reportAnalysisWinratesAs="WHITE")
        assert black == win_rate(turn)
        assert black == (pytest.approx(1 - white[0], abs=1e-5), -white[1])
        assert (
            win_rate(turn, reportAnalysisWinratesAs="SIDETOMOVE")
            == {
                "BLACK": black,
                "WHITE": white,
            }[mover]
        )


def test_turns_are_answered_one_by_one_and_batched_together(net):
    calls = []

    def counting(planes, globals_):
        calls.append(len(planes))
        return net(GO)(planes, globals_)

    session = Session(net)
    session.engine.evaluator_of = lambda game: counting
    moves = [["B", "E5"], ["W", "D4"], ["B", "F6"]]
    answers = session.ask(query(moves=moves, analyzeTurns=[0, 1, 3, 1], maxVisits=8))
    assert sorted(answer["turnNumber"] for answer in answers) == [0, 1, 3]
    assert calls[0] == 3, "the roots of the three positions are one batch"
    assert sum(calls) <= 3 * 8


def test_the_most_urgent_positions_are_searched_first(net):
    session = Session(net, parallel=1)
    low, high = query(id="low"), query(id="high", priority=5)
    moves = [["B", "E5"]]
    mixed = query(id="mixed", moves=moves, analyzeTurns=[0, 1], priorities=[1, 9])
    order = [(a["id"], a["turnNumber"]) for a in session.ask(low, high, mixed)]
    assert order == [("mixed", 1), ("high", 0), ("mixed", 0), ("low", 0)]


def test_an_urgent_question_overtakes_an_endless_one_which_then_goes_on(net):
    session = Session(net, parallel=1)
    engine = session.engine
    engine.handle(json.dumps(query(id="ponder", maxVisits=10_000_000)))
    engine.step()
    engine.handle(json.dumps(query(id="now", priority=1)))
    while len(session.answers) < 1:
        engine.step()
    assert session.answers[0]["id"] == "now"
    engine.handle('{"id":"x","action":"terminate","terminateId":"ponder"}')
    assert session.answers[1]["id"] == "ponder" and session.answers[1]["rootInfo"]["visits"] >= 1


def test_reports_come_during_the_search(net):
    session = Session(net)
    answers = session.ask(query(reportDuringSearchEvery=0.001, maxVisits=200))
    assert [a["isDuringSearch"] for a in answers] == [True] * (len(answers) - 1) + [False]
    visits = [a["rootInfo"]["visits"] for a in answers]
    assert len(visits) > 3 and visits == sorted(visits) and visits[-1] >= 200


def test_more_time_is_not_used_than_allowed(session):
    asked = query(maxVisits=2**50, overrideSettings={"maxTime": 0.2})
    (answer,) = session.ask(asked)
    assert 0 < answer["rootInfo"]["visits"] < 1_000_000


def test_terminate_ends_one_query_and_says_what_it_found(session):
    engine = session.engine
    engine.handle(json.dumps(query(id="a", maxVisits=10**6)))
    engine.step()
    engine.handle(json.dumps(query(id="b", maxVisits=10**6)))
    engine.handle('{"id":"t1","action":"terminate","terminateId":"b"}')
    engine.handle('{"id":"t2","action":"terminate","terminateId":"a","turnNumbers":[7]}')
    engine.handle('{"id":"t3","action":"terminate","terminateId":"a","turnNumbers":[0]}')
    nothing, t1, t2, found, t3 = session.answers
    assert nothing == {"id": "b", "isDuringSearch": False, "turnNumber": 0, "noResults": True}
    assert t1 == {"id": "t1", "action": "terminate", "terminateId": "b"}
    assert t2["turnNumbers"] == [7] and t3["id"] == "t3"
    assert found["id"] == "a" and found["moveInfos"] and not found["isDuringSearch"]
    assert engine.jobs == []


def test_terminate_all_ends_everything(session):
    for name in "abc":
        session.engine.handle(json.dumps(query(id=name, maxVisits=10**6)))
    session.engine.handle('{"id":"t","action":"terminate_all"}')
    assert [a["id"] for a in session.answers] == ["a", "b", "c", "t"] and session.engine.jobs == []


def test_actions_are_echoed_with_what_was_asked(session):
    answers = session.ask(
        {"id": "v", "action": "query_version"},
        {"id": "m", "action": "query_models", "extra": 1},
        {"id": "c", "action": "clear_cache"},
    )
    assert answers[0] == {
        **{"id": "v", "action": "query_version"},
        **{"version": "1.2.3", "git_hash": "<omitted>"},
    }
    assert answers[1]["models"][0]["name"] == "go9-imitation" and answers[1]["extra"] == 1
    assert answers[2] == {"id": "c", "action": "clear_cache"}


@pytest.mark.parametrize("field", ["avoidMoves", "allowMoves"])
def test_moves_can_be_avoided_or_allowed_for_the_player_to_move(session, field):
    names = ["E5", "D5", "pass"]
    entry = {"player": "B", "moves": names, "untilDepth": 1}
    (answer,) = session.ask(query(**{field: [entry]}))
    tried = {move["move"] for move in answer["moveInfos"]}
    assert tried <= set(names) if field == "allowMoves" else not tried & set(names)
    (other,) = session.ask(query(**{field: [entry | {"player": "W"}]}))
    (free,) = session.ask(query())
    assert other["moveInfos"] == free["moveInfos"]


def test_setup_stones_colours_and_play_after_passes_are_followed(session):
    """Handicap: White begins. The same player twice, and a move after two passes, are accepted."""
    handicap = [["B", "G7"], ["B", "C3"]]
    (answer,) = session.ask(query(initialStones=handicap, includePolicy=True))
    assert answer["rootInfo"]["currentPlayer"] == "W"
    assert [i for i, p in enumerate(answer["policy"]) if p == -1] == [2 * 9 + 6, 6 * 9 + 2]
    (answer,) = session.ask(query(initialStones=handicap, initialPlayer="b"))
    assert answer["rootInfo"]["currentPlayer"] == "B"
    moves = [["B", "E5"], ["B", "pass"], ["B", "pass"], ["B", "D5"]]
    answers = session.ask(query(moves=moves, analyzeTurns=[1, 4]))
    assert {a["turnNumber"]: a["rootInfo"]["currentPlayer"] for a in answers} == {1: "B", 4: "W"}
    (answer,) = session.ask(query(moves=[["W", "(0,0)"]], includePolicy=True))
    assert answer["policy"][0] == -1


def test_a_finished_game_is_answered_with_its_score(session):
    (answer,) = session.ask(query(moves=[["B", "E5"], ["W", "pass"], ["B", "pass"]]))
    assert answer["moveInfos"] == [] and answer["rootInfo"]["winrate"] == 1
    assert answer["rootInfo"]["scoreLead"] == 74 and answer["rootInfo"]["scoreStdev"] == 0


def test_chinese_rules_give_white_a_point_for_each_handicap_stone(session):
    over = {"initialStones": [["B", "G7"], ["B", "C3"]], "moves": [["W", "pass"], ["B", "pass"]]}
    for rules, lead in (("tromp-taylor", 74), ("chinese", 72), ("aga", 73), ({"ko": "SIMPLE"}, 74)):
        assert session.ask(query(rules=rules, **over))[0]["rootInfo"]["scoreLead"] == lead


def test_the_bonus_for_handicap_can_be_set_against_the_rules(session):
    over = {"initialStones": [["B", "G7"], ["B", "C3"]], "moves": [["W", "pass"], ["B", "pass"]]}
    for bonus, lead in (("0", 74), (0, 74), ("N", 72), ("N-1", 73)):
        asked = query(rules="chinese", whiteHandicapBonus=bonus, **over)
        assert session.ask(asked)[0]["rootInfo"]["scoreLead"] == lead


@pytest.mark.parametrize(("rules", "komi"), [("chinese", 7.5), ("japanese", 6.5)])
def test_without_a_komi_it_is_what_is_usual_under_the_rules(session, rules, komi):
    asked = query(rules=rules, moves=[["B", "E5"], ["W", "pass"], ["B", "pass"]])
    del asked["komi"]
    assert session.ask(asked)[0]["rootInfo"]["scoreLead"] == 81 - komi


def test_without_a_net_named_each_board_size_has_the_one_that_ships_for_it():
    source = NetSource(None, "cpu")
    session = Session(source)
    small = query(id="5", boardXSize=5, boardYSize=5, includePolicy=True)
    answers = session.ask(query(id="9"), small, {"id": "nets", "action": "query_models"})
    assert source.names() == ["go9", "go5"]
    assert len(next(a for a in answers if a["id"] == "5")["policy"]) == 26
    (refused,) = session.ask(query(boardXSize=7, boardYSize=7))
    assert "no net ships for go7" in refused["error"] and refused["field"] == "boardXSize"


def test_oblong_boards_are_analysed_by_a_net_that_knows_both_sides():
    answers = []
    engine = AnalysisEngine(
        lambda game: UniformEvaluator(game.actions), list, Options(SEARCH), answers.append
    )
    moves = [["B", "J1"], ["W", "A7"]]
    engine.handle(json.dumps(query(boardXSize=9, boardYSize=7, moves=moves, includePolicy=True)))
    while engine.jobs:
        engine.step()
    policy = answers[0]["policy"]
    assert len(policy) == 64 and [i for i, p in enumerate(policy) if p == -1] == [0, 62]


def test_the_spread_of_ownership_says_where_the_lines_disagree(session):
    (answer,) = session.ask(query(includeOwnershipStdev=True))
    spread = answer["ownershipStdev"]
    assert "ownership" not in answer and len(spread) == 81
    assert min(spread) >= 0 and 0 < max(spread) <= 1
    only = [{"player": "B", "moves": ["E5"], "untilDepth": 1}]
    (answer,) = session.ask(query(includeOwnershipStdev=True, allowMoves=only))
    assert set(answer["ownershipStdev"]) == {0}, "a single line agrees with itself"


def test_a_field_that_is_not_known_is_a_warning_and_the_query_goes_on(session):
    warning, answer = session.ask(query(includeNoResultValue=True))
    said = {"warning": "Unexpected or unused field", "field": "includeNoResultValue", "id": "q"}
    assert warning == said and answer["moveInfos"]


def without(name):
    return {key: value for key, value in QUERY.items() if key != name}


@pytest.mark.parametrize(
    ("asked", "field", "words"),
    [
        (without("boardXSize"), "boardXSize", "integer from 1 to 19"),
        (query(boardXSize=9.0), "boardXSize", "integer"),
        (query(boardYSize=True), "boardYSize", "integer"),
        (query(boardXSize=7), "boardXSize", "7x9 is not trained"),
        (query(whiteHandicapBonus="N+1"), "whiteHandicapBonus", "not supported"),
        (query(whiteHandicapBonus=[]), "whiteHandicapBonus", "not supported"),
        (query(includeOwnershipStdev="yes"), "includeOwnershipStdev", "true or false"),
        (query(boardXSize=13, boardYSize=13), "boardXSize", "supports 9"),
        (without("moves"), "moves", "array of pairs"),
        (query(moves=[["B", "E5", 1]]), "moves", "array of pairs"),
        (query(moves=[["X", "E5"]]), "moves", "could not parse player: X"),
        (query(moves=[["B", "K10"]]), "moves", "could not parse board location: K10"),
        (query(moves=[["B", "(9,0)"]]), "moves", "could not parse"),
        (query(moves=[["B", "E5"], ["W", "e5"]]), "moves", "Illegal move 1: E5"),
        (query(initialStones=[["B", "pass"]]), "initialStones", "could not parse"),
        (query(initialStones=[["B", "A1"], ["W", "A2"], ["W", "B1"]]), "initialStones", "liberty"),
        (query(initialPlayer="x"), "initialPlayer", "could not parse player"),
        (without("rules"), "rules", "must be a name"),
        (query(rules="calvinball"), "rules", "calvinball"),
        (query(komi=7.25), "komi", "half-integer"),
        (query(komi=1000), "komi", "from -150 to 150"),
        (query(komi=float("nan")), "komi", "from -150 to 150"),
        (query(analyzeTurns=[1]), "analyzeTurns", "invalid turn number: 1"),
        (query(analyzeTurns=[]), "analyzeTurns", "at least one turn"),
        (query(analyzeTurns="all"), "analyzeTurns", "array of integers"),
        (query(priorities=[1]), "priorities", "together with analyzeTurns"),
        (query(analyzeTurns=[0], priorities=[1, 2]), "priorities", "length"),
        (query(analyzeTurns=[0], priorities=[1], priority=1), "priority", "both"),
        (query(maxVisits=0), "maxVisits", "integer from 1"),
        (query(includePolicy=1), "includePolicy", "true or false"),
        (query(reportDuringSearchEvery=0), "reportDuringSearchEvery", "number from"),
        (query(overrideSettings=[]), "overrideSettings", "object"),
        (query(overrideSettings={"cpuctExploration": "x"}), "overrideSettings", "c_puct"),
        (query(overrideSettings={"maxTime": -1}), "overrideSettings", "maxTime"),
        (query(overrideSettings={"reportAnalysisWinratesAs": "ME"}), "overrideSettings", "SIDETOMOVE"),
        (query(avoidMoves=[{"player": "B", "moves": ["E5"]}]), "avoidMoves", "untilDepth"),
        (query(avoidMoves=[], allowMoves=[]), "allowMoves", "both"),
        (
            query(allowMoves=[{"player": "B", "moves": [], "untilDepth": 1}]),
            "avoidMoves",
            "none of the allowed moves is legal",
        ),
        ({"id": "q", "action": "dance"}, "action", "must be one of query_version"),
        ({"id": "q", "action": ["terminate"]}, "action", "must be one of"),
        ({"id": "q", "action": "terminate"}, "terminateId", "string"),
        ({"id": "q", "action": "terminate_all", "turnNumbers": 1}, "turnNumbers", "array of integers"),
    ],
)
def test_a_mistake_is_answered_with_its_field_and_the_next_query_is_served(
    session, asked, field, words
):
    first, second = session.ask(asked, query(id="next", maxVisits=1))
    assert first.keys() == {"error", "field", "id"}
    assert first["id"] == "q" and first["field"] == field and words in first["error"]
    assert second["id"] == "next"


@pytest.mark.parametrize("line", ["nonsense", "[1]", '{"id":5}', "{}", '"x"', "[" * 100_000, '{"id'])
def test_a_line_that_is_no_request_is_an_error_without_an_id(session, line):
    (answer,) = session.ask("", line)
    assert answer.keys() == {"error"}


def test_unknown_settings_are_a_warning_and_the_query_goes_on(session):
    settings = {"wideRootNoise": 0.04, "cpuctExploration": 2, "c_puct_base": 500, "maxVisits": 4}
    warning, answer = session.ask(query(overrideSettings=settings))
    assert warning == {
        "warning": "Unknown config params: wideRootNoise",
        "field": "overrideSettings",
        "id": "q",
    }
    assert answer["rootInfo"]["visits"] == 4
    deep = [{"player": "B", "moves": ["E5"], "untilDepth": 9}]
    assert session.ask(query(avoidMoves=deep))[0]["field"] == "avoidMoves"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = [
    *("moves", "initialStones", "initialPlayer", "rules", "komi", "boardXSize", "boardYSize"),
    *("analyzeTurns", "maxVisits", "rootPolicyTemperature", "includeOwnership", "includePolicy"),
    *("avoidMoves", "allowMoves", "overrideSettings", "reportDuringSearchEvery", "priority"),
    *("priorities", "analysisPVLen", "action"),
]


@settings(max_examples=150)
@given(changes=st.dictionaries(st.sampled_from(FIELDS), JSON, min_size=1, max_size=2))
def test_whatever_stands_in_a_query_it_is_answered_once(changes):
    answers = []
    engine = AnalysisEngine(
        lambda game: lambda planes, globals_: pytest.fail("a query of zeros is not searched here"),
        list,
        Options(SEARCH),
        answers.append,
    )
    engine.handle(json.dumps(QUERY | changes))
    final = [a for a in answers if "warning" not in a]
    assert len(final) + len(engine.jobs) >= 1
    assert all(set(a) <= {"error", "field", "id"} for a in final if "error" in a)
    engine.handle('{"id":"t","action":"terminate_all"}')
    assert engine.jobs == [] and answers[-1]["id"] == "t"


def test_a_configuration_of_katago_is_read_for_what_we_know(tmp_path):
    path = tmp_path / "analysis.cfg"
    path.write_text("# comment\nmaxVisits = 50 # few\n\nlogDir = logs\nnumAnalysisThreads=3\n")
    assert read_config(path) == {"maxVisits": "50", "logDir": "logs", "numAnalysisThreads": "3"}
    assert parse_overrides(["a=1,b = 2", "c=x=y"]) == {"a": "1", "b": "2", "c": "x=y"}
    with pytest.raises(UserError, match="'nonsense' is no parameter"):
        parse_overrides(["nonsense"])
    with pytest.raises(UserError, match="cannot read the configuration"):
        read_config(tmp_path / "none.cfg")


def test_open_queries_are_left_when_the_input_ends_and_waiting_is_not_wanted(session):
    serve(session.engine, io.StringIO(json.dumps(query(maxVisits=10**6)) + "\n"), wait=False)
    assert session.answers == []


def test_the_command_takes_the_arguments_of_katago():
    """A whole session as a program has it: one process, lines in, lines out, and an exit at the end."""
    root = Path(__file__).parents[2]
    code = "import move37; move37.main()"
    words = ["analysis", "-model", "go9-imitation", "-override-config", "homeDataDir=/x,maxVisits=4"]
    lines = [json.dumps(query()), '{"id":"v","action":"query_version"}']
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        cwd=root,
        check=True,
        timeout=120,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert {answer["id"] for answer in answers} == {"q", "v"}
    assert next(a for a in answers if a["id"] == "q")["rootInfo"]["visits"] == 4
    assert "ready for queries" in done.stderr
