"""The JSON analysis protocol: many positions at once, one line of JSON for each question and answer.

This is the protocol of KataGo's analysis engine (its docs/Analysis_Engine.md), so that programs
made for it, such as KaTrain, can use move37. Searches of all open positions go in lock-step: each
step collects leaves from the most urgent ones and asks the net about all of them in one batch.
"""

from __future__ import annotations

import contextlib
import json
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.analysis.query import Json, Options, Query, QueryError, parse_query
from engine.analyst import Analyst, MoveReport, Report
from engine.errors import UserError
from engine.game import Game
from engine.games import go_name, load
from engine.nets.files import as_model
from engine.players.net_source import NetSource
from engine.position import Position
from mcts import Evaluator, Search, step_together

ACTIONS = ("query_version", "query_models", "clear_cache", "terminate", "terminate_all")
DIGITS = 6


@dataclass(eq=False)
class Job:
    """One position of a query on its way: waiting until `search` is there, then searched."""

    query: Query
    turn: int
    number: int  # in the order of arrival
    search: Search | None = None
    started: float = 0.0
    next_report: float = 0.0

    @property
    def urgency(self) -> tuple[int, int]:
        """Sorts the most urgent first: by priority, then by arrival."""
        return (-self.query.priorities[self.turn], self.number)

    def expired(self, now: float) -> bool:
        """Whether the position has had its time."""
        return self.search is not None and now - self.started >= self.query.options.seconds


class AnalysisEngine:
    """Answers queries; `handle` takes lines of input, `step` searches, `write` hears the answers.

    evaluator_of  the evaluator for a board; raises UserError when no net knows it
    nets          the names of the nets in use
    parallel      positions that are searched at once; others wait, also those begun, while as many
                  more urgent ones are open
    """

    def __init__(
        self,
        evaluator_of: Callable[[Game], Evaluator],
        nets: Callable[[], list[str]],
        options: Options,
        write: Callable[[Json], None],
        *,
        parallel: int = 8,
        version: str = "",
    ) -> None:
        self.evaluator_of, self.nets = evaluator_of, nets
        self.options, self.write = options, write
        self.parallel, self.version = parallel, version
        self.jobs: list[Job] = []
        self._arrived = 0
        self._evaluators: dict[str, Evaluator] = {}

    # --- Questions --------------------------------------------------------------------------

    def handle(self, line: str) -> None:
        """Takes one line of input; everything wrong with it is answered, nothing is raised."""
        if not line.strip():
            return
        try:
            given = json.loads(line)
        except (ValueError, RecursionError) as error:
            self.write({"error": f"could not parse the line as JSON: {error}: {line.strip()[:80]}"})
            return
        if not isinstance(given, dict) or not isinstance(given.get("id"), str):
            self.write({"error": 'a request must be an object with a string "id" field'})
            return
        try:
            if "action" in given:
                self._act(given)
            else:
                self._open(given)
        except QueryError as error:
            where = {"field": error.field} if error.field else {}
            self.write({"error": error.reason, **where, "id": given["id"]})

    def _open(self, given: Json) -> None:
        query = parse_query(given, self._game, self.options)
        for field, warning in query.warnings:
            self.write({"warning": warning, "field": field, "id": query.id})
        for turn in query.positions:
            self.jobs.append(Job(query, turn, self._arrived))
            self._arrived += 1
        self.jobs.sort(key=lambda job: job.urgency)

    def _act(self, given: Json) -> None:
        action = given["action"]
        if action not in ACTIONS:
            raise QueryError("action", f"must be one of {', '.join(ACTIONS)}")
        more: Json = {}
        if action == "query_version":
            more = {"version": self.version, "git_hash": "<omitted>"}
        elif action == "query_models":
            more = {"models": [as_model(name) for name in self.nets()]}
        elif action.startswith("terminate"):
            self._terminate(given, action == "terminate_all")
        self.write(given | more)

    def _terminate(self, given: Json, everything: bool) -> None:
        if not everything and not isinstance(given.get("terminateId"), str):
            raise QueryError("terminateId", 'a terminate action must have a string "terminateId"')
        turns = given.get("turnNumbers")
        if turns is not None and not (
            isinstance(turns, list) and all(type(turn) is int for turn in turns)
        ):
            raise QueryError("turnNumbers", "must be an array of integers, the turns to terminate")
        for job in list(self.jobs):
            named = everything or job.query.id == given["terminateId"]
            if named and (turns is None or job.turn in turns):
                self._finish(job)

    def _game(self, height: int, width: int) -> Game:
        """The game on a board of that size. Raises UserError when no net knows it."""
        game = load(go_name(height, width))
        if game.name not in self._evaluators:
            self._evaluators[game.name] = self.evaluator_of(game)
        return game

    def _analyst(self, query: Query) -> Analyst:
        return Analyst(query.game, self._evaluators[query.game.name], query.options.settings)

    def warm_up(self, game: Game) -> None:
        """Compiles the rules and runs the net once, so that the first answer comes quickly."""
        evaluator = self._evaluators[self._game(*game.shape).name]
        search = Analyst(game, evaluator, self.options.settings).start(Position(game), visits=1)
        search.run()

    # --- Searching --------------------------------------------------------------------------

    def step(self) -> None:
        """Searches the most urgent positions by one batch a board size; reports what is due."""
        urgent = self.jobs[: self.parallel]
        for job in urgent:
            if job.search is None:
                self._begin(job)
        searches = [(job.query.game.name, job.search) for job in urgent if job.search]
        for name in {name for name, _ in searches}:
            together = [search for game, search in searches if game == name]
            step_together(together, self._evaluators[name])
        now = time.monotonic()
        for job in [job for job in urgent if job.search]:
            assert job.search is not None
            if job.search.core.done or job.expired(now):
                self._finish(job)
            elif now >= job.next_report and job.search.core.root_visits:
                job.next_report = now + job.query.every
                self._report(job, during_search=True)

    def _begin(self, job: Job) -> None:
        query, position = job.query, job.query.positions[job.turn]
        allowed = query.masks[position.to_move]
        try:
            job.search = self._analyst(query).start(position, allowed=allowed)
        except UserError as error:
            self.jobs.remove(job)
            self.write({"error": str(error), "field": "avoidMoves", "id": query.id})
            return
        job.started = time.monotonic()
        job.next_report = job.started + query.first

    # --- Answers ----------------------------------------------------------------------------

    def _finish(self, job: Job) -> None:
        """Answers a position for the last time, with as much as is known."""
        self.jobs.remove(job)
        if job.search is not None and job.search.core.root_visits:
            self._report(job, during_search=False)
        else:
            self.write(self._head(job, during_search=False) | {"noResults": True})

    def _head(self, job: Job, during_search: bool) -> Json:
        return {"id": job.query.id, "isDuringSearch": during_search, "turnNumber": job.turn}

    def _report(self, job: Job, during_search: bool) -> None:
        query, position = job.query, job.query.positions[job.turn]
        assert job.search is not None
        report = self._analyst(query).report(
            job.search,
            position,
            moves_ownership=query.moves_ownership,
        )
        viewer = {"BLACK": 0, "WHITE": 1}.get(query.options.report_as, report.to_move)
        self.write(self._head(job, during_search) | answer(query, position, report.seen_by(viewer)))


def answer(query: Query, position: Position, report: Report) -> Json:
    """A report with the keys of the protocol, in the report's view."""
    found: Json = {
        "moveInfos": [_move_info(query, move) for move in report.moves],
        "rootInfo": {
            "currentPlayer": "BW"[report.to_move],
            "thisHash": f"{position.position_hash:016X}",
            "visits": report.visits,
            "weight": report.visits,
            "winrate": _round(report.win_rate),
            "rawWinrate": _round(report.net_win_rate),
            "utility": _round(2 * report.win_rate - 1),
            **_score_keys(report.score_lead, report.score_stdev),
        },
    }
    if query.policy:
        found["policy"] = _floats(report.policy)
    if query.ownership and report.ownership is not None:
        found["ownership"] = _floats(report.ownership)
    if query.ownership_stdev and report.ownership_stdev is not None:
        found["ownershipStdev"] = _floats(report.ownership_stdev)
    return found


def _move_info(query: Query, move: MoveReport) -> Json:
    name = query.game.notation.name
    found: Json = {
        "move": name(move.action),
        "order": move.order,
        "visits": move.visits,
        "edgeVisits": move.visits,
        "weight": move.visits,
        "winrate": _round(move.win_rate),
        "lcb": _round(move.lcb),
        "utility": _round(2 * move.win_rate - 1),
        "utilityLcb": _round(2 * move.lcb - 1),
        "prior": _round(move.prior),
        **_score_keys(move.score_lead, move.score_stdev),
        "pv": [name(action) for action in move.line[: query.line_length]],
    }
    if query.line_visits:
        found["pvVisits"] = list(move.line_visits[: query.line_length])
    if move.ownership is not None:
        found["ownership"] = _floats(move.ownership)
    return found


def _score_keys(lead: float | None, stdev: float | None) -> Json:
    """The net learns final margins of self-play games, so the lead and scoreSelfplay are one."""
    names = ("scoreLead", "scoreMean", "scoreSelfplay")
    found = {} if lead is None else dict.fromkeys(names, _round(lead))
    return found if stdev is None else found | {"scoreStdev": _round(stdev)}


def _round(value: float) -> float:
    return round(float(value), DIGITS)


def _floats(values: np.ndarray) -> list[float]:
    rounded: list[float] = np.round(values.astype(np.float64), DIGITS).ravel().tolist()
    return rounded


# --- The program ----------------------------------------------------------------------------


def run_analysis(
    source: NetSource,
    *,
    options: Options,
    config: Path | None,
    overrides: Iterable[str],
    parallel: int,
    version: str,
    wait: bool,
) -> None:
    """Serves stdin and stdout until stdin ends; stderr says when it is ready.

    config is a file of `key = value` lines and overrides are lists of `key=value` with commas, as
    KataGo takes them; what we have no such parameter for is left out. Raises UserError.
    """
    from engine.nets.inference import cpu_count, torch_threads

    given = read_config(config) if config else {}
    given |= parse_overrides(overrides)
    parallel = _positive(given.get("numAnalysisThreads", parallel))
    options, _ = options.override(given)

    def write(answer: Json) -> None:
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()

    engine = AnalysisEngine(
        source,
        source.names,
        options,
        write,
        parallel=parallel,
        version=version,
    )
    with torch_threads(cpu_count()), contextlib.suppress(BrokenPipeError):
        engine.warm_up(source.first_board())
        print(
            f"move37 analysis of {', '.join(source.names())}: ready for queries",
            file=sys.stderr,
            flush=True,
        )
        serve(engine, sys.stdin, wait=wait)


def read_config(path: Path) -> dict[str, str]:
    """The parameters of a configuration in KataGo's form. Raises UserError if it cannot be read."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise UserError(f"cannot read the configuration '{path}': {error.strerror}") from None
    stripped = (line.partition("#")[0] for line in lines)
    return parse_overrides(line for line in stripped if "=" in line)


def parse_overrides(texts: Iterable[str]) -> dict[str, str]:
    """The parameters of texts such as `maxVisits=100,maxTime=5`. Raises UserError."""
    given: dict[str, str] = {}
    for part in (part for text in texts for part in text.split(",") if part.strip()):
        name, equals, value = part.partition("=")
        if not equals:
            raise UserError(f"'{part.strip()}' is no parameter: write KEY=VALUE,KEY=VALUE")
        given[name.strip()] = value.strip()
    return given


def _positive(value: int | str) -> int:
    if not str(value).isascii() or not str(value).isdigit() or int(value) < 1:
        raise UserError(f"numAnalysisThreads '{value}' is not a number above 0")
    return int(value)


def serve(engine: AnalysisEngine, lines: Iterable[str], *, wait: bool = True) -> None:
    """Runs until the lines end, and then until the open queries are done unless `wait` is False."""
    incoming: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read() -> None:
        for line in lines:
            incoming.put(line)
        incoming.put(None)

    threading.Thread(target=read, name="queries", daemon=True).start()
    open_ = True
    while open_ or (wait and engine.jobs):
        while open_ and not (engine.jobs and incoming.empty()):
            line = incoming.get()
            if line is None:
                open_ = False
            else:
                engine.handle(line)
        engine.step()
