"""The levels of the bot, from beginner to full strength: one table, names and how they play.

A level is a player in the words of `engine.players`, so that a match measures it:
`move37 arena net=go9-imitation,visits=1,temperature=1,temperature_moves=1000 ...`.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import UserError, did_you_mean
from engine.players import parse_player
from mcts import SearchSettings

_EVERY_MOVE = "temperature_moves=1000000"
_OPENING = "temperature_moves=8"


@dataclass(frozen=True)
class Level:
    """How strongly and how human the bot plays.

    with_net, without_net  the player's settings with and without a net to ask
    human_like             plays as a net that imitates experts, when one ships, rather than the best
    elo                    measured on 9x9 against level `intuitive`, which is 0; None: not measured
    """

    name: str
    words: str
    with_net: str
    without_net: str
    human_like: bool = False
    elo: int | None = None

    @property
    def number(self) -> int:
        """Its place in the table, from 1."""
        return LEVELS.index(self) + 1

    @property
    def title(self) -> str:
        """The name, with the measured strength if there is one."""
        return self.name if self.elo is None else f"{self.name}, {self.elo:+d} Elo"

    def settings(self, has_net: bool) -> SearchSettings:
        """How it searches."""
        text = self.with_net if has_net else self.without_net
        return parse_player(f"net=any,{text}").settings


LEVELS = (
    Level(
        "beginner", "plays like a person who has just learnt the rules",
        f"visits=1,temperature=1.5,{_EVERY_MOVE}", f"visits=1,temperature=1,{_EVERY_MOVE}",
        human_like=True,
    ),
    Level(
        "novice", "plays like a person, with slips",
        f"visits=1,temperature=1,{_EVERY_MOVE}", f"visits=4,temperature=1,{_EVERY_MOVE}",
        human_like=True,
    ),
    Level(
        "casual", "plays like a person, with few slips",
        f"visits=1,temperature=0.6,{_EVERY_MOVE}", f"visits=20,temperature=1,{_EVERY_MOVE}",
        human_like=True,
    ),
    Level(
        "intuitive", "plays the move an expert would most likely play, without reading",
        "visits=1", f"visits=60,temperature=0.5,{_EVERY_MOVE}",
        human_like=True,
    ),
    Level(
        "steady", "reads a little: 24 visits a move",
        f"visits=24,temperature=0.3,{_OPENING}", f"visits=200,temperature=0.3,{_OPENING}",
    ),
    Level(
        "skilled", "reads: 100 visits a move",
        f"visits=100,temperature=0.2,{_OPENING}", f"visits=800,temperature=0.2,{_OPENING}",
    ),
    Level("strong", "reads well: 400 visits a move", "visits=400,leaves_per_batch=2",
          "visits=4000,leaves_per_batch=4"),
    Level("full", "everything it has: 3200 visits a move", "visits=3200,leaves_per_batch=8",
          "visits=40000,leaves_per_batch=8"),
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
