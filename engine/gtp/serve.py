"""Starting the engine behind GTP: `move37 gtp`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TextIO

from engine.errors import UserError
from engine.game import Game

# Importing them registers their commands.
from engine.gtp import (  # noqa: F401
    analysis_commands,
    general_commands,
    net_commands,
    play_commands,
    setup_commands,
    time_commands,
)
from engine.gtp.board import Board
from engine.gtp.protocol import Inbox, Replies, lines_of
from engine.gtp.session import Identity, Session, log
from engine.gtp.thinker import EvaluatorOf, Limits, NetSource, Thinker
from engine.rules import Rules
from mcts import SearchSettings

SECONDS_A_MOVE = 1.5  # without visits, level or clock


def serve(
    game: Game,
    evaluator_of: EvaluatorOf,
    settings: SearchSettings,
    limits: Limits,
    rules: Rules,
    komi: float,
    identity: Identity,
    *,
    seed: int = 0,
    net_names: Callable[[], Sequence[str]] = list,
    lines: Iterable[bytes] | None = None,
    output: TextIO | None = None,
) -> None:
    """Serves GTP on stdin and stdout, or other lines and output, until `quit` or their end.

    net_names lists the nets in use. Raises UserError, before anything is read, when the game cannot
    be played.
    """
    thinker = Thinker(evaluator_of, settings, limits, seed)
    thinker.prepare(game)
    session = Session(
        Board(game, rules, komi),
        thinker,
        identity,
        Inbox(lines_of(sys.stdin.fileno()) if lines is None else lines),
        Replies(output or sys.stdout),
        net_names,
    )
    session.run()


def serve_net(
    net: str | None,
    limits: Limits,
    rules: Rules,
    komi: float,
    identity: Identity,
    *,
    device: str = "auto",
    threads: int | None = None,
    seed: int = 0,
) -> None:
    """Serves GTP with a net, given by file or name, or with the shipped net of each board size.

    Raises UserError for a net that cannot be used.
    """
    from engine.games import load
    from engine.inference import choose_device, cpu_count, torch_threads
    from engine.nets import default_net, load_net
    from engine.pace import pace_of
    from engine.tuning import search_of

    name = net or default_net(load("go9"))
    if name is None:
        raise UserError("no net ships for go9: name one with --net")
    _, info = load_net(name)
    game = load(info.game)
    if game.family != "go":
        raise UserError(f"net '{name}' plays {info.game}: GTP is for Go")
    source = NetSource(net, device)
    with torch_threads(threads or cpu_count()):
        log(f"{identity.name} {identity.version}: net {name}, rules {rules.name}, komi {komi:g}")
        if limits.level is None and limits.visits is None:
            pace = pace_of(name, game, choose_device(device))
            limits.default_visits = pace.visits_in(SECONDS_A_MOVE)
            log(f"each move {pace.words(min(limits.seconds, SECONDS_A_MOVE))}")
        settings = search_of(limits.visits or limits.default_visits, choose_device(device), name)
        serve(
            game,
            source,
            settings,
            limits,
            rules,
            komi,
            identity,
            seed=seed,
            net_names=source.names,
        )
