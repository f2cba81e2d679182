"""Who plays: players named by one line of text, as on the command line.

net=FILE,visits=200          a net with search; any field of SearchSettings may follow
net=FILE,policy              the net's policy alone, its best move
net=FILE,device=openvino     a net computed elsewhere than the other's
level=casual                 a level of `move37 play`; level=casual,net=FILE plays it with that net
playouts=1,visits=10000      search without a net: random games value each leaf
random                       uniformly random legal moves
gtp=COMMAND LINE             an engine that speaks GTP (the rest of the text is its command)
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from engine.errors import UserError, did_you_mean
from engine.game import Game
from engine.nets.files import load_net
from engine.nets.inference import Device, NetEvaluator, choose_device
from engine.passing import moves_to_search
from engine.players.choice import choose_move
from engine.players.levels import find_level
from engine.position import Position
from engine.wrong_values import quoted, reason
from mcts import Evaluator, Search, SearchSettings, UniformEvaluator

_ALL_MOVES = 1_000_000


@dataclass(frozen=True)
class PlayerSpec:
    """A player as described by the user: a net, a GTP command, or neither (random, playouts)."""

    text: str
    settings: SearchSettings
    net: str | None = None
    command: str | None = None
    device: str | None = None  # its own, if it has one


def is_player(text: str) -> bool:
    """Whether a text looks like a player's description, right or wrong, rather than like a file."""
    return text == "random" or text.startswith(("net=", "level=", "playouts=", "gtp="))


def parse_player(text: str, game: Game) -> PlayerSpec:
    """Reads the description of a player of a game (see the module's docstring).

    Raises UserError when it is not one.
    """
    if text.startswith("gtp="):
        return PlayerSpec(text, SearchSettings(), command=text.removeprefix("gtp="))
    if text == "random":
        settings = SearchSettings(visits=1, temperature=1.0, temperature_moves=_ALL_MOVES)
        return PlayerSpec(text, settings)
    first, *rest = text.split(",")
    kind, _, value = first.partition("=")
    if kind == "level":
        return _parse_level(text, value, rest, game)
    if kind == "playouts":
        return PlayerSpec(text, _parse_settings(text, [first, *rest]))
    if kind == "net" and value:
        devices = [part for part in rest if part.startswith("device=")]
        settings = _parse_settings(text, [part for part in rest if part not in devices])
        device = devices[-1].removeprefix("device=") if devices else None
        return PlayerSpec(text, settings, net=value, device=device)
    raise UserError(
        f"'{text}' is not a player: use net=FILE,visits=200 or net=FILE,policy or level=casual or "
        "random or playouts=1,visits=10000 or gtp=COMMAND"
    )


def _parse_level(text: str, name: str, rest: list[str], game: Game) -> PlayerSpec:
    level, net = find_level(name), None
    if rest:
        net = rest[0].removeprefix("net=")
        if len(rest) > 1 or net in ("", rest[0]):
            raise UserError(f"a level says all but the net: use level={name},net=FILE, not '{text}'")
    net = net or level.net(game)
    return PlayerSpec(text, level.settings(net is not None), net=net)


def _parse_settings(text: str, parts: list[str]) -> SearchSettings:
    values: dict[str, object] = {}
    for part in parts:
        name, equals, value = part.partition("=")
        if part == "policy":
            values["visits"] = 1
        elif not equals or name not in SearchSettings.model_fields:
            hint = did_you_mean(name, ["policy", "device", *SearchSettings.model_fields])
            raise UserError(f"unknown setting '{part}' of player '{text}'{hint}")
        else:
            values[name] = value
    return make_settings(values)


def make_settings(values: dict[str, object]) -> SearchSettings:
    """Search settings from names and values. Raises UserError for values that do not fit."""
    try:
        return SearchSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise UserError(f"search setting {name}{quoted(first['input'])}: {reason(first)}") from error


def make_evaluator(spec: PlayerSpec, game: Game, device: Device) -> Evaluator:
    """The evaluator of a player that is no GTP command, on the device or its own.

    Raises UserError when the net does not fit.
    """
    if spec.net is None:
        return UniformEvaluator(game.actions)
    own = choose_device(spec.device) if spec.device else device
    return NetEvaluator(load_net(spec.net, game)[0], own, game)


class SearchPlayer:
    """Chooses moves in one game with a search, keeping its tree from move to move."""

    def __init__(
        self, game: Game, settings: SearchSettings, evaluator: Evaluator, seed: int = 0
    ) -> None:
        self.search = Search(game.native, settings, evaluator, seed)
        self._start = b""
        self._actions: list[int] | None = None

    def follow(self, position: Position) -> None:
        """Brings the search to a position, along its tree when the position is a continuation."""
        known, actions = self._actions, position.actions
        start = position.start.tobytes()
        continues = known is not None and start == self._start and actions[: len(known)] == known
        if continues and actions == known:
            return
        allowed = moves_to_search(position)
        if continues and known is not None and allowed is None:
            for action in actions[len(known) :]:
                self.search.advance(action)
        else:
            self.search.set_root(position.state, allowed)
        self._start, self._actions = start, list(actions)

    def choose(self, position: Position) -> int:
        """The action to play in a position that is not over."""
        self.follow(position)
        self.search.run()
        return choose_move(self.search, position)
