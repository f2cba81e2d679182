"""Reviews of recorded games and what is written of them: against the rules, and read back."""

import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from sgfmill import sgf, sgf_grammar

from engine.analysis.analyze import analyse_files
from engine.analysis.commentary import commented_sgf, lead_text
from engine.analysis.page import draw_chart, markdown
from engine.analysis.record_review import review_record
from engine.analyst import Analyst
from engine.errors import UserError
from engine.games import load
from engine.nets.files import load_net
from engine.nets.inference import NetEvaluator, choose_device
from engine.nets.tuning import MOST_VISITS
from engine.records.files import read_records
from mcts import SearchSettings, UniformEvaluator

GO = load("go9")

# White's stone on D5 is in atari and Black has taken it since long; then White throws the game away.
GAME = (
    "(;GM[1]FF[4]SZ[9]KM[7]RU[Chinese]PB[Ann]PW[Bo|b]RE[B+R]C[Their game.]"
    ";B[ee];W[de]C[Contact!];B[dd](;W[gg];B[ce];W[cd];B[df];W[aa])(;W[df]C[the other way];B[cf]))"
)


@pytest.fixture(scope="module")
def analyst():
    evaluator = NetEvaluator(load_net("go9-imitation", GO)[0], choose_device("cpu"), GO)
    return Analyst(GO, evaluator, SearchSettings(visits=32, leaves_per_batch=4))


def record_of(tmp_path, text, name="game.sgf"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    (record,) = read_records([path])
    return record


@pytest.fixture
def review(analyst, tmp_path):
    return review_record(record_of(tmp_path, GAME), analyst, "go9-imitation")


def test_a_move_that_costs_nothing_is_not_said_to_cost(review):
    free = [move for move in review.moves if move.rank != 0 and move.loss < 0.0005]
    said = commented_sgf(review).decode()
    assert said.count("As good as the best. The search prefers") == len(free)
    assert "0.0 %" not in re.sub(r"Black\s[\d.]+ %", "", said)


def test_each_move_is_judged_by_the_positions_before_and_after_it(review):
    assert len(review.reports) == 9 and len(review.moves) == 8
    assert all(report.viewer == 0 for report in review.reports.values())
    for move in review.moves:
        before, after = review.reports[move.number - 1], review.reports[move.number]
        change = (after.win_rate - before.win_rate) * (1 if move.player == 0 else -1)
        assert move.loss == pytest.approx(max(0.0, -change), abs=1e-6)
        assert move.player == (move.number - 1) % 2
        lead = (after.score_lead - before.score_lead) * (1 if move.player == 0 else -1)
        assert move.points == pytest.approx(max(0.0, -lead), abs=1e-4)
        assert 0 <= move.prior <= 1 and move.best.line[0] == move.best.action
        if move.rank == 0:
            assert move.grade == "" and move.best.action == move.action


def test_a_corner_stone_in_a_fight_is_a_mistake_and_the_worst_comes_first(review):
    worst = review.mistakes()
    assert 8 in {move.number for move in worst}, "White A9 does not belong here"
    assert [move.loss for move in worst] == sorted((m.loss for m in worst), reverse=True)
    white = review.summary(1)
    assert white["moves"] == 4 and review.as_json()["players"][1] == {"name": "Bo|b", **white}
    assert white["mistakes"] + white["doubtful"] == sum(m.player == 1 for m in worst)


def test_the_commented_record_is_the_old_one_with_more_in_it(review):
    data = commented_sgf(review)
    game = sgf.Sgf_game.from_bytes(data)
    nodes = game.get_main_sequence()
    assert [node.get_move() for node in nodes] == [
        node.get_move() for node in sgf.Sgf_game.from_string(GAME).get_main_sequence()
    ]
    assert nodes[0].get("C").startswith("Their game.\n\ngo9-imitation, 32 visits\nBlack ")
    assert nodes[2].get("C").startswith("Contact!\n\n")
    other = nodes[3][1]
    assert other.get_move() == ("w", (3, 3)) and other.get("C") == "the other way"
    for number, node in enumerate(nodes):
        value = float(node.get_raw("SBKV"))
        assert value == pytest.approx(100 * review.reports[number].win_rate, abs=0.01)
    for move in review.moves:
        node = nodes[move.number]
        assert node.has_property("BM") == (move.grade == "mistake")
        assert node.has_property("DO") == (move.grade == "doubtful")
        if move.grade:
            better = node.parent[-1]
            line = [point for _, point in (n.get_move() for n in [better, *descend(better)])]
            row, column = divmod(move.best.action, 9)
            assert line[0] == (8 - row, column) and len(line) <= 12
            assert move.best.line[1:2] == () or len(line) > 1


def descend(node):
    while len(node):
        node = node[0]
        yield node


def test_commenting_twice_keeps_the_game(review, tmp_path, analyst):
    once = commented_sgf(review).decode()
    again = review_record(record_of(tmp_path, once), analyst, "go9-imitation")
    assert [m.action for m in again.moves] == [m.action for m in review.moves]
    sgf.Sgf_game.from_bytes(commented_sgf(again))


@pytest.mark.parametrize(
    ("text", "players", "stones"),
    [
        ("(;SZ[9]HA[2]AB[cc][gg]AW[cg];W[ee];B[ef])", [1, 0], 3),
        ("(;SZ[9]HA[2];B[cc];B[gg];W[ee];B[ef])", [1, 0], 2),  # free handicap as moves
        ("(;SZ[9];B[cc];B[gg];W[];W[ee])", [0, 0, 1, 1], 0),
        ("(;SZ[9];B[cc];W[];B[];W[ee])", [0, 1, 0, 1], 0),  # played on after two passes
    ],
)
def test_handicap_setup_and_odd_orders_are_followed(analyst, tmp_path, text, players, stones):
    review = review_record(record_of(tmp_path, text), analyst, "net")
    assert review.problem == "" and [move.player for move in review.moves] == players
    assert np.sum(review.reports[0].policy == -1) == stones
    sgf.Sgf_game.from_bytes(commented_sgf(review))
    nodes = nodes_of(commented_sgf(review))
    marked = [number for number, node in enumerate(nodes) if "SBKV" in node]
    assert marked == [0, *range(len(nodes) - len(players), len(nodes))]
    for number, played in zip(marked, sorted(review.reports), strict=True):
        win_rate = 100 * review.reports[played].win_rate
        assert float(nodes[number]["SBKV"][0]) == pytest.approx(win_rate, abs=0.01)


def nodes_of(data):
    return list(sgf_grammar.main_sequence_iter(sgf_grammar.parse_sgf_game(data)))


def test_dead_stones_at_the_final_passes_do_not_turn_the_result(analyst, tmp_path):
    """Black owns five columns with a dead white stone in them, which the rules would count alive."""
    wall = "".join(f";B[e{row}];W[c{row}]" for row in "abcdefghi")
    text = f"(;SZ[9]KM[7]{wall};B[];W[ge];B[];W[])"
    review = review_record(record_of(tmp_path, text), analyst, "net")
    assert review.reports[len(review.moves)].win_rate > 0.5, "by the rules White would have won by far"
    assert review.reports[len(review.moves)].moves, "the search goes on where the players stopped"


def test_an_illegal_move_ends_the_review_with_a_word(analyst, tmp_path):
    review = review_record(record_of(tmp_path, "(;SZ[9];B[ee];W[dd];B[ee];W[cc])"), analyst, "net")
    assert review.problem == "move 3 (B E5) is not legal: the review ends before it"
    assert len(review.moves) == 2 and review.problem in markdown(review)
    assert ["SBKV" in node for node in nodes_of(commented_sgf(review))] == [True] * 3 + [False] * 2


def test_time_alone_limits_each_position(tmp_path, analyst):
    endless = Analyst(GO, analyst.evaluator, SearchSettings(visits=MOST_VISITS))
    review = review_record(record_of(tmp_path, GAME), endless, "net", seconds=0.02)
    told = review.as_json()
    assert (told["visits"], told["seconds"], len(told["moves"])) == (None, 0.02, 8)
    assert "Judged by net with 0.02 s a move" in markdown(review)


def test_the_page_names_players_figures_and_worst_moves(review):
    page = markdown(review, "chart.png")
    assert (
        page.startswith("# Ann against Bo\\|b\n") and "![Win rate and lead by move](chart.png)" in page
    )
    assert "| 8 | White A9 |" in page
    assert "go9, komi 7, result B+R" in page


def test_a_chart_is_a_picture_with_or_without_scores(review, analyst, tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "chart.png"
    draw_chart(review, path)
    assert path.read_bytes().startswith(b"\x89PNG")
    plain = Analyst(GO, UniformEvaluator(GO.actions), analyst.settings)
    draw_chart(review_record(review.record, plain, "none"), path)


def test_files_folders_and_archives_are_analysed_and_broken_games_named(analyst, tmp_path):
    folder = tmp_path / "games"
    folder.mkdir()
    (folder / "two.sgf").write_text("(;GM[1]SZ[9];B[ee])\n(;GM[1]SZ[9];B[dd];W[ee])")
    (folder / "broken.sgf").write_text("(;GM[1]SZ[9];B[zz])")
    (folder / "large.sgf").write_text("(;GM[1]SZ[13];B[ee])")
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        archive.writestr("in/side.sgf", "(;GM[1]SZ[9])")

    def analyst_of(name):
        if name != "go9":
            raise UserError(f"no net for {name}")
        return analyst, "go9-imitation"

    heard = []
    out = tmp_path / "out"
    outcome = analyse_files(
        [folder], out, analyst_of, chart=False, on_done=lambda *args: heard.append(args)
    )
    names = [Path(row["files"][0]).name for row in outcome.rows]
    assert names == ["more.zip-in-side.analysed.sgf", "two.analysed.sgf", "two-2.analysed.sgf"]
    assert sorted(path.suffix for path in out.iterdir()) == [".json"] * 3 + [".md"] * 3 + [".sgf"] * 3
    assert {item.source for item in outcome.broken} == {"broken.sgf, game 1", "large.sgf, game 1"}
    assert heard[-1] == ("two.sgf, game 2", 1.0)
    stored = json.loads((out / "two-2.analysed.json").read_text())
    assert len(stored["win_rates"]) == 3 and stored["moves"][1]["move"] == "E5"
    assert "no net for go13" in str(outcome) and "two.analysed.sgf" in str(outcome)


def test_analyses_in_a_folder_are_not_analysed_again_unless_they_are_named(analyst, tmp_path):
    def analyse(path):
        return analyse_files([path], tmp_path, lambda name: (analyst, "net"), chart=False)

    (tmp_path / "game.sgf").write_text("(;GM[1]SZ[9];B[ee])")
    analyse(tmp_path)
    again = analyse(tmp_path)
    assert [row["source"] for row in again.rows] == ["game.sgf, game 1"]
    assert "game.analysed.sgf, game 1: not analysed: an analysis; name it" in str(again)
    assert len(list(tmp_path.glob("*.sgf"))) == 2
    assert analyse(tmp_path / "game.analysed.sgf").rows


def test_a_komi_that_is_assumed_is_told_with_the_analysis(analyst, tmp_path):
    review = review_record(record_of(tmp_path, "(;SZ[9]KM[abc];B[aa])"), analyst, "go9-imitation")
    assert review.problem.startswith("KM[abc] is no number")


def test_nothing_that_can_be_analysed_is_a_mistake_of_the_user(analyst, tmp_path):
    path = tmp_path / "broken.sgf"
    path.write_text("(;GM[1]SZ[9];B[zz])")
    with pytest.raises(UserError, match=r"no game could be analysed: broken.sgf.*not on a board of 9"):
        analyse_files([path], tmp_path, lambda name: (analyst, "net"), chart=False)


def test_margins_are_written_as_results_are():
    assert [lead_text(lead) for lead in (3.46, -0.5, 0.0)] == ["B+3.5", "W+0.5", "B+0.0"]
