"""Matches: varied openings, each played twice with colours exchanged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.errors import UserError
from engine.files import write_whole
from engine.game import Game
from engine.players.gtp_client import GtpPlayer
from engine.players.named import SearchPlayer
from engine.position import Position
from engine.records.sgf import write_sgf
from mcts import Evaluator, Log, MatchPool, SearchSettings, Start
from selfplay.rating.elo import Elo, Sprt, match_elo
from selfplay.rating.openings import match_openings, opening_of
from selfplay.rating.referee import Played, play_game, result_text

FAILURES_IN_A_ROW = 3


@dataclass
class Tally:
    """The score of a match so far, from A's side."""

    wins_a: int = 0
    draws: int = 0
    wins_b: int = 0
    lines: set[bytes] = field(default_factory=set)
    forfeits: list[str] = field(default_factory=list)
    disputes: list[str] = field(default_factory=list)

    def add(self, result_a: float, line: bytes) -> None:
        """Counts a game: result_a +1 A won, -1 B won, 0 a draw; line is all that was played."""
        self.wins_a += result_a > 0
        self.wins_b += result_a < 0
        self.draws += result_a == 0
        self.lines.add(line)

    @property
    def games(self) -> int:
        """Games finished."""
        return self.wins_a + self.draws + self.wins_b

    @property
    def elo(self) -> Elo:
        """A's Elo over B."""
        return match_elo(self.wins_a, self.draws, self.wins_b, len(self.lines))

    def llr(self, sprt: Sprt) -> float:
        """The log-likelihood ratio of a test of A's Elo over B."""
        return sprt.llr(self.wins_a, self.draws, self.wins_b, len(self.lines))

    def as_json(self) -> dict[str, float]:
        """The keys that `move37 arena --json` prints."""
        elo = self.elo
        return {
            "games": self.games,
            "wins_a": self.wins_a,
            "wins_b": self.wins_b,
            "draws": self.draws,
            "unique_games": len(self.lines),
            "forfeits": len(self.forfeits),
            "disputes": len(self.disputes),
            "elo": round(elo.elo, 1),
            "elo_low": round(elo.low, 1),
            "elo_high": round(elo.high, 1),
        }

    def __str__(self) -> str:
        return (
            f"{self.wins_a} won, {self.draws} drawn, {self.wins_b} lost of {self.games} games "
            f"({len(self.lines)} different): Elo {self.elo}"
        )


def paired_starts(openings: Sequence[Position], games: int) -> Iterator[Start]:
    """Each opening twice, first with seat 0 moving first, then with seat 1."""
    for index in range(games):
        yield Start(index, opening_of(openings, index).state, first_seat=index % 2)


def play_match(
    game: Game,
    seats: tuple[SearchSettings, SearchSettings],
    evaluators: tuple[Evaluator, Evaluator],
    games: int,
    *,
    seed: int,
    openings: Sequence[Position] | None = None,
    workers: int = 1,
    on_game: Callable[[Tally], bool] = lambda tally: True,
    keep: Callable[[Played], None] = lambda played: None,
) -> Tally:
    """Plays a match between two searching players, many games at once, from random or given openings.

    `on_game` hears the tally after each game and may end the match by returning False; `keep` hears
    each game before. Games count in the order in which they began: a match that ended with the first
    ones to finish would count the short games alone.
    """
    openings = openings or match_openings(game, games, seed)
    pool = MatchPool(
        game.native,
        seats,
        paired_starts(openings, games),
        parallel_games=min(games, 64 * workers),
        workers=workers,
        record_policies=False,
        seed=seed,
    )
    tally, going = Tally(), True
    finished: dict[int, Log] = {}

    def collect(log: Log) -> bool:
        nonlocal going  # other games may finish before the pool has stopped
        finished[log.id] = log
        while going and tally.games in finished:
            going = count(finished.pop(tally.games))
        return going

    def count(log: Log) -> bool:
        result_a = log.outcome if log.first_seat == 0 else -log.outcome
        tally.add(result_a, log.start.tobytes() + log.actions.tobytes())
        opening = opening_of(openings, log.id)
        actions = opening.actions + log.actions.tolist()
        result = result_text(log.outcome, log.score)
        keep(Played(log.id, log.first_seat, opening, actions, log.outcome, result))
        return on_game(tally)

    pool.play(evaluators, collect)
    return tally


def play_gtp_match(
    game: Game,
    a: SearchPlayer | GtpPlayer,
    b: SearchPlayer | GtpPlayer,
    games: int,
    *,
    seed: int,
    openings: Sequence[Position] | None = None,
    referee: GtpPlayer | None = None,
    on_game: Callable[[Tally], bool] = lambda tally: True,
    keep: Callable[[Played], None] = lambda played: None,
) -> Tally:
    """Plays a match one game after the other, for players that are other programs.

    Each game is played and judged as `selfplay.rating.referee` says; an engine that has failed is
    started anew for the next one. Raises GtpError when an engine has failed in `FAILURES_IN_A_ROW`
    games, which is no match, and when the referee fails.
    """
    openings = openings or match_openings(game, games, seed)
    tally = Tally()
    failures = [0, 0]  # in a row, by seat
    for index in range(games):
        first_seat = index % 2
        seats = (a, b) if first_seat == 0 else (b, a)
        played = play_game(opening_of(openings, index), seats, referee)
        played = replace(played, id=index, first_seat=first_seat)
        for seat in (0, 1):
            failed = played.failure is not None and played.loser == seat ^ first_seat
            failures[seat] = failures[seat] + 1 if failed else 0
            if failures[seat] == FAILURES_IN_A_ROW and played.failure is not None:
                raise played.failure
        outcome = played.outcome
        tally.add(outcome if first_seat == 0 else -outcome, bytes(str(played.actions), "ascii"))
        if played.note:
            tally.forfeits.append(f"game {index + 1}: {played.note}")
        if played.dispute:
            tally.disputes.append(f"game {index + 1}: {played.dispute}")
        keep(played)
        if not on_game(tally):
            break
    return tally


class SgfFolder:
    """Keeps each game of a match as FOLDER/game-0001.sgf and so on.

    Raises UserError for a folder that cannot be written or holds games already.
    """

    def __init__(self, folder: Path, names: tuple[str, str]) -> None:
        self.folder, self.names = folder, names
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if any(folder.glob("*.sgf")):
                raise UserError(f"'{folder}' holds games already: choose another folder for --sgf")
        except OSError as error:
            raise UserError(f"cannot write the folder '{folder}': {error.strerror}") from None

    def __call__(self, played: Played) -> None:
        """Writes a game."""
        text = write_sgf(played.record(self.names))
        write_whole(self.folder / f"game-{played.id + 1:04d}.sgf", text.encode())
