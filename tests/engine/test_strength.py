"""A net's strength in words."""

import pytest

from engine.nets.files import load_net, shipped_names
from engine.nets.strength import in_words

MATCH = {"games": 400, "wins": 265, "draws": 9, "losses": 126, "elo": 126.2, "elo_low": 89.7}


@pytest.mark.parametrize(
    ("strength", "words"),
    [
        ({"held_out": {"games": 9, "top1": 0.5363}}, "predicts 53.6% of held-out expert moves"),
        (
            {"against_imitation": {**MATCH, "elo_high": 162.0, "visits": 32}},
            "Elo +126 [+90, +162] over imitation at 32 visits, 400 games",
        ),
        (
            {"at_200_visits_against_imitation": {**MATCH, "elo_high": 162.0, "visits": 200}},
            "Elo +126 [+90, +162] over imitation at 200 visits, 400 games",
        ),
        (
            {"policy_against_imitation": {**MATCH, "elo_high": None, "visits": 1}},
            "Elo +126 [+90, +inf] over imitation without search, 400 games",
        ),
        (
            {"visits_400_against_10000_random_games": {"games": 60, "wins": 60}},
            "visits 400 against 10000 random games: games 60, wins 60",
        ),
        (
            {"held_out": {"top1": 0.5}, "solved": 1_000},
            "predicts 50.0% of held-out expert moves; solved: 1,000",
        ),
        ({}, ""),
    ],
)
def test_a_measurement_is_said_with_its_circumstances(strength, words) -> None:
    assert in_words(strength) == words


@pytest.mark.parametrize("name", shipped_names())
def test_every_net_that_ships_says_how_strong_it_is(name: str) -> None:
    assert in_words(load_net(name)[1].strength)
