"""Game records as SGF text (FF[4], GM[1]): reading with the usual slips of real files, and writing.

A broken game never stops a reading: it comes out as a `BrokenRecord` with the reason, between the
others. Of a game with variations the main line is read.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from functools import cache
from importlib import metadata

from sgfmill import sgf_grammar

from engine.chains import has_captured_chain
from engine.games import GO_SIZES, go_name
from engine.records.record import DEFAULT_KOMI, HANDICAP_KOMI, BrokenRecord, GameRecord

PropertyMap = dict[str, list[bytes]]

# A game of a collection begins with one of these properties; a variation does not. An SGF quoted
# inside a comment does not match, since its `]` are escaped there.
_GAME_START = re.compile(
    rb"\(\s*;\s*(?:AN|AP|BR|BT|CA|CP|DT|EV|FF|GC|GM|GN|HA|KM|ON|OT|PB|PC|PW|RE|RO|RU|SO|ST|SZ|TM"
    rb"|US|WR|WT)\s*\[[^\]\\]*\]"
)
_EXPERT = re.compile(r"\bexpert:(BW|WB|B|W)\b")
_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)?")
_KOMI_OF_ANY_BOARD = 20  # however small it is


# --- Reading --------------------------------------------------------------------------------


def read_games(data: bytes, label: str) -> Iterator[GameRecord | BrokenRecord]:
    """The games of an SGF collection. Yields nothing when there is no `(;` at all."""
    cuts = [0, *(match.start() for match in _GAME_START.finditer(data)), len(data)]
    number = 0
    for begin, end in itertools.pairwise(cuts):
        text = data[begin:end]
        if not re.search(rb"\(\s*;", text):
            continue
        number += 1
        source = f"{label}, game {number}"
        try:
            tree = sgf_grammar.parse_sgf_game(text)
            record = _read_tree(list(sgf_grammar.main_sequence_iter(tree)), source)
            record.sgf = text
            yield record
        except ValueError as error:
            yield BrokenRecord(source, str(error))


def _read_tree(nodes: list[PropertyMap], source: str) -> GameRecord:
    """The game of a main line. Raises ValueError with the reason if it is not a game of Go."""
    root = nodes[0]
    encoding = _raw(root, "CA").decode("ascii", "replace").strip()

    def text(name: str) -> str:
        return _decode(sgf_grammar.simpletext_value(_raw(root, name)), encoding).strip()

    if (kind := text("GM")) not in ("", "1"):
        raise ValueError(f"GM[{kind}] is not Go: only GM[1] is read")
    shape = _board_shape(text("SZ"))
    area = shape[0] * shape[1]
    setup, to_move, moves = _main_line(nodes, shape)
    handicap = text("HA")
    stones = int(handicap) if handicap.isascii() and handicap.isdigit() else 0
    if stones >= 2 and not setup and [player for player, _ in moves[:stones]] == [0] * stones:
        # Free handicap that was played as moves.
        setup = {action: 1 for _, action in moves[:stones] if action < area}
        moves, to_move = moves[stones:], 1
    if moves:
        to_move = moves[0][0]
    elif to_move is None:
        to_move = 1 if setup and 2 not in setup.values() else 0
    if has_captured_chain(setup, shape):
        raise ValueError("the setup stones AB and AW leave a chain without a liberty")
    tag = _EXPERT.search(text("GC"))
    komi = _komi(text("KM"), area, handicap=stones >= 2 or _is_handicap(setup, to_move))
    unread = text("KM") and not _NUMBER.search(text("KM"))
    return GameRecord(
        game=go_name(*shape),
        komi=komi,
        rules=text("RU"),
        setup=sorted(setup.items()),
        to_move=to_move,
        moves=moves,
        players=(text("PB"), text("PW")),
        ranks=(text("BR"), text("WR")),
        result=text("RE"),
        expert=("B" in tag[1], "W" in tag[1]) if tag else None,
        name=text("GN"),
        date=text("DT"),
        source=source,
        remark=f"KM[{text('KM')}] is no number: a komi of {komi:g} is assumed" if unread else "",
    )


def _main_line(
    nodes: list[PropertyMap], shape: tuple[int, int]
) -> tuple[dict[int, int], int | None, list[tuple[int, int]]]:
    """The setup {action: piece}, who is to move (PL; None unknown) and the moves."""
    actions = _action_table(shape)
    setup: dict[int, int] = {}
    to_move: int | None = None
    moves: list[tuple[int, int]] = []
    for properties in nodes:
        for name, values in properties.items():
            if name in ("B", "W"):
                for value in values:
                    action = actions.get(value)
                    if action is None:
                        action = actions.get(value.strip().lower(), -1)
                    if action < 0:
                        shown = value[:20].decode("latin-1")
                        raise ValueError(
                            f"move {len(moves) + 1}: {name}[{shown}] is not on {_named(shape)}"
                        )
                    moves.append((0 if name == "B" else 1, action))
            elif name in ("AB", "AW", "AE"):
                if moves:
                    raise ValueError(f"{name} edits the board after move {len(moves)}")
                for action in _point_list(name, values, shape):
                    if name == "AE":
                        setup.pop(action, None)
                    else:
                        setup[action] = 1 if name == "AB" else 2
            elif name == "PL" and not moves:
                to_move = 1 if values[0].strip().lower()[:1] == b"w" else 0
    return setup, to_move, moves


@cache
def _action_table(shape: tuple[int, int]) -> dict[bytes, int]:
    """Actions by SGF point; an empty point and `tt` are the pass."""
    rows, columns = (b"abcdefghijklmnopqrs"[:side] for side in shape)
    points = [bytes((column, row)) for row in rows for column in columns]
    return {point: action for action, point in enumerate([*points, b""])} | {b"tt": len(points)}


def _point_list(name: str, values: list[bytes], shape: tuple[int, int]) -> Iterator[int]:
    """The actions of a list of points, which may have rectangles such as `aa:cc`."""
    actions, (height, width) = _action_table(shape), shape
    for value in values:
        corners = [actions.get(part.strip().lower(), height * width) for part in value.split(b":")]
        if len(corners) > 2 or height * width in corners:
            shown = value[:20].decode("latin-1")
            raise ValueError(f"{name}[{shown}] is not on {_named(shape)}")
        (top, left), (bottom, right) = divmod(corners[0], width), divmod(corners[-1], width)
        for row in range(top, bottom + 1):
            yield from range(row * width + left, row * width + right + 1)


def _raw(properties: PropertyMap, name: str) -> bytes:
    return properties.get(name, [b""])[0]


def _decode(value: bytes, encoding: str) -> str:
    """Text in the file's encoding if that works, else in UTF-8, else in Latin-1."""
    for attempt in (encoding, "utf-8"):
        try:
            return value.decode(attempt)
        except (LookupError, ValueError):
            continue
    return value.decode("latin-1")


def _board_shape(text: str) -> tuple[int, int]:
    """The rows and columns of `SZ[9]` or, columns first, `SZ[13:9]`."""
    if not text:
        return 19, 19
    width, _, height = (part.strip() for part in text.partition(":"))
    sides = (height or width, width)
    for side in sides:
        if not (side.isascii() and side.isdigit() and len(side) < 4 and int(side) in GO_SIZES):
            known = f"{GO_SIZES[0]} to {GO_SIZES[-1]}"
            raise ValueError(f"SZ[{text}]: boards have {known} rows and columns")
    return int(sides[0]), int(sides[1])


def _named(shape: tuple[int, int]) -> str:
    height, width = shape
    return f"a board of {width}" if height == width else f"a board of {width}x{height}"


def _komi(text: str, area: int, handicap: bool) -> float:
    """Komi in half points, with the usual slips of servers repaired."""
    number = _NUMBER.search(text)
    if number is None:
        return HANDICAP_KOMI if handicap else DEFAULT_KOMI
    komi = float(number[0].replace(",", "."))
    if abs(komi) >= 200:  # hundredths, as in KM[375] and KM[650]
        komi /= 100
    if (2 * komi) % 1 == 0.5:  # Chinese counting halves it: 3.75 stones are 7.5 points
        komi *= 2
    if abs(komi) > max(area, _KOMI_OF_ANY_BOARD):
        raise ValueError(f"KM[{text}] is more than the board has points")
    return round(2 * komi) / 2


def _is_handicap(setup: dict[int, int], to_move: int) -> bool:
    return len(setup) >= 2 and to_move == 1 and 2 not in setup.values()


# --- Writing --------------------------------------------------------------------------------


@cache
def application() -> str:
    """What stands in the AP property: the program and its version."""
    try:
        return f"move37:{metadata.version('move37')}"
    except metadata.PackageNotFoundError:
        return "move37:source"


def sgf_point(action: int, shape: tuple[int, int]) -> bytes:
    """An action on a board of (rows, columns) as the value of a move property; the pass is empty."""
    height, width = shape
    if action == height * width:
        return b""
    row, column = divmod(action, width)
    return bytes((ord("a") + column, ord("a") + row))


def write_sgf(record: GameRecord) -> str:
    """The record as SGF text, FF[4] in UTF-8, that `read_records` reads back; ends in a newline."""
    height, width = shape = record.shape
    root: PropertyMap = {
        "FF": [b"4"],
        "GM": [b"1"],
        "CA": [b"UTF-8"],
        "AP": [application().encode()],
        "SZ": [(f"{width}" if height == width else f"{width}:{height}").encode()],
        "KM": [f"{record.komi:g}".encode()],
    }
    expert = "".join(s for s, on in zip("BW", record.expert or (), strict=False) if on)
    texts = {
        "RU": record.rules,
        "PB": record.players[0],
        "PW": record.players[1],
        "BR": record.ranks[0],
        "WR": record.ranks[1],
        "RE": record.result,
        "GN": record.name,
        "DT": record.date,
        "GC": f"expert:{expert}" if expert else "",
    }
    for name, text in texts.items():
        if text:
            root[name] = [sgf_grammar.escape_text(text.encode("utf-8", "replace"))]
    for name, piece in (("AB", 1), ("AW", 2)):
        if stones := [sgf_point(action, shape) for action, p in record.setup if p == piece]:
            root[name] = stones
    if _is_handicap(dict(record.setup), record.to_move):
        root["HA"] = [str(len(record.setup)).encode()]
    if record.setup or record.to_move == 1:
        root["PL"] = [b"BW"[record.to_move : record.to_move + 1]]
    tree = sgf_grammar.Coarse_game_tree()
    tree.sequence = [root]
    tree.sequence += [{"BW"[player]: [sgf_point(action, shape)]} for player, action in record.moves]
    data: bytes = sgf_grammar.serialise_game_tree(tree)
    return data.decode()
