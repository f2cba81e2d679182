"""How fast this machine searches with a net: measured in about a second, then remembered a while."""

from __future__ import annotations

import contextlib
import time

from pydantic import BaseModel, ConfigDict, Field

from engine.game import Game
from engine.nets.files import load_net, net_path
from engine.nets.inference import Device, NetEvaluator
from engine.nets.machine import keep, recall
from engine.nets.tuning import search_of
from engine.position import Position
from mcts import Evaluator, Search, SearchSettings

WARM_UP, MEASURED = 0.3, 0.5  # seconds
FIRST, COMPILING = 50, 3.0  # visits before both, in which every size of batch is met; or seconds
BELIEVED = 3600.0  # seconds: the machine may have been busy when it was measured


class Pace(BaseModel):
    """The visits of one search in a second, on this machine and with a certain net."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    visits_per_s: float = Field(gt=0)
    measured_at: float = Field(description="seconds since 1970")

    def visits_in(self, seconds: float) -> int:
        """How many visits take so long: two digits, then zeros; at least 1."""
        return max(1, int(float(f"{self.visits_per_s * seconds:.2g}")))

    def words(self, seconds: float) -> str:
        """What a time means: `about 2,900 visits in 5 s on this machine`."""
        return f"about {self.visits_in(seconds):,} visits in {seconds:g} s on this machine"


def pace_of(net: str, game: Game, device: Device) -> Pace:
    """The pace of a net on a device, measured now unless it was within the last hour.

    Raises UserError for a net that does not fit.
    """
    file, now = net_path(net).resolve(), time.time()
    subject = f"{game.name} with {file}"
    known = recall(Pace, device).get(subject)
    if known and max(file.stat().st_mtime, now - BELIEVED) <= known.measured_at <= now:
        return known
    evaluator = NetEvaluator(load_net(net, game)[0], device, game)
    pace = Pace(visits_per_s=measure(game, evaluator, search_of(None, device, net)), measured_at=now)
    with contextlib.suppress(OSError):  # nothing to remember it in: measured again next time
        keep(pace, device, subject)
    return pace


def measure(game: Game, evaluator: Evaluator, settings: SearchSettings) -> float:
    """The visits a second of one search from the first position on."""
    search = Search(game.native, settings, evaluator)
    search.set_root(Position(game).state)
    latest = time.perf_counter() + COMPILING
    search.run(lambda: search.core.root_visits >= FIRST or time.perf_counter() >= latest)
    _run_for(search, WARM_UP)
    before, begun = search.core.root_visits, time.perf_counter()
    _run_for(search, MEASURED)
    return round((search.core.root_visits - before) / (time.perf_counter() - begun), 1)


def _run_for(search: Search, seconds: float) -> None:
    end, least = time.perf_counter() + seconds, search.core.root_visits + 1
    search.run(lambda: time.perf_counter() >= end and search.core.root_visits >= least)
