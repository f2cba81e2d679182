"""What a game against the bot shall be like, and the session that it becomes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from engine import games
from engine.errors import UserError, did_you_mean
from engine.game_clock import parse_duration
from engine.inference import NetEvaluator, choose_device
from engine.levels import DEFAULT_LEVEL, FULL_STRENGTH, Level
from engine.nets import default_net, load_net, shipped_names
from engine.records import GameRecord, read_records
from engine.session import Bot, Session
from engine.tuning import search_of
from mcts import Evaluator, SearchSettings, UniformEvaluator

HINT_VISITS = 800


@dataclass(frozen=True)
class GameSetup:
    """The game that is wanted.

    level      how the bot plays, where visits and move_time say nothing else
    visits     the visits of the bot's search a move
    move_time  the seconds that the bot may think about a move
    main_time  the seconds that each side has for the game
    net        a file or the name of a shipped net; None takes the best that ships, if any
    human      0 the first player (Black), 1 the second, None lets the bot play itself
    komi       points for White, None as the rules say; handicap: black stones to begin with
    ponder     whether the bot thinks while it is the human's turn
    """

    game: str = "go9"
    level: Level = DEFAULT_LEVEL
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
    def strength(self) -> str:
        """How the bot plays, in a word or two: `steady` or `200 visits, 5 s`."""
        limits = [f"{self.visits} visits"] if self.visits else []
        limits += [f"{self.move_time:g} s"] if self.move_time else []
        words = ", ".join(limits) or self.level.title
        return words if self.net_name() else f"{words}, without a net"

    def net_name(self) -> str | None:
        """The net that plays: the one named, or the level's choice of those that ship."""
        game = games.load(self.game)
        imitation = f"{game.name}-imitation"
        free = not (self.net or self.visits or self.move_time)
        if free and self.level.human_like and imitation in shipped_names():
            return imitation
        return self.best_net()

    def best_net(self) -> str | None:
        """The net that gives advice: the one named, or the best of those that ship."""
        return self.net or default_net(games.load(self.game))

    def settings(self, has_net: bool) -> SearchSettings:
        """How the bot searches."""
        if self.visits is None and self.move_time is None:
            return self.level.settings(has_net)
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


def parse_time(text: str | None) -> float | None:
    """Seconds from text such as `5s` or `10m`; None stays None. Raises UserError for other text."""
    return None if text is None else parse_duration(text)


def make_bot(setup: GameSetup) -> Bot:
    """Who plays against the human. Raises UserError for a net or device that does not fit."""
    net = setup.net_name()
    name = f"move37 {Path(net).stem}" if net else "move37 without a net"
    return Bot(_evaluator(setup, net), setup.settings(net is not None), name)


def make_adviser(setup: GameSetup, visits: int = HINT_VISITS) -> Bot:
    """Who gives hints: the best player there is, however weak the bot may be."""
    net = setup.best_net()
    settings = FULL_STRENGTH.settings(net is not None)
    settings = settings.model_copy(update={"visits": min(settings.visits, visits)})
    return Bot(_evaluator(setup, net), settings, "adviser")


def open_session(setup: GameSetup, advice_visits: int = HINT_VISITS) -> Session:
    """A session of that game, with so many visits for an advice.

    Raises UserError when something in the setup does not fit.
    """
    return Session(
        games.load(setup.game),
        make_bot(setup),
        setup.human,
        adviser=make_adviser(setup, advice_visits),
        komi=setup.komi,
        handicap=setup.handicap,
        move_time=setup.move_time,
        main_time=setup.main_time,
        seed=setup.seed,
    )


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
