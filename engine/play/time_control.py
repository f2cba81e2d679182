"""Time controls: the time systems of Go, what is left to a player, and how long to think.

Pure functions of plain records; all times are in seconds. The clock that runs while a game is played
here stands in `engine.play.clock`.

    absolute   main time alone
    byoyomi    after main time, periods of equal length; a move within a period gets it back whole
    canadian   after main time, a number of moves within each period
    fischer    an increment after each move, optionally capped: the clock and one move's time
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from engine.errors import UserError

Kind = Literal["none", "absolute", "byoyomi", "canadian", "fischer"]

LAG = 0.3  # taken off each move for the way between the clock and us


@dataclass(frozen=True)
class TimeControl:
    """A time system.

    main       main time
    period     length of a period (byoyomi, canadian)
    count      periods (byoyomi) or moves within each period (canadian)
    increment  added after each move (fischer)
    main_cap   the most that can be on the clock after the increment (fischer)
    move_cap   the most that one move may take (fischer)
    """

    kind: Kind
    main: float = 0.0
    period: float = 0.0
    count: int = 0
    increment: float = 0.0
    main_cap: float = math.inf
    move_cap: float = math.inf


NO_LIMIT = TimeControl("none")
SYSTEMS = ("none", "absolute", "byoyomi", "canadian", "fischer", "fischer-capped")


@dataclass(frozen=True)
class Reading:
    """What a player's clock shows.

    left   of the main time, or of the running period once main time is used up
    count  0 in main time; else the periods (byoyomi) or moves of this period (canadian) left
    """

    left: float
    count: int = 0


# --- Settings as GTP writes them ------------------------------------------------------------


def gtp_time_settings(main: float, period: float, stones: int) -> TimeControl:
    """`time_settings`: Canadian time. A period without stones means no limit (GTP 2, 4.2)."""
    _require(main, period, stones)
    if stones == 0 and period > 0:
        return NO_LIMIT
    return _with_overtime("canadian", main, period, stones)


def parse_time_settings(words: list[str], *, kgs: bool = False) -> TimeControl:
    """`kata-time_settings` (and `kgs-time_settings`, which has whole seconds and no Fischer).

    none | absolute M | byoyomi M P N | canadian M P N | fischer M I | fischer-capped M I L X,
    where a negative L or X of fischer-capped means no cap. Raises UserError for anything else.
    """
    sizes = {"none": 0, "absolute": 1, "byoyomi": 3, "canadian": 3, "fischer": 2, "fischer-capped": 4}
    name = words[0].lower() if words else ""
    if name not in sizes or (kgs and name.startswith("fischer")):
        raise UserError(f"unknown time system '{name}': use one of {', '.join(SYSTEMS)}")
    if len(words) != 1 + sizes[name]:
        raise UserError(f"time system '{name}' needs {sizes[name]} numbers")
    numbers = [_number(word) for word in words[1:]]
    if name == "none":
        return NO_LIMIT
    if name.startswith("fischer"):
        _require(*numbers[:2])
        caps = [math.inf if number < 0 else number for number in numbers[2:]]
        return TimeControl("fischer", numbers[0], 0.0, 0, numbers[1], *caps)
    _require(*numbers)
    main, period, count = (*numbers, 0.0, 0.0)[:3]
    return _with_overtime("byoyomi" if name == "byoyomi" else "canadian", main, period, round(count))


def _with_overtime(
    kind: Literal["byoyomi", "canadian"], main: float, period: float, count: int
) -> TimeControl:
    """Without overtime the time is absolute; without any time at all, there is no limit."""
    if period > 0 and count > 0:
        return TimeControl(kind, main, period, count)
    return TimeControl("absolute", main) if main > 0 else NO_LIMIT


def _number(word: str) -> float:
    try:
        number = float(word)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UserError(f"'{word}' is not a time in seconds")
    return number


def _require(*numbers: float) -> None:
    if any(number < 0 for number in numbers):
        raise UserError("times and counts are not negative")


# --- The clock ------------------------------------------------------------------------------


def full(control: TimeControl) -> Reading:
    """A clock before the first move."""
    if control.kind in ("byoyomi", "canadian") and control.main == 0:
        return full_period(control)
    return Reading(control.main)


def full_period(control: TimeControl) -> Reading:
    """A clock at the beginning of overtime."""
    return Reading(control.period, control.count)


def told(control: TimeControl, left: float, stones: int) -> Reading:
    """A clock as `time_left` tells it, slightly negative times included.

    In byo-yomi the third word is the periods left, as KGS sends it, which GTP has no word for.
    """
    if control.kind in ("byoyomi", "canadian") and stones == 0 and left <= 0:
        return full_period(control)  # main time has just run out
    if control.kind in ("none", "absolute", "fischer"):
        stones = 0
    return Reading(max(0.0, left), max(0, stones))


def after_move(control: TimeControl, clock: Reading, spent: float) -> Reading:
    """The clock after a move that took so long; a clock that ran out shows zero."""
    if control.kind == "none":
        return clock
    left = clock.left - spent
    if control.kind == "fischer":
        return Reading(min(max(0.0, left) + control.increment, control.main_cap))
    if control.kind == "absolute" or (clock.count == 0 and left > 0):
        return Reading(max(0.0, left))
    count = clock.count
    if count == 0:  # main time ran out within the move
        left, count = left + control.period, control.count
    if control.kind == "canadian":
        last = count == 1 and left > 0
        return full_period(control) if last else Reading(max(0.0, left), max(1, count - 1))
    while left <= 0 and count > 1:
        left, count = left + control.period, count - 1
    return Reading(control.period if left > 0 else 0.0, count)


# --- How long to think ----------------------------------------------------------------------


def moves_to_come(area: int, played: int) -> int:
    """How many moves of its own a player should save time for; never few.

    Games last for about 0.7 moves a point, of both players, and some much longer.
    """
    return max(math.ceil((0.7 * area - played) / 2), math.ceil(0.08 * area), 4)


def thinking_time(
    control: TimeControl, clock: Reading, area: int, played: int, lag: float = LAG
) -> float:
    """Seconds to think about the next move; infinite without a limit.

    area is the number of points of the board, played the moves played by both sides. Never more
    than what is on the clock less the lag; of that, a fair share of the main time, and of a period
    that comes again nearly all.
    """
    if control.kind == "none":
        return math.inf
    to_come = moves_to_come(area, played)
    hard = clock.left  # beyond this the player loses on time, or a period
    if control.kind == "absolute":
        wish = clock.left / to_come
    elif control.kind == "fischer":
        lost = clock.left + control.increment - control.main_cap  # if no time is spent now
        wish = max(clock.left / to_come + 0.9 * control.increment, lost)
        hard = min(clock.left, control.move_cap)
    elif clock.count == 0:  # main time; what overtime gives for each move makes later moves cheap
        each = control.period / (control.count if control.kind == "canadian" else 1)
        wish = max(clock.left / to_come, min(each, clock.left)) + 0.5 * clock.left / to_come
        hard = clock.left + each
    elif control.kind == "byoyomi":
        wish = clock.left
    else:
        wish = clock.left / clock.count
    return _within(wish, hard, lag)


def _within(wish: float, hard: float, lag: float) -> float:
    """The wish, kept below the hard limit by the lag, or by a third of it when it is short."""
    reserve = min(lag + 0.02 * hard, 0.33 * hard)
    return min(wish, hard - reserve)
