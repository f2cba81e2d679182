"""One game between players that may be other programs: what is legal, who is too slow, who won."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from engine.players.gtp_client import GtpError, GtpPlayer, GtpTimeoutError
from engine.players.named import SearchPlayer
from engine.position import Position
from engine.records.record import GameRecord, result_outcome


@dataclass(frozen=True)
class Played:
    """A game of a match.

    id          its number, from 0
    first_seat  the seat (0 A, 1 B) that had the first player's moves
    opening     the position from which the players took over
    actions     all that was played, the opening's included
    outcome     +1 when the first player won, -1 the second, 0 a draw
    result      as in SGF: B+3.5, W+R, B+F (illegal or broken), B+T (too slow), 0
    note        why the game was forfeited, or nothing
    dispute     what each engine said of a result that they do not agree on, or nothing
    failure     the engine's error, when it was not just an illegal move
    """

    id: int
    first_seat: int
    opening: Position
    actions: list[int]
    outcome: float
    result: str
    note: str = ""
    failure: GtpError | None = None
    dispute: str = ""

    @property
    def loser(self) -> int | None:
        """The player (0 or 1) who lost; None for a draw."""
        return None if self.outcome == 0 else int(self.outcome > 0)

    def record(self, names: tuple[str, str]) -> GameRecord:
        """The game as a record of Go; names are those of A and B."""
        start = self.opening.start.view(self.opening.game.state)
        first = int(start["to_move"][0])
        return GameRecord(
            game=self.opening.game.name,
            komi=int(start["komi_half_points"][0]) / 2,
            rules="Chinese",
            to_move=first,
            moves=[((first + ply) % 2, action) for ply, action in enumerate(self.actions)],
            players=(names[self.first_seat], names[1 - self.first_seat]),
            result=self.result,
            name=f"game {self.id + 1}",
        )


def result_text(outcome: float, margin: float) -> str:
    """A finished game's result as in SGF; margin is the first player's, 0 where there is no score."""
    if outcome == 0:
        return "0"
    return f"{'B' if outcome > 0 else 'W'}+{abs(margin):g}" if margin else "BW"[outcome < 0] + "+"


def play_game(
    opening: Position,
    seats: Sequence[SearchPlayer | GtpPlayer],
    referee: GtpPlayer | None = None,
) -> Played:
    """Plays a game to the end, Black's seat first.

    An engine that plays an illegal move, dies, hangs or refuses a legal move loses it; a game that
    ends by passes is judged as `judge` says, and only the referee's failure raises GtpError.
    """
    position = opening.copy()
    acting = position.to_move  # whose fault it is when something goes wrong

    def lost(reason: str, note: str = "", failure: GtpError | None = None) -> Played:
        outcome, result = 2.0 * acting - 1, f"{'WB'[acting]}+{reason}"
        return Played(0, 0, opening, position.actions, outcome, result, note, failure)

    try:
        for acting, seat in enumerate(seats):  # noqa: B007
            if isinstance(seat, GtpPlayer):
                seat.new_game(position)
        while not position.over:
            acting = position.to_move
            player = seats[acting]
            action = (
                player.genmove(acting) if isinstance(player, GtpPlayer) else player.choose(position)
            )
            if isinstance(action, str):
                return lost("R")
            if not position.legal_mask()[action]:
                return lost("F", f"{'BW'[acting]} {position.game.notation.name(action)} is not legal")
            position.play(action)
            other = seats[1 - acting]
            if isinstance(other, GtpPlayer):
                acting = 1 - acting
                other.play(1 - acting, action)
    except GtpTimeoutError as error:
        return lost("T", str(error), error)
    except GtpError as error:
        return lost("F", str(error), error)
    verdict = judge(position, seats, referee)
    return Played(
        0, 0, opening, position.actions, verdict.outcome, verdict.result, dispute=verdict.dispute
    )


@dataclass(frozen=True)
class Verdict:
    """Who won a game that has ended: the first player's outcome, the result as in SGF, any dispute."""

    outcome: float
    result: str
    dispute: str = ""


def judge(
    position: Position,
    seats: Sequence[SearchPlayer | GtpPlayer],
    referee: GtpPlayer | None = None,
) -> Verdict:
    """Who won, by the `final_score` of engines, which know dead stones: the referee, else the players.

    Where no player has one, or two name different winners, the board is counted as it stands. Raises
    GtpError when the referee fails or cannot tell.
    """
    if referee is not None:
        referee.new_game(position)
        verdict = _verdict(referee.final_score())
        if verdict is None:
            raise GtpError(f"the referee '{referee.engine.command_line}' does not know who won")
        return verdict
    told = [_told(seat) if isinstance(seat, GtpPlayer) else None for seat in seats]
    heard = [verdict for verdict in told if verdict is not None]
    if len({verdict.outcome for verdict in heard}) == 1:
        return heard[0]
    outcome = position.outcome()
    result = result_text(outcome, position.score()[0])
    words = ", ".join(f"{'BW'[seat]} says {verdict.result}" for seat, verdict in enumerate(heard))
    return Verdict(outcome, result, f"{words}; as it stands {result}" if heard else "")


def _told(player: GtpPlayer) -> Verdict | None:
    """The engine's word, or None from one that does not know or fails."""
    try:
        return _verdict(player.final_score())
    except GtpError:
        return None


def _verdict(score: str) -> Verdict | None:
    """What an answer to `final_score` means, such as B+3.5, W+0.5 or 0; None for any other."""
    outcome = result_outcome(score)
    return None if math.isnan(outcome) else Verdict(outcome, score)
