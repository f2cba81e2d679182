"""Random games, played to find what no single position shows."""

from __future__ import annotations

import random
import time
import zlib
from typing import Any

import numpy as np

from engine.check.guarded import Guarded, MistakeError, Rules
from engine.check.positions import NO_ACTION, Seen, after, look

FEW_GAMES, ENOUGH_GAMES = 3, 100
MOVES_OF_SYMMETRY, BRANCHES = 60, {"plain": 2, "native": 24}  # other moves tried in a position
NOTHING = -1  # no action follows


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
        if len(self.results) >= ENOUGH_GAMES and not decisive:
            found.append(
                f"all {len(self.results)} random games are drawn: unless draws are that common, "
                "outcome never says who has won"
            )
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
