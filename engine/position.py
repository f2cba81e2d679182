"""A position of any game, for the parts of the program that are not in a hurry."""

from __future__ import annotations

import numpy as np

from engine.game import Game


class Position:
    """A game in progress: the state record, its history of actions, and undo."""

    def __init__(self, game: Game) -> None:
        self.game = game
        self.start = np.zeros(game.state.itemsize, np.uint8)
        game.native.reset(self.start)
        self.state = self.start.copy()
        self.actions: list[int] = []

    @property
    def record(self) -> np.ndarray:
        """The state as a record array [1] that shares memory with `state`."""
        return self.state.view(self.game.state)

    def copy(self) -> Position:
        """An independent position with the same history."""
        twin = object.__new__(Position)
        twin.game, twin.start = self.game, self.start.copy()
        twin.state, twin.actions = self.state.copy(), list(self.actions)
        return twin

    def set_start(self, **fields: int) -> None:
        """Sets rules of the initial position, e.g. `komi_half_points=15`, and starts anew."""
        for field, value in fields.items():
            self.start.view(self.game.state)[field] = value
        self.state = self.start.copy()
        self.actions = []

    def resumed(self, to_move: int) -> Position:
        """A position that goes on from this one with that player to move and no passes behind.

        Neither a move nor a pass: the turn is given away, or a finished game taken up again. What the
        rules remember, such as superko's history, stays; undo does not lead back.
        """
        twin = self.copy()
        twin.start = self.state.copy()
        fields = {"to_move": to_move, "over": 0, "passes": 0, "ko_point": 0}
        twin.set_start(
            **{name: fields[name] for name in fields if name in (self.game.state.names or ())}
        )
        return twin

    def setup(self, action: int, piece: int) -> None:
        """Edits the initial position: piece 0 none, 1 the first player's, 2 the second's."""
        self.game.native.setup(self.start, action, piece)
        self.set_start()

    @property
    def to_move(self) -> int:
        """0 when the first player (Black) is to move, 1 for the second (White)."""
        return self.game.native.to_move(self.state)

    @property
    def over(self) -> bool:
        """Whether the game has ended by its rules."""
        return self.game.native.over(self.state)

    def legal_mask(self) -> np.ndarray:
        """Which actions are legal: [A] uint8, 1 = legal."""
        return self.game.native.legal_mask(self.state)

    def play(self, action: int) -> None:
        """Plays an action. Raises ValueError when the game is over or the action is not legal."""
        if self.over:
            raise ValueError("the game is over")
        if not 0 <= action < self.game.actions or not self.legal_mask()[action]:
            raise ValueError(f"action {action} is not legal")
        self.game.native.play(self.state, action)
        self.actions.append(action)

    def undo(self) -> None:
        """Takes the last action back. Raises ValueError at the start."""
        if not self.actions:
            raise ValueError("there is no move to take back")
        actions = self.actions[:-1]
        self.set_start()
        for action in actions:
            self.game.native.play(self.state, action)
        self.actions = actions

    def outcome(self) -> float:
        """+1 when the first player has won, -1 the second, 0 a draw; of a finished game."""
        return self.game.native.outcome(self.state)

    def score(self) -> tuple[float, np.ndarray]:
        """(the first player's margin, ownership [H, W] int8), the board scored as it stands."""
        return self.game.native.score(self.state)

    def encode(self) -> tuple[np.ndarray, np.ndarray]:
        """(planes [C, H, W] uint8, globals [G] float32), seen by the side to move."""
        return self.game.native.encode(self.state)

    def pieces(self) -> np.ndarray:
        """The board [H, W] uint8: 0 empty, 1 the first player's pieces, 2 the second's."""
        own, theirs = self.encode()[0][:2]
        first, second = (own, theirs) if self.to_move == 0 else (theirs, own)
        board: np.ndarray = first + 2 * second
        return board

    @property
    def position_hash(self) -> int:
        return self.game.native.position_hash(self.state)
