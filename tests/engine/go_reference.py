"""The rules of Go written for clarity: the truth that the fast rules are compared with.

A board is a dict from (row, col), row 0 at the top, to 'X' or 'O'; points that are not in it are
empty. Every move makes a new board, and the game keeps all of them.
"""

from dataclasses import dataclass, field
from functools import cache
from itertools import product

import numpy as np
from diagrams import draw

from engine.position import Position

Point = tuple[int, int]
Board = dict[Point, str]
Points = frozenset[Point]
Shape = tuple[int, int]  # rows, columns

OTHER = {"X": "O", "O": "X"}


@cache
def neighbours(shape: Shape, point: Point) -> set[Point]:
    row, col = point
    around = {(row - 1, col), (row + 1, col), (row, col - 1), (row, col + 1)}
    height, width = shape
    return {(r, c) for r, c in around if 0 <= r < height and 0 <= c < width}


def region(shape: Shape, board: Board, point: Point) -> tuple[set[Point], set[Point]]:
    """(the connected points with the same content as the point, the points around them)."""
    inside, edge, waiting = {point}, set(), [point]
    while waiting:
        for near in neighbours(shape, waiting.pop()):
            if board.get(near) != board.get(point):
                edge.add(near)
            elif near not in inside:
                inside.add(near)
                waiting.append(near)
    return inside, edge


def liberties(shape: Shape, board: Board, point: Point) -> set[Point]:
    return {near for near in region(shape, board, point)[1] if near not in board}


def without_breath(shape: Shape, board: Board, points: set[Point], colour: str) -> set[Point]:
    """The stones of a colour in chains that touch the points and have no liberty."""
    dead: set[Point] = set()
    for point in points:
        if board.get(point) == colour and not liberties(shape, board, point):
            dead |= region(shape, board, point)[0]
    return dead


@dataclass
class ReferenceGo:
    """A game: `ko` is 'simple', 'positional' or 'situational'; it is cut after `max_moves`."""

    shape: Shape
    ko: str = "positional"
    suicide: bool = False
    max_moves: int = 10**9
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
            around = neighbours(self.shape, point) | {point}
            for dead in without_breath(self.shape, board, around, colour):
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
        return two_passes or len(self.moves) >= self.max_moves

    def owner(self, point: Point) -> str | None:
        """The colour of the stone there or, on an empty point, the only colour that reaches it."""
        if point in self.board:
            return self.board[point]
        colours = {self.board[near] for near in region(self.shape, self.board, point)[1]}
        return colours.pop() if len(colours) == 1 else None


def pass_alive(shape: Shape, board: Board) -> dict[Point, str]:
    """The points that are a colour's for ever (Benson 1976), straight from the definition."""
    owners: dict[Point, str] = {}
    everywhere = set(product(range(shape[0]), range(shape[1])))
    for colour in "XO":
        own = {point for point in everywhere if board.get(point) == colour}
        chains, regions = connected_parts(shape, own), connected_parts(shape, everywhere - own)

        def beside(region: Points, chain: Points) -> bool:
            return any(neighbours(shape, point) & chain for point in region)

        def vital(region: Points, chain: Points) -> bool:
            return all(neighbours(shape, point) & chain for point in region - board.keys())

        before = None
        while (chains, regions) != before:
            before = chains, regions
            chains = {c for c in chains if sum(vital(r, c) for r in regions) >= 2}
            stones = frozenset().union(*chains)
            regions = {r for r in regions if not beside(r, frozenset(own - stones))}
        territory = {r for r in regions if any(vital(r, c) for c in chains)}
        owners |= dict.fromkeys(frozenset().union(*chains, *territory), colour)
    return owners


def connected_parts(shape: Shape, points: set[Point]) -> set[Points]:
    """The largest connected parts of a set of points."""
    inside = dict.fromkeys(points, "X")
    return {frozenset(region(shape, inside, point)[0]) for point in points}


# --- A position of ours beside the reference --------------------------------------------------


def all_points(shape: Shape) -> list[Point]:
    return list(product(range(shape[0]), range(shape[1])))


def planes_and_globals(reference: ReferenceGo) -> tuple[np.ndarray, np.ndarray]:
    """Planes [14, H, W] and globals [5] as `write_planes` promises them for a komi of 7."""
    shape, me = reference.shape, reference.to_move
    planes = np.zeros((14, *shape), np.uint8)
    for point, colour in reference.board.items():
        side = 0 if colour == me else 1
        planes[side][point] = 1
        count = len(liberties(shape, reference.board, point))
        planes[1 + 3 * side + min(3, count)][point] = 1
    for point in all_points(shape):
        planes[8][point] = reference.is_possible(point) and reference.is_ko(point)
    for age, last in enumerate(reversed(reference.moves[-4:])):
        if last is not None:
            planes[9 + age][last] = 1
    planes[13] = 1
    komi = 0.7 if me == "O" else -0.7
    passed = reference.moves[-1:] == [None]
    ko = reference.ko
    globals_ = [komi, passed, ko == "positional", ko == "situational", reference.suicide]
    return planes, np.array(globals_, np.float32)


def assert_same(position: Position, reference: ReferenceGo) -> None:
    """Everything that can be seen of a position is what the reference says."""
    points, record = all_points(reference.shape), position.record[0]
    stones = ["XO".find(reference.board.get(point, ".")) + 1 for point in points]
    assert draw(position.pieces()) == draw(np.array(stones).reshape(reference.shape))
    assert position.to_move == "XO".index(reference.to_move)
    assert position.over == reference.over
    assert record["moves"] == len(reference.moves)
    legal = [reference.is_legal(point) for point in points]
    assert position.legal_mask().tolist() == [*legal, True]
    assert record["prisoners"].tolist() == [reference.taken_by["X"], reference.taken_by["O"]]
    vacated = [sum(1 << i for i in (0, 1) if (p, "XO"[i]) in reference.removed_at) for p in points]
    w = reference.shape[1]
    assert record["vacated"][[(r + 1) * (w + 1) + c + 1 for r, c in points]].tolist() == vacated
    owners = [{"X": 1, "O": -1, None: 0}[reference.owner(point)] for point in points]
    score, ownership = position.score()
    assert ownership.ravel().tolist() == owners
    assert score == sum(owners) - 7
    assert position.outcome() == np.sign(score)
    for ours, theirs in zip(position.encode(), planes_and_globals(reference), strict=True):
        assert np.array_equal(ours, theirs)
