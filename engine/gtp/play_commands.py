"""Commands that choose moves and score games."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from engine.chains import chains
from engine.gtp.protocol import SYNTAX_ERROR, Command, GtpFailure
from engine.gtp.session import Session, arguments, command, player_of
from engine.gtp.thinker import Decision, Watch, nothing
from engine.play import time_control
from engine.scoring import chains_in_seki, score


def choose(
    session: Session,
    player: int,
    *,
    clean_up: bool = False,
    resign: bool = True,
    allowed: np.ndarray | None = None,
    stop: Callable[[], bool] = lambda: False,
    watch: Watch = nothing,
) -> Decision:
    """A move for the player within what is on the clock, which runs meanwhile."""
    begun = time.monotonic()
    decision = session.thinker.choose(
        session.board,
        player,
        session.thinking_time(player),
        lambda: stop() or session.inbox.interrupted(),
        clean_up=clean_up,
        resign=resign,
        allowed=allowed,
        watch=watch,
    )
    spent = time.monotonic() - begun
    session.clocks[player] = time_control.after_move(session.control, session.clocks[player], spent)
    return decision


def vertex_of(session: Session, decision: Decision) -> str:
    """How the decision is written: a vertex, `pass` or `resign`."""
    return "resign" if decision.action is None else session.board.game.notation.name(decision.action)


def play_decision(session: Session, player: int, decision: Decision) -> None:
    """Plays the move, unless it is to resign."""
    if decision.action is not None:
        session.board.play(player, decision.action)


@command("genmove")
def genmove(session: Session, given: Command) -> str:
    player = player_of(arguments(given, 1)[0])
    decision = choose(session, player)
    play_decision(session, player, decision)
    return vertex_of(session, decision)


@command("reg_genmove", "kata-search")
def search_move(session: Session, given: Command) -> str:
    player = player_of(arguments(given, 1)[0])
    return vertex_of(session, choose(session, player))


@command("kata-search_cancellable")
def cancellable_search(session: Session, given: Command) -> str:
    """A search that any line cancels."""
    player, arrived = player_of(arguments(given, 1)[0]), session.inbox.arrived
    decision = choose(session, player, stop=arrived)
    return "cancelled" if arrived() else vertex_of(session, decision)


@command("kgs-genmove_cleanup")
def genmove_cleanup(session: Session, given: Command) -> str:
    player = player_of(arguments(given, 1)[0])
    decision = choose(session, player, clean_up=True, resign=False)
    play_decision(session, player, decision)
    return vertex_of(session, decision)


# --- The score ------------------------------------------------------------------------------


@command("final_score")
def final_score(session: Session, given: Command) -> str:
    position = session.board.position
    return str(score(position, session.board.rules, session.thinker.dead_stones(position)))


@command("final_status_list")
def final_status_list(session: Session, given: Command) -> str:
    """The chains of a status, one on each line."""
    wanted = arguments(given, 1)[0].lower()
    if wanted not in ("alive", "dead", "seki"):
        raise GtpFailure(SYNTAX_ERROR)
    position = session.board.position
    board, name = position.pieces(), position.game.notation.name
    dead = session.thinker.dead_stones(position)
    seki = {action for chain in chains_in_seki(board, dead) for action in chain}

    def status(chain: list[int]) -> str:
        return "dead" if chain[0] in dead else "seki" if chain[0] in seki else "alive"

    listed = [chain for chain in chains(board) if status(chain) == wanted]
    return "\n".join(" ".join(name(action) for action in chain) for chain in listed)
