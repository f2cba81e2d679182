"""How fast this machine searches with a net: measured once, in about a second, then remembered."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path

from engine.files import user_cache, write_whole
from engine.game import Game
from engine.inference import Device, NetEvaluator, hardware
from engine.nets import load_net, net_path
from engine.position import Position
from engine.tuning import search_of
from mcts import Evaluator, Search, SearchSettings

WARM_UP, MEASURED = 0.3, 0.5  # seconds


@dataclass(frozen=True)
class Pace:
    """The visits of one search in a second, on this machine and with a certain net."""

    visits_per_s: float

    def visits_in(self, seconds: float) -> int:
        """How many visits take so long: two digits, then zeros; at least 1."""
        return max(1, int(float(f"{self.visits_per_s * seconds:.2g}")))

    def words(self, seconds: float) -> str:
        """What a time means: `about 2,900 visits in 5 s on this machine`."""
        return f"about {self.visits_in(seconds):,} visits in {seconds:g} s on this machine"


def pace_of(net: str, game: Game, device: Device) -> Pace:
    """The pace of a net on a device, from the user's cache or else measured and kept there.

    Raises UserError for a net that does not fit.
    """
    path = user_cache() / "pace.json"
    key = f"{_digest(net_path(net))} {game.name} {hardware(device)}"
    known = _read(path)
    if key not in known:
        evaluator = NetEvaluator(load_net(net, game)[0], device, game)
        known[key] = measure(game, evaluator, search_of(None, device, net))
        with contextlib.suppress(OSError):  # nothing to remember it in: measured again next time
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, json.dumps(known, indent=1).encode())
    return Pace(known[key])


def measure(game: Game, evaluator: Evaluator, settings: SearchSettings) -> float:
    """The visits a second of one search from the first position on."""
    search = Search(game.native, settings, evaluator)
    search.set_root(Position(game).state)
    _run_for(search, WARM_UP)
    before, begun = search.core.root_visits, time.perf_counter()
    _run_for(search, MEASURED)
    return round((search.core.root_visits - before) / (time.perf_counter() - begun), 1)


def _run_for(search: Search, seconds: float) -> None:
    end, least = time.perf_counter() + seconds, search.core.root_visits + 1
    search.run(lambda: time.perf_counter() >= end and search.core.root_visits >= least)


def _read(path: Path) -> dict[str, float]:
    """What was measured before; nothing where the file cannot be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {key: float(value) for key, value in found.items() if float(value) > 0}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
