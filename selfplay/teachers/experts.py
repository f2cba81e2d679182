"""Expert games from records, as the arrays that training draws from.

Legend: N games, P moves of all games, A actions, H, W board.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from engine.errors import UserError
from engine.game import Game
from engine.records.files import read_records
from engine.records.record import (
    BrokenRecord,
    GameRecord,
    result_margin,
    result_outcome,
    start_position,
)
from selfplay.learning.replay import Games

# Area and territory scores of one board differ by little more; a larger difference means that
# dead stones are still on it, and then the ownership is wrong.
MARGIN_TOLERANCE = 2.0
NAMED_EXAMPLES = 3


@dataclass
class ReadReport:
    """What became of the records that were read."""

    game: str
    read: int = 0
    used: int = 0
    moves: int = 0
    taught: int = 0
    scored: int = 0
    wrong_game: int = 0
    no_expert: int = 0
    no_moves: int = 0
    broken: list[str] = field(default_factory=list)  # `source: reason`
    cut: Counter[str] = field(default_factory=Counter)  # games cut short, by reason

    def summary(self) -> str:
        """One paragraph for people."""
        parts = [
            f"{self.read:,} records read, {self.used:,} games of {self.game} used with "
            f"{self.moves:,} moves, {self.taught:,} of them by experts; "
            f"the final score is known of {self.scored:,}."
        ]
        if self.cut:
            reasons = ", ".join(f"{count:,} {reason}" for reason, count in self.cut.most_common())
            parts.append(f"Cut short: {reasons}.")
        left_out = {
            "of another game or size": self.wrong_game,
            "without an expert": self.no_expert,
            "without moves": self.no_moves,
            "broken": len(self.broken),
        }
        if any(left_out.values()):
            counts = ", ".join(f"{count:,} {why}" for why, count in left_out.items() if count)
            parts.append(f"Left out: {counts}.")
        if self.broken:
            more = "; ..." if len(self.broken) > NAMED_EXAMPLES else ""
            parts.append(f"Broken: {'; '.join(self.broken[:NAMED_EXAMPLES])}{more}.")
        return " ".join(parts)


def read_experts(
    paths: Iterable[str | Path],
    game: Game,
    *,
    min_rank: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> tuple[Games, ReadReport]:
    """The expert games of `game` among the records at `paths` (see `engine.records.files`).

    A side is taught when the record's expert tag says so; without a tag, when its rank is at least
    `min_rank` (`3d`, `1p`, or a rating such as `2200`); without either, always. A game is cut at
    the first move that is illegal or out of turn. Scores and ownership are those of games that
    ended by two passes with a score that agrees with the board. progress(records read) is called
    after each record. Raises UserError for bad paths, a bad rank, or when no game can be used.
    """
    threshold = None if min_rank is None else _strength(min_rank)
    if min_rank is not None and threshold is None:
        raise UserError(f"'{min_rank}' is not a rank: give e.g. 6d, 1p or a rating such as 2200")
    paths = list(paths)
    report = ReadReport(game.name)
    games = _Builder(game)
    for record in read_records(paths):
        report.read += 1
        if isinstance(record, BrokenRecord):
            report.broken.append(f"{record.source}: {record.reason}")
        elif record.game != game.name:
            report.wrong_game += 1
        elif not any(experts := _experts(record, threshold)):
            report.no_expert += 1
        else:
            games.add(record, experts, report)
        if progress:
            progress(report.read)
    if report.used == 0:
        shown = ", ".join(f"'{path}'" for path in paths) or "no paths at all"
        raise UserError(f"no expert games of {game.name} in {shown}: {report.summary()}")
    return games.finish(), report


def held_out_mask(game: Game, games: Games, fraction: float) -> np.ndarray:
    """Which games to test on rather than train with: [N] bool, about `fraction` of them.

    Decided by a hash of each game's moves, which is the same for its rotations and reflections, as
    far as the game has them, and on every machine; so duplicates never fall on different sides.
    """
    tables = game.symmetries[1].astype(">u2")
    held_out = np.zeros(len(games), bool)
    for i in range(len(games)):
        moves = games.actions[games.offsets[i] : games.offsets[i + 1]]
        canonical = min(table[moves].tobytes() for table in tables)
        digest = hashlib.blake2b(canonical, digest_size=8).digest()
        held_out[i] = int.from_bytes(digest, "big") < fraction * 2**64
    return held_out


# --- Who is an expert -----------------------------------------------------------------------

_RANK = re.compile(r"(\d+)\s*(k|d|p|kyu|dan|pro)?\s*[?*]?")


def _strength(text: str) -> tuple[str, int] | None:
    """(scale, strength) of a rank or rating; 1 dan is 1, 1 kyu 0, and 1 professional dan 10."""
    match = _RANK.fullmatch(text.strip().lower())
    if match is None:
        return None
    number, unit = int(match[1]), (match[2] or "")[:1]
    if not unit:
        return "rating", number
    return "rank", {"k": 1 - number, "d": number, "p": 9 + number}[unit]


def _experts(record: GameRecord, threshold: tuple[str, int] | None) -> tuple[bool, bool]:
    """Which of (Black, White) is an expert."""
    if record.expert is not None:
        return record.expert
    if threshold is None:
        return True, True
    black, white = (_reaches(rank, threshold) for rank in record.ranks)
    return black, white


def _reaches(rank: str, threshold: tuple[str, int]) -> bool:
    strength = _strength(rank)
    # A rating says nothing about ranks, nor a rank about ratings.
    return strength is not None and strength[0] == threshold[0] and strength[1] >= threshold[1]


# --- The arrays -----------------------------------------------------------------------------


class _Builder:
    """Replays records and collects the rows of `Games`."""

    def __init__(self, game: Game) -> None:
        self.game = game
        self.starts: list[np.ndarray] = []
        self.start_of: list[int] = []
        self.actions: list[np.ndarray] = []
        self.taught: list[np.ndarray] = []
        self.outcomes: list[float] = []
        self.scores: list[float] = []
        self.ownership: list[np.ndarray] = []
        self._known_starts: dict[tuple[object, ...], int] = {}  # most games begin alike
        self._unknown = np.zeros(game.area, np.int8)

    def add(self, record: GameRecord, experts: tuple[bool, bool], report: ReadReport) -> None:
        """Replays one record as far as it is legal, adds it, and counts it in the report."""
        start = self._start(record)
        state = self.starts[start].copy()
        players = np.array([player for player, _ in record.moves], np.int8)
        actions = np.array([action for _, action in record.moves], np.int16)
        in_turn = (record.to_move + np.arange(len(actions))) % 2
        wrong = np.flatnonzero(players != in_turn)
        limit = int(wrong[0]) if len(wrong) else len(actions)
        length = self.game.native.replay(state, actions[:limit])
        if length < len(actions):
            reason = self._why_illegal(state, actions[length]) if length < limit else "out of turn"
            report.cut[reason] += 1
        if length == 0:
            report.no_moves += 1
            return
        score, ownership = math.nan, self._unknown
        if length == len(actions):
            score, ownership = self._final_score(state, record)
        taught = np.array(experts)[players[:length]]
        self.start_of.append(start)
        self.actions.append(actions[:length])
        self.taught.append(taught)
        self.outcomes.append(result_outcome(record.result))
        self.scores.append(score)
        self.ownership.append(ownership)
        report.used += 1
        report.moves += length
        report.taught += int(taught.sum())
        report.scored += not math.isnan(score)

    def finish(self) -> Games:
        """All that was added."""
        lengths = [len(actions) for actions in self.actions]
        moves = sum(lengths)
        return Games(
            starts=np.stack(self.starts),
            start_of=np.array(self.start_of, np.int32),
            offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            actions=np.concatenate(self.actions),
            weights=np.concatenate(self.taught).astype(np.float32),
            advantages=np.ones(moves, np.float32),
            policies=np.zeros((0, self.game.actions), np.float16),
            root_values=np.full(moves, np.nan, np.float32),
            outcomes=np.array(self.outcomes, np.float32),
            scores=np.array(self.scores, np.float32),
            ownership=np.stack(self.ownership),
        )

    def _start(self, record: GameRecord) -> int:
        key = (record.komi, record.rules, record.to_move, *record.setup)
        if key not in self._known_starts:
            self._known_starts[key] = len(self.starts)
            self.starts.append(start_position(record).start)
        return self._known_starts[key]

    def _why_illegal(self, state: np.ndarray, action: int) -> str:
        if self.game.native.over(state):
            return "played on after the end"
        twin = state.copy()
        twin.view(self.game.state)["ko_rule"] = 0
        if self.game.native.legal_mask(twin)[action]:
            return "at a repeated position"
        return "at an illegal move"

    def _final_score(self, state: np.ndarray, record: GameRecord) -> tuple[float, np.ndarray]:
        """(Black's margin, ownership [H * W]) if the board and the result agree, else NaN."""
        margin = result_margin(record.result)
        if math.isnan(margin) or state.view(self.game.state)["passes"][0] < 2:
            return math.nan, self._unknown
        score, ownership = self.game.native.score(state)
        if np.sign(score) != np.sign(margin) or abs(score - margin) > MARGIN_TOLERANCE:
            return math.nan, self._unknown
        return float(score), ownership.ravel()
