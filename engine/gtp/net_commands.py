"""Commands about the net alone: what it says without a search, which it is, how fast it is searched."""

from __future__ import annotations

import json
import math

import numpy as np

from engine.analyst import margin_stdev
from engine.gtp.protocol import SYNTAX_ERROR, Command, GtpFailure
from engine.gtp.session import Session, arguments, command, whole_number
from engine.nets.files import as_model
from engine.nets.tuning import MOST_VISITS
from engine.nets.view import NetView
from engine.position import Position

UNKNOWN = -1  # what stands for the errors that our nets do not foresee


@command("kata-get-models")
def get_models(session: Session, given: Command) -> str:
    return json.dumps([as_model(name) for name in session.net_names()])


@command("kata-benchmark")
def benchmark(session: Session, given: Command) -> str:
    """Times one search of so many visits of the position; `# interrupt` ends it earlier."""
    visits = whole_number(arguments(given, 1)[0])
    if not 1 <= visits <= MOST_VISITS:
        raise GtpFailure(f"visits '{visits}' is not a number from 1 to {MOST_VISITS}")
    board = session.board
    position = board.turn(board.to_move)
    reached, seconds = session.thinker.timed_search(position, visits, session.inbox.interrupted)
    leaves = session.thinker.settings.leaves_per_batch
    return (
        f"{reached:,} visits in {seconds:.2f} s, {reached / seconds:,.0f} a second: "
        f"{board.game.name}, batches of {leaves}"
    )


@command("kata-raw-nn")
def raw_net(session: Session, given: Command) -> str:
    """The net's own words, in White's view, under one symmetry (0 shows the board as it is) or all."""
    which = arguments(given, 1)[0].lower()
    board = session.board
    position = board.turn(board.to_move)
    views = list(enumerate(session.thinker.net_views(position)))
    if which != "all":
        number = whole_number(which)
        if not 0 <= number < len(views):
            raise GtpFailure(SYNTAX_ERROR)
        views = [views[number]]
    return "\n".join(_raw_words(symmetry, view, position) for symmetry, view in views)


def _raw_words(symmetry: int, view: NetView, position: Position) -> str:
    area, shape = position.game.area, position.game.shape
    sign = 2 * position.to_move - 1  # from the mover's view to White's
    white = 0.5 + sign * (view.win_rate - 0.5)
    words = [
        f"symmetry {symmetry}",
        f"whiteWin {white:.6f}",
        f"whiteLoss {1 - white:.6f}",
        "noResult 0.000000",
    ]
    if view.score_lead is not None and view.ownership is not None:
        lead, stdev = sign * view.score_lead, margin_stdev(view.ownership)
        words += [
            f"whiteLead {lead:.6f}",
            f"whiteScoreSelfplay {lead:.6f}",
            f"whiteScoreSelfplaySq {lead**2 + stdev**2:.6f}",
        ]
    policy = np.where(position.legal_mask() > 0, view.policy, np.nan)
    words += [
        f"shorttermWinlossError {UNKNOWN}",
        f"shorttermScoreError {UNKNOWN}",
        "policy",
        *_rows(policy[:area].reshape(shape)),
        f"policyPass {policy[area]:.6f}",
    ]
    if view.ownership is not None:
        words += ["whiteOwnership", *_rows(sign * view.ownership)]
    return "\n".join(words)


def _rows(values: np.ndarray) -> list[str]:
    """A board of numbers, `NAN` where there is none."""
    zero = 0.0  # added to them, so that none is -0
    return [
        " ".join("NAN" if math.isnan(value) else f"{value + zero:.6f}" for value in row)
        for row in values.tolist()
    ]
