"""Elo differences and their intervals, against figures computed by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfplay.elo import elo_of, match_elo, wilson_interval


@pytest.mark.parametrize(
    ("score", "elo"),
    [(0.5, 0.0), (0.75, 190.85), (10 / 11, 400.0), (1 / 11, -400.0), (0.64, 99.95)],
)
def test_elo_of_a_score_follows_the_logistic_curve(score: float, elo: float) -> None:
    assert elo_of(score) == pytest.approx(elo, abs=0.01)


def test_wilson_interval_agrees_with_the_published_example() -> None:
    # 81 of 263 (Newcombe 1998, table I): 0.2553 to 0.3662.
    low, high = wilson_interval(81 / 263, 263)
    assert (low, high) == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_a_draw_counts_half() -> None:
    assert match_elo(0, 100, 0).elo == 0
    assert match_elo(50, 0, 50).elo == 0


def test_winning_every_game_has_a_finite_estimate_and_an_open_end() -> None:
    elo = match_elo(20, 0, 0)
    assert math.isfinite(elo.elo) and elo.low > 200 and elo.high == math.inf


def test_repeated_games_are_no_evidence() -> None:
    assert match_elo(20, 0, 0, unique_games=2).low < match_elo(20, 0, 0).low
    assert match_elo(14, 0, 6, unique_games=2).low < 0 < match_elo(140, 0, 60).low


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 300))
def test_the_match_seen_from_the_other_side_is_the_mirror_image(w: int, d: int, n: int) -> None:
    ours, theirs = match_elo(w, d, n), match_elo(n, d, w)
    assert ours.elo == pytest.approx(-theirs.elo)
    assert ours.low == pytest.approx(-theirs.high)
    assert ours.low <= ours.elo <= ours.high
