"""The same random games as OpenSpiel, move by move: an independent reading of the same rules."""

import random
from functools import partial

import numpy as np
import pytest

from engine import games
from engine.position import Position

pyspiel = pytest.importorskip("pyspiel", reason="OpenSpiel is not installed: pip install '.[peers]'")


def same_number(state, action):
    return action


def column_of(state, action):
    return action % 7


def move_upside_down(rows, state, action):
    """OpenSpiel's first player begins in the upper rows, ours in the lower ones."""
    name = games.load(f"breakthrough{rows}" if rows < 8 else "breakthrough").notation.name(action)
    origin, target = ((part[0], rows + 1 - int(part[1:])) for part in name.split("-"))
    move = f"{origin[0]}{origin[1]}{target[0]}{target[1]}"
    return next(a for a in state.legal_actions() if state.action_to_string(a).rstrip("*") == move)


# our name: (OpenSpiel's name, how an action of ours is called there, random games)
PEERS = {
    "tic_tac_toe": ("tic_tac_toe", same_number, 100),
    "connect_four": ("connect_four", column_of, 40),
    "othello": ("othello", same_number, 40),
    "gomoku9": ("gomoku(size=9)", same_number, 10),
    "gomoku": ("gomoku", same_number, 5),
    "hex5": ("hex(board_size=5,swap=true)", same_number, 40),
    "hex": ("hex(board_size=11,swap=true)", same_number, 10),
    "breakthrough6": ("breakthrough(rows=6,columns=6)", partial(move_upside_down, 6), 10),
    "breakthrough": ("breakthrough", partial(move_upside_down, 8), 5),
}


@pytest.mark.parametrize("name", PEERS)
def test_legal_moves_and_results_are_those_of_open_spiel(name):
    peer, translate, count = PEERS[name]
    peers_rules, results = pyspiel.load_game(peer), set()
    for seed in range(count):
        rng = random.Random(seed)
        ours, theirs = Position(games.load(name)), peers_rules.new_initial_state()
        while not ours.over:
            assert theirs.current_player() == ours.to_move
            legal = np.flatnonzero(ours.legal_mask()).tolist()
            same = {translate(theirs, action): action for action in legal}
            assert sorted(same) == sorted(theirs.legal_actions())
            action = rng.choice(sorted(same))
            theirs.apply_action(action)
            ours.play(same[action])
        assert theirs.is_terminal()
        assert theirs.returns() == [ours.outcome(), -ours.outcome()]
        results.add(ours.outcome())
    assert len(results) > 1


@pytest.mark.parametrize("name", ["othello", "hex5"])
def test_actions_have_the_names_that_open_spiel_gives_them(name):
    rules = games.load(name)
    theirs = pyspiel.load_game(PEERS[name][0]).new_initial_state()
    named = {action: theirs.action_to_string(action) for action in theirs.legal_actions()}
    assert {action: rules.notation.name(action).lower() for action in named} == named
