"""`move37 check`: finds the mistakes in a game of one's own before they cost a day of training.

The rules play random games twice, each time in a process of their own, since a mistake may crash or
never end: first as plain Python (`engine.plain`), where a mistake has a line number, then as machine
code with guard bytes around all that the rules write to. Both must keep the contract of
`engine.game.Game` and answer alike. What is certainly wrong is a mistake, what merely looks wrong is
a doubt.
"""

from __future__ import annotations

import ctypes
import json
import os
import random
import re
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from engine.errors import UserError
from engine.game import Game
from engine.games import load
from engine.games.own import where_in

Mode = Literal["plain", "native"]
GUARD, GUARD_BYTE = 64, 0xA5
FEW_GAMES, ENOUGH_GAMES = 3, 100
MOVES_OF_SYMMETRY, BRANCHES = 60, {"plain": 2, "native": 24}  # other moves tried in a position
NOTHING = -1  # no action follows
NO_ACTION = "legal knows no action, but the game is not over: set over, or have a pass"
PATIENCE = 120.0  # seconds for starting and compiling


class MistakeError(Exception):
    """A breach of the contract, described in one line."""


@dataclass
class Report:
    """What was found in a game; sound when nothing is certainly wrong."""

    game: str
    mistakes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    games: dict[str, int] = field(default_factory=dict)  # random games played in each mode

    @property
    def sound(self) -> bool:
        return not self.mistakes

    def as_json(self) -> dict[str, Any]:
        """The report as plain values."""
        return {**self.__dict__, "sound": self.sound}

    def __str__(self) -> str:
        lines = [f"mistake: {text}" for text in self.mistakes]
        lines += [f"doubt: {text}" for text in self.doubts]
        if self.sound:
            played = f"{self.games['plain']} random games in plain Python, {self.games['native']}"
            lines.append(f"{self.game} is sound: {played} in machine code.")
        return "\n".join(lines)


def check_game(name: str, seconds: float = 10.0) -> Report:
    """Examines the game of that name or file, for about `seconds` in each mode besides compiling.

    Raises UserError when it cannot be loaded.
    """
    report = Report(load(name).name)
    answers = {}
    modes: tuple[Mode, ...] = ("plain", "native")
    for mode in modes:
        found = _examine_in_another_process(name, mode, seconds)
        report.mistakes += found["mistakes"]
        if not report.sound:
            return report
        report.doubts = found["doubts"]
        report.games[mode] = found["games"]
        answers[mode] = found["answers"]
    for plain, native in zip(answers["plain"], answers["native"], strict=False):
        if plain != native:
            report.mistakes.append(
                f"{plain[0]}: machine code and plain Python differ {plain[1]}: look for numbers beyond "
                "their type, or an index that is out of range"
            )
            break
    return report


def _examine_in_another_process(name: str, mode: Mode, seconds: float) -> dict[str, Any]:
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        "NUMBA_DISABLE_JIT": "1" if mode == "plain" else "0",
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }
    command = [sys.executable, "-P", "-m", "engine.check", name, mode, str(seconds)]
    words = "as plain Python" if mode == "plain" else "as machine code"
    try:
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE + 12 * seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"mistakes": [f"the rules {words} do not come to an end: look for an endless loop"]}
    if done.returncode < 0:
        return {
            "mistakes": [
                f"the rules {words} crashed (signal {-done.returncode}): look for an index that is out "
                "of range; machine code does not check it"
            ]
        }
    if done.returncode > 0:
        raise UserError(done.stderr.strip().splitlines()[-1])
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


# --- Calling the rules ------------------------------------------------------------------------


class Guarded:
    """An array between guard bytes."""

    def __init__(self, shape: int, dtype: Any, fill: int = 0) -> None:
        size = shape * np.dtype(dtype).itemsize
        self._memory = np.full(size + 2 * GUARD, GUARD_BYTE, np.uint8)
        self.bytes = self._memory[GUARD : GUARD + size]
        self.bytes[:] = fill
        self.array = self.bytes.view(dtype)

    def intact(self) -> bool:
        """Whether nothing was written before or behind the array."""
        guards = (self._memory[:GUARD], self._memory[-GUARD:])
        return all(bool((guard == GUARD_BYTE).all()) for guard in guards)


class Rules:
    """A game's rules, called on guarded memory in one of the modes."""

    def __init__(self, game: Game, mode: Mode, file: Path | None) -> None:
        self.game, self.mode, self.file = game, mode, file
        self._call: Callable[..., Any] = _native_caller(game) if mode == "native" else _plain_call

    def __call__(self, rule: str, state: Guarded, *arguments: Any) -> Any:
        """The rule's answer. Raises MistakeError when it fails or writes where it must not."""
        before = state.bytes.tobytes() if rule not in ("reset", "play", "vary") else None
        try:
            answer = self._call(self.game, rule, state, *arguments)
        except Exception as error:
            place = where_in(self.file, error) if self.file else ""
            raise MistakeError(f"{rule}{place}: {type(error).__name__}: {error}") from error
        if not state.intact():
            raise MistakeError(f"{rule} writes beyond the state: an index of a field is out of range")
        for argument in arguments:
            if isinstance(argument, Guarded) and not argument.intact():
                raise MistakeError(
                    f"{rule} writes beyond its buffer of {len(argument.array)} entries: "
                    "an index is out of range"
                )
        if before is not None and state.bytes.tobytes() != before:
            raise MistakeError(f"{rule} changes the state: only reset, play and vary may")
        return answer

    def new(self) -> Guarded:
        """The initial state."""
        state = Guarded(self.game.state.itemsize, np.uint8)
        self("reset", state)
        return state

    def filled(
        self, rule: str, state: Guarded, *buffers: tuple[int, Any]
    ) -> tuple[Any, list[np.ndarray]]:
        """A rule's answer and what it wrote, asked again on memory of other and of the same content."""
        told = []
        for junk in (0x55, 0x33, 0x55):
            memory = [Guarded(size, dtype, junk) for size, dtype in buffers]
            answer = self(rule, state, *memory)
            told.append((answer, [part.array.copy() for part in memory]))
        (answer, arrays), (_, others), (again, same) = told
        if answer != again or any(map(_first_difference, arrays, same)):
            raise MistakeError(f"{rule} answers differently when asked again: it must not be random")
        for array, other in zip(arrays, others, strict=True):
            entry = _first_difference(array, other)
            if entry:
                left = f"{entry} of {len(array)}"
                raise MistakeError(f"{rule} leaves {left} as it was: write every entry")
        return answer, arrays


def _first_difference(array: np.ndarray, other: np.ndarray) -> str:
    differ = np.flatnonzero(array.view(np.uint8) != other.view(np.uint8))
    return f"entry {differ[0] // array.itemsize}" if len(differ) else ""


def _plain_call(game: Game, rule: str, state: Guarded, *arguments: Any) -> Any:
    from engine.plain import Buffer, State

    passed = [part.array.view(Buffer) if isinstance(part, Guarded) else part for part in arguments]
    answer = getattr(game, rule)(State(game.state, state.bytes), *passed)
    return int(answer) & (2**64 - 1) if rule == "position_hash" else answer


def _native_caller(game: Game) -> Callable[..., Any]:
    from engine.native import RULES, addresses_of_rules

    c_types: dict[str, Any] = {
        "void": None,
        "int32": ctypes.c_int32,
        "uint64": ctypes.c_uint64,
        "float32": ctypes.c_float,
    }
    functions = {}
    for rule, address in addresses_of_rules(game).items():
        result, *arguments = (c_types.get(str(part), ctypes.c_void_p) for part in RULES[rule])
        functions[rule] = ctypes.CFUNCTYPE(result, ctypes.c_void_p, *arguments)(address)

    def call(game: Game, rule: str, state: Guarded, *arguments: Any) -> Any:
        passed = [part.array.ctypes.data if isinstance(part, Guarded) else part for part in arguments]
        return functions[rule](state.bytes.ctypes.data, *passed)

    return call


# --- Examining a position ---------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """All that the rules say about a state."""

    to_move: int
    over: bool
    legal: np.ndarray  # [A] uint8
    planes: np.ndarray  # [C, H * W] uint8
    globals_: np.ndarray  # [G] float32
    key: int
    outcome: float | None

    def pieces(self, player: int) -> np.ndarray:
        """Where the player's pieces are, [H * W] bool."""
        own: np.ndarray = self.planes[0 if player == self.to_move else 1] != 0
        return own

    def same_position(self) -> tuple[Any, ...]:
        """What must be equal in equal positions."""
        arrays = (self.legal, self.planes, self.globals_)
        return (self.to_move, self.over, *(array.tobytes() for array in arrays))


def look(rules: Rules, state: Guarded) -> Seen:
    """Asks the rules everything about a state. Raises MistakeError for an answer out of range."""
    game = rules.game
    record = state.bytes.view(game.state)
    to_move, over = int(record["to_move"][0]), int(record["over"][0])
    if to_move not in (0, 1) or over not in (0, 1):
        raise MistakeError(f"to_move is {to_move} and over is {over}: each must be 0 or 1")
    legal, count = np.zeros(game.actions, np.uint8), 0
    if not over:
        count, (legal,) = rules.filled("legal", state, (game.actions, np.uint8))
    if legal.max() > 1:
        raise MistakeError(f"legal writes {legal.max()} for action {legal.argmax()}: write 1 or 0")
    if count != legal.sum():
        raise MistakeError(f"legal returns {count}, but {legal.sum()} actions are 1 in its mask")
    if not over and count == 0:
        raise MistakeError(NO_ACTION)
    buffers = (game.planes * game.area, np.uint8), (game.globals, np.float32)
    _, (planes, globals_) = rules.filled("encode", state, *buffers)
    if planes.max() > 1:
        where = int(planes.argmax())
        raise MistakeError(
            f"encode writes {planes[where]} on plane {where // game.area}: planes hold 0 or 1, other "
            "numbers belong in globals"
        )
    if not np.isfinite(globals_).all():
        raise MistakeError(f"encode writes {globals_.tolist()} as globals: numbers must be finite")
    planes = planes.reshape(game.planes, game.area)
    if np.any(planes[0] & planes[1]):
        raise MistakeError(
            "encode marks a place on both planes 0 and 1: a piece is the mover's or the opponent's"
        )
    outcome = float(rules("outcome", state)) if over else None
    if outcome not in (None, -1.0, 0.0, 1.0):
        raise MistakeError(f"outcome is {outcome}: it must be +1, 0 or -1")
    if over and game.score is not None:
        margin, (ownership,) = rules.filled("score", state, (game.area, np.int8))
        if np.sign(margin) != outcome or np.abs(ownership.astype(int)).max() > 1:
            raise MistakeError(
                f"score is {margin:g} where outcome is {outcome:g}: both are the first player's, and "
                "ownership is +1, 0 or -1"
            )
    keys = [int(rules("position_hash", state)) for _ in range(2)]
    if keys[0] != keys[1]:
        raise MistakeError("position_hash answers differently when asked again: it must not be random")
    return Seen(to_move, bool(over), legal, planes, globals_, keys[0], outcome)


def after(rules: Rules, state: Guarded, seen: Seen, action: int) -> tuple[Guarded, Seen]:
    """The state after an action, and what the rules say about it."""
    following = Guarded(rules.game.state.itemsize, np.uint8)
    following.bytes[:] = state.bytes
    rules("play", following, action)
    if following.bytes.tobytes() == state.bytes.tobytes():
        raise MistakeError(
            f"legal allows action {action}, but play changes nothing: one of them is wrong"
        )
    result = look(rules, following)
    mover = seen.to_move
    gained = result.pieces(1 - mover) & ~seen.pieces(1 - mover)
    if gained.any():
        raise MistakeError(
            f"after action {action} of player {mover} the opponent has a new piece at place "
            f"{int(np.flatnonzero(gained)[0])}: encode must write the pieces of the side to move on "
            "plane 0 and the others on plane 1, and play must change to_move"
        )
    same_board = all(np.array_equal(result.pieces(p), seen.pieces(p)) for p in (0, 1))
    if same_board and action < rules.game.board_actions:
        raise MistakeError(
            f"legal allows action {action}, but play leaves the board as it was: is the place taken?"
        )
    return following, result


# --- Examining games --------------------------------------------------------------------------


class Examination:
    """Random games, and what can be said of all of them together."""

    def __init__(self, rules: Rules) -> None:
        self.rules, self.game = rules, rules.game
        self.actions: list[int] = []  # of the game in progress, for messages
        self.answers: list[tuple[str, str, int]] = []  # (rule, where, checksum), to compare the modes
        self.keys: dict[tuple[Any, ...], int] = {}
        self.boards: dict[int, tuple[Any, ...]] = {}
        self.results: list[tuple[float, int]] = []  # the outcome, and who moved last
        self.movers: set[int] = set()
        self.games = 0  # examined in full

    def run(self, seconds: float) -> list[str]:
        """Plays games; the mistakes, at most one."""
        end = time.monotonic() + seconds
        thorough = self.rules.mode == "native"  # plain Python is slow
        least = FEW_GAMES if thorough else 1
        try:
            while self.games < least or (self.games < ENOUGH_GAMES and time.monotonic() < end):
                rng = random.Random(self.games)
                self._game(rng)
                if thorough or time.monotonic() < end:
                    played = list(self.actions)
                    self._symmetries(played)
                    self._transpositions(played, rng)
                self.games += 1
            while thorough and len(self.results) < ENOUGH_GAMES:
                self._quick_game(random.Random(-1 - len(self.results)))
            if len(self.movers) < 2:
                self.actions = []
                raise MistakeError("only the first player ever moves: play must change to_move")
        except MistakeError as mistake:
            moves = " ".join(map(str, self.actions))
            return [f"{mistake}" + (f" (after actions {moves})" if moves else "")]
        return []

    def doubts(self) -> list[str]:
        """What looks wrong in the results of the games."""
        decisive = [(outcome, mover) for outcome, mover in self.results if outcome]
        found: list[str] = []
        if len(decisive) < 20:
            return found
        winners, last_movers = ({row[i] for row in decisive} for i in range(2))
        if len(winners) == 1 and len(last_movers) == 2:
            found.append(
                f"the {'first' if 1 in winners else 'second'} player won all {len(decisive)} decisive "
                "random games, whoever moved last: outcome must be +1 when the first player has won "
                "and -1 when the second has, not seen by the side to move"
            )
        if all(outcome == 2 * mover - 1 for outcome, mover in decisive):
            found.append(
                f"whoever moved last lost all {len(decisive)} decisive random games: unless the game "
                "goes like that, the sign of outcome is wrong; +1 means that the first player has won"
            )
        return found

    def _quick_game(self, rng: random.Random) -> None:
        """A random game for its result alone."""
        rules, state, mover = self.rules, self.rules.new(), 0
        self.actions = []
        mask = Guarded(self.game.actions, np.uint8)
        fields = state.bytes.view(self.game.state)
        while not fields["over"][0]:
            if rules("legal", state, mask) == 0:
                raise MistakeError(NO_ACTION)
            self._require_end_in_sight()
            mover = int(fields["to_move"][0])
            self.actions.append(rng.choice(np.flatnonzero(mask.array).tolist()))
            rules("play", state, self.actions[-1])
        self.results.append((float(rules("outcome", state)), mover))

    def _require_end_in_sight(self) -> None:
        if len(self.actions) == self.game.max_moves:
            raise MistakeError(
                f"a random game is not over after max_moves = {self.game.max_moves} moves: raise "
                "max_moves, or end the game in play by setting over"
            )

    def _note(self, state: Guarded, seen: Seen) -> None:
        if self.games >= FEW_GAMES:
            return
        where = f"after actions {' '.join(map(str, self.actions))}" if self.actions else "at the start"
        parts = {
            "play" if self.actions else "reset": state.bytes.tobytes(),
            "legal": seen.legal.tobytes(),
            "encode": seen.planes.tobytes() + seen.globals_.tobytes(),
            "position_hash": str(seen.key).encode(),
            "outcome": str(seen.outcome).encode(),
        }
        self.answers += [(rule, where, zlib.crc32(data)) for rule, data in parts.items()]

    def _remember(self, seen: Seen) -> None:
        """Equal positions have equal hashes, and different boards different ones."""
        if self.keys.setdefault(seen.same_position(), seen.key) != seen.key:
            raise MistakeError(
                "position_hash differs for two equal positions: leave out what does not change how "
                "the game goes on, such as the order of the moves"
            )
        board = (seen.to_move, seen.pieces(0).tobytes(), seen.pieces(1).tobytes())
        if self.boards.setdefault(seen.key, board) != board:
            raise MistakeError(
                "position_hash is the same for two different positions: it must mix in every piece "
                "and the side to move"
            )

    def _game(self, rng: random.Random) -> None:
        """A random game to the end, each of its moves with some others tried."""
        self.actions = []
        state = self.rules.new()
        seen = look(self.rules, state)
        if (seen.to_move, seen.over) != (0, False):
            raise MistakeError("reset must set to_move to 0, the first player, and over to 0")
        self._note(state, seen)
        while not seen.over:
            self._require_end_in_sight()
            legal = np.flatnonzero(seen.legal).tolist()
            action, mover = rng.choice(legal), seen.to_move
            others = random.Random(len(self.actions)).sample(legal, len(legal))
            for other in others[: BRANCHES[self.rules.mode]]:
                after(self.rules, state, seen, other)
            self.movers.add(mover)
            self.actions.append(action)
            state, seen = after(self.rules, state, seen, action)
            self._note(state, seen)
            self._remember(seen)
        assert seen.outcome is not None
        self.results.append((seen.outcome, mover))

    def _symmetries(self, played: list[int]) -> None:
        """The game as seen under each symmetry is the game with its actions transformed."""
        for number, (points, actions) in enumerate(zip(*self.game.symmetries, strict=True)):
            inverse = np.argsort(actions)
            states = [self.rules.new(), self.rules.new()]
            self.actions = []
            for action in (*played[:MOVES_OF_SYMMETRY], NOTHING):
                seen, twin = (look(self.rules, state) for state in states)
                wrong = [
                    what
                    for what, same in (
                        ("legal", np.array_equal(twin.legal, seen.legal[actions])),
                        ("encode", np.array_equal(twin.planes, seen.planes[:, points])),
                        ("encode", np.array_equal(twin.globals_, seen.globals_)),
                        ("play", twin.over == seen.over and twin.to_move == seen.to_move),
                        ("outcome", twin.outcome == seen.outcome),
                    )
                    if not same
                ]
                if wrong:
                    raise MistakeError(
                        f"symmetry {number} is none of this game: the transformed game differs in what "
                        f"{wrong[0]} says; leave it out of symmetries, e.g. use mirror_symmetries or "
                        "symmetries_of_views"
                    )
                if action != NOTHING:
                    self.rules("play", states[0], action)
                    self.rules("play", states[1], int(inverse[action]))
                    self.actions.append(action)

    def _transpositions(self, played: list[int], rng: random.Random) -> None:
        """Games with two moves of a side exchanged, which often lead to the same position."""
        for start in rng.sample(range(max(0, len(played) - 3)), min(8, max(0, len(played) - 3))):
            actions = played[: start + 3]
            actions[start], actions[start + 2] = actions[start + 2], actions[start]
            state, self.actions = self.rules.new(), []
            for action in actions:
                seen = look(self.rules, state)
                if seen.over or not seen.legal[action]:
                    break
                self.rules("play", state, action)
                self.actions.append(action)
            self._remember(look(self.rules, state))


def _compile_error(error: Exception, file: Path | None) -> str:
    """What numba says of rules that it cannot compile, in one line."""
    text = str(error)
    lines = re.findall(rf'File "[^"]*{re.escape(file.name)}", line (\d+)', text) if file else []
    reasons = [line.strip() for line in text.splitlines() if line.strip()]
    reason = next((line for line in reasons if not line.startswith("Failed in")), reasons[0])
    place = f" line {lines[-1]}" if lines else ""
    return f"numba cannot compile the rules{place}: {reason}; use numbers, loops and the state's fields"


def _examine(name: str, mode: Mode, seconds: float) -> dict[str, Any]:
    game = load(name)
    file = Path(name).resolve() if name.endswith(".py") else None
    try:
        rules = Rules(game, mode, file)
    except Exception as error:
        return {"mistakes": [_compile_error(error, file)]}
    examination = Examination(rules)
    with np.errstate(over="ignore"):  # hashes wrap round
        mistakes = examination.run(seconds)
    return {
        "mistakes": mistakes,
        "doubts": examination.doubts(),
        "games": examination.games,
        "answers": examination.answers,
    }


if __name__ == "__main__":
    print(json.dumps(_examine(sys.argv[1], sys.argv[2], float(sys.argv[3]))))  # type: ignore[arg-type]
