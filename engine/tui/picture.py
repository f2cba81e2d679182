"""What a board looks like: a scene and a palette become rows of coloured characters."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from textual.color import Color

from engine.board_view import star_points
from engine.game import Game
from engine.tui.raster import Canvas, Geometry, shape

GRID_FAMILIES = ("go", "gomoku")  # played on the crossings of lines
_SHAPES = {"X": "cross", "O": "ring", "Blue": "ring"}
_GLYPHS = {"disc": "\u25cf", "ring": "\u25cb", "cross": "X"}
_COLOURS = {"Black": "black", "White": "white", "Red": "warm", "X": "warm", "Blue": "cool", "O": "cool"}
_OWNED = 0.35  # ownership from which a piece counts as the other side's
_TINT = 0.55  # how far the board takes its owner's colour at most
_BOARD_MARGIN = 1  # between labels and board


@dataclass(frozen=True)
class Palette:
    """The colours of a board; `pieces` by the names black, white, warm and cool."""

    around: Color
    board: Color
    alternate: Color
    line: Color
    label: Color
    last: Color
    cursor: Color
    best: Color
    best_text: Color
    other: Color
    other_text: Color
    pieces: dict[str, Color]


@dataclass(frozen=True)
class Suggestion:
    """A move shown on the board: its place in the order from 1, and lines of text, best first."""

    rank: int
    lines: tuple[str, ...]


@dataclass
class Scene:
    """What there is to see; places are `row * width + column`.

    pieces [H, W] uint8 as in Position.pieces; ownership [H, W] in [-1, 1], the first player's.
    """

    game: Game
    pieces: np.ndarray
    last: int | None = None
    cursor: int | None = None
    first: int | None = None
    targets: set[int] = field(default_factory=set)
    suggestions: dict[int, Suggestion] = field(default_factory=dict)
    ownership: np.ndarray | None = None


@dataclass
class Cell:
    """One character of a picture."""

    glyph: str
    front: Color
    back: Color
    bold: bool = False


def piece_colour(game: Game, player: int) -> str:
    """The name of a player's colour in `Palette.pieces`."""
    return _COLOURS.get(game.players[player], ("warm", "cool")[player])


def piece_glyph(game: Game, player: int) -> str:
    """The one character that stands for a player's piece."""
    return _GLYPHS[_SHAPES.get(game.players[player], "disc")]


class Picture:
    """A board of a game at a scale: its size in characters, what lies where, and its painting."""

    def __init__(self, game: Game, scale: int) -> None:
        height, width = game.shape
        self.game, self.scale = game, scale
        self.lined = game.family in GRID_FAMILIES
        self.centred = self.lined or game.slanted  # pieces sit in the middle of a character
        self.geometry = Geometry(height, width, scale, self.centred, game.slanted)
        self._label_width = max(map(len, game.notation.rows))
        self._left = self._label_width + _BOARD_MARGIN
        self._top = 2 if self._edged else 1
        columns, rows = self.geometry.size
        self.size = columns + 2 * self._left, rows + 2 * self._top

    @property
    def _edged(self) -> bool:
        """Whether the edges belong to the players, as in Hex."""
        return self.game.slanted

    def place_at(self, x: int, y: int) -> int | None:
        """The place at a character of the picture, or None."""
        columns, rows = self.geometry.size
        x, y = x - self._left, y - self._top
        return self.geometry.place_at(x, y) if 0 <= x < columns and 0 <= y < rows else None

    def paint(self, scene: Scene, palette: Palette) -> list[list[Cell]]:
        """The rows of characters, from above."""
        columns, rows = self.size
        cells = [
            [Cell(" ", palette.label, palette.around) for _ in range(columns)] for _ in range(rows)
        ]
        self._paint_ground(cells, scene, palette)
        if self.lined:
            self._paint_lines(cells, palette)
        elif self.centred:
            self._paint_dots(cells, palette)
        self._paint_labels(cells)
        if self._edged:
            self._paint_edges(cells, palette)
        if self.scale == 1:
            self._paint_small_pieces(cells, scene, palette)
            self._paint_small_suggestions(cells, scene, palette)
        else:
            self._paint_pieces(cells, scene, palette)
            self._write_suggestions(cells, scene, palette)
        if self.centred:
            self._paint_brackets(cells, scene, palette)
        return cells

    # --- The board --------------------------------------------------------------------------

    def _paint_ground(self, cells: list[list[Cell]], scene: Scene, palette: Palette) -> None:
        columns, rows = self.geometry.size
        owners = [palette.pieces[piece_colour(self.game, player)] for player in (0, 1)]
        for y in range(rows):
            for x in range(columns):
                place = self.geometry.place_at(x, y)
                if place is None:
                    continue
                row, column = divmod(place, self.game.shape[1])
                colour = palette.board
                if not self.centred:
                    if (row + column) % 2:
                        colour = palette.alternate
                    if place in (scene.cursor, scene.first):
                        colour = colour.blend(palette.cursor, 0.45)
                    elif place == scene.last and self.scale == 1:
                        colour = colour.blend(palette.last, 0.6)
                if scene.ownership is not None:
                    share = float(scene.ownership[row, column])
                    colour = colour.blend(owners[share < 0], abs(share) * _TINT)
                cell = cells[self._top + y][self._left + x]
                cell.front, cell.back = palette.line, colour

    def _paint_lines(self, cells: list[list[Cell]], palette: Palette) -> None:
        height, width = self.game.shape
        stars = star_points(height, width)
        tops, bottoms = "\u250c\u252c\u2510", "\u2514\u2534\u2518"
        for row in range(height):
            glyphs = tops if row == 0 else bottoms if row == height - 1 else "\u251c\u253c\u2524"
            for column in range(width):
                x, y = self.middle(row, column)
                place = row * width + column
                glyph = glyphs[0 if column == 0 else 2 if column == width - 1 else 1]
                cells[y][x].glyph = "\u254b" if place in stars else glyph
                if column < width - 1:
                    for between in range(x + 1, self.middle(row, column + 1)[0]):
                        cells[y][between].glyph = "\u2500"
                if row < height - 1:
                    for between in range(y + 1, self.middle(row + 1, column)[1]):
                        cells[between][x].glyph = "\u2502"

    def _paint_dots(self, cells: list[list[Cell]], palette: Palette) -> None:
        height, width = self.game.shape
        for place in range(height * width):
            x, y = self.middle(*divmod(place, width))
            cells[y][x].glyph = "\u00b7"

    def _paint_labels(self, cells: list[list[Cell]]) -> None:
        notation = self.game.notation
        for column, label in enumerate(notation.columns):
            for row, y in ((0, 0), (len(notation.rows) - 1, len(cells) - 1)):
                _write(cells, self._text_start(row, column, label), y, label)
        for row, label in enumerate(notation.rows):
            y = self.middle(row, 0)[1]
            shift = self.scale * row if self.game.slanted else 0
            first = self._left + shift
            last = first + self.geometry.size[0] - self._slant
            _write(cells, first - _BOARD_MARGIN - len(label), y, label)
            _write(cells, last + _BOARD_MARGIN, y, label)

    def _paint_edges(self, cells: list[list[Cell]], palette: Palette) -> None:
        """Top and bottom in the first player's colour, left and right in the second's."""
        height, width = self.game.shape
        first, second = (palette.pieces[piece_colour(self.game, player)] for player in (0, 1))
        for row, y, glyph in (
            (0, self._top - 1, "\u2584"),
            (height - 1, len(cells) - self._top, "\u2580"),
        ):
            for x in range(self.middle(row, 0)[0], self.middle(row, width - 1)[0] + 1):
                cells[y][x].glyph, cells[y][x].front = glyph, first
        for row in range(height):
            x0, y = self.middle(row, 0)
            x1 = self.middle(row, width - 1)[0]
            for x, glyph in ((x0 - self.scale, "\u258c"), (x1 + self.scale, "\u2590")):
                cells[y][x].glyph, cells[y][x].front = glyph, second

    # --- What lies on it --------------------------------------------------------------------

    def _paint_pieces(self, cells: list[list[Cell]], scene: Scene, palette: Palette) -> None:
        canvas: Canvas[Color] = Canvas()
        for place, piece in enumerate(scene.pieces.flat):
            colour = palette.cursor if place in scene.targets else None
            if piece:
                name = self.game.players[piece - 1]
                self._stamp(
                    canvas, place, _SHAPES.get(name, "disc"), self._radius, self._piece(piece, palette)
                )
                colour = colour or self._owner_mark(place, int(piece), scene, palette)
            if place == scene.last:
                colour = palette.last
            if colour is not None:
                self._stamp(canvas, place, "disc", 0.31, colour)
        for place, seen in scene.suggestions.items():
            self._stamp(canvas, place, "disc", self._radius, _suggestion_colours(seen, palette)[0])
        for x, y, glyph, front, back in canvas.cells():
            cell = cells[y][x]
            cell.glyph = glyph
            cell.front, cell.back = front or cell.front, back or cell.back

    def _paint_small_pieces(self, cells: list[list[Cell]], scene: Scene, palette: Palette) -> None:
        for place, piece in enumerate(scene.pieces.flat):
            x, y = self.middle(*divmod(place, self.game.shape[1]))
            cell = cells[y][x]
            if place in scene.targets:
                cell.glyph, cell.front, cell.bold = "\u2022", palette.cursor, True
            if not piece:
                continue
            cell.glyph, cell.bold = piece_glyph(self.game, piece - 1), True
            cell.front = self._piece(piece, palette)
            mark = self._owner_mark(place, int(piece), scene, palette)
            if mark is not None:
                cell.back = mark.blend(palette.board, 0.3)

    def _owner_mark(self, place: int, piece: int, scene: Scene, palette: Palette) -> Color | None:
        """The other side's colour on a piece that ends as the other side's."""
        if scene.ownership is None:
            return None
        share = float(scene.ownership.flat[place])
        owner = 1 if share > 0 else 2
        return self._piece(owner, palette) if abs(share) > _OWNED and owner != piece else None

    def _paint_small_suggestions(self, cells: list[list[Cell]], scene: Scene, palette: Palette) -> None:
        for place, seen in scene.suggestions.items():
            x, y = self.middle(*divmod(place, self.game.shape[1]))
            back, text = _suggestion_colours(seen, palette)
            cells[y][x] = Cell(str(seen.rank)[-1], text, back, bold=True)

    def _write_suggestions(self, cells: list[list[Cell]], scene: Scene, palette: Palette) -> None:
        for place, seen in scene.suggestions.items():
            row, column = divmod(place, self.game.shape[1])
            back, text = _suggestion_colours(seen, palette)
            lines = seen.lines if self.scale > 2 else seen.lines[:1]
            top = self.middle(row, column)[1] - (len(lines) - 1) // 2
            for i, line in enumerate(lines):
                start = self._text_start(row, column, line)
                for dx, glyph in enumerate(line):
                    cells[top + i][start + dx] = Cell(glyph, text, back, bold=i == 0)

    def _paint_brackets(self, cells: list[list[Cell]], scene: Scene, palette: Palette) -> None:
        marks = [(scene.cursor, "[]", palette.cursor), (scene.first, "[]", palette.cursor)]
        if self.scale == 1:
            marks.insert(0, (scene.last, "()", palette.last))
        for place, brackets, colour in marks:
            if place is None:
                continue
            x, y = self.middle(*divmod(place, self.game.shape[1]))
            for step, glyph in zip((-1, 1), brackets, strict=True):
                cell = cells[y][x + step]
                cell.glyph, cell.front, cell.bold = glyph, colour, True

    # --- Measures ---------------------------------------------------------------------------

    @property
    def _slant(self) -> int:
        return self.scale * (self.game.shape[0] - 1) if self.game.slanted else 0

    @property
    def _radius(self) -> float:
        """Of a piece; stones on lines all but touch, pieces keep clear of the sides of their cells."""
        return 0.96 if self.centred else 0.86

    def middle(self, row: int, column: int) -> tuple[int, int]:
        """The character of the picture at the middle of a place."""
        x, y = self.geometry.centre(row, column)
        return self._left + int(x - 0.25), self._top + int(y - 0.25)

    def _text_start(self, row: int, column: int, text: str) -> int:
        """Where a text begins so that its middle is the place's."""
        return self._left + int(self.geometry.centre(row, column)[0] - len(text) / 2 + 0.25)

    def _piece(self, piece: int, palette: Palette) -> Color:
        return palette.pieces[piece_colour(self.game, piece - 1)]

    def _stamp(
        self, canvas: Canvas[Color], place: int, kind: str, radius: float, colour: Color
    ) -> None:
        """Paints a shape in the middle of a place; with radius 1 it fills the place."""
        x, y = self.geometry.centre(*divmod(place, self.game.shape[1]))
        outline = shape(kind, radius * self.scale, x % 1, y % 1)
        canvas.stamp(outline, self._left + int(x), self._top + int(y), colour)


def _suggestion_colours(seen: Suggestion, palette: Palette) -> tuple[Color, Color]:
    """(of the disc, of the text)."""
    if seen.rank == 1:
        return palette.best, palette.best_text
    return palette.other, palette.other_text


def _write(cells: list[list[Cell]], x: int, y: int, text: str) -> None:
    for dx, glyph in enumerate(text):
        cells[y][x + dx].glyph = glyph


def largest_scale(game: Game, columns: int, rows: int, most: int = 6) -> int:
    """The largest scale at which a board with its labels fits into so many characters, or 1."""
    for scale in range(most, 1, -1):
        needs = Picture(game, scale).size
        if needs[0] <= columns and needs[1] <= rows:
            return scale
    return 1
