"""What a game against the bot shall be like, and the session that it becomes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from engine import games
from engine.analyst import Analyst
from engine.errors import UserError, did_you_mean
from engine.nets.files import default_net, load_net
from engine.nets.inference import NetEvaluator, choose_device
from engine.nets.pace import pace_of
from engine.nets.tuning import search_of
from engine.play.clock import parse_duration
from engine.play.session import Session
from engine.players.bot import Bot
from engine.players.levels import DEFAULT_LEVEL, FULL_STRENGTH, Level, find_level
from engine.records.files import read_records
from engine.records.record import GameRecord
from mcts import Evaluator, SearchSettings, UniformEvaluator

HINT_VISITS = 800
REVIEW_VISITS = 200  # of each position of a game


@dataclass(frozen=True)
class GameSetup:
    """The game that is wanted.

    level      how the bot plays; None: as visits and move_time say, or else as DEFAULT_LEVEL
    visits     the visits of the bot's search a move, instead of a level
    move_time  the seconds that the bot may think about a move, at any level
    main_time  the seconds that each side has for the game
    net        a file or the name of a shipped net; None takes the best that ships, if any
    human      0 the first player (Black), 1 the second, None lets the bot play itself
    komi       points for White, None as the rules say; handicap: black stones to begin with
    ponder     whether the bot thinks while it is the human's turn
    """

    game: str = "go9"
    level: Level | None = None
    visits: int | None = None
    move_time: float | None = None
    main_time: float | None = None
    net: str | None = None
    human: int | None = 0
    komi: float | None = None
    handicap: int = 0
    ponder: bool = False
    device: str = "auto"
    seed: int = 0

    @property
    def playing_level(self) -> Level | None:
        """The level that counts; None when visits or time alone say how the bot plays."""
        free = self.visits is not None or self.move_time is not None
        return self.level or (None if free else DEFAULT_LEVEL)

    @property
    def strength(self) -> str:
        """How the bot plays, in a word or two: `steady` or `200 visits, 5 s`."""
        level = self.playing_level
        words = [level.title(self.game)] if level else []
        words += [f"{self.visits} visits"] if self.visits else []
        words += [f"{self.move_time:g} s"] if self.move_time else []
        words += [] if self.net_name() else ["without a net"]
        return ", ".join(words)

    def net_name(self) -> str | None:
        """The net that plays: the one named, or the level's choice of those that ship."""
        level = self.playing_level
        return self.net or (level.net(games.load(self.game)) if level else self.best_net())

    def best_net(self) -> str | None:
        """The net that gives advice: the one named, or the best of those that ship."""
        return self.net or default_net(games.load(self.game))

    def settings(self, has_net: bool) -> SearchSettings:
        """How the bot searches."""
        level = self.playing_level
        if level:
            return level.settings(has_net)
        return search_of(self.visits, choose_device(self.device), self.net_name() if has_net else None)


def parse_colour(text: str, game: str) -> int | None:
    """The human's side: black, white, a player's name, first, second or none.

    Raises UserError for anything else.
    """
    names = [name.lower() for name in games.load(game).players]
    sides: dict[str, int | None] = {"first": 0, "second": 1, "none": None, "black": 0, "white": 1}
    sides |= {name: player for player, name in enumerate(names)}
    word = text.strip().lower()
    if word not in sides:
        known = dict.fromkeys([*names, "first", "second", "none"])
        raise UserError(
            f"unknown colour '{text}'{did_you_mean(word, list(sides))}: use {', '.join(known)}"
        )
    return sides[word]


def parse_level(text: str | None, visits: int | None) -> Level | None:
    """A level by name or number; None stays None. Raises UserError, also when visits say the same."""
    level = None if text is None else find_level(text)
    if level is not None and visits is not None:
        raise UserError(
            f"level {level.name} and {visits} visits both say how the bot plays: give one of them"
        )
    return level


def parse_time(text: str | None) -> float | None:
    """Seconds from text such as `5s` or `10m`; None stays None. Raises UserError for other text."""
    return None if text is None else parse_duration(text)


def make_bot(setup: GameSetup) -> Bot:
    """Who plays against the human. Raises UserError for a net or device that does not fit."""
    net = setup.net_name()
    name = f"move37 {Path(net).stem}" if net else "move37 without a net"
    return Bot(_evaluator(setup, net), setup.settings(net is not None), name)


def make_adviser(setup: GameSetup) -> Bot:
    """Who gives hints: the best net there is, however weak the bot may be."""
    net = setup.best_net()
    settings = FULL_STRENGTH.settings(net is not None)
    settings = settings.model_copy(update={"visits": HINT_VISITS})
    return Bot(_evaluator(setup, net), settings, "adviser")


def make_reviewer(setup: GameSetup) -> Analyst:
    """Who reviews games: the best net there is, with the setup's visits or REVIEW_VISITS."""
    net = setup.best_net()
    visits = setup.visits or REVIEW_VISITS
    settings = SearchSettings(visits=visits, leaves_per_batch=4, playouts=int(net is None))
    return Analyst(games.load(setup.game), _evaluator(setup, net), settings)


def open_session(setup: GameSetup) -> Session:
    """A session of that game. Raises UserError when something in the setup does not fit."""
    return Session(
        games.load(setup.game),
        make_bot(setup),
        setup.human,
        adviser=make_adviser(setup),
        komi=setup.komi,
        handicap=setup.handicap,
        move_time=setup.move_time,
        main_time=setup.main_time,
        seed=setup.seed,
    )


def pace_words(setup: GameSetup) -> str:
    """What the time a move means for the bot's search on this machine; empty without either."""
    net = setup.net_name()
    if setup.move_time is None or setup.playing_level is not None or net is None:
        return ""
    return pace_of(net, games.load(setup.game), choose_device(setup.device)).words(setup.move_time)


def read_game(path: str) -> GameRecord:
    """The first game of an SGF file or archive. Raises UserError when there is none to read."""
    try:
        item = next(iter(read_records([Path(path).expanduser()])))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"cannot read '{path}': {reason}") from error
    if not isinstance(item, GameRecord):
        raise UserError(f"'{path}' cannot be read: {item.reason}")
    return item


def setup_for(record: GameRecord, setup: GameSetup) -> GameSetup:
    """The setup under which a recorded game can go on: its board, and no net of another one."""
    if record.game == setup.game:
        return setup
    return replace(setup, game=record.game, net=None, komi=None, handicap=0)


def _evaluator(setup: GameSetup, net: str | None) -> Evaluator:
    if net is None:
        return UniformEvaluator(games.load(setup.game).actions)
    return _net_evaluator(setup.game, net, setup.device)


@lru_cache(maxsize=4)
def _net_evaluator(game: str, net: str, device: str) -> NetEvaluator:
    rules = games.load(game)
    return NetEvaluator(load_net(net, rules)[0], choose_device(device), rules)
