import io
import math
import tarfile
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import UserError
from engine.games import go_name
from engine.games.go import KO_POSITIONAL, KO_SIMPLE, KO_SITUATIONAL
from engine.records.files import read_records
from engine.records.record import (
    BrokenRecord,
    GameRecord,
    result_margin,
    result_outcome,
    rules_fields,
    start_position,
)
from engine.records.sgf import write_sgf

ONE = "(;GM[1]FF[4]SZ[9]KM[7]PB[ann]PW[bob];B[ee];W[cc])"
TWO = "(;GM[1]FF[4]SZ[9]KM[7];B[aa])"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("records")


def read(folder, text):
    """All records of one file with that text (str or bytes)."""
    path = folder / "games.sgf"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(read_records([path]))


def read_one(folder, text):
    (record,) = read(folder, text)
    assert isinstance(record, GameRecord), record
    return record


def reason(folder, text):
    (record,) = read(folder, text)
    assert isinstance(record, BrokenRecord), record
    return record.reason


def test_a_game_is_read_with_its_names_rules_and_moves(folder):
    record = read_one(
        folder,
        "(;FF[4]GM[1]SZ[9]KM[5.5]RU[AGA]PB[ann]PW[bob]BR[3d]WR[4d]RE[W+2.5]DT[2020-02-29]GN[final]"
        ";B[ca];W[ai];B[])",
    )
    assert record == GameRecord(
        game="go9",
        komi=5.5,
        rules="AGA",
        moves=[(0, 2), (1, 72), (0, 81)],
        players=("ann", "bob"),
        ranks=("3d", "4d"),
        result="W+2.5",
        name="final",
        date="2020-02-29",
        source="games.sgf, game 1",
    )


@pytest.mark.parametrize(
    ("point", "action"), [("aa", 0), ("ia", 8), ("AI", 72), ("ii", 80), ("", 81), ("tt", 81)]
)
def test_points_count_from_the_upper_left_and_passes_are_empty_or_tt(folder, point, action):
    assert read_one(folder, f"(;SZ[9];B[{point}])").moves == [(0, action)]


@pytest.mark.parametrize(
    ("tag", "expert"),
    [
        ("expert:BW", (True, True)),
        ("expert:B", (True, False)),
        ("league A, expert:W", (False, True)),
        ("no expert here", None),
        ("", None),
    ],
)
def test_the_expert_tag_says_whom_to_imitate(folder, tag, expert):
    assert read_one(folder, f"(;SZ[9]GC[{tag}];B[aa])").expert == expert


def test_an_oblong_board_has_its_columns_first(folder):
    record = read_one(folder, "(;SZ[13:9]AB[aa:mi]AE[ab:mi];W[mi];B[])")
    assert (record.game, record.shape) == ("go13x9", (9, 13))
    assert record.setup == [(action, 1) for action in range(13)]
    assert record.moves == [(1, 116), (0, 117)]
    assert "SZ[13:9]" in write_sgf(record)


def test_only_the_main_line_is_read(folder):
    text = "(;SZ[9];B[aa](;W[bb](;B[cc])(;B[dd]))(;W[ee]))"
    assert read_one(folder, text).moves == [(0, 0), (1, 10), (0, 20)]


def test_several_moves_of_one_node_are_read_in_turn(folder):
    assert read_one(folder, "(;SZ[9];B[aa]W[bb];B[cc][dd])").moves == [
        (0, 0),
        (1, 10),
        (0, 20),
        (0, 30),
    ]


@pytest.mark.parametrize(
    ("text", "setup", "to_move", "moves"),
    [
        ("HA[2]AB[cc][gg]", [(20, 1), (60, 1)], 1, []),
        ("AB[cc]AW[gg]", [(20, 1), (60, 2)], 0, []),
        ("AB[cc]AW[gg]PL[W]", [(20, 1), (60, 2)], 1, []),
        ("AB[aa:ba]", [(0, 1), (1, 1)], 1, []),
        ("AB[cc]PL[B]", [(20, 1)], 0, []),
        ("AB[cc][gg];AE[cc];AW[aa];W[ab]", [(0, 2), (60, 1)], 1, [(1, 9)]),
        ("HA[2];B[cc];B[gg];W[aa]", [(20, 1), (60, 1)], 1, [(1, 0)]),
        ("PL[B];W[cc]", [], 1, [(1, 20)]),
    ],
)
def test_setup_stones_and_the_first_player(folder, text, setup, to_move, moves):
    record = read_one(folder, f"(;SZ[9]{text})")
    assert (record.setup, record.to_move, record.moves) == (setup, to_move, moves)


@pytest.mark.parametrize(
    ("komi", "points"),
    [
        ("7", 7.0),
        ("6.50", 6.5),
        ("6,5", 6.5),
        ("-3.5 points", -3.5),
        ("375", 7.5),
        ("650", 6.5),
        ("3.75", 7.5),
        ("2.75", 5.5),
        ("0", 0.0),
        ("", 6.5),
        ("free", 6.5),
    ],
)
def test_komi_is_read_as_half_points_with_known_slips_repaired(folder, komi, points):
    assert read_one(folder, f"(;SZ[19]KM[{komi}];B[aa])").komi == points


def test_a_komi_that_is_no_number_is_remarked_upon(folder):
    assert read_one(folder, "(;SZ[9]KM[abc];B[aa])").remark == (
        "KM[abc] is no number: a komi of 6.5 is assumed"
    )
    assert read_one(folder, "(;SZ[9]KM[ ];B[aa])").remark == ""


def test_the_usual_komi_is_read_on_the_smallest_boards(folder):
    assert read_one(folder, "(;SZ[2]KM[7];B[aa])").komi == 7


def test_missing_komi_of_a_handicap_game_is_half_a_point(folder):
    assert read_one(folder, "(;SZ[9]AB[cc][gg];W[aa])").komi == 0.5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("(;GM[2]SZ[8];B[aa])", "GM[2] is not Go"),
        ("(;SZ[9:13];B[jm])", "move 1: B[jm] is not on a board of 9x13"),
        ("(;SZ[9:];B[jj])", "move 1: B[jj] is not on a board of 9"),
        ("(;SZ[9:9:9];B[aa])", "rows and columns"),
        ("(;SZ[21];B[aa])", "1 to 19 rows"),
        ("(;SZ[9:21];B[aa])", "1 to 19 rows"),
        ("(;SZ[0])", "1 to 19 rows"),
        ("(;SZ[x];B[aa])", "1 to 19 rows"),
        ("(;SZ[9];B[aa];W[jj])", "move 2: W[jj] is not on a board of 9"),
        ("(;SZ[9];B[e])", "move 1"),
        ("(;SZ[9]AB[tt])", "AB[tt] is not on a board"),
        ("(;SZ[9];B[aa];AW[bb])", "AW edits the board after move 1"),
        ("(;SZ[9]AB[aa]AW[ab][ba])", "without a liberty"),
        ("(;SZ[9]KM[1e5];B[aa];W[", "unexpected end"),
        ("(;SZ[9]KM[150];B[aa])", "more than the board has points"),
    ],
)
def test_a_broken_game_comes_out_with_the_reason(folder, text, words):
    assert words in reason(folder, text)


@pytest.mark.parametrize("damage", ["(;GM[1]SZ[9];B[aa];W[bb", "(;GM[1]SZ[9];B[aa];W[bb]", "(;GM[1]]"])
def test_one_broken_game_of_a_collection_loses_no_other(folder, damage):
    first, broken, last = read(folder, ONE + "\n" + damage + "\n" + TWO)
    assert isinstance(broken, BrokenRecord)
    assert broken.source == "games.sgf, game 2"
    assert (first.moves, last.moves) == ([(0, 40), (1, 20)], [(0, 0)])


def test_a_game_quoted_in_a_comment_is_no_game(folder):
    quoted = TWO.replace("]", "\\]")
    assert read_one(folder, f"(;SZ[9];B[ee]C[see {quoted}];W[cc])").moves == [(0, 40), (1, 20)]


@pytest.mark.parametrize(
    ("declared", "codec"),
    [
        ("UTF-8", "utf-8"),
        ("GB2312", "gb2312"),
        ("", "utf-8"),
        ("UTF-8", "latin-1"),
        ("hex", "utf-8"),
    ],
)
def test_names_survive_any_honest_encoding(folder, declared, codec):
    name = "\u00fc" if codec == "latin-1" else "\u67ef\u6d01"
    text = f"(;CA[{declared}]SZ[9]PB[{name}];B[aa])".encode(codec)
    assert read_one(folder, text).players[0] == name


def test_folders_and_archives_are_searched(tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "a.SGF").write_text(ONE)
    (tmp_path / "readme.txt").write_text("not a game")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("x/one.sgf", ONE + TWO)
        archive.writestr("x/notes.txt", "no")
    with tarfile.open(tmp_path / "c.tar.gz", "w:gz") as archive:
        info = tarfile.TarInfo("y/two.sgf")
        info.size = len(TWO)
        archive.addfile(info, io.BytesIO(TWO.encode()))
    sources = [record.source for record in read_records([tmp_path])]
    assert sources == [
        "b.zip/x/one.sgf, game 1",
        "b.zip/x/one.sgf, game 2",
        "c.tar.gz/y/two.sgf, game 1",
        "deep/er/a.SGF, game 1",
    ]
    assert [record.source for record in read_records([tmp_path / "c.tar.gz"])] == [
        "c.tar.gz/y/two.sgf, game 1"
    ]


def test_bad_files_of_a_folder_are_broken_records(tmp_path):
    (tmp_path / "a.sgf").write_text("hello")
    (tmp_path / "b.zip").write_bytes(b"PK not really")
    (tmp_path / "c.sgf").write_text(ONE)
    first, second, third = read_records([tmp_path])
    assert (first.source, first.reason) == ("a.sgf", "no SGF game in it")
    assert second.source == "b.zip"
    assert "cannot be read as an archive" in second.reason
    assert isinstance(third, GameRecord)


def test_a_truncated_archive_keeps_the_games_before_the_damage(tmp_path):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for name in ("one.sgf", "two.sgf"):
            info = tarfile.TarInfo(name)
            info.size = len(ONE)
            archive.addfile(info, io.BytesIO(ONE.encode()))
    path.write_bytes(path.read_bytes()[: 1024 + 512 + 10])
    first, second = read_records([path])
    assert isinstance(first, GameRecord)
    assert "damaged" in second.reason


@pytest.mark.parametrize("name", ["missing.sgf", "empty", "text.sgf", "bad.zip", "bad.tar.gz"])
def test_a_path_without_any_sgf_is_a_mistake_of_the_user(tmp_path, name):
    (tmp_path / "empty").mkdir()
    for file in ("text.sgf", "bad.zip", "bad.tar.gz"):
        (tmp_path / file).write_text("hello")
    with pytest.raises(UserError, match=name) as error:
        list(read_records([tmp_path / name]))
    assert "\n" not in str(error.value)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=40))
def test_random_bytes_never_crash_the_reader(folder, junk, more):
    for text in (b"(;" + junk, ONE.encode()[:-1] + junk + more, junk + ONE.encode() + more):
        for record in read(folder, text):
            assert isinstance(record, GameRecord | BrokenRecord)


@settings(max_examples=300, deadline=None)
@given(st.text("();[]\\:BWABPLSZKM0139aeit", max_size=80))
def test_random_sgf_syntax_never_crashes_the_reader(folder, junk):
    for record in read(folder, f"(;SZ[9]{junk}"):
        if isinstance(record, GameRecord):
            start_position(record)


@st.composite
def game_records(draw):
    height, width = draw(st.integers(2, 19)), draw(st.integers(2, 19))
    area = height * width
    points = st.integers(0, area - 1)
    # Setup on a checkerboard's black squares, so that every stone has a liberty.
    free = [a for a in range(area) if (a // width + a % width) % 2 == 0]
    setup = draw(st.dictionaries(st.sampled_from(free), st.sampled_from([1, 2]), max_size=5))
    moves = draw(st.lists(st.tuples(st.integers(0, 1), points | st.just(area)), max_size=40))
    word = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=12)
    return GameRecord(
        game=go_name(height, width),
        komi=draw(st.integers(-2 * height, 2 * height)) / 2,
        rules=draw(word),
        setup=sorted(setup.items()),
        to_move=moves[0][0] if moves else draw(st.integers(0, 1)),
        moves=moves,
        players=(draw(word), draw(word)),
        ranks=(draw(word), draw(word)),
        result=draw(word),
        expert=draw(st.sampled_from([None, (True, True), (True, False), (False, True)])),
        name=draw(word),
        date=draw(word),
    )


@settings(max_examples=200, deadline=None)
@given(game_records())
def test_what_is_written_is_read_back(folder, record):
    again = read_one(folder, write_sgf(record))
    again.source = ""
    assert again == record


def test_written_files_say_who_wrote_them_and_in_which_encoding():
    text = write_sgf(GameRecord("go9", 7.0))
    assert text.startswith("(;FF[4]")
    for part in ("GM[1]", "CA[UTF-8]", "SZ[9]", "KM[7]", "AP[move37:"):
        assert part in text


@pytest.mark.parametrize(
    ("rules", "ko_rule", "suicide"),
    [
        ("Japanese", KO_SIMPLE, 0),
        ("korean", KO_SIMPLE, 0),
        ("Chinese", KO_POSITIONAL, 0),
        ("", KO_POSITIONAL, 0),
        ("house rules", KO_POSITIONAL, 0),
        ("Tromp-Taylor", KO_POSITIONAL, 1),
        ("AGA", KO_SITUATIONAL, 0),
        ("NZ", KO_SITUATIONAL, 1),
        ("New Zealand", KO_SITUATIONAL, 1),
        ("GOE", KO_SITUATIONAL, 1),
    ],
)
def test_rules_become_fields_of_the_state(rules, ko_rule, suicide):
    assert rules_fields(GameRecord("go9", 5.5, rules)) == {
        "komi_half_points": 11,
        "ko_rule": ko_rule,
        "suicide": suicide,
    }


def test_the_start_position_has_the_setup_the_side_to_move_and_the_rules():
    record = GameRecord("go5", 0.5, "Japanese", setup=[(6, 1), (18, 2)], to_move=1)
    position = start_position(record)
    assert position.to_move == 1
    assert position.pieces().ravel()[[6, 18]].tolist() == [1, 2]
    assert position.pieces().sum() == 3
    assert position.record["komi_half_points"][0] == 1
    assert position.record["ko_rule"][0] == KO_SIMPLE
    position.play(0)
    position.undo()
    assert position.to_move == 1


@pytest.mark.parametrize(
    ("text", "outcome", "margin"),
    [
        ("B+3.5", 1, 3.5),
        ("W+0.5", -1, -0.5),
        ("W+12", -1, -12),
        ("B+3,5", 1, 3.5),
        ("b+r", 1, None),
        ("W+Resign", -1, None),
        ("Black + R", 1, None),
        ("W+", -1, None),
        ("0", 0, 0),
        ("Draw", 0, 0),
        ("Jigo", 0, 0),
        ("B+0", 0, 0),
        ("B+T", None, None),
        ("W+Time", None, None),
        ("B+F", None, None),
        ("W+Forfeit", None, None),
        ("Void", None, None),
        ("?", None, None),
        ("", None, None),
        ("B+?", None, None),
        ("3.5", None, None),
    ],
)
def test_results_become_outcomes_and_margins(text, outcome, margin):
    def expected(value):
        return pytest.approx(math.nan if value is None else value, nan_ok=True)

    assert result_outcome(text) == expected(outcome)
    assert result_margin(text) == expected(margin)
