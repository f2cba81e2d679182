"""Commands for clocks."""

from __future__ import annotations

from engine.gtp.protocol import Command
from engine.gtp.session import Session, arguments, command, number, player_of, whole_number
from engine.play import time_control


@command("time_settings")
def time_settings(session: Session, given: Command) -> str:
    main, period, stones, *_ = map(number, arguments(given, 3))
    _set_time(session, time_control.gtp_time_settings(main, period, round(stones)))
    return ""


@command("kgs-time_settings")
def kgs_time_settings(session: Session, given: Command) -> str:
    _set_time(session, time_control.parse_time_settings(list(arguments(given, 1)), kgs=True))
    return ""


@command("kata-time_settings")
def kata_time_settings(session: Session, given: Command) -> str:
    _set_time(session, time_control.parse_time_settings(list(arguments(given, 1))))
    return ""


@command("kata-list_time_settings")
def list_time_settings(session: Session, given: Command) -> str:
    return " ".join(time_control.SYSTEMS)


def _set_time(session: Session, control: time_control.TimeControl) -> None:
    if control != session.control:  # servers repeat the settings before each move
        session.set_time(control)


@command("time_left")
def time_left(session: Session, given: Command) -> str:
    colour, left, stones, *_ = arguments(given, 3)
    reading = time_control.told(session.control, number(left), whole_number(stones))
    session.clocks[player_of(colour)] = reading
    return ""
