"""The game as a GTP controller edits it: any player at any time, undo, set-up, other rules."""

from __future__ import annotations

import time

from engine.errors import UserError
from engine.game import Game
from engine.games import go_name, load
from engine.position import Position
from engine.records.record import GameRecord
from engine.rules import Rules

BLACK, WHITE = 0, 1


def load_board(width: int, height: int) -> Game:
    """Go on a board. Raises UserError when the rules do not cover that size."""
    return load(go_name(height, width))


class Board:
    """A game of Go; players are 0 Black and 1 White, pieces 1 black and 2 white.

    position is the game so far. Its komi includes White's bonus for handicap stones; these are the
    black stones of the set-up or, when there is none, Black's moves before White's first.
    """

    def __init__(self, game: Game, rules: Rules, komi: float) -> None:
        self.game, self.rules, self.komi = game, rules, komi
        self.position = Position(game)
        self.reset(game)

    def reset(self, game: Game) -> None:
        """An empty board of that game; rules and komi stay."""
        self.game = game
        self.stones: dict[int, int] = {}  # the set-up: {action: piece}
        self.first = BLACK
        self.moves: list[tuple[int, int]] = []  # (player, action)
        self._replay()

    @property
    def empty(self) -> bool:
        """Whether no stone is on the board."""
        return not self.position.pieces().any()

    @property
    def to_move(self) -> int:
        """Whose turn it is: the opponent's of who played last."""
        return 1 - self.moves[-1][0] if self.moves else self.first

    def set_rules(self, rules: Rules) -> None:
        """Changes the rules, of the game so far too."""
        self.rules = rules
        self._replay()

    def set_komi(self, komi: float) -> None:
        """Changes the komi, a multiple of 0.5, of the game so far too."""
        self.komi = komi
        self._replay()

    def set_up(self, stones: dict[int, int], first: int) -> None:
        """Puts stones {action: piece} on the empty board; they are no moves. `first` moves next."""
        self.stones, self.first, self.moves = dict(stones), first, []
        self._replay()

    def turn(self, player: int) -> Position:
        """The position with that player to move, whoever's turn it is and even after two passes."""
        if self.position.over or self.position.to_move != player:
            return self.position.resumed(player)
        return self.position

    def is_legal(self, player: int, action: int) -> bool:
        """Whether the rules allow the player that move now."""
        return bool(self.turn(player).legal_mask()[action])

    def play(self, player: int, action: int) -> None:
        """Plays a move that is legal for the player."""
        bonus = self._bonus()
        self.moves.append((player, action))
        if self._bonus() != bonus:
            self._replay()
        else:
            self._step(player, action)

    def undo(self) -> bool:
        """Takes the last move back; False when there is none."""
        if not self.moves:
            return False
        self.moves.pop()
        self._replay()
        return True

    def load(self, game: Game, record: GameRecord, moves: int | None, rules: Rules) -> None:
        """Takes over a recorded game, its first moves only when a number is given."""
        self.game, self.rules, self.komi = game, rules, record.komi
        self.stones, self.first = dict(record.setup), record.to_move
        self.moves = list(record.moves[:moves])
        self._replay()

    def record(self, name: str) -> GameRecord:
        """The game as a record, both players called by that name."""
        return GameRecord(
            game=self.game.name,
            komi=self.komi,
            rules=self.rules.sgf_name,
            setup=sorted(self.stones.items()),
            to_move=self.first,
            moves=list(self.moves),
            players=(name, name),
            date=time.strftime("%Y-%m-%d"),
        )

    def _bonus(self) -> int:
        """White's points for the handicap."""
        if self.stones:
            pieces = list(self.stones.values())
            handicap = len(pieces) if BLACK + 1 in pieces and WHITE + 1 not in pieces else 0
        else:
            players = [player for player, _ in self.moves]
            handicap = players.index(WHITE) if WHITE in players else len(players)
        return self.rules.bonus(handicap)

    def _replay(self) -> None:
        position = Position(self.game)
        position.set_start(
            **self.rules.start_fields(), komi_half_points=round(2 * (self.komi + self._bonus()))
        )
        for action, piece in self.stones.items():
            position.setup(action, piece)
        position.set_start(to_move=self.first)
        self.position = position
        for player, action in self.moves:
            self._step(player, action)

    def _step(self, player: int, action: int) -> None:
        """Plays a move that was legal when it was first played; under other rules it still counts."""
        self.position = self.turn(player)
        self.game.native.play(self.position.state, action)
        self.position.actions.append(action)


def parse_komi(word: str) -> float:
    """A komi in half points. Raises UserError for anything else."""
    try:
        komi = float(word)
    except ValueError:
        raise UserError(f"komi '{word}' is not a number") from None
    if not abs(komi) <= 10_000 or komi * 2 % 1:
        raise UserError(f"komi '{word}' is not a multiple of 0.5 between -10000 and 10000")
    return komi
