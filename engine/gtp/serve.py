"""Starting the engine behind GTP: `move37 gtp`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TextIO

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
from engine.gtp.thinker import EvaluatorOf, Limits, Thinker
from engine.players.net_source import NetSource
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
    from engine.nets.inference import choose_device, cpu_count, torch_threads
    from engine.nets.pace import pace_of
    from engine.nets.tuning import search_of

    source = NetSource(net, device)
    game = source.first_board()
    name = source.name(game)
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
