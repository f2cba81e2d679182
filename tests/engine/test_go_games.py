"""Go in play: games move by move beside the reference and beside OpenSpiel, on all kinds of boards.

After each move the record must also be sound (`go_invariants`), whatever the rules and the size.
"""

import random

import any_go
import numpy as np
import pytest
from go_invariants import assert_sound
from go_reference import ReferenceGo, assert_same
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import games
from engine.games.go import KO_POSITIONAL, KO_SIMPLE, KO_SITUATIONAL
from engine.position import Position

KO_RULES = {"simple": KO_SIMPLE, "positional": KO_POSITIONAL, "situational": KO_SITUATIONAL}


def begin(rules, ko, suicide):
    """The same game at its beginning: a position of ours, and the reference's."""
    position = Position(rules)
    position.set_start(ko_rule=KO_RULES[ko], suicide=suicide)
    return position, ReferenceGo(rules.shape, ko, bool(suicide), rules.max_moves)


def play_both(position, reference, action):
    height, width = reference.shape
    position.play(action)
    reference.play(None if action == height * width else divmod(action, width))


def random_action(rng, position):
    """A legal point, half the time near the last one, where fights and kos are; rarely a pass."""
    height, width = position.game.shape
    points = np.flatnonzero(position.legal_mask()[:-1]).tolist()
    last = position.actions[-1] if position.actions else height * width
    if not points or (last < height * width and rng.random() < 0.1):
        return height * width
    (row, column), near = divmod(last, width), []
    if last < height * width and rng.random() < 0.5:
        near = [p for p in points if abs(p // width - row) + abs(p % width - column) <= 2]
    return rng.choice(near or points)


# --- The reference --------------------------------------------------------------------------

GAMES = {"go1x2": (5, 1), "go2": (10, 1), "go3": (10, 1), "go4x3": (4, 1), "go5": (2, 1), "go9": (1, 5)}


@pytest.mark.parametrize("suicide", [0, 1])
@pytest.mark.parametrize("ko", KO_RULES)
@pytest.mark.parametrize("name", GAMES)  # how many games, and a comparison every so many moves
def test_random_games_agree_with_the_reference_move_by_move(name, ko, suicide):
    rng = random.Random(f"{name} {ko} {suicide}")
    count, every = GAMES[name]
    hash_of, ko_points = {}, 0
    for _ in range(count):
        position, reference = begin(games.load(name), ko, suicide)
        while not position.over:
            assert_sound(position.record[0], reference.shape)
            if len(reference.moves) % every == 0:
                assert_same(position, reference)
            situation = (frozenset(reference.board.items()), reference.to_move)
            assert hash_of.setdefault(situation, position.position_hash) == position.position_hash
            ko_points += int(position.encode()[0][8].sum())
            play_both(position, reference, random_action(rng, position))
        assert_same(position, reference)
    assert len(set(hash_of.values())) == len(hash_of)
    if name in ("go2", "go3") and ko != "simple":
        assert ko_points > 0  # small boards are full of them


@settings(max_examples=60)
@given(
    height=st.integers(1, 6),
    width=st.integers(1, 6),
    ko=st.sampled_from(sorted(KO_RULES)),
    suicide=st.integers(0, 1),
    choices=st.lists(st.integers(0, 40), max_size=50),
)
def test_on_every_board_every_game_agrees_with_the_reference(height, width, ko, suicide, choices):
    position, reference = begin(any_go.load(height, width), ko, suicide)
    for choice in choices:
        if position.over:
            break
        legal = np.flatnonzero(position.legal_mask())
        play_both(position, reference, int(legal[choice % len(legal)]))
        assert_sound(position.record[0], reference.shape)
        assert_same(position, reference)


@settings(max_examples=15)
@given(
    height=st.integers(1, 19),
    width=st.integers(1, 19),
    ko=st.sampled_from(sorted(KO_RULES)),
    suicide=st.integers(0, 1),
    seed=st.integers(0, 2**32 - 1),
)
def test_on_every_board_the_record_stays_sound(height, width, ko, suicide, seed):
    rng = random.Random(seed)
    position = Position(any_go.load(height, width))
    position.set_start(ko_rule=KO_RULES[ko], suicide=suicide)
    for _ in range(120):
        if position.over:
            break
        position.play(random_action(rng, position))
        assert_sound(position.record[0], (height, width))


def test_on_19x19_the_record_stays_sound_to_the_end():
    rng = random.Random(19)
    position = Position(games.load("go19"))
    while not position.over:
        position.play(random_action(rng, position))
        if len(position.actions) % 7 == 0:
            assert_sound(position.record[0], (19, 19))
    assert_sound(position.record[0], (19, 19))


# --- OpenSpiel ------------------------------------------------------------------------------
# It plays Go with positional superko, no suicide and area scoring, as we do, with one difference:
# it lists a move that repeats a position as legal, and ends the game when it is played.


@pytest.mark.parametrize(("name", "count"), [("go3", 20), ("go5", 10), ("go9", 4), ("go19", 1)])
def test_random_games_agree_with_open_spiel_move_by_move(name, count):
    pyspiel = pytest.importorskip(
        "pyspiel", reason="OpenSpiel is not installed: pip install '.[peers]'"
    )
    rules = games.load(name)
    height, width = rules.shape
    theirs_rules = pyspiel.load_game(f"go(board_size={height},komi=7.0)")
    # An action of theirs counts the rows from below.
    theirs_of = [(height - 1 - a // width) * width + a % width for a in range(rules.area)] + [
        rules.area
    ]
    rng, repetitions = random.Random(name), 0
    for _ in range(count):
        ours, theirs = Position(rules), theirs_rules.new_initial_state()
        while not ours.over and not theirs.is_terminal():
            assert theirs.current_player() == ours.to_move
            legal = {theirs_of[action] for action in np.flatnonzero(ours.legal_mask())}
            listed = set(theirs.legal_actions())
            assert legal <= listed
            for action in listed - legal:
                assert theirs.child(action).is_terminal()
                repetitions += 1
            action = random_action(rng, ours)
            theirs.apply_action(theirs_of[action])
            ours.play(action)
            observed = np.array(theirs.observation_tensor(0)).reshape(-1, height, width)[:3, ::-1]
            black, white, empty = observed
            assert np.array_equal(black + 2 * white, ours.pieces())
            assert np.array_equal(empty, ours.pieces() == 0)
        assert theirs.is_terminal()
        if ours.over and ours.actions[-2:] == [rules.area] * 2:
            assert theirs.returns() == [ours.outcome(), -ours.outcome()]
    assert repetitions > 0 or name != "go3"
