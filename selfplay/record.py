"""Expert games, made by engines that play each other over GTP and written to an SGF collection."""

from __future__ import annotations

import itertools
import random
import re
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from engine.errors import UserError
from engine.games import load
from engine.players.gtp_client import GtpEngine, GtpError, GtpPlayer
from engine.position import Position
from engine.records.files import read_records
from engine.records.record import GameRecord, start_position
from engine.records.sgf import write_sgf
from selfplay.rating.referee import judge

RULES = "Chinese"
DEFAULT_ENGINES = tuple(
    "gnugo --mode gtp --chinese-rules --positional-superko --capture-all-dead --never-resign "
    f"--level {level} --seed {{seed}}"
    for level in (1, 3, 5)
)
FAILURES_IN_A_ROW = 3


@dataclass
class RecordReport:
    """What came of a recording; the texts name the game and the engine."""

    games: int = 0  # written now
    already: int = 0  # found in the file
    forfeits: list[str] = field(default_factory=list)  # illegal moves; the game is kept up to there
    failures: list[str] = field(default_factory=list)  # an engine died or hung; the game is lost

    def __str__(self) -> str:
        lines = [f"{self.games} games recorded, {self.already} were there already"]
        lines += [f"forfeited {note}" for note in self.forfeits]
        return "\n".join(lines + [f"lost {note}" for note in self.failures])


def record_games(
    out: Path,
    games: int,
    engines: Sequence[str] = DEFAULT_ENGINES,
    *,
    size: int = 9,
    komi: float = 7.0,
    opening_moves: int = 4,
    seed: int = 1,
    jobs: int = 2,
    timeout: float = 120.0,
    progress: Callable[[int, int], None] | None = None,
) -> RecordReport:
    """Plays games between GTP engines until the collection `out` holds `games` of them.

    Each pair of the command lines in `engines` meets equally often and changes colours (a single
    one plays itself); `{seed}` in a command line becomes a number of the game's own. A game begins
    with 0 to `opening_moves` random stones, written as setup since nobody vouches for them. Games
    are appended as they finish, so that a later call goes on where this one was stopped.
    progress(games in the file, games) is called after each.

    Raises UserError for a file or an engine that does not work.
    """
    if not engines:
        raise UserError("no engine is given: give at least one command line")
    done = _games_in(out, f"go{size}")
    report = RecordReport(already=len(done))
    todo = (i for i in range(games) if i not in done)
    match = _Match(engines, size, komi, opening_moves, seed, timeout)
    failures_in_a_row = 0
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="record")
    running: dict[Future[_Played], int] = {}
    try:
        with _open_collection(out) as file:
            while True:
                for index in itertools.islice(todo, jobs - len(running)):
                    running[pool.submit(match.play, index)] = index
                if not running:
                    break
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    index = running.pop(future)
                    try:
                        record, forfeit = future.result()
                    except GtpError as error:
                        failures_in_a_row += 1
                        if failures_in_a_row == FAILURES_IN_A_ROW:
                            raise
                        report.failures.append(f"game {index}: {error}")
                        continue
                    failures_in_a_row = 0
                    file.write(write_sgf(record))
                    file.flush()
                    report.games += 1
                    if forfeit:
                        report.forfeits.append(f"game {index}: {forfeit}")
                    if progress:
                        progress(report.already + report.games, games)
    finally:
        match.stop.set()
        pool.shutdown(cancel_futures=True)
    if report.failures and not report.games:
        raise GtpError(report.failures[-1])
    return report


def _games_in(out: Path, game: str) -> set[int]:
    """The numbers of the games that the collection already holds. Raises UserError for others."""
    if not out.exists() or out.stat().st_size == 0:
        return set()
    records = [record for record in read_records([out]) if isinstance(record, GameRecord)]
    if others := sorted({record.game for record in records} - {game}):
        raise UserError(f"'{out}' holds games of {others[0]}: name another file for those of {game}")
    names = (record.name for record in records)
    return {int(match[1]) for name in names if (match := re.fullmatch(r"game (\d+)", name))}


def _open_collection(out: Path) -> TextIO:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        return out.open("a", encoding="utf-8")
    except OSError as error:
        raise UserError(f"'{out}' cannot be written: {error.strerror}") from None


_Played = tuple[GameRecord, str]  # the second says what was illegal, if anything


@dataclass
class _Match:
    """The settings of a recording; `stop` makes its games end where they are."""

    engines: Sequence[str]
    size: int
    komi: float
    opening_moves: int
    seed: int
    timeout: float
    stop: threading.Event = field(default_factory=threading.Event)

    def play(self, index: int) -> _Played:
        """Game number `index`, which depends on nothing but the settings and the engines."""
        pairs = list(itertools.combinations(self.engines, 2)) or [(self.engines[0],) * 2]
        dice = random.Random(f"{self.seed} {index}")
        first, second = (
            line.replace("{seed}", str(dice.randrange(1, 2**31)))
            for line in pairs[index // 2 % len(pairs)]
        )
        record = GameRecord(
            game=f"go{self.size}",
            komi=self.komi,
            rules=RULES,
            players=(second, first) if index % 2 else (first, second),
            expert=(True, True),
            name=f"game {index}",
        )
        _random_opening(record, dice.randint(0, self.opening_moves), dice)
        with (
            GtpEngine(record.players[0], timeout=self.timeout) as black,
            GtpEngine(record.players[1], timeout=self.timeout) as white,
        ):
            return record, self._play_on(record, (GtpPlayer(black), GtpPlayer(white)))

    def _play_on(self, record: GameRecord, players: tuple[GtpPlayer, GtpPlayer]) -> str:
        """Adds the moves and the result; returns what was illegal, or the empty string."""
        position = start_position(record)
        for player in players:
            player.new_game(position)
        while not position.over:
            if self.stop.is_set():
                raise GtpError("the recording was stopped")
            colour = position.to_move
            action = players[colour].genmove(colour)
            if action == "resign":
                record.result = f"{'WB'[colour]}+R"
                return ""
            if not position.legal_mask()[action]:
                record.result = f"{'WB'[colour]}+F"
                vertex = position.game.notation.name(action)
                return f"'{record.players[colour]}' played {vertex}, which is illegal"
            position.play(action)
            record.moves.append((colour, action))
            players[1 - colour].play(colour, action)
        record.result = judge(position, players).result
        return ""


def _random_opening(record: GameRecord, stones: int, dice: random.Random) -> None:
    """Sets up random stones in turn, none on the first line, and whose move it then is."""
    position = Position(load(record.game))
    height, width = record.shape
    inner = [r * width + c for r in range(1, height - 1) for c in range(1, width - 1)]
    for _ in range(stones):
        mask = position.legal_mask()
        if choices := [action for action in inner if mask[action]]:
            position.play(dice.choice(choices))
    pieces = position.pieces().ravel()
    record.setup = [(int(action), int(pieces[action])) for action in pieces.nonzero()[0]]
    record.to_move = position.to_move
