"""The openings of a match: positions from which it is played twice, once with each colour."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.errors import UserError
from engine.game import Game
from engine.position import Position
from engine.records.files import read_records
from engine.records.record import BrokenRecord, GameRecord


def match_openings(
    game: Game, games: int, seed: int, moves: int | None = None, records: Path | None = None
) -> list[Position]:
    """The openings of a match of so many games, after so many moves (None: the game's default).

    Random moves suit every game, but good players keep what one of them loses; recorded games of
    good players open evenly. Raises UserError when there is no such opening.
    """
    count = max(1, (games + 1) // 2)
    moves = default_opening_moves(game) if moves is None else moves
    if records is None:
        return random_openings(game, count, moves, seed)
    return recorded_openings(game, records, count, moves, seed)


def opening_of(openings: Sequence[Position], index: int) -> Position:
    """That of the index-th game of a match."""
    return openings[(index // 2) % len(openings)]


def default_opening_moves(game: Game) -> int:
    """How many moves open a game so that few games of a match are alike."""
    return min(4, max(1, game.area // 10))


def random_openings(game: Game, count: int, moves: int, seed: int) -> list[Position]:
    """Different positions after uniformly random moves (no passes), none of them over.

    When the game has fewer than `count` of them, they repeat, or there are fewer. Raises UserError
    when no position is left to play after so many moves.
    """
    rng = np.random.default_rng(seed)
    openings: list[Position] = []
    seen: set[tuple[int, ...]] = set()
    attempts = 0
    while len(openings) < count and attempts < 100 * (count + 10):
        attempts += 1
        position = Position(game)
        for _ in range(moves):
            legal = np.flatnonzero(position.legal_mask()[: game.board_actions])
            if position.over or len(legal) == 0:
                break
            position.play(int(rng.choice(legal)))
        key = tuple(position.actions)
        if position.over or (key in seen and attempts < 20 * count):
            continue
        seen.add(key)
        openings.append(position)
    if not openings:
        raise UserError(
            f"after {moves} random opening moves no game of {game.name} goes on: ask for fewer"
        )
    return openings


def recorded_openings(game: Game, records: Path, count: int, moves: int, seed: int) -> list[Position]:
    """Different positions of Go after the first moves of recorded games, at most `count` of them.

    `records` is an SGF file, a folder or an archive. Positions that a symmetry of the board makes the
    same count once. Komi and rules are the game's own; games with setup stones, with a pass or the
    same player twice among the first moves, or that end by then, are left out. Raises UserError for
    another game than Go and when no recorded game is left.
    """
    if game.family != "go":
        raise UserError(f"{game.name} has no recorded games: only Go has")
    found: dict[bytes, Position] = {}
    for record in read_records([records]):
        if isinstance(record, BrokenRecord) or record.game != game.name or record.setup:
            continue
        position = _opening_of_record(game, record, moves)
        if position is not None:
            found.setdefault(_looks(position), position)
    if not found:
        raise UserError(
            f"'{records}' has no game of {game.name} that goes on after {moves} moves: "
            "give other games or fewer moves"
        )
    order = np.random.default_rng(seed).permutation(len(found))[:count]
    positions = list(found.values())
    return [positions[index] for index in order]


def _opening_of_record(game: Game, record: GameRecord, moves: int) -> Position | None:
    """The position after so many moves of a record; None for one that is no use."""
    position = Position(game)
    for player, action in record.moves[:moves]:
        on_board = action < game.board_actions
        if player != position.to_move or not (on_board and position.legal_mask()[action]):
            return None
        position.play(action)
    return position if len(record.moves) > moves else None


def _looks(position: Position) -> bytes:
    """The stones as the symmetry shows them whose bytes come first."""
    boards: np.ndarray = position.pieces().ravel()[position.game.symmetries[0]]
    return bytes(min(board.tobytes() for board in boards))
