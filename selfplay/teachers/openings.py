"""Where games of self-play begin: each a function of the seed and its number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.game import Game
from engine.position import Position
from mcts import Start
from selfplay.learning.replay import Games
from selfplay.rating.openings import default_opening_moves
from selfplay.teachers.teacher import Teacher

_STARTING = 1  # an independent stream of random numbers


@dataclass(frozen=True)
class Openings:
    """Games with varied rules, some with random opening moves or an expert's opening."""

    game: Game
    stage: Teacher
    seed: int
    experts: Games | None = None

    def start(self, index: int) -> Start:
        """The game of that number."""
        rng = np.random.default_rng([self.seed, _STARTING, index])
        while True:
            if self.experts is not None and rng.random() < self.stage.expert_openings:
                number = int(rng.integers(len(self.experts)))
                plies = int(rng.integers(len(self.experts.moves_of(number)) + 1))
                state = self.experts.state_before(self.game, number, plies)
            else:
                state = self._random_opening(rng)
            if not self.game.native.over(state):
                return Start(index, state)

    def _random_opening(self, rng: np.random.Generator) -> np.ndarray:
        position = Position(self.game)
        self.game.native.vary(position.state, int(rng.integers(2**62)))
        if rng.random() < self.stage.opening_share:
            for _ in range(int(rng.integers(1, default_opening_moves(self.game) + 1))):
                legal = np.flatnonzero(position.legal_mask()[: self.game.board_actions])
                if len(legal) and not position.over:
                    position.play(int(rng.choice(legal)))
        return position.state
