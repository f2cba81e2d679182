"""The arena: fair pairs, varied openings, results on the right side."""

import numpy as np
import pytest

from engine.games import load
from engine.gtp_client import GtpPlayer
from engine.players import SearchPlayer, parse_player
from engine.position import Position
from mcts import SearchSettings, UniformEvaluator
from selfplay.arena import (
    Tally,
    default_opening_moves,
    paired_starts,
    play_gtp_match,
    play_match,
    random_openings,
)

STRONG = SearchSettings(visits=200)
RANDOM = parse_player("random").settings


def test_openings_are_different_and_not_over() -> None:
    game = load("go9")
    openings = random_openings(game, 50, default_opening_moves(game), seed=3)
    assert len({tuple(o.actions) for o in openings}) == 50
    assert all(len(o.actions) == 4 and not o.over for o in openings)


def test_openings_repeat_only_when_the_game_has_too_few() -> None:
    game = load("tic_tac_toe")
    openings = random_openings(game, 20, 1, seed=0)
    assert len(openings) == 20 and len({tuple(o.actions) for o in openings}) == 9


def test_each_opening_is_played_once_with_each_colour() -> None:
    openings = random_openings(load("go5"), 3, 2, seed=1)
    starts = list(paired_starts(openings, 6))
    assert [start.first_seat for start in starts] == [0, 1, 0, 1, 0, 1]
    for even, odd in zip(starts[::2], starts[1::2], strict=True):
        assert np.array_equal(even.state, odd.state)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_search_beats_random_moves_from_either_seat(workers: int) -> None:
    game = load("connect_four")
    uniform = UniformEvaluator(game.actions)
    evaluators = (uniform, uniform)
    ours = play_match(game, (STRONG, RANDOM), evaluators, 20, seed=1, workers=workers)
    theirs = play_match(game, (RANDOM, STRONG), evaluators, 20, seed=1, workers=workers)
    assert ours.games == theirs.games == 20
    assert ours.wins_a >= 18 and theirs.wins_b >= 18
    assert ours.elo.low > 0 > theirs.elo.high


def test_a_match_of_a_player_with_itself_is_even_by_pairs() -> None:
    game = load("go5")
    uniform = UniformEvaluator(game.actions)
    settings = SearchSettings(visits=20)
    tally = play_match(game, (settings, settings), (uniform, uniform), 20, seed=2)
    assert tally.wins_a == tally.wins_b
    assert len(tally.lines) == 10  # both games of a pair are the same game


def test_a_match_ends_when_told() -> None:
    game = load("tic_tac_toe")
    uniform = UniformEvaluator(game.actions)
    tally = play_match(
        game, (RANDOM, RANDOM), (uniform, uniform), 1000, seed=0, on_game=lambda t: t.games < 5
    )
    assert 5 <= tally.games < 1000


def test_the_json_of_a_match_has_the_promised_keys() -> None:
    tally = Tally()
    tally.add(1.0, b"one")
    tally.add(-1.0, b"two")
    tally.add(0.0, b"two")
    facts = tally.as_json()
    assert [facts[k] for k in ("games", "wins_a", "wins_b", "draws", "unique_games")] == [3, 1, 1, 1, 2]
    assert facts["elo"] == 0 and facts["elo_low"] < 0 < facts["elo_high"]


def test_a_resignation_loses_and_final_score_decides() -> None:
    class Resigns(GtpPlayer):
        def __init__(self) -> None:
            pass

        def new_game(self, position: Position) -> None:
            pass

        def play(self, colour: int, action: int) -> None:
            pass

        def genmove(self, colour: int) -> str:  # type: ignore[override]
            return "resign"

    game = load("go5")
    player = SearchPlayer(game, SearchSettings(visits=2), UniformEvaluator(game.actions))
    tally = play_gtp_match(game, player, Resigns(), 4, seed=0)
    assert (tally.wins_a, tally.wins_b) == (4, 0)
