"""How fast others are at the same work, where they are installed: pip install 'move37[peers]'.

Only the board has a peer. OpenSpiel's search has no evaluator in its wheel but random rollouts, one
a simulation at least, so that its figure would be the board's once more and not the tree's.
"""

from __future__ import annotations

import random
from typing import Any

from engine.game import Game
from engine.games.go import KO_SIMPLE
from engine.position import Position
from mcts.bench import bench_board, median_rate, playout_rates

ROLLOUTS = 16


def bench_board_beside_peers(game: Game, seconds: float = 5.0) -> dict[str, Any]:
    """`mcts.bench.bench_board` with comparisons, all in one run.

    simple_ko_playouts_per_s     of Go, where the standard rules look for superko: without
    open_spiel_playouts_per_s, open_spiel_moves_per_s
                                 random games of OpenSpiel's C++ (uniformly random legal moves, so
                                 its games of Go fill eyes and last longer)
    playouts_per_open_spiel, moves_per_open_spiel
                                 our speed over that one
    """
    row = bench_board(game.native, seconds)
    if "ko_rule" in (game.state.names or ()):
        position = Position(game)
        position.set_start(ko_rule=KO_SIMPLE)
        rate = playout_rates(game.native, position.state, seconds)[1]
        row["simple_ko_playouts_per_s"] = round(rate, 1)
    if rates := open_spiel_playout_rates(game, seconds):
        moves_per_s, playouts_per_s = rates
        row["open_spiel_playouts_per_s"] = round(playouts_per_s, 1)
        row["open_spiel_moves_per_s"] = round(moves_per_s)
        row["playouts_per_open_spiel"] = round(row["playouts_per_s"] / playouts_per_s, 1)
        row["moves_per_open_spiel"] = round(row["moves_per_s"] / moves_per_s, 1)
    return row


def open_spiel_game(game: Game) -> Any | None:
    """The same game of OpenSpiel; None when it is not installed or does not have the game."""
    try:
        import pyspiel
    except ImportError:
        return None
    height, width = game.shape
    if game.family == "go" and height == width:
        return pyspiel.load_game(f"go(board_size={height},komi=7.0)")
    names = {"tic_tac_toe": "tic_tac_toe", "connect_four": "connect_four"}
    return pyspiel.load_game(names[game.name]) if game.name in names else None


def open_spiel_playout_rates(game: Game, seconds: float) -> tuple[float, float] | None:
    """(moves per second, games per second) of OpenSpiel's random games; None without it.

    The loop is C++: the rollouts of the first simulation of its search. The moves are those games
    times the mean length of some played here by the same policy.
    """
    rules = open_spiel_game(game)
    if rules is None:
        return None
    import pyspiel

    start, rng, seeds = rules.new_initial_state(), random.Random(0), iter(range(10**9))

    def step() -> int:
        evaluator = pyspiel.RandomRolloutEvaluator(ROLLOUTS, next(seeds))
        pyspiel.MCTSBot(rules, evaluator, 1.0, 1, 1, False, 0, False).step(start)
        return ROLLOUTS

    def length() -> int:
        state = rules.new_initial_state()
        while not state.is_terminal():
            state.apply_action(rng.choice(state.legal_actions()))
        return len(state.history())

    playouts_per_s, _ = median_rate(step, seconds)
    lengths = [length() for _ in range(10)]
    return playouts_per_s * sum(lengths) / len(lengths), playouts_per_s
