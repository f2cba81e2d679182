"""What every game that comes with move37 must keep, whatever its rules."""

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import games
from engine.errors import UserError
from engine.position import Position
from mcts import Search, SearchSettings, UniformEvaluator

GAMES = [
    "go1x2", "go2", "go3", "go4x3", "go9", "go19", "tic_tac_toe", "connect_four", "othello",
    "othello6", "gomoku9", "hex5", "breakthrough6",
]  # fmt: skip
every_game = pytest.mark.parametrize("name", GAMES)

# A game is played from numbers: each picks one of the legal actions, and shrinks to the first.
CHOICES = st.lists(st.integers(0, 400), max_size=60)


def play_choices(position, choices):
    for choice in choices:
        if position.over:
            break
        legal = np.flatnonzero(position.legal_mask())
        position.play(int(legal[choice % len(legal)]))
    return position


def play_out(position, seed):
    rng = random.Random(seed)
    while not position.over:
        play_choices(position, [rng.randrange(10**6)])
    return position


def everything_seen(position):
    """All that the rules answer about a position, as comparable values."""
    seen = {
        "to_move": position.to_move,
        "over": position.over,
        "legal": position.legal_mask().tolist(),
        "hash": position.position_hash,
        "encoded": [part.tolist() for part in position.encode()],
    }
    if position.game.native.has_score:
        score, ownership = position.score()
        seen["score"] = (score, ownership.tolist())
    return seen


# --- Names ----------------------------------------------------------------------------------


def test_the_tested_games_cover_every_family():
    assert {games.load(name).family for name in GAMES} == {
        games.load(name).family for name in games.names()
    }


@pytest.mark.parametrize("name", games.names())
def test_a_game_is_loaded_by_its_own_name(name):
    assert games.load(name).name == name
    assert games.load(name) is games.load(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("chess", "unknown game 'chess'"),
        ("", "unknown game ''"),
        ("tictactoe", "did you mean 'tic_tac_toe'?"),
        ("Go9", "did you mean 'go9'?"),
        ("go0x5", "unknown game 'go0x5'"),
        ("go20", "'go20': Go boards have 1 to 19 rows"),
        ("go9x20", "'go9x20': Go boards have 1 to 19 rows and columns"),
        ("go09", "unknown game 'go09'"),
        ("othello7", "'othello7': othello has sizes 4, 6, 8, e.g. othello6"),
        ("hex1", "'hex1': hex has sizes 2 to 19"),
        ("breakthrough4", "'breakthrough4': breakthrough has sizes 5, 6, 7, 8"),
        ("gomoku99", "'gomoku99': gomoku has sizes 5 to 19"),
        ("go", "unknown game 'go'"),
        ("tic_tac_toe3", "unknown game 'tic_tac_toe3'"),
        ("hex_", "did you mean 'hex'?"),
    ],
)
def test_an_unknown_name_is_a_user_error_that_quotes_it(name, message):
    with pytest.raises(UserError) as error:
        games.load(name)
    assert message in str(error.value)


@pytest.mark.parametrize("name", ["hex11", "othello8", "gomoku15", "breakthrough8"])
def test_the_usual_size_goes_without_saying(name):
    assert games.load(name).name == name.rstrip("0123456789")


# --- Play -----------------------------------------------------------------------------------


@every_game
def test_the_first_player_begins_on_a_board_that_favours_nobody(name):
    position = Position(games.load(name))
    assert position.to_move == 0
    assert not position.over
    assert (position.pieces() == 1).sum() == (position.pieces() == 2).sum()


@every_game
@settings(max_examples=15)
@given(seed=st.integers(0, 10**6))
def test_sides_alternate_until_the_game_ends_with_a_result_before_max_moves(name, seed):
    position = Position(games.load(name))
    while not position.over:
        mask = position.legal_mask()
        assert set(mask.tolist()) <= {0, 1}
        assert mask.any()
        assert position.to_move == len(position.actions) % 2
        play_choices(position, [seed + len(position.actions) ** 2])
    assert 0 < len(position.actions) <= position.game.max_moves
    assert position.outcome() in (-1, 0, 1)


@every_game
def test_a_move_puts_a_piece_of_the_mover_where_its_name_says_and_gives_the_opponent_none(name):
    position = Position(games.load(name))
    rng = random.Random(name)
    while not position.over and len(position.actions) < 200:
        before, mover = position.pieces().ravel(), position.to_move
        play_choices(position, [rng.randrange(10**6)])
        after = position.pieces().ravel()
        place = position.game.notation.place(position.actions[-1])
        if place is not None:
            assert before[place] != mover + 1 and after[place] == mover + 1
        assert not np.any((after == 2 - mover) & (before != 2 - mover))


@every_game
def test_every_legal_action_has_its_own_name_and_is_found_by_it(name):
    for seed in range(3):
        position = play_choices(Position(games.load(name)), range(seed, 90, 7))
        while position.over:
            position.undo()
        mask, notation = position.legal_mask(), position.game.notation
        for action in np.flatnonzero(mask).tolist():
            assert notation.parse(notation.name(action), mask) == action


@every_game
def test_native_playouts_end_by_max_moves_and_depend_on_their_seed(name):
    rules = games.load(name)
    start = Position(rules).state
    moves = [rules.native.playouts(start, 20, seed) for seed in (1, 1, 2)]
    assert moves[0] == moves[1]
    assert 0 < max(moves) <= 20 * rules.max_moves
    assert start.tobytes() == Position(rules).state.tobytes()


@every_game
def test_the_search_takes_a_win_in_one_for_either_side(name):
    """The signs of outcome, to_move and the search agree."""
    rules, wins = games.load(name), {0: 0, 1: 0}
    search = Search(rules.native, SearchSettings(visits=800), UniformEvaluator(rules.actions))
    for seed in range(100):
        position = play_out(Position(rules), seed)
        loser = position.to_move
        if position.outcome() != 2 * loser - 1 or wins[1 - loser] >= 3:
            continue
        position.undo()
        search.set_root(position.state)
        search.run()
        position.play(search.core.choose(len(position.actions)))
        assert position.over and position.outcome() == 2 * loser - 1
        wins[1 - loser] += 1
    assert min(wins.values()) > 0 or name in ("go1x2", "go2")  # where one side cannot win


@every_game
def test_an_illegal_action_is_refused_and_changes_nothing(name):
    position = play_choices(Position(games.load(name)), [5, 4, 3])
    state, actions = position.state.tobytes(), list(position.actions)
    for action in [-1, position.game.actions, *np.flatnonzero(position.legal_mask() == 0)]:
        with pytest.raises(ValueError, match="not legal"):
            position.play(int(action))
    assert position.state.tobytes() == state
    assert position.actions == actions


@every_game
def test_looking_changes_nothing(name):
    position = play_choices(Position(games.load(name)), range(0, 200, 7))
    before = position.state.tobytes()
    everything_seen(position)
    position.outcome()
    position.pieces()
    position.copy().play(int(np.flatnonzero(position.legal_mask())[0])) if not position.over else 0
    assert position.state.tobytes() == before


@pytest.mark.parametrize("name", [name for name in GAMES if games.load(name).score])
def test_the_outcome_is_the_sign_of_the_score_and_the_score_adds_up(name):
    for seed in range(5):
        position = play_out(Position(games.load(name)), seed)
        score, ownership = position.score()
        assert position.outcome() == np.sign(score)
        assert set(ownership.ravel().tolist()) <= {-1, 0, 1}
        no_lead = Position(games.load(name)).score()[0]  # nobody is ahead: the komi alone
        assert score == ownership.sum() + no_lead


# --- History --------------------------------------------------------------------------------


@every_game
@settings(max_examples=20)
@given(choices=CHOICES)
def test_undo_restores_the_state_to_the_byte(name, choices):
    position = Position(games.load(name))
    trail = []
    for choice in choices[:20]:
        if not position.over:
            trail.append(position.state.tobytes())
            play_choices(position, [choice])
    while trail:
        position.undo()
        assert position.state.tobytes() == trail.pop()
        assert len(position.actions) == len(trail)
    with pytest.raises(ValueError, match="no move to take back"):
        position.undo()


@every_game
@settings(max_examples=20)
@given(choices=CHOICES)
def test_replay_is_play(name, choices):
    rules = games.load(name)
    position = play_choices(Position(rules), choices)
    actions = np.array(position.actions, np.int16)
    state = position.start.copy()
    assert rules.native.replay(state, actions) == len(actions)
    assert state.tobytes() == position.state.tobytes()


@every_game
def test_replay_stops_before_the_first_illegal_action(name):
    rules = games.load(name)
    position = play_choices(Position(rules), [0, 0])
    state = position.start.copy()
    actions = np.array([*position.actions, position.actions[0], 1], np.int16)
    assert rules.native.replay(state, actions) == 2
    assert state.tobytes() == position.state.tobytes()


@every_game
def test_a_copy_goes_its_own_way(name):
    position = play_choices(Position(games.load(name)), [1, 2])
    twin = position.copy()
    assert everything_seen(twin) == everything_seen(position)
    play_choices(twin, [0])
    assert len(position.actions) == 2
    assert twin.state.tobytes() != position.state.tobytes()
    twin.undo()
    assert twin.state.tobytes() == position.state.tobytes()


@every_game
def test_the_order_of_ones_moves_does_not_change_the_hash(name):
    rules, found = games.load(name), 0
    for seed in range(40):
        actions = play_choices(Position(rules), random.Random(seed).choices(range(400), k=12)).actions
        for i in range(len(actions) - 3):
            swapped = list(actions[: i + 3])
            swapped[i], swapped[i + 2] = swapped[i + 2], swapped[i]
            one, other = Position(rules), Position(rules)
            for action in actions[: i + 3]:
                one.play(action)
            other.actions = swapped
            played = rules.native.replay(other.state, np.array(swapped, np.int16))
            if played == len(swapped) and np.array_equal(one.pieces(), other.pieces()):
                assert one.position_hash == other.position_hash
                found += 1
    assert found > 0 or name == "go2"


@every_game
def test_equal_positions_have_equal_hashes_and_different_ones_do_not(name):
    hash_of, visits = {}, 0
    for seed in range(20):
        position = Position(games.load(name))
        rng = random.Random(seed)
        while not position.over and len(position.actions) < 80:
            seen = (position.pieces().tobytes(), position.to_move)
            assert hash_of.setdefault(seen, position.position_hash) == position.position_hash
            visits += 1
            play_choices(position, [rng.randrange(10**6)])
    assert len(set(hash_of.values())) == len(hash_of) < visits


# --- What a net sees ------------------------------------------------------------------------


@every_game
@settings(max_examples=10)
@given(choices=CHOICES)
def test_planes_0_and_1_are_the_movers_pieces_and_the_opponents(name, choices):
    position = play_choices(Position(games.load(name)), choices)
    planes, globals_ = position.encode()
    rules = position.game
    assert planes.shape == (rules.planes, *rules.shape)
    assert globals_.shape == (rules.globals,)
    assert np.array_equal(planes[0], position.pieces() == position.to_move + 1)
    assert np.array_equal(planes[1], position.pieces() == 2 - position.to_move)
    assert set(planes.ravel().tolist()) <= {0, 1}
    assert np.isfinite(globals_).all()


@every_game
def test_symmetries_are_different_permutations_that_move_actions_like_places(name):
    rules = games.load(name)
    points, actions = rules.symmetries
    assert np.array_equal(points[0], np.arange(rules.area))
    assert np.array_equal(actions[0], np.arange(rules.actions))
    assert np.array_equal(np.sort(points, axis=1), np.tile(points[0], (len(points), 1)))
    assert np.array_equal(np.sort(actions, axis=1), np.tile(actions[0], (len(actions), 1)))
    for plane in range(rules.actions // rules.area):
        places = actions[:, plane * rules.area : (plane + 1) * rules.area]
        assert np.array_equal(places % rules.area, points)
    assert len({table.tobytes() for table in points}) == len(points)


@every_game
def test_symmetries_are_closed_under_composition(name):
    points, _ = games.load(name).symmetries
    tables = {table.tobytes() for table in points}
    assert {first[second].tobytes() for first in points for second in points} == tables


@every_game
def test_the_transformed_game_looks_transformed(name):
    rules = games.load(name)
    points, actions = rules.symmetries
    for symmetry in range(len(points)):
        position, twin = Position(rules), Position(rules)
        rng = random.Random(symmetry)
        inverse = np.argsort(actions[symmetry])
        while not position.over and len(position.actions) < 60:
            assert_transformed(position, twin, points[symmetry], actions[symmetry])
            play_choices(position, [rng.randrange(10**6)])
            twin.play(int(inverse[position.actions[-1]]))
        assert_transformed(position, twin, points[symmetry], actions[symmetry])


def assert_transformed(position, twin, points, actions):
    planes, globals_ = position.encode()
    twin_planes, twin_globals = twin.encode()
    flat = planes.reshape(len(planes), -1)
    assert np.array_equal(twin_planes.reshape(len(planes), -1), flat[:, points])
    assert np.array_equal(twin_globals, globals_)
    assert np.array_equal(twin.legal_mask(), position.legal_mask()[actions])
    assert twin.over == position.over
    if position.over:
        assert twin.outcome() == position.outcome()
    if position.game.native.has_score:
        score, ownership = position.score()
        twin_score, twin_ownership = twin.score()
        assert twin_score == score
        assert np.array_equal(twin_ownership.ravel(), ownership.ravel()[points])


# --- Native and interpreted -----------------------------------------------------------------


@pytest.fixture(scope="module")
def interpreted(tmp_path_factory):
    """What plain Python answers for random games of every kind: a folder with a file for each."""
    folder = tmp_path_factory.mktemp("interpreted")
    here = Path(__file__).parent
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(here.parents[1])}
    subprocess.run(
        [sys.executable, here / "interpreted.py", folder, *GAMES], env=environment, check=True
    )
    return folder


@every_game
def test_machine_code_and_plain_python_agree_to_the_byte(name, interpreted):
    rules = games.load(name)
    trace = np.load(interpreted / f"{name}.npz")
    ends = 0
    for start, action, state, mask, planes, globals_, key, outcome, ownership in zip(
        *trace.values(), strict=True
    ):
        mine = start.copy()
        rules.native.play(mine, action)
        assert mine.tobytes() == state.tobytes()
        assert np.array_equal(rules.native.legal_mask(mine), mask)
        encoded = rules.native.encode(mine)
        assert np.array_equal(encoded[0].ravel(), planes)
        assert np.array_equal(encoded[1], globals_)
        assert rules.native.position_hash(mine) == key
        if rules.native.over(mine):
            assert rules.native.outcome(mine) == outcome
            ends += 1
        if rules.native.has_score:
            assert np.array_equal(rules.native.score(mine)[1].ravel(), ownership)
    assert ends > 0 or name in ("go9", "go19")
