"""Which net plays a game, loaded once: the one that was named, or those that ship."""

from __future__ import annotations

from engine.errors import UserError
from engine.game import Game
from engine.games import load
from engine.nets.files import default_net, load_net
from engine.players.levels import Level
from mcts import Evaluator


class NetSource:
    """The evaluators of one net, or of the shipped nets of each board size when no net is named."""

    def __init__(self, net: str | None, device: str) -> None:
        self.net, self.device = net, device
        self._loaded: dict[str, Evaluator] = {}

    def names(self) -> list[str]:
        """The nets in use so far."""
        return list(self._loaded)

    def first_board(self) -> Game:
        """The Go to be ready for: that of the net that was named, else 9x9.

        Raises UserError for a net that cannot be read or plays another game.
        """
        game = load(load_net(self.net)[1].game if self.net else "go9")
        if game.family != "go":
            raise UserError(f"net '{self.net}' plays {game.name}: choose a net that plays Go")
        return game

    def name(self, game: Game, level: Level | None = None) -> str:
        """The net for a game, by the level's choice if there is one.

        Raises UserError when no net was named and none that ships plays the game.
        """
        name = self.net or (level.net(game) if level else default_net(game))
        if name is None:
            raise UserError(f"no net ships for {game.name}: name one with --net")
        return name

    def __call__(self, game: Game, level: Level | None = None) -> Evaluator:
        """The evaluator for a game. Raises UserError as `name` does, and for a net of another game."""
        from engine.nets.inference import NetEvaluator, choose_device

        name = self.name(game, level)
        net, _ = load_net(name, game)
        if name not in self._loaded:
            self._loaded[name] = NetEvaluator(net, choose_device(self.device), game)
        return self._loaded[name]
