"""Elo differences and their intervals, against figures computed by hand."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UserError
from selfplay.rating.elo import (
    Elo,
    Sprt,
    elo_of,
    expected_score,
    match_elo,
    parse_sprt,
    wilson_interval,
)


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


@pytest.mark.parametrize("games", [1, 10, 20, 50, 97, 100, 200, 400])
def test_a_shut_out_leaves_one_end_open_however_many_games(games: int) -> None:
    assert match_elo(games, 0, 0).high == math.inf
    assert match_elo(0, 0, games).low == -math.inf


def test_repeated_games_are_no_evidence() -> None:
    assert match_elo(20, 0, 0, unique_games=2).low < match_elo(20, 0, 0).low
    assert match_elo(14, 0, 6, unique_games=2).low < 0 < match_elo(140, 0, 60).low


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 300))
def test_the_match_seen_from_the_other_side_is_the_mirror_image(w: int, d: int, n: int) -> None:
    ours, theirs = match_elo(w, d, n), match_elo(n, d, w)
    assert ours.elo == pytest.approx(-theirs.elo)
    assert ours.low == pytest.approx(-theirs.high)
    assert ours.low <= ours.elo <= ours.high


@given(st.floats(-1500, 1500))
def test_the_expected_score_is_the_inverse_of_the_elo_of_a_score(elo: float) -> None:
    assert elo_of(expected_score(elo)) == pytest.approx(elo, abs=1e-6)


def test_the_bounds_of_the_test_are_walds() -> None:
    test = Sprt(0, 35)
    assert (test.lower, test.upper) == (pytest.approx(-math.log(19)), pytest.approx(math.log(19)))
    assert Sprt(0, 5, alpha=0.01, beta=0.1).upper == pytest.approx(math.log(90))
    assert [test.decision(llr) for llr in (-2.95, -2.94, 0, 2.94, 2.95)] == [
        "H0", None, None, None, "H1",
    ]  # fmt: skip


def test_the_log_likelihood_ratio_agrees_with_figures_by_hand() -> None:
    # 60 won, 40 lost: 60.5, 0.5 and 40.5 of 101.5 score 0.598522 with a variance of 0.239062;
    # s1 = 0.550200, so 100 * 0.0502 * (1.197044 - 1.0502) / 0.478124 = 1.5418.
    assert Sprt(0, 35).llr(60, 0, 40) == pytest.approx(1.5418, abs=5e-4)
    assert Sprt(0, 35).llr(60, 0, 40, unique_games=50) == pytest.approx(1.5418 / 2, abs=5e-4)
    assert Sprt(0, 35).llr(0, 0, 0) == 0


@given(st.integers(0, 200), st.integers(0, 200), st.integers(0, 200))
def test_a_test_seen_from_the_other_side_is_the_mirror_image(w: int, d: int, n: int) -> None:
    ours, theirs = Sprt(0, 35).llr(w, d, n), Sprt(-35, 0).llr(n, d, w)
    assert ours == pytest.approx(-theirs, abs=1e-9)


@pytest.mark.parametrize(("elo", "wrong"), [(0.0, "H1"), (80.0, "H0")])
def test_few_decisions_are_wrong(elo: float, wrong: str) -> None:
    """Of 200 simulated matches at the edge of a hypothesis, about 5 % may end wrongly."""
    test, dice, mistakes = Sprt(0, 80), random.Random(7), 0
    for _ in range(200):
        wins = losses = 0
        decision = None
        while decision is None:
            won = dice.random() < expected_score(elo)
            wins, losses = wins + won, losses + (not won)
            decision = test.decision(test.llr(wins, 0, losses))
        mistakes += decision == wrong
    assert mistakes <= 20


@pytest.mark.parametrize("text", ["", "5", "a,b", "35,0", "0,nan", "0,35,70", "0,9999"])
def test_a_bad_test_is_a_mistake_of_the_user(text: str) -> None:
    with pytest.raises(UserError, match="is no test: give two Elo differences"):
        parse_sprt(text)


def test_a_test_says_where_it_stands() -> None:
    test = parse_sprt("0,35")
    assert test.text(3.0).startswith("test of 0 against 35 Elo: accepted")
    assert test.as_json(-3.0)["decision"] == "H0" and test.as_json(0.1)["decision"] is None


def test_the_deviation_is_that_of_a_normal_interval_as_wide() -> None:
    assert Elo(10, 10 - 1.959964 * 30, 10 + 1.959964 * 30).deviation == pytest.approx(30)
    assert Elo(400, 200, math.inf).deviation == math.inf
