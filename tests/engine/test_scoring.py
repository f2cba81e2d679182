"""Scores of finished boards, known from counting by hand; dead stones where anyone sees them."""

import numpy as np
import pytest
from diagrams import parse
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine import games, scoring
from engine.analyst import Outlook
from engine.position import Position
from engine.rules import PRESETS
from engine.scoring import (
    Score,
    area_score,
    chains,
    chains_in_seki,
    dead_stones,
    expected_ownership,
    neighbours,
    regions,
    score,
    territory_score,
)
from mcts import UniformEvaluator


def board(*rows):
    return np.array([[".XO".index(c) for c in row.replace(" ", "")] for row in rows], np.uint8)


def points(shape, text):
    """Actions of `row,column` pairs such as `00 12`."""
    return {int(word[0]) * shape[1] + int(word[1]) for word in text.split()}


# Black surrounds the column on the left, White the two on the right.
WALL = board(
    ". X O . .",
    ". X O . .",
    ". X O . .",
    ". X O . .",
    ". X O . .",
)
# As WALL, with a dead white stone in Black's and two dead black stones in White's territory.
PRISONERS = board(
    "O X O . .",
    ". X O . X",
    ". X O . X",
    ". X O . .",
    ". X O . .",
)


@pytest.mark.parametrize(
    ("position", "dead", "komi", "margin"),
    [
        (WALL, "", 0, 10 - 15),
        (WALL, "", 6.5, -11.5),
        (PRISONERS, "00 14 24", 0, 10 - 15),
        (PRISONERS, "", 0, (5 + 2) - (5 + 1)),  # all alive: what borders on both is nobody's
        (board("...", "...", "..."), "", 7, -7),
        (board("...", ".X.", "..."), "", 9, 0),  # a draw
    ],
)
def test_area(position, dead, komi, margin):
    assert area_score(position, points(position.shape, dead), komi).margin == margin


@pytest.mark.parametrize(
    ("position", "prisoners", "dead", "komi", "margin"),
    [
        (WALL, (0, 0), "", 0, 5 - 10),
        (WALL, (3, 1), "", 0.5, 5 - 10 + 2 - 0.5),
        (PRISONERS, (0, 0), "00 14 24", 0, (5 + 1) - (10 + 2)),
        (PRISONERS, (2, 4), "00 14 24", 0, (5 + 1 + 2) - (10 + 2 + 4)),
    ],
)
def test_territory(position, prisoners, dead, komi, margin):
    found = territory_score(position, prisoners, points(position.shape, dead), komi)
    assert found.margin == margin


def test_chains_are_listed_whole_and_in_order():
    assert chains(PRISONERS) == [[0], [1, 6, 11, 16, 21], [2, 7, 12, 17, 22], [9, 14]]
    assert sum(len(region) for region in regions(PRISONERS)) == 25


def test_a_seki_is_seen_and_its_eyes_count_by_area_only():
    # Both chains have one small eye and share the dame in the middle.
    eyed = board(
        ". X . O .",
        "X X . O O",
        "X X X O O",
    )  # fmt: skip
    assert {p for chain in chains_in_seki(eyed) for p in chain} == set(np.flatnonzero(eyed))
    assert territory_score(eyed, (0, 0)).margin == 0
    assert territory_score(eyed, (0, 0), seki_counts=True).margin == 0
    larger = board(
        ". X . O . O",
        "X X . O O O",
        "X X X O . O",
    )  # fmt: skip
    assert chains_in_seki(larger) == []  # White has two eyes, so Black alone is not in seki
    assert territory_score(larger, (0, 0)).margin == 1 - 2


def test_a_living_group_beside_unfilled_dame_keeps_its_points():
    unfilled = board(
        ". X . O .",
        "X X . O O",
        ". X . O .",
        "X X . O O",
    )  # fmt: skip
    assert chains_in_seki(unfilled) == []
    assert territory_score(unfilled, (0, 0)).margin == 0


BOARDS = arrays(np.uint8, (5, 6), elements=st.integers(0, 2))


@given(BOARDS)
def test_exchanging_colours_and_turning_the_board_only_changes_signs(position):
    swapped = np.array([0, 2, 1], np.uint8)[position]
    assert area_score(swapped).margin == -area_score(position).margin
    assert territory_score(swapped, (0, 0)).margin == -territory_score(position, (0, 0)).margin
    assert area_score(position.T.copy()).margin == area_score(position).margin


@given(BOARDS)
def test_chains_are_maximal_and_of_one_colour(position):
    where = {action: i for i, chain in enumerate(chains(position)) for action in chain}
    assert sorted(where) == np.flatnonzero(position).tolist()
    for action, chain in where.items():
        for beside in neighbours(action, (5, 6)):
            same = position.flat[beside] == position.flat[action]
            assert (where.get(beside) == chain) == same


@given(arrays(np.uint8, (5, 5), elements=st.integers(0, 2)))
def test_area_agrees_with_the_rules_of_the_game(position):
    """The native rules score a board as it stands."""
    game = games.load("go5")
    state = Position(game)
    state.set_start(komi_half_points=7)
    for action, piece in enumerate(position.ravel().tolist()):
        if piece:
            state.setup(action, piece)
    margin, ownership = state.score()
    found = area_score(position, (), 3.5)
    assert found.margin == margin
    assert (found.ownership == ownership).all()


def set_up(diagram):
    """A position of the game as it is played, whose native rules know random games."""
    pieces = parse(diagram)
    position = Position(games.load(games.go_name(*pieces.shape)))
    for action in np.flatnonzero(pieces).tolist():
        position.setup(action, int(pieces.flat[action]))
    return position


DEAD_STONES = """
. X . X O . . O .
X X X X O O . O .
. O X . X O O O .
X X X X X O . O .
O O O X O O O O .
. X O X O X . O .
. . O O O . . O .
O O O O O O O O O
. . . . O . . . .
"""


def test_stones_without_a_hope_are_dead_and_others_are_not():
    position = set_up(DEAD_STONES)
    assert dead_stones(position, UniformEvaluator(82)) == points((9, 9), "21 51 55")


def test_lone_stones_in_wide_territory_are_dead_though_random_games_sometimes_save_them():
    position = set_up("""
        . . . X O . . . .
        . . . X O . X . .
        . . . X O . . . .
        . . . X O . . . .
        . . . X O . . . .
        . . . X O . X . .
        . O . X O . . . .
        . O . X O . . . .
        . . . X O . . . .
    """)
    assert dead_stones(position, UniformEvaluator(82)) == points((9, 9), "16 56 61 71")


def test_dead_stones_do_not_depend_on_who_moves_or_passed():
    position = set_up(DEAD_STONES)
    expected = dead_stones(position, UniformEvaluator(82))
    position.play(81)
    assert dead_stones(position, UniformEvaluator(82)) == expected
    position.play(81)
    assert position.over
    assert dead_stones(position, UniformEvaluator(82)) == expected


def test_a_two_headed_dragon_lives_though_random_games_fill_its_eyes():
    # Black's chains share both eyes, and White stands at a corner of each.
    position = set_up("""
        . O . O O O O O O
        O O O O O O O O O
        O O O O O O O O O
        O O O O O O O O O
        X X X X X X X X X
        . X O O O O O X .
        X O O . O . O O X
        X O O O O O O O X
        X X X X X X X X X
    """)
    black = position.pieces() == 1
    assert (expected_ownership(position, UniformEvaluator(82))[black] < -0.9).all()
    assert dead_stones(position, UniformEvaluator(82)) == set()


class AllIsWhites(UniformEvaluator):
    """A net that is sure of nonsense."""

    def __init__(self, position):
        super().__init__(position.game.actions)
        self.sign = -1 if position.to_move == 0 else 1

    def outlook(self, planes, globals_):
        ownership = np.full((len(planes), *planes.shape[-2:]), self.sign, np.float32)
        return Outlook(ownership.sum(axis=(1, 2)), ownership)


CAPTIVES = {  # diagram: the dead stones
    """
    . X O . X . X . .
    X X X X X X X X X
    . . . . . . . . .
    X X X . . . O O O
    . . X . . . O . O
    . . . . . . O O O
    . . . . . . O . O
    . . . . . . O O O
    . . . . . . . . .
    """: "02 30 31 32 42",
    """
    . X . X
    X X X X
    O . . .
    """: "20",
}


@pytest.mark.parametrize("to_move", [0, 1])
@pytest.mark.parametrize("diagram", CAPTIVES)
def test_what_is_pass_alive_is_certain_whatever_the_net_says(monkeypatch, diagram, to_move):
    """A captive is dead and its captors are not; of Black's other stones the net has its say."""
    monkeypatch.setattr(scoring, "NET_SHARE", 1.0)
    position = set_up(diagram).resumed(to_move)
    expected = points(position.game.shape, CAPTIVES[diagram])
    assert dead_stones(position, AllIsWhites(position)) == expected


@pytest.mark.parametrize("rules", PRESETS)
def test_a_game_is_scored_as_its_rules_say(rules):
    position = set_up(DEAD_STONES)
    position.set_start(komi_half_points=15)
    dead = points((9, 9), "21 51 55")
    found = score(position, PRESETS[rules], dead)
    pieces = position.pieces()
    by_area = area_score(pieces, dead, 7.5).margin
    by_territory = territory_score(pieces, (0, 0), dead, 7.5).margin
    assert found.margin == (by_territory if rules in ("japanese", "korean") else by_area)


@pytest.mark.parametrize(
    ("margin", "text"), [(3.5, "B+3.5"), (-0.5, "W+0.5"), (0, "0"), (12.0, "B+12")]
)
def test_scores_are_written_as_results(margin, text):
    assert str(Score(margin, np.zeros((1, 1), np.int8))) == text
