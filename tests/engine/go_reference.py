"""The rules of Go written for clarity: the truth that the fast rules are compared with.

A board is a dict from (row, col), row 0 at the top, to 'X' or 'O'; points that are not in it are
empty. Every move makes a new board, and the game keeps all of them.
"""

from dataclasses import dataclass, field
from functools import cache

Point = tuple[int, int]
Board = dict[Point, str]

OTHER = {"X": "O", "O": "X"}


@cache
def neighbours(size: int, point: Point) -> set[Point]:
    row, col = point
    around = {(row - 1, col), (row + 1, col), (row, col - 1), (row, col + 1)}
    return {(r, c) for r, c in around if 0 <= r < size and 0 <= c < size}


def region(size: int, board: Board, point: Point) -> tuple[set[Point], set[Point]]:
    """(the connected points with the same content as the point, the points around them)."""
    inside, edge, waiting = {point}, set(), [point]
    while waiting:
        for near in neighbours(size, waiting.pop()):
            if board.get(near) != board.get(point):
                edge.add(near)
            elif near not in inside:
                inside.add(near)
                waiting.append(near)
    return inside, edge


def liberties(size: int, board: Board, point: Point) -> set[Point]:
    return {near for near in region(size, board, point)[1] if near not in board}


def without_breath(size: int, board: Board, points: set[Point], colour: str) -> set[Point]:
    """The stones of a colour in chains that touch the points and have no liberty."""
    dead: set[Point] = set()
    for point in points:
        if board.get(point) == colour and not liberties(size, board, point):
            dead |= region(size, board, point)[0]
    return dead


@dataclass
class ReferenceGo:
    """A game: `ko` is 'simple', 'positional' or 'situational'."""

    size: int
    ko: str = "positional"
    suicide: bool = False
    board: Board = field(default_factory=dict)
    to_move: str = "X"

    def __post_init__(self) -> None:
        self.past = [(self.board, self.to_move)]
        self.moves: list[Point | None] = []
        self.taken_by = {"X": 0, "O": 0}
        self.removed_at: set[tuple[Point, str]] = set()
        self.boards: dict[Point, Board] = {}

    def after(self, point: Point) -> Board:
        """The board after the side to move puts a stone on an empty point."""
        if point not in self.boards:
            self.boards[point] = self._after(point)
        return self.boards[point]

    def _after(self, point: Point) -> Board:
        board = {**self.board, point: self.to_move}
        for colour in (OTHER[self.to_move], self.to_move):  # the opponent's stones go first
            around = neighbours(self.size, point) | {point}
            for dead in without_breath(self.size, board, around, colour):
                del board[dead]
        return board

    def is_possible(self, point: Point) -> bool:
        """Whether the point is empty and the move no forbidden suicide; ko is left aside."""
        if point in self.board:
            return False
        after = self.after(point)
        return point in after or (self.suicide and after != self.board)

    def is_ko(self, point: Point) -> bool:
        """Whether the stone would repeat what the ko rule says it must not."""
        after = self.after(point)
        if self.ko == "simple":  # the board before the opponent's move
            return len(self.past) >= 2 and after == self.past[-2][0]
        if self.ko == "positional":
            return any(after == board for board, _ in self.past)
        return (after, OTHER[self.to_move]) in self.past

    def is_legal(self, point: Point) -> bool:
        return self.is_possible(point) and not self.is_ko(point)

    def play(self, point: Point | None) -> None:
        """Plays a legal stone, or None for a pass."""
        if point is not None:
            before, self.board = {**self.board, point: self.to_move}, self.after(point)
            for dead in before.keys() - self.board.keys():
                self.taken_by[OTHER[before[dead]]] += 1
                self.removed_at.add((dead, before[dead]))
        self.to_move = OTHER[self.to_move]
        self.boards = {}
        self.moves.append(point)
        self.past.append((self.board, self.to_move))

    @property
    def over(self) -> bool:
        two_passes = len(self.moves) >= 2 and self.moves[-2:] == [None, None]
        return two_passes or len(self.moves) >= 2 * self.size**2 + 80

    def owner(self, point: Point) -> str | None:
        """The colour of the stone there or, on an empty point, the only colour that reaches it."""
        if point in self.board:
            return self.board[point]
        colours = {self.board[near] for near in region(self.size, self.board, point)[1]}
        return colours.pop() if len(colours) == 1 else None
