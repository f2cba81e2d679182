"""What stands beside the board: players and clocks, the bot's moves, the moves played."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.style import Style
from rich.text import Text
from textual.widgets import DataTable, Static

from engine.analyst import MoveReport, Report
from engine.game import Game
from engine.play.session import Session, margin_text
from engine.tui.board import MOST_SUGGESTIONS, short_number
from engine.tui.picture import piece_colour, piece_glyph

_PIECE_STYLES = {
    "black": Style(color="#141414", bgcolor="#c89b5a"),
    "white": Style(color="#f7f4ec", bgcolor="#c89b5a"),
    "warm": Style(color="#d55e00", bold=True),
    "cool": Style(color="#56b4e9", bold=True),
}


def piece_text(game: Game, player: int) -> Text:
    """A player's piece, in its colour."""
    style = _PIECE_STYLES[piece_colour(game, player)]
    glyph = piece_glyph(game, player)
    return Text(f" {glyph} " if style.bgcolor else f"{glyph} ", style)


def standing(game: Game, report: Report | None, human: int | None = None) -> str:
    """The win rate, of the human or else the first player, and the lead, as far as they are known."""
    if report is None:
        return ""
    rate = report.seen_by(human or 0).win_rate
    lead = ""
    if (margin := report.seen_by(0).score_lead) is not None:
        points = round(margin * 2) / 2
        lead = f"   {margin_text(game, points) if points else 'even'}"
    return f"{whose(game, human)} win rate {rate:.0%}{lead}"


def whose(game: Game, human: int | None) -> str:
    """Whose win rates are shown: `Your`, or the first player's where no human plays."""
    return f"{game.players[0]}'s" if human is None else "Your"


def material(session: Session) -> tuple[str, str]:
    """What each side has taken, or how many pieces it has where pieces change sides; may be empty."""
    game, start = session.game, session.position.copy()
    start.set_start()
    now, before = session.position.pieces().ravel(), start.pieces().ravel()
    placed, dropped = before.copy(), [0, 0]
    for mover, action in session.moves:
        place = game.notation.place(action)
        if place is not None and game.notation.origin(action) is None:
            placed[place] = mover + 1
            dropped[mover] += 1
    if any(dropped) and ((now > 0) & (placed > 0) & (now != placed)).any():  # turned where it lies
        return f"{(now == 1).sum()} pieces", f"{(now == 2).sum()} pieces"
    lost = [int((before == p + 1).sum()) + dropped[p] - int((now == p + 1).sum()) for p in (0, 1)]
    if game.family != "go" and lost == [0, 0]:
        return "", ""
    return f"took {lost[1]}", f"took {lost[0]}"


class Players(Static):
    """Who plays, whose turn it is, what each has taken and the clocks."""

    def show(self, session: Session, strength: str) -> None:
        """Shows a session as it is now."""
        text = Text(no_wrap=True, overflow="ellipsis")
        to_move = None if session.over else session.position.to_move
        for player, taken in enumerate(material(session)):
            who = "you" if player == session.human else strength
            clock = session.clock.text(player)
            text.append("\u25b6 " if player == to_move else "  ", "bold")
            text.append_text(piece_text(session.game, player))
            text.append(f" {session.names[player]:<6}", "bold" if player == to_move else "")
            text.append(f"{clock:>7}", "bold" if player == to_move else "")
            text.append(f"  {taken}\n" if taken else "\n")
            text.append(f"       {who}\n", "dim")
        text.append(standing(session.game, session.report, session.human))
        self.update(text)


class Candidates(Static):
    """The moves that the bot considers, as lines."""

    def show(self, game: Game, moves: Sequence[MoveReport]) -> None:
        """Shows moves, the best first."""
        name = game.notation.name
        text = Text("Move   Win  Visits  Then", "bold", no_wrap=True, overflow="ellipsis")
        for move in moves[:MOST_SUGGESTIONS]:
            line = " ".join(name(action) for action in move.line[1:7])
            visits = short_number(move.visits)
            text.append(
                f"\n{name(move.action):<5} {move.win_rate:>4.0%}  {visits:>6}  {line}", "not bold"
            )
        self.update(text)


class Moves(DataTable[str]):
    """The moves played, two a row, the last one marked."""

    def __init__(self, **options: Any) -> None:
        super().__init__(cursor_type="cell", zebra_stripes=True, **options)
        self._shown: tuple[Any, ...] = ()

    def show(self, game: Game, moves: list[tuple[int, int]], now: int | None = None) -> None:
        """Shows moves as (player, action); `now`: how many of them have been played, all if None."""
        now = len(moves) if now is None else now
        if (game.name, moves) != self._shown:
            self._shown = (game.name, list(moves))
            self.clear(columns=True)
            self.add_columns("#", *game.players)
            name = game.notation.name
            row: list[str] = []
            for number, (player, action) in enumerate(moves, 1):
                if not row or player == 0 or row[player + 1]:
                    row = [str(number), "", ""]
                    row[player + 1] = name(action)
                    complete = number == len(moves) or moves[number][0] <= player
                else:
                    row[player + 1] = name(action)
                    complete = True
                if complete:
                    self.add_row(*row, key=str(number))
        if moves and now:
            player = moves[now - 1][0]
            self.move_cursor(row=self._row_of(moves, now), column=player + 1, scroll=True)

    def on_resize(self) -> None:
        """Keeps the marked move in view."""
        self.move_cursor(row=self.cursor_row, column=self.cursor_column, scroll=True)

    @staticmethod
    def _row_of(moves: list[tuple[int, int]], now: int) -> int:
        """The row of a move: a row ends after the second player's move or before the first's."""
        rows = 0
        for number in range(1, now):
            rows += moves[number][0] <= moves[number - 1][0]
        return rows
