"""Go on a board of any size from one compilation: the size is an argument, not a constant.

Each size that `games.load` gives is compiled by itself, which takes seconds. Here the same rules
work on the largest record, so that a test can afford all sizes.
"""

from dataclasses import replace
from functools import cache

import numba as nb
import numpy as np

from engine import native
from engine.games.go import MAX_SIZE, go
from engine.games.go.board import clear_board, point_of, setup_stone
from engine.games.go.life import write_pass_alive
from engine.games.go.planes import write_planes
from engine.games.go.playout import is_eye as playout_eye
from engine.games.go.playout import random_playout
from engine.games.go.rules import play_action, write_legal_mask
from engine.games.go.scoring import black_score, write_ownership
from engine.position import Position

LARGEST = go(MAX_SIZE, MAX_SIZE)


@cache
def load(height, width):
    """The game on that board, as `games.load` gives it but for its `native` and its `max_moves`."""
    rules = replace(go(height, width), state=LARGEST.state, max_moves=LARGEST.max_moves)
    vars(rules)["native"] = AnyGo(rules)
    return rules


def from_pieces(pieces):
    """A position with the pieces [H, W] set up, Black to move."""
    position = Position(load(*pieces.shape))
    for action in np.flatnonzero(pieces):
        position.setup(int(action), int(pieces.flat[action]))
    return position


def pass_alive(position):
    """`engine.games.go.life.pass_alive` for a position of such a game: [H, W] int8."""
    owner = np.full(position.game.area, 9, np.int8)
    _pass_alive(position.record, *position.game.shape, owner)
    return owner.reshape(position.game.shape)


def playout(position, seed):
    """Plays on at random to the end, as the `playout` of a game does; returns the moves."""
    return _playout(position.record, position.game.shape[1], np.uint64(seed))


def is_eye(position, action, colour):
    return _is_eye(position.record, position.game.shape[1], action, colour)


with native.code_cache(*native.rules_of(LARGEST).values()):

    @nb.njit(cache=True)
    def _clear(records, h, w):
        clear_board(records[0], h, w)

    @nb.njit(cache=True)
    def _setup(records, w, action, piece):
        setup_stone(records[0], w, action, piece)

    @nb.njit(cache=True)
    def _legal(records, h, w, mask):
        write_legal_mask(records[0], h, w, mask)

    @nb.njit(cache=True)
    def _play(records, h, w, action):
        play_action(records[0], h, w, action)

    @nb.njit(cache=True)
    def _encode(records, h, w, planes, globals_):
        write_planes(records[0], h, w, planes, globals_)

    @nb.njit(cache=True)
    def _score(records, h, w, owner):
        return write_ownership(records[0], h, w, owner) - 0.5 * records[0].komi_half_points

    @nb.njit(cache=True)
    def _pass_alive(records, h, w, owner):
        write_pass_alive(records[0], h, w, owner)

    @nb.njit(cache=True)
    def _playout(records, w, seed):
        return random_playout(records[0], w, seed)

    @nb.njit(cache=True)
    def _is_eye(records, w, action, colour):
        return playout_eye(records[0], w, point_of(w, action), colour)

    @nb.njit(cache=True)
    def _outcome(records, h, w):
        return np.sign(black_score(records[0], h, w))


class AnyGo:
    """What `mcts._core.Game` does with the bytes of a state, for a size known only when running."""

    has_score = True

    def __init__(self, rules):
        self.rules = rules

    def record(self, state):
        return state.view(LARGEST.state)

    def reset(self, state):
        record = self.record(state)
        record["komi_half_points"], record["ko_rule"], record["suicide"] = 14, 1, 0
        _clear(record, *self.rules.shape)

    def setup(self, state, action, piece):
        _setup(self.record(state), self.rules.shape[1], action, piece)

    def to_move(self, state):
        return int(self.record(state)["to_move"][0])

    def over(self, state):
        return bool(self.record(state)["over"][0])

    def legal_mask(self, state):
        mask = np.full(self.rules.actions, 9, np.uint8)
        _legal(self.record(state), *self.rules.shape, mask)
        return mask

    def play(self, state, action):
        _play(self.record(state), *self.rules.shape, action)

    def encode(self, state):
        planes = np.full(self.rules.planes * self.rules.area, 9, np.uint8)
        globals_ = np.full(self.rules.globals, 9, np.float32)
        _encode(self.record(state), *self.rules.shape, planes, globals_)
        return planes.reshape(self.rules.planes, *self.rules.shape), globals_

    def score(self, state):
        owner = np.full(self.rules.area, 9, np.int8)
        return _score(self.record(state), *self.rules.shape, owner), owner.reshape(self.rules.shape)

    def outcome(self, state):
        return _outcome(self.record(state), *self.rules.shape)

    def position_hash(self, state):
        return self.rules.position_hash(self.record(state).view(np.recarray)[0])
