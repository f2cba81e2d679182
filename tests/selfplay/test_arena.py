"""The arena: fair pairs, varied openings, results on the right side."""

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from engine.errors import UserError
from engine.games import load
from engine.players.gtp_client import GtpEngine, GtpError, GtpPlayer
from engine.players.named import SearchPlayer, parse_player
from engine.position import Position
from engine.records.files import read_records
from engine.records.record import GameRecord
from mcts import SearchSettings, UniformEvaluator
from selfplay.progress import Silent
from selfplay.rating.arena import (
    SgfFolder,
    Tally,
    paired_starts,
    play_gtp_match,
    play_match,
)
from selfplay.rating.match import MatchOptions, arena_match
from selfplay.rating.openings import random_openings
from selfplay.rating.referee import Played

STRONG = SearchSettings(visits=200)
RANDOM = parse_player("random", load("tic_tac_toe")).settings
FAKE = shlex.join([sys.executable, str(Path(__file__).parent.parent / "fake_engine.py")])
GO5 = load("go5")


def opened(moves: int) -> list[Position]:
    return random_openings(GO5, 2, moves, seed=1)


def test_each_opening_is_played_once_with_each_colour() -> None:
    openings = random_openings(load("go5"), 3, 2, seed=1)
    starts = list(paired_starts(openings, 6))
    assert [start.first_seat for start in starts] == [0, 1, 0, 1, 0, 1]
    for even, odd in zip(starts[::2], starts[1::2], strict=True):
        assert np.array_equal(even.state, odd.state)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_search_beats_random_moves_from_either_seat(workers: int) -> None:
    game = load("connect_four")
    uniform = UniformEvaluator(game.actions)
    evaluators = (uniform, uniform)
    ours = play_match(game, (STRONG, RANDOM), evaluators, 20, seed=1, workers=workers)
    theirs = play_match(game, (RANDOM, STRONG), evaluators, 20, seed=1, workers=workers)
    assert ours.games == theirs.games == 20
    assert ours.wins_a >= 18 and theirs.wins_b >= 18
    assert ours.elo.low > 0 > theirs.elo.high


def test_a_match_of_a_player_with_itself_is_even_by_pairs() -> None:
    game = load("go5")
    uniform = UniformEvaluator(game.actions)
    settings = SearchSettings(visits=20)
    tally = play_match(game, (settings, settings), (uniform, uniform), 20, seed=2)
    assert tally.wins_a == tally.wins_b
    assert len(tally.lines) == 10  # both games of a pair are the same game


def test_a_match_that_ends_early_has_played_the_games_it_began_with_not_the_shortest() -> None:
    game = load("connect_four")
    uniform = UniformEvaluator(game.actions)

    def lengths(enough: int) -> list[int]:
        played: list[Played] = []
        tally = play_match(
            game,
            (RANDOM, RANDOM),
            (uniform, uniform),
            40,
            seed=0,
            on_game=lambda t: t.games < enough,
            keep=played.append,
        )
        assert tally.games == len(played) == enough
        return [len(one.actions) for one in played]

    every = lengths(40)
    assert lengths(7) == every[:7]
    assert lengths(10) == every[:10]
    assert sorted(every)[:7] != sorted(every[:7])


def test_the_json_of_a_match_has_the_promised_keys() -> None:
    tally = Tally()
    tally.add(1.0, b"one")
    tally.add(-1.0, b"two")
    tally.add(0.0, b"two")
    facts = tally.as_json()
    assert [facts[k] for k in ("games", "wins_a", "wins_b", "draws", "unique_games")] == [3, 1, 1, 1, 2]
    assert facts["elo"] == 0 and facts["elo_low"] < 0 < facts["elo_high"]


def test_a_resignation_loses_and_final_score_decides() -> None:
    class Resigns(GtpPlayer):
        def __init__(self) -> None:
            pass

        def new_game(self, position: Position) -> None:
            pass

        def play(self, colour: int, action: int) -> None:
            pass

        def genmove(self, colour: int) -> str:  # type: ignore[override]
            return "resign"

    game = load("go5")
    player = SearchPlayer(game, SearchSettings(visits=2), UniformEvaluator(game.actions))
    tally = play_gtp_match(game, player, Resigns(), 4, seed=0)
    assert (tally.wins_a, tally.wins_b) == (4, 0)


def ours() -> SearchPlayer:
    return SearchPlayer(GO5, SearchSettings(visits=2), UniformEvaluator(GO5.actions))


@pytest.fixture
def kept() -> list[Played]:
    return []


def fake(options: str = "", **limits: float) -> Iterator[GtpPlayer]:
    with GtpEngine(f"{FAKE} {options}", timeout=limits.pop("timeout", 30)) as engine:
        yield GtpPlayer(engine, **limits)


@pytest.mark.parametrize(
    ("options", "reason", "words"),
    [
        ("--answer-genmove K11", "F", "answered 'K11'"),
        ("--answer-genmove A1", "F", "A1 is not legal"),
        ("--die-at genmove", "F", "ended at 'genmove"),
        ("--hang-at genmove", "T", "did not answer 'genmove"),
        ("--answer-play ?no", "F", "refused 'play"),
        ("--answer-genmove resign", "R", ""),
    ],
)
def test_an_engine_that_breaks_the_rules_loses_that_game_and_plays_the_next(
    options: str, reason: str, words: str, kept: list[Played]
) -> None:
    """An illegal A1 comes in the second game at the latest, since there it is taken already."""
    timeout = 2 if "hang" in options else 30  # a busy machine starts the engine in a second
    for engine in fake(options, timeout=timeout):
        tally = play_gtp_match(GO5, ours(), engine, 2, seed=0, openings=opened(2), keep=kept.append)
    assert tally.games == 2
    lost = [played for played in kept if played.result.endswith("+" + reason)]
    assert lost, [played.result for played in kept]
    for played in lost:
        engine_colour = 1 - played.first_seat
        assert played.loser == engine_colour and played.result[0] == "WB"[engine_colour]
        assert words in played.note
    assert len(tally.forfeits) == (0 if reason == "R" else len(lost))
    assert all(note.startswith("game ") for note in tally.forfeits)


def test_an_engine_that_fails_every_time_is_no_match() -> None:
    for engine in fake("--die-at boardsize"):
        with pytest.raises(GtpError, match="ended at 'boardsize 5'"):
            play_gtp_match(GO5, ours(), engine, 20, seed=0)


def test_the_fault_is_the_broken_engines_whoever_is_to_move() -> None:
    """The engine dies when it hears the opponent's move, or at the start of a game as White."""
    for command in ("play", "komi"):
        for engine in fake(f"--die-at {command}"):
            tally = play_gtp_match(GO5, ours(), engine, 2, seed=0, openings=opened(0))
        assert (tally.wins_a, tally.wins_b) == (2, 0)


def test_an_engine_is_told_its_time_and_stopped_when_it_is_over(
    monkeypatch: pytest.MonkeyPatch, kept: list[Played]
) -> None:
    monkeypatch.setattr("engine.players.gtp_client.GRACE", 0.1)
    for engine in fake("--hang-at genmove", seconds=0.2):
        play_gtp_match(GO5, engine, ours(), 1, seed=0, keep=kept.append)
    assert kept[0].result == "W+T" and "within 0.3 s" in kept[0].note
    for engine in fake("--answer-time_settings ?no", seconds=0.2):
        engine.new_game(Position(GO5))


def test_games_are_kept_with_their_opening_names_and_result(tmp_path: Path) -> None:
    uniform = UniformEvaluator(GO5.actions)
    keep = SgfFolder(tmp_path / "games", ("first", "second"))
    play_match(
        GO5,
        (RANDOM, RANDOM),
        (uniform, uniform),
        4,
        seed=1,
        openings=opened(3),
        keep=keep,
    )
    records = [r for r in read_records([tmp_path / "games"]) if isinstance(r, GameRecord)]
    assert [record.name for record in records] == ["game 1", "game 2", "game 3", "game 4"]
    assert [record.players for record in records] == [("first", "second"), ("second", "first")] * 2
    assert records[0].moves[:3] == records[1].moves[:3] != records[2].moves[:3]
    for record in records:
        board = Position(GO5)
        for _, action in record.moves:
            board.play(action)
        margin = board.score()[0]
        assert record.result == (f"{'B' if margin > 0 else 'W'}+{abs(margin):g}" if margin else "0")
    with pytest.raises(UserError, match="holds games already"):
        SgfFolder(tmp_path / "games", ("a", "b"))


def test_the_games_of_engines_are_kept_too(tmp_path: Path) -> None:
    keep = SgfFolder(tmp_path, ("ours", "fake"))
    for engine in fake("--moves 2"):
        play_gtp_match(GO5, ours(), engine, 2, seed=0, openings=opened(1), keep=keep)
    first, second = read_records([tmp_path])
    assert isinstance(first, GameRecord) and isinstance(second, GameRecord)
    assert first.result == "B+3.5" and first.players == ("ours", "fake")
    assert second.players == ("fake", "ours") and first.moves[0] == second.moves[0]


def test_a_result_that_the_engines_do_not_agree_on_is_counted_on_the_board_and_told() -> None:
    """From an empty board, at once two passes: White has won by komi, whatever the engines say."""
    for black in fake("--moves 0"):
        for white in fake("--moves 0 --answer-final_score W+1.5"):
            tally = play_gtp_match(GO5, black, white, 1, seed=0, openings=opened(0))
    assert (tally.wins_a, tally.wins_b) == (0, 1)
    assert tally.disputes == ["game 1: B says B+3.5, W says W+1.5; as it stands W+7"]
    assert tally.as_json()["disputes"] == 1


@pytest.mark.parametrize("other", ["B+20", "?cannot score", "no idea"])
def test_engines_that_agree_or_of_which_one_cannot_score_are_believed(other: str) -> None:
    for black in fake("--moves 0"):
        for white in fake(f"--moves 0 --answer-final_score {shlex.quote(other)}"):
            tally = play_gtp_match(GO5, black, white, 1, seed=0, openings=opened(0))
    assert (tally.wins_a, tally.disputes) == (1, [])


def test_a_referee_is_told_the_whole_game_and_its_word_decides(kept: list[Played]) -> None:
    for engine in fake("--moves 2"):
        for referee in fake("--answer-final_score W+1.5"):
            play_gtp_match(
                GO5, ours(), engine, 2, seed=0, openings=opened(2), referee=referee, keep=kept.append
            )
            heard = set(referee.engine.send("taken").split())
    assert [played.result for played in kept] == ["W+1.5", "W+1.5"]
    assert heard == {GO5.notation.name(action).upper() for action in kept[1].actions}


def test_a_referee_that_cannot_tell_ends_the_match() -> None:
    for engine in fake("--moves 0"):
        for referee in fake("--answer-final_score unknown"):
            with pytest.raises(GtpError, match=r"the referee '.*' does not know who won"):
                play_gtp_match(GO5, ours(), engine, 2, seed=0, referee=referee)


def test_a_referee_judges_a_match_of_nets_too_and_must_be_an_engine() -> None:
    players, go5 = ("random", "random"), ("go5", MatchOptions(referee=f"gtp={FAKE}"), "cpu", 0)
    tally = arena_match(*players, 4, *go5, Silent())
    assert (tally.wins_a, tally.wins_b) == (2, 2)  # the fake referee calls every game for Black
    with pytest.raises(UserError, match="--referee 'random' is not an engine: give gtp=COMMAND"):
        arena_match(*players, 4, "go5", MatchOptions(referee="random"), "cpu", 0, Silent())


def test_a_match_that_is_interrupted_says_how_it_stood(monkeypatch: pytest.MonkeyPatch) -> None:
    class Heard(Silent):
        lines: ClassVar[list[str]] = []

        def bar(self, what: str, share: float, overall: str = "") -> None:
            if share >= 0.2:
                raise KeyboardInterrupt

        def line(self, text: str) -> None:
            self.lines.append(text)

    with pytest.raises(KeyboardInterrupt):
        arena_match("random", "random", 20, "tic_tac_toe", MatchOptions(), "cpu", 0, Heard())
    # games that end meanwhile on other threads are counted too
    assert re.search(r"stopped after ([4-9]|1\d) of 20 games: .*Elo", Heard.lines[-1])
