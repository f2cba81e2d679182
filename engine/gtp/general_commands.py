"""Commands about the engine itself: who it is, what it can, its parameters; for GoGui and KGS."""

from __future__ import annotations

import json
import math
import time

import numpy as np

from engine.gtp.protocol import Command, GtpFailure
from engine.gtp.session import COMMANDS, Session, arguments, command
from engine.gtp.thinker import MOST_RESIGN
from engine.nets.tuning import MOST_VISITS
from engine.players.levels import find_level
from engine.players.named import make_settings
from mcts import SearchSettings


@command("protocol_version")
def protocol_version(session: Session, given: Command) -> str:
    return "2"


@command("name")
def name(session: Session, given: Command) -> str:
    return session.identity.name


@command("version")
def version(session: Session, given: Command) -> str:
    return session.identity.version


@command("known_command")
def known_command(session: Session, given: Command) -> str:
    return "true" if arguments(given, 1)[0].lower() in COMMANDS else "false"


@command("list_commands")
def list_commands(session: Session, given: Command) -> str:
    return "\n".join(sorted(COMMANDS))


@command("quit")
def quit_session(session: Session, given: Command) -> str:
    session.running = False
    return ""


@command("stop")
def stop(session: Session, given: Command) -> str:
    """Its line has stopped whatever was running."""
    return ""


@command("clear_cache")
def clear_cache(session: Session, given: Command) -> str:
    session.thinker.clear_cache()
    return ""


@command("cputime", "gomill-cpu_time")
def cpu_time(session: Session, given: Command) -> str:
    return f"{time.process_time():.3f}"


# --- Parameters -----------------------------------------------------------------------------

_SEARCH_PARAMS = [name for name in SearchSettings.model_fields if name != "visits"]


def _params(session: Session) -> dict[str, object]:
    """All parameters with their values as JSON; -1 where there is no limit."""
    limits = session.thinker.limits
    return {
        "level": limits.level.name if limits.level else "none",
        "maxVisits": -1 if limits.visits is None else limits.visits,
        "maxTime": -1 if math.isinf(limits.seconds) else limits.seconds,
        "analysisMaxVisits": limits.analysis_visits,
        "ponderingEnabled": limits.ponder,
        "resignThreshold": limits.resign_below,
        "lagBuffer": limits.lag,
        "reportAnalysisWinratesAs": limits.viewer,
        **session.thinker.settings.model_dump(exclude={"visits"}),
    }


@command("kata-list-params")
def list_params(session: Session, given: Command) -> str:
    return " ".join(_params(session))


@command("kata-get-params")
def get_params(session: Session, given: Command) -> str:
    return json.dumps(_params(session))


@command("kata-get-param")
def get_param(session: Session, given: Command) -> str:
    params, wanted = _params(session), arguments(given, 1)[0]
    if wanted not in params:
        raise GtpFailure(f"unknown parameter '{wanted}'")
    value = params[wanted]
    return value if isinstance(value, str) else json.dumps(value)


@command("kata-set-param")
def set_param(session: Session, given: Command) -> str:
    param, text = arguments(given, 2)[0], " ".join(given.arguments[1:])
    limits, thinker = session.thinker.limits, session.thinker
    if param in _SEARCH_PARAMS:
        settings = make_settings(thinker.settings.model_dump() | {param: text})
        thinker.change_settings(settings)
    elif param == "level":
        thinker.change_level(None if text.lower() == "none" else find_level(text))
    elif param == "maxVisits":
        visits = _between(param, text, -1, MOST_VISITS)
        limits.visits = None if visits < 1 else int(visits)
    elif param == "maxTime":
        seconds = _between(param, text, -1, 1e9)
        limits.seconds = math.inf if seconds <= 0 else seconds
    elif param == "analysisMaxVisits":
        limits.analysis_visits = int(_between(param, text, 1, MOST_VISITS))
    elif param == "ponderingEnabled":
        limits.ponder = _one_of(param, text.lower(), ["true", "false"]) == "true"
    elif param == "resignThreshold":
        limits.resign_below = _between(param, text, 0, MOST_RESIGN)
    elif param == "lagBuffer":
        limits.lag = _between(param, text, 0, 60)
    elif param == "reportAnalysisWinratesAs":
        limits.viewer = _one_of(param, text.upper(), ["BLACK", "WHITE", "SIDETOMOVE"])  # type: ignore[assignment]
    else:
        raise GtpFailure(f"unknown parameter '{param}'")
    return ""


def _between(param: str, text: str, low: float, high: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise GtpFailure(f"{param} '{text}' is not a number from {low:g} to {high:g}")
    return value


def _one_of(param: str, text: str, words: list[str]) -> str:
    if text not in words:
        raise GtpFailure(f"{param} '{text}' is not one of {', '.join(words)}")
    return text


# --- GoGui ----------------------------------------------------------------------------------


@command("gogui-interrupt")
def gogui_interrupt(session: Session, given: Command) -> str:
    """Says that the comment `# interrupt` is understood."""
    return ""


@command("gogui-analyze_commands")
def gogui_analyze_commands(session: Session, given: Command) -> str:
    return "\n".join(
        [
            "dboard/Ownership/move37-ownership",
            "dboard/Policy/move37-policy",
            "plist/Dead stones/final_status_list dead",
            "string/Score/final_score",
            "string/Rules/kata-get-rules",
        ]
    )


@command("move37-policy")
def policy(session: Session, given: Command) -> str:
    """The net's probability of each point, as a board of numbers."""
    board = session.board
    priors = session.thinker.priors(board.turn(board.to_move))[: board.game.area]
    return _number_board(priors.reshape(board.game.shape))


@command("move37-ownership")
def ownership(session: Session, given: Command) -> str:
    """Who will own each point, 1 Black and -1 White, as a board of numbers."""
    return _number_board(session.thinker.ownership(session.board.position))


def _number_board(values: np.ndarray) -> str:
    return "\n" + "\n".join(" ".join(f"{value:.3f}" for value in row) for row in values.tolist())


# --- KGS ------------------------------------------------------------------------------------


@command("kgs-chat")
def kgs_chat(session: Session, given: Command) -> str:
    """Answers `kgs-chat game|private NAME MESSAGE`."""
    arguments(given, 2)
    return f"I am {session.identity.name} {session.identity.version}, a program; I cannot chat."


@command("kgs-game_over")
def kgs_game_over(session: Session, given: Command) -> str:
    return ""
