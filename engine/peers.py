"""How fast others are at the same work, where they are installed: pip install 'move37[peers]'.

Random games, beside `mcts.bench.bench_board`:

OpenSpiel           its C++; uniformly random legal moves, so its games of Go fill eyes and last longer

Searches of one tree from the initial position, SIMULATIONS each, PUCT with uniform priors and value
0, beside `mcts.bench.bench_tree`:

OpenSpiel (Python)  its search in Python over its rules in C++. (The one in C++ has no evaluator in
                    its wheel but random games, so its figure would be the board's once more.)
mctx + Pgx          search and rules compiled by JAX, on the CPU; made for many trees at once
gumbel-mcts         a search compiled by numba, over our own rules; made for many trees at once

A peer is a function of a game that gives what it does over and over (None: it lacks the game) and
raises ImportError where it is not installed.
"""

from __future__ import annotations

import ctypes
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

from engine.game import Game
from engine.native import addresses_of_rules
from engine.position import Position
from mcts.bench import median_rate

SIMULATIONS = 800
ROLLOUTS = 16
NEVER = -1e9  # the logit of a move that is not legal


@dataclass(frozen=True)
class Work:
    """What a peer does: each `step` returns how much.

    figures   the figures of ours it stands beside, and how much of each a unit of the work is
    """

    step: Callable[[], int]
    figures: dict[str, float] = field(default_factory=lambda: {"simulations_per_s": 1.0})


def compare(suite: str, game: Game, ours: dict[str, Any], seconds: float) -> list[dict[str, Any]]:
    """The peers of a suite beside our row of it, a row for each figure; absent peers have none.

    suite, game, peer   what was measured
    figure              the key of our row that it stands beside
    per_s, spread       the peer's median and spread, as `mcts.bench.median_rate` takes them
    move37_per_s        ours
    ratio               ours over the peer's
    """
    rows = []
    for peer, prepare in PEERS.get(suite, {}).items():
        try:
            work = prepare(game)
        except ImportError:
            continue
        if work is None:
            continue
        rate, spread = median_rate(work.step, seconds)
        rows += [
            {
                "suite": suite,
                "game": game.name,
                "peer": peer,
                "figure": figure,
                "per_s": round(rate * amount, 1),
                "spread": spread,
                "move37_per_s": ours[figure],
                "ratio": round(ours[figure] / (rate * amount), 1),
            }
            for figure, amount in work.figures.items()
        ]
    return rows


# --- OpenSpiel --------------------------------------------------------------------------------


def open_spiel_rules(game: Game) -> Any | None:
    """The same game of OpenSpiel, if it has it."""
    import pyspiel

    height, width = game.shape
    names = {
        "tic_tac_toe": "tic_tac_toe",
        "connect_four": "connect_four",
        "othello": "othello" if height == 8 else None,
        "gomoku": f"gomoku(size={width})",
        "hex": f"hex(board_size={width},swap=true)",
        "breakthrough": f"breakthrough(rows={height},columns={width})",
        "go": f"go(board_size={width},komi=7.0)" if height == width else None,
    }
    name = names.get(game.family)
    return name and pyspiel.load_game(name)


def open_spiel_games(game: Game) -> Work | None:
    """Random games, in C++: the rollouts of the first simulation of its search.

    The moves are those games times the mean length of some played here by the same policy.
    """
    import pyspiel

    rules = open_spiel_rules(game)
    if rules is None:
        return None
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

    lengths = [length() for _ in range(10)]
    return Work(step, {"playouts_per_s": 1.0, "moves_per_s": sum(lengths) / len(lengths)})


def open_spiel_search(game: Game) -> Work | None:
    """Its Python search."""
    from open_spiel.python.algorithms import mcts

    rules = open_spiel_rules(game)
    if rules is None:
        return None

    class Uniform(mcts.Evaluator):  # type: ignore[misc]
        """Every move is as likely, every position as good."""

        def evaluate(self, state: Any) -> np.ndarray:
            return np.zeros(2)

        def prior(self, state: Any) -> list[tuple[int, float]]:
            actions = state.legal_actions()
            return [(action, 1 / len(actions)) for action in actions]

    puct = mcts.SearchNode.puct_value
    bot = mcts.MCTSBot(rules, 1.0, SIMULATIONS, Uniform(), solve=False, child_selection_fn=puct)
    start = rules.new_initial_state()

    def step() -> int:
        bot.mcts_search(start)
        return SIMULATIONS

    return Work(step)


# --- mctx and Pgx -----------------------------------------------------------------------------


def mctx_search(game: Game) -> Work | None:
    """The search of mctx over the rules of Pgx, one tree."""
    import jax
    import mctx
    import pgx
    from jax import numpy as jnp

    height, width = game.shape
    name = f"go_{height}x{width}" if game.family == "go" else game.name
    if name not in pgx.available_envs():
        return None
    jax.config.update("jax_platforms", "cpu")
    rules: Any = pgx.make(name)

    def uniform(state: Any) -> dict[str, Any]:
        logits = jnp.where(state.legal_action_mask, 0.0, NEVER)
        return {"prior_logits": logits, "value": jnp.zeros(1)}

    def expand(params: Any, key: Any, action: Any, state: Any) -> Any:
        mover, state = state.current_player, jax.vmap(rules.step)(state, action)
        reward = jnp.take_along_axis(state.rewards, mover[:, None], axis=1)[:, 0]
        discount = jnp.where(state.terminated, 0.0, -1.0)
        return mctx.RecurrentFnOutput(reward=reward, discount=discount, **uniform(state)), state

    def search(key: Any, state: Any) -> Any:
        root = mctx.RootFnOutput(embedding=state, **uniform(state))
        illegal = ~state.legal_action_mask
        return mctx.muzero_policy((), key, root, expand, SIMULATIONS, illegal).action

    key, compiled = jax.random.key(0), jax.jit(search)
    start = jax.jit(jax.vmap(rules.init))(key[None])

    def step() -> int:
        compiled(key, start).block_until_ready()
        return SIMULATIONS

    return Work(step)


# --- gumbel-mcts ------------------------------------------------------------------------------


def gumbel_mcts_search(game: Game) -> Work:
    """The PUCT search of gumbel-mcts over our rules, which it calls by their addresses."""
    import numba
    import torch
    from gumbel_mcts import PUCT

    pointer, actions, over = ctypes.c_void_p, game.actions, offset_of(game, "over")
    addresses = addresses_of_rules(game)
    play = ctypes.CFUNCTYPE(None, pointer, ctypes.c_int32)(addresses["play"])
    outcome = ctypes.CFUNCTYPE(ctypes.c_float, pointer)(addresses["outcome"])
    legal = ctypes.CFUNCTYPE(ctypes.c_int32, pointer, pointer)(addresses["legal"])

    @numba.njit
    def fast_step(state, action, player):  # type: ignore[no-untyped-def]
        play(state.ctypes.data, action)
        if state[over] == 0:
            return 0.0, 0, False, state
        reward = outcome(state.ctypes.data) * (3 - 2 * player)
        return reward, 0, True, state

    @numba.njit
    def get_valid_mask(state, player):  # type: ignore[no-untyped-def]
        mask = np.empty(actions, np.uint8)
        legal(state.ctypes.data, mask.ctypes.data)
        return mask

    rules = SimpleNamespace(
        NUM_ACTIONS=actions,
        BOARD_SHAPE=(game.state.itemsize,),  # its board is our state, as bytes
        BOARD_DTYPE=np.uint8,
        MAX_MOVES=game.max_moves,
        PLAYER_1=1,
        PLAYER_2=2,
        fast_step=fast_step,
        get_valid_mask=get_valid_mask,
    )
    uniform = {"policy": torch.full((1, actions), 1 / actions), "value": torch.zeros(1)}
    model = SimpleNamespace(forward_for_mcts=lambda batch: uniform)
    tree, start = PUCT(1, SIMULATIONS + 3, rules, device="cpu"), Position(game).state[None]

    def step() -> int:
        tree.reset()
        tree.initialize_roots([0], start, [1])
        tree.run_simulation_batch(model, [0], SIMULATIONS)
        return SIMULATIONS

    return Work(step)


def offset_of(game: Game, name: str) -> int:
    """Where a field of the state begins, in bytes."""
    assert game.state.fields is not None
    return game.state.fields[name][1]


PEERS: dict[str, dict[str, Callable[[Game], Work | None]]] = {
    "board": {"OpenSpiel": open_spiel_games},
    "tree": {
        "OpenSpiel (Python)": open_spiel_search,
        "mctx + Pgx": mctx_search,
        "gumbel-mcts": gumbel_mcts_search,
    },
}
