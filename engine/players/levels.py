"""The levels of the bot, from beginner to full strength: one table, names and how they play.

A match measures them: `move37 arena level=casual level=steady`, and all of them at once
`move37 ladder levels --chain` (RESULTS.md, "Levels").
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import UserError, did_you_mean
from engine.game import Game
from engine.nets.files import default_net, shipped_names
from mcts import SearchSettings

MEASURED_ON = "go9"
_EVERY_MOVE, _OPENING = 1_000_000, 8


@dataclass(frozen=True)
class Level:
    """How strongly and how human the bot plays.

    words                  how it plays with a net to ask
    with_net, without_net  how it searches with and without one
    best_net               plays as the strongest net that ships rather than one that imitates experts
    elo                    above the first level, on MEASURED_ON with the nets that ship; None: not
                           measured
    """

    name: str
    words: str
    with_net: SearchSettings
    without_net: SearchSettings
    best_net: bool = False
    elo: int | None = None

    @property
    def number(self) -> int:
        """Its place in the table, from 1."""
        return LEVELS.index(self) + 1

    def title(self, game: str) -> str:
        """The name, with the strength where it was measured."""
        measured = self.elo is not None and game == MEASURED_ON
        return f"{self.name}, {self.elo:+d} Elo" if measured else self.name

    def manner(self, has_net: bool) -> str:
        """How it plays, in words: `reads well: 400 visits a move`."""
        visits = self.settings(has_net).visits
        if not has_net:
            return f"tries {visits:,} random games a move" if visits > 1 else "plays at random"
        return f"{self.words}: {visits:,} visits a move" if visits > 1 else self.words

    def settings(self, has_net: bool) -> SearchSettings:
        """How it searches."""
        return self.with_net if has_net else self.without_net

    def net(self, game: Game) -> str | None:
        """The net that it plays with when none is named: of those that ship, or None."""
        imitation = f"{game.name}-imitation"
        imitates = not self.best_net and imitation in shipped_names()
        return imitation if imitates else default_net(game)


def _search(visits: int, heat: float = 0, moves: int = _EVERY_MOVE, leaves: int = 1) -> SearchSettings:
    """Settings of a level below full strength: its visits, and the temperature of its first moves."""
    return SearchSettings(
        visits=visits,
        temperature=heat,
        temperature_moves=moves if heat else 0,
        leaves_per_batch=leaves,
        lcb_stdevs=0,  # as they were measured
    )


def _alone(visits: int, heat: float = 0, moves: int = _EVERY_MOVE) -> SearchSettings:
    """Settings of a level without a net: a random game values each leaf."""
    return _search(visits, heat, moves).model_copy(update={"playouts": 1})


LEVELS = (
    Level(
        "beginner", "plays like a person who has just learnt the rules",
        _search(1, 1.5), _alone(1, 1), elo=0,
    ),
    Level(
        "novice", "plays like a person, with slips",
        _search(1, 1), _alone(4, 1), elo=216,
    ),
    Level(
        "casual", "plays like a person, with few slips",
        _search(1, 0.6), _alone(20, 1), elo=371,
    ),
    Level(
        "intuitive", "plays the move an expert would most likely play, without reading",
        _search(1), _alone(60, 0.5), elo=466,
    ),
    Level(
        "steady", "reads a little",
        _search(24, 0.3, _OPENING), _alone(200, 0.3, _OPENING), elo=779,
    ),
    Level(
        "skilled", "reads",
        _search(100, 0.2, _OPENING), _alone(800, 0.2, _OPENING), elo=1026,
    ),
    Level(
        "strong", "reads well",
        _search(400, leaves=2), _alone(4000), elo=1289,
    ),
    Level(
        "full", "reads with all it has",
        SearchSettings(visits=3200, leaves_per_batch=8), _alone(40_000), best_net=True, elo=1738,
    ),
)  # fmt: skip

DEFAULT_LEVEL = next(level for level in LEVELS if level.name == "strong")
FULL_STRENGTH = LEVELS[-1]


def find_level(text: str) -> Level:
    """The level of that name or number (from 1). Raises UserError when there is none."""
    word = text.strip().lower()
    for level in LEVELS:
        if word in (level.name, str(level.number)):
            return level
    names = [level.name for level in LEVELS]
    raise UserError(
        f"unknown level '{text}'{did_you_mean(word, names)}: use 1 to {len(LEVELS)} or a name: "
        f"{', '.join(names)}"
    )
