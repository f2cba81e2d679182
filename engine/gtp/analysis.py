"""What the analyze commands take and what they print, in the dialects that boards read.

    lz       integers: win rate, prior and lcb times 10000
    kata     decimal fractions, score leads, ownership
    analyze  as kata; Sabaki tells it from lz by the decimal points

The keys are those of Leela Zero's and KataGo's commands. `pv` is the last key of a move, except for
what was asked for in addition, since some boards read to the end of the line from there.
"""

from __future__ import annotations

import json
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from engine.analyst import MoveReport, Report
from engine.errors import UserError
from engine.game import Game
from engine.gtp.protocol import SYNTAX_ERROR, GtpFailure

Dialect = Literal["lz", "kata"]

COLOURS = {"b": 0, "black": 0, "w": 1, "white": 1}
DEFAULT_INTERVAL = 1.0
_OWNERSHIP_LETTERS = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+"  # -1 to 1
_SWITCHES = ("rootInfo", "ownership", "ownershipStdev", "movesOwnership", "pvVisits", "pvEdgeVisits")


@dataclass
class Request:
    """What a controller asks of an analysis.

    player    whose turn it is meant to be; None: whoever's it is
    interval  seconds between reports
    avoid, allow  [(player, actions)] that a player's next move may not be, or must be one of
    """

    player: int | None = None
    interval: float = DEFAULT_INTERVAL
    min_moves: int = 0
    max_moves: int = 1_000
    avoid: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)
    allow: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)
    wanted: set[str] = field(default_factory=set)  # of _SWITCHES

    def mask(self, player: int, actions: int) -> np.ndarray | None:
        """The moves [A] uint8 that the player may consider; None when all."""
        avoid = [action for who, many in self.avoid if who == player for action in many]
        allow = [action for who, many in self.allow if who == player for action in many]
        if not avoid and not allow:
            return None
        mask = np.full(actions, not allow, np.uint8)
        mask[allow] = 1
        mask[avoid] = 0
        return mask


def parse_request(words: tuple[str, ...], game: Game) -> Request:
    """Reads `[colour] [interval] {key value}`; colour and interval in either order.

    The depth after the vertices of avoid and allow is read, but they hold for the next move only.
    Raises GtpFailure for what is not known.
    """
    request = Request()
    rest = iter(words)
    for word in rest:
        key = word.lower()
        if key in COLOURS and request.player is None:
            request.player = COLOURS[key]
        elif word[0].isdigit() or word[0] == ".":
            request.interval = _interval(word)
        else:
            _read_option(request, key, rest, game)
    return request


def _read_option(request: Request, key: str, rest: Iterator[str], game: Game) -> None:
    switch = next((name for name in _SWITCHES if name.lower() == key), None)
    if key == "interval":
        request.interval = _interval(_next(rest))
    elif key == "minmoves":
        request.min_moves = _count(_next(rest))
    elif key == "maxmoves":
        request.max_moves = _count(_next(rest))
    elif key in ("avoid", "allow"):
        player = COLOURS.get(_next(rest).lower())
        actions = tuple(parse_vertex(vertex, game) for vertex in _next(rest).split(","))
        _count(_next(rest))
        if player is None:
            raise GtpFailure(SYNTAX_ERROR)
        (request.avoid if key == "avoid" else request.allow).append((player, actions))
    elif switch is not None:
        value = _next(rest).lower()
        if value not in ("true", "false"):
            raise GtpFailure(SYNTAX_ERROR)
        request.wanted = request.wanted - {switch} | ({switch} if value == "true" else set())
    else:
        raise GtpFailure(SYNTAX_ERROR)


def _next(words: Iterator[str]) -> str:
    word = next(words, None)
    if word is None:
        raise GtpFailure(SYNTAX_ERROR)
    return word


def _interval(word: str) -> float:
    """Seconds from centiseconds."""
    try:
        interval = float(word) / 100
    except ValueError:
        raise GtpFailure(SYNTAX_ERROR) from None
    if not 0 <= interval <= 1e9:
        raise GtpFailure(SYNTAX_ERROR)
    return max(interval, 0.01)


def _count(word: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) < 10):
        raise GtpFailure(SYNTAX_ERROR)
    return int(word)


def parse_vertex(vertex: str, game: Game) -> int:
    """The action of a vertex or pass. Raises GtpFailure when it is not one of this board."""
    try:
        return game.notation.parse(vertex, np.ones(game.actions, np.uint8))
    except UserError:
        raise GtpFailure(SYNTAX_ERROR) from None


def report_line(report: Report, game: Game, dialect: Dialect, request: Request) -> str:
    """One report as one line; what is a player's is the report's viewer's."""
    name = game.notation.name
    moves = [*report.moves, *_unvisited(report, request.min_moves - len(report.moves))]
    parts = []
    for move in moves[: request.max_moves]:
        words = _lz_words(move) if dialect == "lz" else _kata_words(move)
        parts.append(f"info move {name(move.action)} {words} order {move.order}")
        parts += ["pv", *(name(action) for action in move.line)]
        for key in ("pvVisits", "pvEdgeVisits"):  # the same in a tree: no two lines meet
            if key in request.wanted:
                parts += [key, *map(str, move.line_visits)]
        if "movesOwnership" in request.wanted and move.ownership is not None:
            parts += ["movesOwnership", _floats(move.ownership)]
    if "rootInfo" in request.wanted and dialect == "kata":
        parts.append(
            f"rootInfo visits {report.visits} utility {2 * report.win_rate - 1:.6f} "
            f"winrate {report.win_rate:.6f}{_lead(report)} weight {report.visits} "
            f"rawWinrate {report.net_win_rate:.6f}"
        )
    if "ownership" in request.wanted and dialect == "kata" and report.ownership is not None:
        parts += ["ownership", _floats(report.ownership)]
    if "ownershipStdev" in request.wanted and dialect == "kata" and report.ownership_stdev is not None:
        parts += ["ownershipStdev", _floats(report.ownership_stdev)]
    return " ".join(parts)


def cgos_line(report: Report, game: Game, request: Request) -> str:
    """One report as the JSON that the computer-Go server CGOS shows; in the report's view.

    A line is what comes after its move. Specification: "GTP tournament game expansion", version 0.1.
    """

    def figures(of: Report | MoveReport) -> dict[str, object]:
        score = {} if of.score_lead is None else {"score": round(of.score_lead, 4)}
        return {"winrate": round(of.win_rate, 6), **score, "visits": of.visits}

    name = game.notation.name
    found = figures(report) | {
        "moves": [
            {
                "move": name(move.action),
                **figures(move),
                "prior": round(move.prior, 6),
                "pv": " ".join(name(action) for action in move.line[1:]),
            }
            for move in report.moves[: request.max_moves]
        ]
    }
    if report.ownership is not None:
        steps = np.rint((report.ownership.ravel() + 1) / 2 * (len(_OWNERSHIP_LETTERS) - 1))
        found["ownership"] = "".join(_OWNERSHIP_LETTERS[int(step)] for step in steps)
    return json.dumps(found)


def waiting_line(legal: Iterable[int], game: Game, dialect: Dialect) -> str:
    """A first line while the net is not ready yet: a legal move, not visited, as good as any."""
    actions = list(legal)
    move = _unvisited_move(actions[0], 0, 1 / len(actions), 0.5, None)
    words = _lz_words(move) if dialect == "lz" else _kata_words(move)
    vertex = game.notation.name(actions[0])
    return f"info move {vertex} {words} order 0 pv {vertex}"


def _unvisited(report: Report, count: int) -> list[MoveReport]:
    """The moves of largest prior that were not visited, as good as the position is."""
    if count <= 0:
        return []
    visited = {move.action for move in report.moves}
    by_prior = np.argsort(-report.policy, kind="stable").tolist()
    fresh = [a for a in by_prior if report.policy[a] >= 0 and a not in visited][:count]
    return [
        _unvisited_move(action, order, float(report.policy[action]), report.win_rate, report.score_lead)
        for order, action in enumerate(fresh, start=len(report.moves))
    ]


def _unvisited_move(
    action: int, order: int, prior: float, win_rate: float, lead: float | None
) -> MoveReport:
    return MoveReport(
        action=action,
        order=order,
        visits=0,
        win_rate=win_rate,
        lcb=win_rate,
        score_lead=lead,
        score_stdev=None,
        prior=prior,
        line=(action,),
        line_visits=(0,),
        ownership=None,
    )


def _lz_words(move: MoveReport) -> str:
    rate, prior, lcb = (round(10_000 * x) for x in (move.win_rate, move.prior, move.lcb))
    return f"visits {move.visits} winrate {rate} prior {prior} lcb {lcb}"


def _kata_words(move: MoveReport) -> str:
    return (
        f"visits {move.visits} edgeVisits {move.visits} utility {2 * move.win_rate - 1:.6f} "
        f"winrate {move.win_rate:.6f}{_lead(move)} prior {move.prior:.6f} "
        f"lcb {move.lcb:.6f} utilityLcb {2 * move.lcb - 1:.6f} weight {move.visits}"
    )


def _lead(report: Report | MoveReport) -> str:
    """The expected margin under the names that boards look for; nothing when it is not known."""
    lead, stdev = report.score_lead, report.score_stdev
    if lead is None:
        return ""
    spread = "" if stdev is None else f" scoreStdev {stdev:.6f}"
    return f" scoreMean {lead:.6f}{spread} scoreLead {lead:.6f} scoreSelfplay {lead:.6f}"


def _floats(values: np.ndarray) -> str:
    return " ".join(f"{value:.6f}" for value in values.ravel().tolist())
