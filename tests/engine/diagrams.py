"""Boards as text: X for the first player (Black in Go), O for the second, . for an empty place."""

import any_go
import numpy as np

from engine import games
from engine.position import Position

MARKS = ".XO"

# The sizes of Go that tests compile by themselves; the others share one compilation.
COMPILED = ["go1x2", "go2", "go3", "go4x3", "go5", "go9", "go19"]

KO = """
    . . . . .
    . X O . .
    X O . O .
    . X O . .
    . . . . .
    """  # Black takes it at C3, White takes it back at B3


def parse(diagram: str) -> np.ndarray:
    """A diagram as pieces [H, W] uint8: 0 empty, 1 the first player's, 2 the second's."""
    rows = [line.split() for line in diagram.strip().splitlines()]
    return np.array([[MARKS.index(mark) for mark in row] for row in rows], np.uint8)


def draw(pieces: np.ndarray) -> str:
    """Pieces [H, W] as a diagram, so that a failing test shows boards."""
    return "\n".join(" ".join(MARKS[piece] for piece in row) for row in pieces)


def tidy(diagram: str) -> str:
    return draw(parse(diagram))


def go(diagram: str, **rules: int) -> Position:
    """A Go position set up from a diagram, Black to move unless `to_move=1`."""
    pieces = parse(diagram)
    height, width = pieces.shape
    name = f"go{width}" if width == height else f"go{width}x{height}"
    position = Position(games.load(name) if name in COMPILED else any_go.load(height, width))
    position.set_start(**rules)
    for action, piece in enumerate(pieces.ravel()):
        if piece:
            position.setup(action, piece)
    return position


def action_of(position: Position, word: str) -> int:
    """The action a person names, legal or not."""
    return position.game.notation.parse(word, np.ones(position.game.actions, np.uint8))


def is_legal(position: Position, word: str) -> bool:
    return bool(position.legal_mask()[action_of(position, word)])


def play(position: Position, words: str) -> Position:
    """Plays moves such as 'C3 pass B1'; the same position, for chaining."""
    for word in words.split():
        position.play(position.game.notation.parse(word, position.legal_mask()))
    return position


def black_prisoners(position: Position) -> int:
    """How many black stones have been taken."""
    return int(position.record["prisoners"][0, 0])


def white_prisoners(position: Position) -> int:
    """How many white stones have been taken."""
    return int(position.record["prisoners"][0, 1])
