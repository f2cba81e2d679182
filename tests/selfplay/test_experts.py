import math

import numpy as np
import pytest

from engine.errors import UserError
from engine.games import load
from engine.records.record import GameRecord
from engine.records.sgf import write_sgf
from selfplay.teachers.experts import held_out_mask, read_experts

GO5 = load("go5")
# Black's wall on the middle column, White's beside it: 3 columns against 2, then two passes.
WALLS = [(0, 2), (1, 3), (0, 7), (1, 8), (0, 12), (1, 13), (0, 17), (1, 18), (0, 22), (1, 23)]
FINISHED = [*WALLS, (0, 25), (1, 25)]


def record(**changes):
    fields = {"game": "go5", "komi": 0.5, "moves": list(WALLS), "result": "B+R"}
    return GameRecord(**(fields | changes))


def read(tmp_path, *records, **options):
    path = tmp_path / "games.sgf"
    path.write_text("".join(write_sgf(item) for item in records))
    return read_experts([path], GO5, **options)


def nan_equal(value, expected):
    return value == pytest.approx(math.nan if expected is None else expected, nan_ok=True)


def test_games_become_flat_arrays(tmp_path):
    games, report = read(tmp_path, record(), record(moves=WALLS[:3], result="W+T"))
    assert len(games) == 2
    assert games.offsets.tolist() == [0, 10, 13]
    assert games.actions.tolist() == [action for _, action in WALLS + WALLS[:3]]
    assert games.taught.all()
    assert games.policies.shape == (0, GO5.actions)
    assert np.isnan(games.root_values).all()
    assert games.outcomes[0] == 1
    assert math.isnan(games.outcomes[1])
    assert games.starts.shape == (1, GO5.state.itemsize)  # both begin alike
    assert games.start_of.tolist() == [0, 0]
    dtypes = [games.starts, games.offsets, games.actions, games.weights, games.outcomes]
    assert [array.dtype.name for array in dtypes] == ["uint8", "int64", "int16", "float32", "float32"]
    assert (report.read, report.used, report.moves, report.taught) == (2, 2, 13, 13)


def test_the_start_has_the_records_komi_and_rules(tmp_path):
    games, _ = read(tmp_path, record(), record(komi=7.5, rules="Japanese"))
    states = games.starts.view(GO5.state)
    assert states["komi_half_points"].ravel().tolist() == [1, 15]
    assert states["ko_rule"].ravel().tolist() == [1, 0]


@pytest.mark.parametrize(
    ("expert", "ranks", "min_rank", "taught"),
    [
        ((True, True), ("", ""), None, (True, True)),
        ((True, False), ("", ""), None, (True, False)),
        ((False, True), ("9p", "9p"), "1d", (False, True)),
        (None, ("", ""), None, (True, True)),
        (None, ("6d", "5d"), "6d", (True, False)),
        (None, ("9d", "1p"), "1p", (False, True)),
        (None, ("3k", "2k?"), "2k", (False, True)),
        (None, ("2100", "2200"), "2200", (False, True)),
        (None, ("9d", "2200"), "2200", (False, True)),
    ],
)
def test_moves_of_expert_sides_are_taught(tmp_path, expert, ranks, min_rank, taught):
    games, report = read(tmp_path, record(expert=expert, ranks=ranks), min_rank=min_rank)
    assert games.taught.tolist() == [taught[player] for player, _ in WALLS]
    assert report.taught == sum(games.taught)


def test_records_that_cannot_be_used_are_counted(tmp_path):
    path = tmp_path / "broken.sgf"
    path.write_text(write_sgf(record(ranks=("6d", "1k"))) + "(;GM[2];B[aa])")
    other = write_sgf(record(game="go9")) + write_sgf(record()) + write_sgf(record(moves=[]))
    path.write_text(path.read_text() + other)
    seen = []
    _, report = read_experts([path], GO5, min_rank="3d", progress=seen.append)
    assert seen == [1, 2, 3, 4, 5]
    assert (report.read, report.used, report.wrong_game, report.no_expert) == (5, 1, 1, 2)
    assert report.broken == ["broken.sgf, game 2: GM[2] is not Go: only GM[1] is read"]
    text = report.summary()
    assert "5 records read, 1 games of go5 used with 10 moves, 5 of them by experts" in text
    assert "Left out: 1 of another game or size, 2 without an expert, 1 broken." in text
    assert "GM[2] is not Go" in text
    assert "\n" not in text


# White takes a ko at 6. Second: White gives two stones, Black one, and the board is as before.
KO = [(0, 1), (1, 2), (0, 5), (1, 8), (0, 11), (1, 12), (0, 7), (1, 6)]
SUPERKO = [(0, 3), (1, 5), (0, 6), (1, 1), (0, 7), (1, 2), (0, 0)]


@pytest.mark.parametrize(
    ("moves", "kept", "reason"),
    [
        ([*WALLS, (0, 2)], 10, "at an illegal move"),
        ([*WALLS, (1, 0), (0, 1)], 10, "out of turn"),
        ([*FINISHED, (0, 0)], 12, "played on after the end"),
        ([*KO, (0, 7)], 8, "at an illegal move"),
        ([*SUPERKO, (1, 1)], 7, "at a repeated position"),
    ],
)
def test_a_game_is_cut_where_it_stops_being_legal(tmp_path, moves, kept, reason):
    games, report = read(tmp_path, record(moves=moves))
    assert len(games.actions) == kept
    assert report.cut == {reason: 1}
    assert f"Cut short: 1 {reason}." in report.summary()


@pytest.mark.parametrize(
    ("moves", "result", "score"),
    [
        (FINISHED, "B+4.5", 4.5),
        (FINISHED, "B+3.5", 4.5),  # as territory
        (FINISHED, "B+14.5", None),  # dead stones were taken off first
        (FINISHED, "W+4.5", None),
        (FINISHED, "B+R", None),
        (WALLS, "B+4.5", None),
        ([*FINISHED, (0, 0)], "B+4.5", None),
    ],
)
def test_scores_are_known_when_the_board_agrees_with_the_result(tmp_path, moves, result, score):
    games, report = read(tmp_path, record(moves=moves, result=result))
    assert nan_equal(games.scores[0], score)
    assert report.scored == (score is not None)
    if score is not None:
        assert games.ownership.tolist() == [[1, 1, 1, -1, -1] * 5]


@pytest.mark.parametrize("rank", ["strong", "", "6x", "-3d"])
def test_a_bad_rank_is_a_mistake_of_the_user(tmp_path, rank):
    with pytest.raises(UserError, match="is not a rank"):
        read(tmp_path, record(), min_rank=rank)


def test_no_usable_game_is_a_mistake_of_the_user_that_says_why(tmp_path):
    with pytest.raises(UserError, match=r"no expert games of go5 .* 1 of another game or size"):
        read(tmp_path, record(game="go9"))


def test_rotated_and_reflected_games_are_held_out_together(tmp_path):
    rng = np.random.default_rng(1)
    records = []
    for _ in range(60):
        moves = [*rng.permutation(25)[:4], 25]
        for table in GO5.symmetries[1]:
            records.append(record(moves=[(i % 2, int(table[a])) for i, a in enumerate(moves)]))
    games, _ = read(tmp_path, *records)
    mask = held_out_mask(GO5, games, 0.3).reshape(60, 8)
    assert (mask == mask[:, :1]).all()
    assert 0.1 < mask.mean() < 0.5


def test_held_out_games_are_the_same_on_every_machine_and_grow_with_the_fraction(tmp_path):
    games, _ = read(tmp_path, *(record(moves=[(0, a), (1, b)]) for a in range(5) for b in (20, 24)))
    some, more = held_out_mask(GO5, games, 0.3), held_out_mask(GO5, games, 0.6)
    assert some.astype(int).tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert not (some & ~more).any()
    assert held_out_mask(GO5, games, 1.0).all()
    assert not held_out_mask(GO5, games, 0.0).any()


def test_oblong_boards_hold_out_their_four_reflections_together(tmp_path):
    game = load("go4x3")
    moves = [0, 5, 11, 12]
    records = [
        record(game="go4x3", moves=[(i % 2, int(table[a])) for i, a in enumerate(moves)])
        for table in game.symmetries[1]
    ]
    path = tmp_path / "games.sgf"
    path.write_text("".join(write_sgf(item) for item in records))
    games, _ = read_experts([path], game)
    masks = [held_out_mask(game, games, fraction) for fraction in (0.2, 0.4, 0.6, 0.8)]
    assert len(records) == len(games) == 4
    assert all(len(set(mask.tolist())) == 1 for mask in masks)
