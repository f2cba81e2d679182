"""Matches: varied openings, each played twice with colours exchanged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.errors import UserError
from engine.game import Game
from engine.gtp_client import GtpError, GtpPlayer
from engine.players import SearchPlayer
from engine.position import Position
from mcts import Evaluator, Log, MatchPool, SearchSettings, Start
from selfplay.elo import Elo, match_elo


@dataclass
class Tally:
    """The score of a match so far, from A's side."""

    wins_a: int = 0
    draws: int = 0
    wins_b: int = 0
    lines: set[bytes] = field(default_factory=set)

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

    def as_json(self) -> dict[str, float]:
        """The keys that `move37 arena --json` prints."""
        elo = self.elo
        return {
            "games": self.games,
            "wins_a": self.wins_a,
            "wins_b": self.wins_b,
            "draws": self.draws,
            "unique_games": len(self.lines),
            "elo": round(elo.elo, 1),
            "elo_low": round(elo.low, 1),
            "elo_high": round(elo.high, 1),
        }

    def __str__(self) -> str:
        return (
            f"{self.wins_a} won, {self.draws} drawn, {self.wins_b} lost of {self.games} games "
            f"({len(self.lines)} different): Elo {self.elo}"
        )


def default_opening_moves(game: Game) -> int:
    """How many random moves open a game so that few games of a match are alike."""
    return min(4, max(1, game.area // 10))


def random_openings(game: Game, count: int, moves: int, seed: int) -> list[Position]:
    """Different positions after uniformly random moves (no passes), none of them over.

    When the game has fewer than `count` of them, they repeat.
    """
    rng = np.random.default_rng(seed)
    openings: list[Position] = []
    seen: set[tuple[int, ...]] = set()
    attempts = 0
    while len(openings) < count:
        attempts += 1
        position = Position(game)
        for _ in range(moves):
            legal = np.flatnonzero(position.legal_mask()[: game.board_actions])
            if position.over or len(legal) == 0:
                break
            position.play(int(rng.choice(legal)))
        key = tuple(position.actions)
        if position.over or (key in seen and attempts < 20 * count):
            continue
        seen.add(key)
        openings.append(position)
    return openings


def paired_starts(openings: Sequence[Position], games: int) -> Iterator[Start]:
    """Each opening twice, first with seat 0 moving first, then with seat 1."""
    for index in range(games):
        opening = openings[(index // 2) % len(openings)]
        yield Start(index, opening.state, first_seat=index % 2)


def play_match(
    game: Game,
    seats: tuple[SearchSettings, SearchSettings],
    evaluators: tuple[Evaluator, Evaluator],
    games: int,
    *,
    seed: int,
    opening_moves: int | None = None,
    workers: int = 1,
    on_game: Callable[[Tally], bool] = lambda tally: True,
) -> Tally:
    """Plays a match between two searching players, many games at once.

    `on_game` hears the tally after each game and may end the match by returning False.
    """
    moves = default_opening_moves(game) if opening_moves is None else opening_moves
    openings = random_openings(game, max(1, (games + 1) // 2), moves, seed)
    pool = MatchPool(
        game.native,
        seats,
        paired_starts(openings, games),
        parallel_games=min(games, 64 * workers),
        workers=workers,
        record_policies=False,
        seed=seed,
    )
    tally = Tally()

    def count(log: Log) -> bool:
        result_a = log.outcome if log.first_seat == 0 else -log.outcome
        tally.add(result_a, log.start.tobytes() + log.actions.tobytes())
        return on_game(tally)

    pool.play(evaluators, count)
    return tally


def play_gtp_match(
    game: Game,
    a: SearchPlayer | GtpPlayer,
    b: SearchPlayer | GtpPlayer,
    games: int,
    *,
    seed: int,
    opening_moves: int | None = None,
    on_game: Callable[[Tally], bool] = lambda tally: True,
) -> Tally:
    """Plays a match one game after the other, for players that are other programs.

    An illegal move or a broken engine loses the game. A game that ends by passes is scored by the
    first GTP player's `final_score`, which knows dead stones, or else by our own rules.
    """
    moves = default_opening_moves(game) if opening_moves is None else opening_moves
    openings = random_openings(game, max(1, (games + 1) // 2), moves, seed)
    tally = Tally()
    for index in range(games):
        position = openings[(index // 2) % len(openings)].copy()
        seats = (a, b) if index % 2 == 0 else (b, a)
        outcome = _referee(position, seats)
        line = position.state.tobytes() + bytes(str(position.actions), "ascii")
        tally.add(outcome if index % 2 == 0 else -outcome, line)
        if not on_game(tally):
            break
    return tally


def _referee(position: Position, seats: Sequence[SearchPlayer | GtpPlayer]) -> float:
    """Plays a game to the end; the outcome in the first player's view."""
    mover = position.to_move
    try:
        for seat in seats:
            if isinstance(seat, GtpPlayer):
                seat.new_game(position)
        while not position.over:
            mover = position.to_move
            player = seats[mover]
            action = player.genmove(mover) if isinstance(player, GtpPlayer) else player.choose(position)
            if isinstance(action, str):
                return 2.0 * mover - 1
            position.play(action)
            other = seats[1 - mover]
            if isinstance(other, GtpPlayer):
                other.play(mover, action)
    except (GtpError, ValueError, UserError):
        return 2.0 * mover - 1
    for seat in seats:
        if isinstance(seat, GtpPlayer):
            outcome = score_outcome(seat)
            if outcome is not None:
                return outcome
    return position.outcome()


def score_outcome(player: GtpPlayer) -> float | None:
    """The first player's outcome by the engine's own `final_score`, or None without an answer."""
    try:
        text = player.final_score().upper()
    except GtpError:
        return None
    return {"B": 1.0, "W": -1.0, "0": 0.0}.get(text[:1])
