"""A clock that runs: the time that each side has used, and main time when there is one.

How long to think with what is left, and the time systems of GTP, stand in `engine.play.time_control`.
"""

from __future__ import annotations

import re
import time

from engine.errors import UserError

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?:in)?)?(?:(\d+(?:\.\d+)?)s?)?")


def parse_duration(text: str) -> float:
    """Seconds from text such as `5s`, `10m`, `1h30m` or `90`. Raises UserError for other text."""
    match = _DURATION.fullmatch(text.strip().lower())
    parts = [float(part or 0) for part in match.groups()] if match else [0.0]
    seconds = sum(part * unit for part, unit in zip(parts, _UNITS.values(), strict=False))
    if not seconds:
        raise UserError(f"'{text}' is not a time: use for example 5s, 10m or 1h30m")
    return seconds


def duration_text(seconds: float) -> str:
    """Seconds as `0:07`, `12:34` or `1:02:03`."""
    whole = max(0, int(seconds))
    hours, minutes = divmod(whole // 60, 60)
    start = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{start}:{whole % 60:02}"


class GameClock:
    """Counts the time that players 0 and 1 use, one of them at a time.

    main_time: the seconds that each has for the whole game; None for no limit.
    """

    def __init__(self, main_time: float | None = None) -> None:
        self.main_time = main_time
        self._used = [0.0, 0.0]
        self._running: int | None = None
        self._since = 0.0

    def run_for(self, player: int | None) -> None:
        """Lets a player's time run from now on; None stops the clock."""
        now = time.monotonic()
        if self._running is not None:
            self._used[self._running] += now - self._since
        self._running, self._since = player, now

    def used(self, player: int) -> float:
        """The seconds that a player has used so far."""
        current = time.monotonic() - self._since if player == self._running else 0.0
        return self._used[player] + current

    def left(self, player: int) -> float | None:
        """The seconds that a player still has, 0 at least; None without a main time."""
        return None if self.main_time is None else max(0.0, self.main_time - self.used(player))

    @property
    def flag(self) -> int | None:
        """The player whose time is up while it runs, or None."""
        running = self._running
        return running if running is not None and self.left(running) == 0 else None

    def text(self, player: int) -> str:
        """What a player's clock shows: the time left, or the time used without a main time."""
        left = self.left(player)
        return duration_text(self.used(player) if left is None else left)
