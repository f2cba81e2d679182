"""Where the games of a match begin."""

from pathlib import Path

import numpy as np
import pytest

from engine.errors import UserError
from engine.games import load
from selfplay.rating.openings import (
    default_opening_moves,
    match_openings,
    random_openings,
    recorded_openings,
)

GO5 = load("go5")


def test_openings_are_different_and_not_over() -> None:
    game = load("go9")
    openings = random_openings(game, 50, default_opening_moves(game), seed=3)
    assert len({tuple(o.actions) for o in openings}) == 50
    assert all(len(o.actions) == 4 and not o.over for o in openings)


def test_openings_repeat_only_when_the_game_has_too_few() -> None:
    game = load("tic_tac_toe")
    openings = random_openings(game, 20, 1, seed=0)
    assert len(openings) == 20 and len({tuple(o.actions) for o in openings}) == 9


def test_openings_that_leave_nothing_to_play_are_a_mistake_of_the_user() -> None:
    with pytest.raises(UserError, match=r"after 9 random opening moves no game of tic_tac_toe"):
        random_openings(load("tic_tac_toe"), 2, 9, seed=0)


def write(path: Path, *games: str) -> Path:
    path.write_text("".join(f"(;GM[1]{game})" for game in games))
    return path


# The same opening thrice, as it is, turned and mirrored; then another one.
ONE = "SZ[5]KM[5.5];B[bb];W[dd];B[cc]"
TURNED = "SZ[5];B[db];W[bd];B[ab]"
MIRRORED = "SZ[5];B[bd];W[db];B[ee]"
OTHER = "SZ[5];B[cc];W[cd];B[dc]"


def test_recorded_openings_are_the_first_moves_of_games_each_once_whatever_its_symmetry(
    tmp_path: Path,
) -> None:
    games = write(tmp_path / "games.sgf", ONE, TURNED, MIRRORED, OTHER)
    openings = recorded_openings(GO5, games, 9, 2, seed=0)
    assert sorted(o.actions for o in openings) == [[6, 18], [12, 17]]
    komi = {int(o.record["komi_half_points"][0]) for o in openings}
    assert komi == {int(random_openings(GO5, 1, 0, 0)[0].record["komi_half_points"][0])}


@pytest.mark.parametrize(
    "game",
    [
        "SZ[9];B[bb];W[dd];B[cc]",  # another board
        "SZ[5];B[bb];W[dd]",  # ends there
        "SZ[5]AB[cc];W[dd];B[bb];W[ab]",  # setup stones
        "SZ[5];B[bb];B[dd];W[cc]",  # Black moves twice
        "SZ[5];B[bb];W[];B[cc]",  # a pass
        "SZ[5];B[bb];W[bb];B[cc]",  # an illegal move
    ],
)
def test_games_that_open_none_are_left_out(tmp_path: Path, game: str) -> None:
    games = write(tmp_path / "games.sgf", game, OTHER)
    assert [o.actions for o in recorded_openings(GO5, games, 9, 2, seed=0)] == [[12, 17]]


def test_another_seed_draws_other_recorded_openings(tmp_path: Path) -> None:
    rows = "abcde"
    games = write(tmp_path / "games.sgf", *(f"SZ[5];B[cc];W[{a}{b}];B[ac]" for a in "ab" for b in rows))
    draws = [recorded_openings(GO5, games, 3, 2, seed) for seed in (0, 0, 1)]
    first, again, other = ([o.actions for o in draw] for draw in draws)
    assert first == again != other and len(first) == 3


def test_openings_that_no_recorded_game_has_are_a_mistake_of_the_user(tmp_path: Path) -> None:
    games = write(tmp_path / "games.sgf", ONE)
    with pytest.raises(UserError, match=r"has no game of go5 that goes on after 8 moves"):
        match_openings(GO5, 4, 0, 8, games)
    with pytest.raises(UserError, match=r"tic_tac_toe has no recorded games"):
        match_openings(load("tic_tac_toe"), 4, 0, None, games)


def test_a_match_has_an_opening_for_every_two_games() -> None:
    assert [len(match_openings(GO5, games, 0)) for games in (1, 2, 3, 10)] == [1, 1, 2, 5]
    assert np.all([len(o.actions) == default_opening_moves(GO5) for o in match_openings(GO5, 10, 0)])
