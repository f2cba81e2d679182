"""Queries of the JSON analysis protocol: what a line of input asks for, checked field by field.

The protocol is that of KataGo's analysis engine (its docs/Analysis_Engine.md), which KaTrain and
other programs speak. Everything wrong with a query is a `QueryError` that names the field.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from engine.chains import has_captured_chain
from engine.errors import UserError
from engine.game import Game
from engine.games import GO_SIZES
from engine.nets.tuning import most_leaves
from engine.players.named import make_settings
from engine.position import Position
from engine.records.record import IllegalMoveError, positions_after
from engine.rules import Rules, from_json, parse_rules
from mcts import SearchSettings

Perspective = Literal["BLACK", "WHITE", "SIDETOMOVE"]
Json = dict[str, Any]

PERSPECTIVES: tuple[Perspective, ...] = ("BLACK", "WHITE", "SIDETOMOVE")
MAX_VISITS = SearchSettings.model_fields["visits"].metadata[1].le
DEFAULT_KOMI = {"AREA": 7.5, "TERRITORY": 6.5}
MAX_KOMI = 150
MAX_LINE = 1000
FIELDS = {
    *("id", "moves", "initialStones", "initialPlayer", "rules", "whiteHandicapBonus", "komi"),
    *("boardXSize", "boardYSize", "analyzeTurns", "priority", "priorities", "maxVisits"),
    *("analysisPVLen", "rootPolicyTemperature", "includeOwnership", "includeOwnershipStdev"),
    *("includeMovesOwnership", "includePolicy", "includePVVisits", "avoidMoves", "allowMoves"),
    *("overrideSettings", "reportDuringSearchEvery", "firstReportDuringSearchAfter"),
}
_BONUS = "whiteHandicapBonus"
_MOVES = 'must be an array of pairs of the form ["B" or "W", vertex]'
_AVOID = "must be a list of objects with 'player', 'moves' and 'untilDepth'"
_RULES = "must be a name such as 'chinese' or 'tromp-taylor', or an object"

# KataGo's parameters that we have under another name.
SETTINGS = {
    "cpuctExploration": "c_puct",
    "cpuctExplorationBase": "c_puct_base",
    "fpuReductionMax": "fpu_reduction",
    "maxVisits": "visits",
    "rootPolicyTemperature": "root_policy_temperature",
}


class QueryError(Exception):
    """A query that cannot be answered: which field is wrong, None for the whole line, and why."""

    def __init__(self, field: str | None, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = field, reason


@dataclass(frozen=True)
class Options:
    """How positions are searched and answered; a query's `overrideSettings` may change them.

    settings  of the search
    seconds   for each position; the visits may end it earlier
    report_as in whose view win rates, leads and ownership are reported
    """

    settings: SearchSettings
    seconds: float = math.inf
    report_as: Perspective = "BLACK"

    def override(self, given: Mapping[str, Any]) -> tuple[Options, list[str]]:
        """These options with some changed, and the names that are not known.

        Names are KataGo's or those of SearchSettings; values may be numbers or their text.
        Raises UserError for values that do not fit.
        """
        seconds, report_as = self.seconds, self.report_as
        values: dict[str, Any] = {}
        unknown: list[str] = []
        for name, value in given.items():
            if name == "reportAnalysisWinratesAs":
                report_as = parse_perspective(str(value))
            elif name == "maxTime":
                seconds = _seconds(value)
            elif name in SETTINGS or name in SearchSettings.model_fields:
                values[SETTINGS.get(name, name)] = value
            else:
                unknown.append(name)
        if visits := values.get("visits"):
            values["visits"] = _at_most_visits(visits)
        settings = make_settings(self.settings.model_dump() | values) if values else self.settings
        if "leaves_per_batch" not in values:  # ours were chosen for our own visits
            leaves = min(settings.leaves_per_batch, most_leaves(settings.visits))
            settings = settings.model_copy(update={"leaves_per_batch": leaves})
        return Options(settings, seconds, report_as), unknown


def parse_perspective(text: str) -> Perspective:
    """A view by its name, in upper or lower case. Raises UserError for an unknown one."""
    for perspective in PERSPECTIVES:
        if text.upper() == perspective:
            return perspective
    raise UserError(f"'{text}' is no view of win rates: use BLACK, WHITE or SIDETOMOVE")


def _seconds(value: Any) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        seconds = math.nan
    if not seconds > 0:
        raise UserError(f"maxTime {value!r} is not a number of seconds above 0")
    return seconds


def _at_most_visits(value: Any) -> Any:
    """As many visits as a search can have, where a client asks for more, which is for no end."""
    return min(value, MAX_VISITS) if isinstance(value, int | float) else value


@dataclass(frozen=True)
class Query:
    """Positions of one game to be analysed.

    positions        {turn: position}, turn t being the one after t moves
    priorities       {turn: priority}, higher first
    masks            for (Black, White) [A] uint8, the moves allowed at the root, None for all
    every, first     seconds between reports during the search, and until the first; inf for none
    line_length      the most moves of a line
    warnings         (field, what)
    """

    id: str
    game: Game
    positions: dict[int, Position]
    priorities: dict[int, int]
    options: Options
    masks: list[np.ndarray | None] = field(default_factory=lambda: [None, None])
    every: float = math.inf
    first: float = math.inf
    line_length: int = MAX_LINE
    ownership: bool = False
    moves_ownership: bool = False
    ownership_stdev: bool = False
    policy: bool = False
    line_visits: bool = False
    warnings: list[tuple[str, str]] = field(default_factory=list)


def parse_query(
    given: Json,
    game_on: Callable[[int, int], Game],
    options: Options,
) -> Query:
    """Reads a query whose `id` has been checked.

    game_on(height, width) gives the game on a board and raises UserError for one that cannot be
    analysed. Raises QueryError.
    """
    fields = _Fields(given)
    try:
        game = game_on(*fields.board_shape())
    except UserError as error:
        raise QueryError("boardXSize", str(error)) from None
    board = _Board(game)
    positions = _positions(fields, board)
    turns = fields.turns(len(positions) - 1)
    options, warnings = fields.options(options)
    masks, more = _masks(fields, board)
    unused = [(name, "Unexpected or unused field") for name in given if name not in FIELDS]
    every = fields.number("reportDuringSearchEvery", math.inf, 0.001, 1e6)
    return Query(
        id=given["id"],
        game=game,
        positions={turn: positions[turn] for turn in turns},
        priorities=fields.priorities(turns),
        options=options,
        masks=masks,
        every=every,
        first=fields.number("firstReportDuringSearchAfter", every, 0.001, 1e6),
        line_length=fields.integer("analysisPVLen", MAX_LINE, 1, MAX_LINE),
        ownership=fields.flag("includeOwnership"),
        moves_ownership=fields.flag("includeMovesOwnership"),
        ownership_stdev=fields.flag("includeOwnershipStdev"),
        policy=fields.flag("includePolicy"),
        line_visits=fields.flag("includePVVisits"),
        warnings=unused + warnings + more,
    )


@dataclass(frozen=True)
class _Fields:
    """The fields of a query, each read with its type and range."""

    given: Json

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        value = self.given.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise QueryError(name, f"must be an integer from {low} to {high}")
        return value

    def number(self, name: str, default: float, low: float, high: float) -> float:
        if name not in self.given:
            return default
        value = self.given[name]
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise QueryError(name, f"must be a number from {low:g} to {high:g}")
        return float(value)

    def flag(self, name: str) -> bool:
        value = self.given.get(name, False)
        if not isinstance(value, bool):
            raise QueryError(name, "must be true or false")
        return value

    def integers(self, name: str) -> list[int]:
        values = self.given[name]
        if not isinstance(values, list) or not all(type(value) is int for value in values):
            raise QueryError(name, "must be an array of integers")
        return values

    def board_shape(self) -> tuple[int, int]:
        width, height = (
            self.integer(name, 0, GO_SIZES[0], GO_SIZES[-1]) for name in ("boardXSize", "boardYSize")
        )
        return height, width

    def komi(self, rules: Rules) -> float:
        komi = self.number("komi", DEFAULT_KOMI[rules.scoring], -MAX_KOMI, MAX_KOMI)
        if (2 * komi) % 1:
            raise QueryError("komi", "must be an integer or half-integer")
        return komi

    def rules(self) -> Rules:
        given = self.given.get("rules")
        if not isinstance(given, str | dict):
            raise QueryError("rules", _RULES)
        try:
            rules = parse_rules(given) if isinstance(given, str) else from_json(given)
        except UserError as error:
            raise QueryError("rules", f"could not parse rules: {error}") from None
        if (bonus := self.given.get(_BONUS)) is None:
            return rules
        try:
            return from_json(rules.as_json() | {_BONUS: str(bonus) if bonus == 0 else bonus})
        except UserError as error:
            raise QueryError(_BONUS, str(error)) from None

    def turns(self, last: int) -> list[int]:
        if "analyzeTurns" not in self.given:
            return [last]
        turns = self.integers("analyzeTurns")
        if not turns:
            raise QueryError("analyzeTurns", "must name at least one turn")
        for turn in turns:
            if not 0 <= turn <= last:
                raise QueryError("analyzeTurns", f"invalid turn number: {turn}")
        return list(dict.fromkeys(turns))

    def priorities(self, turns: Sequence[int]) -> dict[int, int]:
        if "priorities" not in self.given:
            return dict.fromkeys(turns, self.integer("priority", 0, -(2**62), 2**62))
        if "priority" in self.given:
            raise QueryError("priority", "cannot specify both priority and priorities")
        if "analyzeTurns" not in self.given:
            raise QueryError("priorities", "can only be given together with analyzeTurns")
        values = self.integers("priorities")
        if len(values) != len(self.given["analyzeTurns"]):
            raise QueryError("priorities", "must be of the length of analyzeTurns")
        return dict(zip(self.given["analyzeTurns"], values, strict=True))

    def options(self, options: Options) -> tuple[Options, list[tuple[str, str]]]:
        settings = self.given.get("overrideSettings", {})
        if not isinstance(settings, dict):
            raise QueryError("overrideSettings", "must be an object")
        try:
            options, unknown = options.override(settings)
        except UserError as error:
            raise QueryError("overrideSettings", f"could not set settings: {error}") from None
        own = {}
        if "maxVisits" in self.given:
            own["visits"] = _at_most_visits(self.integer("maxVisits", 1, 1, 2**50))
        if "rootPolicyTemperature" in self.given:
            own["root_policy_temperature"] = self.number("rootPolicyTemperature", 1.0, 0.01, 10.0)
        options, _ = options.override(own)
        known = "Unknown config params: " + ",".join(unknown)
        return options, [("overrideSettings", known)] if unknown else []


@dataclass(frozen=True)
class _Board:
    """A board on which a query's stones and moves are named."""

    game: Game

    def action(self, name: str, text: Any, allow_pass: bool) -> int:
        """The action of a vertex, or of a pair such as `(0,13)`, column and row from the top left."""
        try:
            if not isinstance(text, str):
                raise UserError("no text")
            if text.startswith("(") and text.endswith(")"):
                column, row = (int(part) for part in text[1:-1].split(","))
                if not (0 <= column < self.game.shape[1] and 0 <= row < self.game.shape[0]):
                    raise UserError("off the board")
                return row * self.game.shape[1] + column
            action = self.game.notation.parse(text, np.ones(self.game.actions, np.uint8))
        except (UserError, ValueError):
            raise QueryError(name, f"could not parse board location: {text}") from None
        if action == self.game.area and not allow_pass:
            raise QueryError(name, f"could not parse board location: {text}")
        return action

    def moves(self, name: str, given: Any, allow_pass: bool) -> list[tuple[int, int]]:
        """(player, action) of an array of pairs."""
        if not isinstance(given, list):
            raise QueryError(name, _MOVES)
        moves = []
        for pair in given:
            if not isinstance(pair, list) or len(pair) != 2:
                raise QueryError(name, _MOVES)
            moves.append((_player(name, pair[0]), self.action(name, pair[1], allow_pass)))
        return moves


def _player(name: str, text: Any) -> int:
    words = {"b": 0, "black": 0, "w": 1, "white": 1}
    player = words.get(text.lower()) if isinstance(text, str) else None
    if player is None:
        raise QueryError(name, f"could not parse player: {text}")
    return player


def _positions(fields: _Fields, board: _Board) -> list[Position]:
    """The positions after 0, 1, 2 ... moves of the query's game."""
    given = fields.given
    stones = board.moves("initialStones", given.get("initialStones", []), allow_pass=False)
    if "moves" not in given:
        raise QueryError("moves", _MOVES)
    moves = board.moves("moves", given["moves"], allow_pass=True)
    setup = {action: player + 1 for player, action in stones}
    if has_captured_chain(setup, board.game.shape):
        raise QueryError("initialStones", "the stones leave a chain without a liberty")
    handicap = len(setup) if 2 not in setup.values() else 0
    first = 1 if handicap >= 2 else 0
    if moves:
        first = moves[0][0]
    elif "initialPlayer" in given:
        first = _player("initialPlayer", given["initialPlayer"])
    rules = fields.rules()
    komi = fields.komi(rules) + rules.bonus(handicap)
    position = Position(board.game)
    position.set_start(komi_half_points=round(2 * komi), **rules.start_fields())
    for action, piece in setup.items():
        position.setup(action, piece)
    position.set_start(to_move=first)
    try:
        return list(positions_after(position, moves))
    except IllegalMoveError as error:
        raise QueryError("moves", f"Illegal move {error.index}: {error.name}") from None


def _masks(fields: _Fields, board: _Board) -> tuple[list[np.ndarray | None], list[tuple[str, str]]]:
    """The moves that Black and White may play at the root, and warnings."""
    masks: list[np.ndarray | None] = [None, None]
    warnings: list[tuple[str, str]] = []
    given = fields.given
    if "allowMoves" in given and "avoidMoves" in given:
        raise QueryError("allowMoves", "cannot specify both allowMoves and avoidMoves")
    name = "allowMoves" if "allowMoves" in given else "avoidMoves"
    entries = given.get(name, [])
    if not isinstance(entries, list):
        raise QueryError(name, _AVOID)
    if name == "allowMoves" and len(entries) > 1:
        raise QueryError(name, "allows one entry only")
    for entry in entries:
        if not isinstance(entry, dict) or not {"player", "moves", "untilDepth"} <= entry.keys():
            raise QueryError(name, _AVOID)
        if not isinstance(entry["moves"], list):
            raise QueryError(name, _AVOID)
        player = _player(name, entry["player"])
        actions = [board.action(name, text, allow_pass=True) for text in entry["moves"]]
        if _Fields(entry).integer("untilDepth", 1, 1, 10**9) > 1:
            warnings.append((name, "untilDepth: moves are avoided as the first move only"))
        avoiding = name == "avoidMoves"
        mask = masks[player]
        if mask is None:
            mask = masks[player] = np.full(board.game.actions, avoiding, np.uint8)
        mask[actions] = not avoiding
    return masks, warnings
