"""How games begin: komi, and handicap stones on the fixed points of GTP 2, section 4.1.1."""

from __future__ import annotations

from engine.errors import UserError
from engine.game import Game
from engine.position import Position

MAX_FIXED = 9


def most_fixed_stones(height: int, width: int) -> int:
    """How many stones have fixed points: 9 on odd boards from 9x9, 4 from 7x7, else none."""
    if min(height, width) < 7:
        return 0
    return MAX_FIXED if min(height, width) >= 9 and height % 2 and width % 2 else 4


def fixed_handicap(stones: int, height: int, width: int) -> list[int]:
    """The actions of 2 to 9 stones, on the third line of small boards and the fourth from 13x13.

    Raises ValueError when the board has no points for that many.
    """
    if not 2 <= stones <= most_fixed_stones(height, width):
        raise ValueError(f"{stones} stones have no fixed points on {height}x{width}")
    edge = 3 if min(height, width) >= 13 else 2
    top, middle, bottom = edge, height // 2, height - 1 - edge
    left, centre, right = edge, width // 2, width - 1 - edge
    corners = [(bottom, left), (top, right), (top, left), (bottom, right)]
    sides = [(middle, left), (middle, right), (bottom, centre), (top, centre)]
    points = corners[:stones]
    if stones >= 6:
        points += sides[: 2 if stones < 8 else 4]
    if stones >= 5 and stones % 2:
        points.append((middle, centre))
    return [row * width + column for row, column in points]


def starting_position(game: Game, komi: float | None, handicap: int) -> Position:
    """The position from which a game with so many handicap stones, or 0, begins.

    komi in points; None is what the rules say. Raises UserError for what the game cannot have.
    """
    stones = _handicap_points(game, handicap) if handicap else []
    komi_fields = _komi_fields(game, komi)
    position = Position(game)  # may compile for seconds, so what is wrong has been said before
    position.set_start(**komi_fields)
    for action in stones:
        position.setup(action, 1)
    if stones:
        position.set_start(to_move=1)
    return position


def _handicap_points(game: Game, stones: int) -> list[int]:
    if game.family != "go":
        raise UserError(f"handicap {stones}: {game.name} has no handicap stones, leave it out")
    try:
        return fixed_handicap(stones, *game.shape)
    except ValueError:
        most = most_fixed_stones(*game.shape)
        rule = f"2 to {most} stones" if most else "no handicap"
        raise UserError(f"handicap {stones}: a board of {game.shape[0]} rows allows {rule}") from None


def _komi_fields(game: Game, komi: float | None) -> dict[str, int]:
    """The fields of the initial state that stand for a komi."""
    if komi is None:
        return {}
    if "komi_half_points" not in (game.state.names or ()):
        raise UserError(f"komi {komi:g}: {game.name} has no komi, leave it out")
    if not abs(komi) <= game.area or komi * 2 % 1:
        raise UserError(f"komi {komi:g} is not between -{game.area} and {game.area} in half points")
    return {"komi_half_points": round(2 * komi)}
