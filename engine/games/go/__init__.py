"""Go on any board from 1x1 to 19x19, as native functions over one fixed-size record.

Rules (all of them data in the record, so one compiled game plays them all):
  * area scoring, komi in half points;
  * `ko_rule`: simple ko, positional superko (default) or situational superko;
  * `suicide`: forbidden (default) or allowed for two stones and more;
  * the game ends after two passes in a row, or after `max_moves` moves.

board.py      the record: stones, chains, liberties
rules.py      legal moves, ko and superko, playing
scoring.py    area and ownership
life.py       what can never be lost
planes.py     what the net sees
playout.py    random games
"""

import numpy as np

from engine.game import Game, dihedral_symmetries
from engine.games.go.board import (
    KO_POSITIONAL,
    KO_SIMPLE,
    KO_SITUATIONAL,
    MAX_SIZE,
    WHITE_TO_MOVE,
    clear_board,
    max_moves,
    setup_stone,
    state_dtype,
)
from engine.games.go.planes import GLOBALS, PLANES, write_planes
from engine.games.go.playout import random_playout
from engine.games.go.rules import play_action, write_legal_mask
from engine.games.go.scoring import black_score, write_ownership

SMALL_BOARD = 25  # points

__all__ = ["KO_POSITIONAL", "KO_SIMPLE", "KO_SITUATIONAL", "MAX_SIZE", "go"]


def go(height: int, width: int) -> Game:
    """The game of Go on a board of `height` rows and `width` columns."""
    h, w = height, width

    def reset(state):
        state.komi_half_points = 14
        state.ko_rule = KO_POSITIONAL
        state.suicide = 0
        state.history[:] = 0
        clear_board(state, h, w)

    def legal(state, mask):
        return write_legal_mask(state, h, w, mask)

    def play(state, action):
        play_action(state, h, w, action)

    def outcome(state):
        return np.sign(black_score(state, h, w))

    def score(state, ownership):
        return write_ownership(state, h, w, ownership) - 0.5 * state.komi_half_points

    def position_hash(state):
        key = state.hash
        if state.to_move == 1:
            key ^= WHITE_TO_MOVE
        return key

    def encode(state, planes, globals_):
        write_planes(state, h, w, planes, globals_)

    def playout(state, seed):
        return random_playout(state, w, seed)

    def vary(state, seed):
        # Half of the games have the standard komi, the others one near to it. A small board is often
        # won whole, so there it is any that leaves both something to play for.
        if seed % 2 == 0 and h * w <= SMALL_BOARD:
            state.komi_half_points = (seed // 2) % (2 * h * w + 1)
        elif seed % 2 == 0:
            state.komi_half_points = 10 + (seed // 2) % 7

    def setup(state, action, colour):
        setup_stone(state, w, action, colour)

    size = f"{w}" if w == h else f"{w}x{h}"
    return Game(
        name=f"go{size}",
        rules_text=f"Go on {w}x{h}: area scoring, positional superko, komi 7",
        state=state_dtype(h, w),
        players=("Black", "White"),
        shape=(h, w),
        actions=h * w + 1,
        planes=PLANES,
        globals=GLOBALS,
        max_moves=max_moves(h, w),
        symmetries=dihedral_symmetries(h, w, extra_actions=1),
        reset=reset,
        legal=legal,
        play=play,
        outcome=outcome,
        score=score,
        position_hash=position_hash,
        encode=encode,
        playout=playout,
        vary=vary,
        setup=setup,
    )
