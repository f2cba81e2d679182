"""A table of nets and engines: who has played whom, and the ratings that follow from it.

Ratings are those of Bradley and Terry 1952, "Rank Analysis of Incomplete Block Designs", Biometrika
39: player i beats player j with probability 1 / (1 + 10 ** ((R_j - R_i) / 400)). The maximum of the
likelihood is found by choix; a draw counts half a win, and each pair that met is given one more
drawn game, which keeps one-sided results finite.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.errors import UserError
from engine.files import write_whole
from engine.games import load
from engine.nets.files import net_path
from engine.players.levels import LEVELS
from engine.players.named import is_player, parse_player
from selfplay.progress import Reporter
from selfplay.rating.arena import Tally
from selfplay.rating.elo import Z95
from selfplay.rating.match import MatchOptions, arena_match

ELO_PER_UNIT = 400 / math.log(10)  # Elo of one unit of choix's log-strength
PRIOR_DRAWS = 1.0
Pairing = Literal["all", "gauntlet", "chain"]


class Result(BaseModel):
    """The games of two players so far; `unique` counts those that differ from each other."""

    model_config = ConfigDict(extra="forbid")

    a: str
    b: str
    wins_a: int = Field(0, ge=0)
    draws: int = Field(0, ge=0)
    wins_b: int = Field(0, ge=0)
    unique: int = Field(0, ge=0)

    @property
    def games(self) -> int:
        """Games played."""
        return self.wins_a + self.draws + self.wins_b

    def points(self, player: str) -> float:
        """What one of the two has won, a draw counting half."""
        return (self.wins_a if player == self.a else self.wins_b) + 0.5 * self.draws

    def add(self, tally: Tally) -> None:
        """Adds a match of A against B."""
        self.wins_a += tally.wins_a
        self.draws += tally.draws
        self.wins_b += tally.wins_b
        self.unique += len(tally.lines)


class Table(BaseModel):
    """All results of a ladder file, which belong to one game; `nets` holds digests of net files."""

    model_config = ConfigDict(extra="forbid")

    game: str
    results: list[Result] = Field(default_factory=list)
    nets: dict[str, str] = Field(default_factory=dict)

    @staticmethod
    def read(path: Path, game: str) -> Table:
        """A table from its file, or an empty one. Raises UserError for a damaged or other file."""
        if not path.exists():
            return Table(game=game)
        try:
            table = Table.model_validate(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, ValidationError) as error:
            reason = str(error).splitlines()[0]
            raise UserError(f"'{path}' is not a table of move37: {reason}") from None
        if table.game != game:
            raise UserError(f"'{path}' is a table of {table.game}, not {game}: name another --table")
        return table

    def write(self, path: Path) -> None:
        """Writes the table, whole or not at all. Raises UserError."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, (self.model_dump_json(indent=1) + "\n").encode())
        except OSError as error:
            raise UserError(f"cannot write the table '{path}': {error.strerror}") from None

    def recognise(self, player: str) -> None:
        """Raises UserError when a player's net file is not the one it was."""
        net = parse_player(player, load(self.game)).net
        if net is None:
            return
        digest = hashlib.sha256(net_path(net).read_bytes()).hexdigest()[:16]
        if self.nets.setdefault(player, digest) != digest:
            raise UserError(
                f"net '{net}' has changed since it was rated: give the new one its own name, or name "
                "another --table"
            )

    def between(self, a: str, b: str) -> Result:
        """The result of a pair, in the order in which they first met; a new one if they have not."""
        for result in self.results:
            if {result.a, result.b} == {a, b}:
                return result
        self.results.append(Result(a=a, b=b))
        return self.results[-1]


@dataclass(frozen=True)
class Standing:
    """A player's rating: Elo above the anchor, with its 95 % interval, games and points."""

    player: str
    elo: float
    low: float
    high: float
    games: int
    points: float


@dataclass
class Standings:
    """The ratings of all players, the strongest first; `anchor` has 0."""

    game: str
    anchor: str
    rows: list[Standing] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """What `move37 ladder --json` prints."""
        rows = [
            {
                "player": row.player,
                "elo": round(row.elo, 1),
                "elo_low": round(row.low, 1),
                "elo_high": round(row.high, 1),
                "games": row.games,
                "points": row.points,
            }
            for row in self.rows
        ]
        return {"game": self.game, "anchor": self.anchor, "players": rows}

    def __str__(self) -> str:
        lines = [f"{'Elo':>6}  {'95 %':<16}{'games':>6}{'points':>8}  player"]
        for row in self.rows:
            interval = f"[{row.low:+.0f}, {row.high:+.0f}]" if row.player != self.anchor else "anchor"
            lines.append(
                f"{round(row.elo):>+6d}  {interval:<16}{row.games:>6}{row.points:>8g}  {row.player}"
            )
        return "\n".join(lines)


def rate(table: Table, anchor: str) -> Standings:
    """The ratings of all players of a table who are linked with the anchor by games.

    Intervals are of the difference to the anchor, from the curvature of the log-likelihood (Fisher
    information) at its maximum, with repeated games left out. Raises UserError without the extra
    `ratings`.
    """
    try:
        import choix
    except ImportError:
        raise UserError("ratings need choix: pip install 'move37[ratings]'") from None
    results = _linked(table, anchor)
    players = list(dict.fromkeys([anchor, *(name for r in results for name in (r.a, r.b))]))
    if not results:
        return Standings(table.game, anchor, [Standing(anchor, 0.0, 0.0, 0.0, 0, 0.0)])
    place = {player: i for i, player in enumerate(players)}
    wins = np.zeros((len(players), len(players)))
    evidence = np.zeros_like(wins)
    for result in results:
        i, j = place[result.a], place[result.b]
        half = 0.5 * (result.draws + PRIOR_DRAWS)
        wins[i, j] += result.wins_a + half
        wins[j, i] += result.wins_b + half
        evidence[i, j] += result.unique + PRIOR_DRAWS
        evidence[j, i] += result.unique + PRIOR_DRAWS
    strength = choix.ilsr_pairwise_dense(wins, max_iter=10_000)
    chance = 1 / (1 + np.exp(strength[None, :] - strength[:, None]))
    weight = evidence * chance * (1 - chance)
    information = np.diag(weight.sum(axis=1)) - weight
    deviation = np.zeros(len(players))
    deviation[1:] = np.sqrt(np.diag(np.linalg.inv(information[1:, 1:])))
    rows = []
    for player, i in place.items():
        elo = ELO_PER_UNIT * float(strength[i] - strength[0])
        half_width = Z95 * ELO_PER_UNIT * float(deviation[i])
        own = [result for result in results if player in (result.a, result.b)]
        games = sum(result.games for result in own)
        points = sum(result.points(player) for result in own)
        rows.append(Standing(player, elo, elo - half_width, elo + half_width, games, points))
    return Standings(table.game, anchor, sorted(rows, key=lambda row: -row.elo))


def _linked(table: Table, anchor: str) -> list[Result]:
    """The results of players whom a chain of games links with the anchor."""
    played = [result for result in table.results if result.games]
    known = {anchor}
    while True:
        more = {name for r in played if known & {r.a, r.b} for name in (r.a, r.b)} - known
        if not more:
            return [result for result in played if result.a in known]
        known |= more


def players_of(words: Sequence[str], visits: int) -> list[str]:
    """The players that words name: a net file, a run folder (all its nets), a player's own text, or
    `levels` for all levels of the bot, the weakest first.

    Raises UserError for a folder without nets.
    """
    players: list[str] = []
    for word in words:
        path = Path(word)
        if path.is_dir():
            nets = sorted((path / "nets").glob("*.safetensors")) or sorted(path.glob("*.safetensors"))
            if not nets:
                raise UserError(f"'{word}' holds no nets: name a run folder or a net file")
            players += [f"net={net},visits={visits}" for net in nets]
        elif word == "levels":
            players += [f"level={level.name}" for level in LEVELS]
        elif is_player(word):
            players.append(word)
        else:
            players.append(f"net={word},visits={visits}")
    return list(dict.fromkeys(players))


def climb(
    words: Sequence[str],
    path: Path,
    games: int,
    pairing: Pairing,
    visits: int,
    game: str,
    options: MatchOptions,
    device: str,
    seed: int,
    reporter: Reporter,
) -> Standings:
    """Plays what is missing for each pair to have `games` games, and rates all of the table.

    The pairs are all there are, the first player with each other one (gauntlet), or each player with
    the next (chain). The table is written after each pair. Raises UserError for bad players and files.
    """
    players = players_of(words, visits)
    if len(players) < 2:
        raise UserError("a ladder has two players at least: name more nets, runs or engines")
    table = Table.read(path, game)
    for player in players:
        table.recognise(player)
    pairs = {
        "all": list(itertools.combinations(players, 2)),
        "gauntlet": [(players[0], other) for other in players[1:]],
        "chain": list(itertools.pairwise(players)),
    }[pairing]
    for number, (a, b) in enumerate(pairs):
        result = table.between(a, b)
        missing = games - result.games
        if missing <= 0:
            continue
        reporter.line(f"pair {number + 1} of {len(pairs)}: {result.a} against {result.b}")
        # Another seed than before, so that a longer ladder has new openings.
        tally = arena_match(
            result.a, result.b, missing, game, options, device, seed + result.games, reporter
        )
        for note in tally.forfeits:
            reporter.line(f"forfeited {note}")
        result.add(tally)
        table.write(path)
    return rate(table, players[0])
