"""Records of Go games and what they mean: their start, their positions, their results.

`engine.records.sgf` reads and writes them as SGF, `engine.records.files` finds them in files and
archives. Actions are those of `engine.coords`: `row * width + column` from the upper left, then the
pass.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from engine.games import load
from engine.position import Position
from engine.rules import sgf_rules

DEFAULT_KOMI = 6.5
HANDICAP_KOMI = 0.5

_MARGIN = re.compile(r"[-+]?\d+(?:[.,]\d+)?")
_RESULT = re.compile(r"(B|W)(?:LACK|HITE)?\s*\+\s*(.*)", re.DOTALL)


@dataclass
class GameRecord:
    """One recorded game of Go; players are 0 Black and 1 White, pieces 1 black and 2 white.

    komi is in points in White's favour; result is the SGF text (`B+3.5`, `W+R`, `0`, empty when
    unknown); expert says which of (Black, White) to imitate, None when the file does not say; remark
    says what was not understood and how it was taken; sgf is the text it was read from, with its
    comments and variations.
    """

    game: str
    komi: float
    rules: str = ""
    setup: list[tuple[int, int]] = field(default_factory=list)  # (action, piece)
    to_move: int = 0
    moves: list[tuple[int, int]] = field(default_factory=list)  # (player, action)
    players: tuple[str, str] = ("", "")
    ranks: tuple[str, str] = ("", "")
    result: str = ""
    expert: tuple[bool, bool] | None = None
    name: str = ""
    date: str = ""
    source: str = ""
    remark: str = ""
    sgf: bytes = field(default=b"", repr=False, compare=False)

    @property
    def shape(self) -> tuple[int, int]:
        """The rows and columns of the board."""
        width, _, height = self.game.removeprefix("go").partition("x")
        return int(height or width), int(width)


@dataclass(frozen=True)
class BrokenRecord:
    """A game that could not be read: where it stands, and why."""

    source: str
    reason: str


# --- Positions ------------------------------------------------------------------------------


def rules_fields(record: GameRecord) -> dict[str, int]:
    """The fields of a Go state that the record's RU (see `engine.rules.sgf_rules`) and KM stand for."""
    return {"komi_half_points": round(2 * record.komi), **sgf_rules(record.rules).start_fields()}


def start_position(record: GameRecord) -> Position:
    """The position before the first move, with the record's rules, komi and setup stones."""
    position = Position(load(record.game))
    position.set_start(**rules_fields(record))
    for action, piece in record.setup:
        position.setup(action, piece)
    # Editing the board does not change the side to move, so that comes last.
    position.set_start(to_move=record.to_move)
    return position


class IllegalMoveError(ValueError):
    """A move of a record that the rules forbid; index counts moves from 0."""

    def __init__(self, index: int, player: int, name: str) -> None:
        super().__init__(f"move {index + 1} ({'BW'[player]} {name}) is not legal")
        self.index, self.name = index, name


def positions_after(start: Position, moves: Iterable[tuple[int, int]]) -> Iterator[Position]:
    """The positions before the first of the moves (player, action) and after each of them.

    In recorded games the same player may move twice, and play may go on after two passes. Each
    position has the player to move that the next move shows. Raises IllegalMoveError.
    """
    position = start.copy()
    for index, (player, action) in enumerate(moves):
        position.record["to_move"] = player
        yield position.copy()
        if position.over:
            position.record["over"] = position.record["passes"] = 0
        try:
            position.play(action)
        except ValueError:
            name = position.game.notation.name(action)
            raise IllegalMoveError(index, player, name) from None
    yield position


# --- Results --------------------------------------------------------------------------------


def result_outcome(text: str) -> float:
    """+1 when the result text says that Black won, -1 White, 0 a draw, as the board shows it.

    NaN for an unknown or void result, and for a win on time or by forfeit, which say little about
    the position.
    """
    text = text.strip().upper()
    if text in ("0", "DRAW", "JIGO"):
        return 0.0
    match = _RESULT.fullmatch(text)
    if match is None:
        return math.nan
    winner = 1.0 if match[1] == "B" else -1.0
    if match[2] in ("", "R", "RESIGN"):
        return winner
    margin = result_margin(text)
    return math.nan if math.isnan(margin) else math.copysign(1.0, margin) * (margin != 0)


def result_margin(text: str) -> float:
    """Black's margin in points as the result text gives it, NaN when it gives no score."""
    text = text.strip().upper()
    if text in ("0", "DRAW", "JIGO"):
        return 0.0
    match = _RESULT.fullmatch(text)
    if match is None or not _MARGIN.fullmatch(match[2]):
        return math.nan
    return (1.0 if match[1] == "B" else -1.0) * float(match[2].replace(",", "."))
