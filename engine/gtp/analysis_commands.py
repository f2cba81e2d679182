"""Commands that show what the search thinks, line by line, while it thinks."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from types import TracebackType

import numpy as np

from engine.gtp.analysis import Dialect, cgos_line, parse_request, report_line, waiting_line
from engine.gtp.play_commands import choose, play_decision, vertex_of
from engine.gtp.protocol import Command, GtpFailure
from engine.gtp.session import Session, command
from mcts import Search

_VIEWERS = {"BLACK": 0, "WHITE": 1}


class _Stream:
    """A reply of reports, one every interval, the first within it whatever the net is doing."""

    def __init__(self, session: Session, given: Command) -> None:
        board = session.board
        self.session, self.given = session, given
        self.request = parse_request(given.arguments, board.game)
        self.player = board.to_move if self.request.player is None else self.request.player
        self.position = board.turn(self.player)
        self.allowed = self.request.mask(self.player, board.game.actions)
        legal = self.position.legal_mask()
        if self.allowed is not None:
            legal &= self.allowed
        if not legal.any():
            raise GtpFailure("no move that is allowed is legal")
        self.dialect: Dialect = "lz" if given.name.lower().startswith("lz-") else "kata"
        line = waiting_line(np.flatnonzero(legal).tolist(), board.game, self.dialect)
        self._waiting = threading.Timer(self.request.interval, session.replies.line, [line])
        self._waiting.daemon = True

    def __enter__(self) -> _Stream:
        self.session.replies.begin(self.given)
        self._due = time.monotonic() + self.request.interval
        self._waiting.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        self._stop_waiting()
        self.session.replies.end()
        if isinstance(error, Exception):  # the reply has begun, so only people hear of it
            traceback.print_exception(error, file=sys.stderr)
            return True
        return False

    def watch(self, search: Search) -> None:
        """Prints a report of a running search when one is due and a move has been visited."""
        if time.monotonic() >= self._due and search.core.root_visits > 1:
            self.report(search)
            self._due = time.monotonic() + self.request.interval

    def report(self, search: Search) -> None:
        """Prints a report."""
        self._stop_waiting()
        wanted, thinker = self.request.wanted, self.session.thinker
        ownership = bool(wanted & {"ownership", "ownershipStdev"})
        report = thinker.report(search, self.position, ownership, "movesOwnership" in wanted)
        viewer = _VIEWERS.get(thinker.limits.viewer, self.player)
        line = report_line(report.seen_by(viewer), self.position.game, self.dialect, self.request)
        if line:
            self.session.replies.line(line)

    def _stop_waiting(self) -> None:
        self._waiting.cancel()
        self._waiting.join()


@command("analyze", "lz-analyze", "kata-analyze")
def analyze(session: Session, given: Command) -> None:
    """Reports until any line arrives, even an empty one."""
    thinker, arrived = session.thinker, session.inbox.arrived
    with _Stream(session, given) as stream:
        visits = thinker.limits.analysis_visits
        search = thinker.search(stream.position, visits, arrived, stream.allowed, stream.watch)
        if not arrived():  # as deep as it may go
            stream.report(search)
            session.inbox.wait()


@command("genmove_analyze", "lz-genmove_analyze", "kata-genmove_analyze")
def genmove_analyze(session: Session, given: Command) -> None:
    """Reports while choosing a move, and plays it."""
    with _Stream(session, given) as stream:
        decision = choose(session, stream.player, allowed=stream.allowed, watch=stream.watch)
        if decision.search is not None:
            stream.report(decision.search)
        play_decision(session, stream.player, decision)
        session.replies.line(f"play {vertex_of(session, decision)}")


@command("cgos-genmove_analyze")
def genmove_for_cgos(session: Session, given: Command) -> str:
    """Chooses a move, says why in one line of JSON, and plays it."""
    board, request = session.board, parse_request(given.arguments, session.board.game)
    player = board.to_move if request.player is None else request.player
    position = board.turn(player)
    decision = choose(session, player, allowed=request.mask(player, board.game.actions))
    lines = [f"play {vertex_of(session, decision)}"]
    if decision.search is not None:
        report = session.thinker.report(decision.search, position, ownership=True)
        lines.insert(0, cgos_line(report, board.game, request))
    play_decision(session, player, decision)
    return "\n" + "\n".join(lines)


@command("kata-search_analyze", "kata-search_analyze_cancellable")
def search_analyze(session: Session, given: Command) -> None:
    """Reports while choosing a move, which is not played; a line may cancel the second kind."""
    cancellable = given.name.lower().endswith("cancellable")

    def cancelled() -> bool:
        return cancellable and session.inbox.arrived()

    with _Stream(session, given) as stream:
        decision = choose(
            session, stream.player, allowed=stream.allowed, stop=cancelled, watch=stream.watch
        )
        if decision.search is not None:
            stream.report(decision.search)
        move = "cancelled" if cancelled() else vertex_of(session, decision)
        session.replies.line(f"play {move}")
