"""Walking through a game that was played, with what the adviser says of every position."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.insight import Insight
from engine.position import Position
from engine.session import Choice, Session, Stop

SMALLEST_MISTAKE = 0.05  # of the win rate


@dataclass(frozen=True)
class Seen:
    """What the adviser says of a position; choices are empty until it has searched."""

    insight: Insight
    choices: tuple[Choice, ...] = ()
    searched: bool = False


@dataclass(frozen=True)
class Mistake:
    """A move after which the mover's win rate was lower than before it.

    number counts the moves from 1; better is the adviser's move; win_rate_loss in [0, 1] is the
    mover's, score_loss in points, None when scores are not known.
    """

    number: int
    player: int
    action: int
    better: int
    win_rate_loss: float
    score_loss: float | None


class Walkthrough:
    """The positions of a session's game, seen by its adviser."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.final = session.position.copy()
        self.moves = session.moves
        self.seen: dict[int, Seen] = {}  # by the number of moves played

    def position(self, played: int) -> Position:
        """The position after so many moves."""
        position = self.final.copy()
        position.set_start()
        for action in self.final.actions[:played]:
            position.play(action)
        return position

    def look(self, stop: Stop, each: Callable[[], object]) -> None:
        """Looks at every position, first at a glance, then with a search, until `stop()`.

        `each` is called after each position.
        """
        for deep in (False, True):
            for played in range(len(self.moves) + 1):
                if stop():
                    return
                position = self.position(played)
                seen = self._search(position, stop) if deep else Seen(self.session.look(position))
                if not stop():
                    self.seen[played] = seen
                    each()

    def _search(self, position: Position, stop: Stop) -> Seen:
        insight = self.session.look(position)
        if position.over:
            return Seen(insight, searched=True)
        choices = self.session.advise(stop, position)
        rate = choices[0].win_rate if self.session.viewer == 0 else 1 - choices[0].win_rate
        return Seen(Insight(rate, insight.score, insight.ownership), tuple(choices), searched=True)

    @property
    def searched(self) -> int:
        """How many positions have been searched."""
        return sum(seen.searched for seen in self.seen.values())

    def mistakes(self) -> list[Mistake]:
        """The moves that lost most, the worst first, among the positions searched so far."""
        found = []
        for played, (player, action) in enumerate(self.moves):
            before, after = self.seen.get(played), self.seen.get(played + 1)
            if not (before and after and before.searched and after.searched):
                continue
            better = before.choices[0].action
            sign = 1 - 2 * player
            loss = sign * (before.insight.win_rate - after.insight.win_rate)
            if better == action or loss < SMALLEST_MISTAKE:
                continue
            points = None
            if before.insight.score is not None and after.insight.score is not None:
                points = sign * (before.insight.score - after.insight.score)
            found.append(Mistake(played + 1, player, action, better, loss, points))
        return sorted(found, key=lambda mistake: -mistake.win_rate_loss)
