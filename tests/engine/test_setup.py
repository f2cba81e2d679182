"""What the user asks for in plain words: levels, times, colours, handicap; and the clock."""

import pytest

from engine import games
from engine.errors import UserError
from engine.nets.files import load_net
from engine.play.clock import GameClock, duration_text, parse_duration
from engine.play.setup import (
    GameSetup,
    make_bot,
    open_session,
    parse_colour,
    parse_level,
    read_game,
    setup_for,
)
from engine.players.levels import DEFAULT_LEVEL, LEVELS, find_level
from engine.players.named import SearchPlayer, parse_player
from engine.position import Position
from engine.records.files import read_records
from engine.records.record import GameRecord
from engine.records.sgf import write_sgf


def names(game, actions):
    return " ".join(game.notation.name(action) for action in actions)


# --- Words ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5s", 5), ("90", 90), ("10m", 600), ("10min", 600), ("1h30m", 5400), ("0.5s", 0.5), ("2M", 120)],
)
def test_times_are_read_in_plain_words(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "soon", "5 apples", "-3s", "1s2m"])
def test_what_is_no_time_is_refused_in_a_line(text):
    with pytest.raises(UserError, match=f"'{text}' is not a time: use for example 5s, 10m or 1h30m"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (7.9, "0:07"), (754, "12:34"), (3723, "1:02:03")]
)
def test_clocks_show_minutes_and_seconds(seconds, text):
    assert duration_text(seconds) == text


def test_a_level_is_found_by_name_and_by_number():
    for number, level in enumerate(LEVELS, 1):
        assert find_level(level.name) is find_level(str(number)) is level
        assert level.number == number


def test_an_unknown_level_is_refused_with_the_names():
    with pytest.raises(UserError, match=r"'beginer' \(did you mean 'beginner'\?\): use 1 to 8"):
        find_level("beginer")


def test_levels_rise_in_visits_and_those_that_do_not_read_become_surer():
    for has_net in (True, False):
        settings = [level.settings(has_net) for level in LEVELS]
        assert [s.visits for s in settings] == sorted(s.visits for s in settings)
        temperatures = [s.temperature for s in settings[:4]]
        assert temperatures == sorted(temperatures, reverse=True)
        assert settings[-1].temperature == 0  # full strength leaves nothing to chance


def test_without_a_net_random_games_tell_the_bot_where_to_begin():
    game = games.load("gomoku5")
    bot = make_bot(GameSetup(game="gomoku5", level=find_level("strong")))
    first = SearchPlayer(game, bot.settings, bot.evaluator).choose(Position(game))
    assert game.notation.name(first) == "C3", "the middle, where most fives can be made"


def test_a_strength_is_shown_where_it_was_measured_only():
    for level in LEVELS:
        assert ("Elo" in level.title("go9")) == (level.elo is not None)
        assert level.title("hex") == level.name
    assert GameSetup(game="breakthrough").strength == "strong, without a net"


def test_a_level_is_described_as_it_plays_with_and_without_a_net():
    manners = [(level.manner(True), level.manner(False)) for level in LEVELS]
    assert manners[0] == ("plays like a person who has just learnt the rules", "plays at random")
    assert manners[-1] == (
        "reads with all it has: 3,200 visits a move",
        "tries 40,000 random games a move",
    )


@pytest.mark.parametrize("name", ["othello", "gomoku", "hex"])
def test_the_usual_boards_are_played_with_a_net(name):
    setup = GameSetup(game=name)
    assert setup.net_name() == name and "without a net" not in setup.strength
    load_net(name, games.load(name))


def test_each_level_is_stronger_than_the_one_before():
    measured = [level.elo for level in LEVELS if level.elo is not None]
    assert measured == sorted(measured) and measured[0] == 0


def test_all_levels_but_the_highest_ask_the_imitation_net_as_they_were_measured():
    asked = [GameSetup(level=level).net_name() for level in LEVELS]
    assert asked == ["go9-imitation"] * 7 + ["go9"]
    beginner = GameSetup(level=find_level("beginner"))
    assert beginner.net_name() == "go9-imitation"
    assert beginner.settings(True).visits == 1
    assert GameSetup(level=find_level("beginner"), net="mine").net_name() == "mine"


def test_visits_and_time_take_the_place_of_a_level():
    by_visits = GameSetup(visits=200)
    assert (by_visits.settings(True).visits, by_visits.settings(True).temperature) == (200, 0)
    assert by_visits.strength == "200 visits"
    by_time = GameSetup(move_time=5.0)
    assert by_time.settings(True).visits > 100_000
    assert by_time.strength == "5 s"
    assert GameSetup().settings(True) == DEFAULT_LEVEL.settings(True)


def test_time_limits_a_level_that_is_named():
    slow = GameSetup(level=find_level("full"), move_time=5.0)
    assert slow.settings(True) == find_level("full").settings(True)
    assert slow.strength.startswith("full") and slow.strength.endswith(", 5 s")
    with pytest.raises(UserError, match="level full and 9 visits both say how the bot plays"):
        parse_level("full", 9)


def test_a_level_is_a_player_of_a_match():
    go, netless = games.load("go9"), games.load("breakthrough")
    casual = parse_player("level=casual", go)
    assert (casual.net, casual.settings) == ("go9-imitation", find_level("3").with_net)
    assert parse_player("level=3,net=my.safetensors", go).net == "my.safetensors"
    assert parse_player("level=3", netless).settings == find_level("3").without_net
    for text in ("level=3,visits=5", "level=3,net=", "level=3,net=a,visits=5"):
        with pytest.raises(UserError, match="a level says all but the net"):
            parse_player(text, go)


@pytest.mark.parametrize(
    ("text", "game", "player"),
    [
        ("black", "go9", 0), ("White", "go9", 1), ("none", "go9", None), ("second", "hex", 1),
        ("red", "hex", 0), ("white", "breakthrough", 0), ("black", "breakthrough", 1),
        ("o", "tic_tac_toe", 1), ("black", "tic_tac_toe", 0),
    ],
)  # fmt: skip
def test_a_side_is_named_by_its_colour_its_piece_or_its_order(text, game, player):
    assert parse_colour(text, game) == player


# --- Time -----------------------------------------------------------------------------------


def test_the_clock_counts_for_the_side_to_move_and_its_flag_falls(monkeypatch):
    now = 100.0
    monkeypatch.setattr("engine.play.clock.time.monotonic", lambda: now)
    clock = GameClock(main_time=10)
    clock.run_for(0)
    now += 4
    clock.run_for(1)
    now += 3
    assert (clock.used(0), clock.used(1)) == (4, 3)
    assert (clock.left(0), clock.left(1), clock.flag) == (6, 7, None)
    now += 7
    assert (clock.left(1), clock.flag, clock.text(1)) == (0, 1, "0:00")
    clock.run_for(None)
    now += 50
    assert clock.used(1) == 10


def test_without_a_main_time_the_clock_shows_what_was_used_and_no_flag_falls(monkeypatch):
    now = 0.0
    monkeypatch.setattr("engine.play.clock.time.monotonic", lambda: now)
    clock = GameClock()
    clock.run_for(0)
    now += 65
    assert (clock.text(0), clock.left(0), clock.flag) == ("1:05", None, None)


def test_a_move_time_ends_the_search():
    session = open_session(GameSetup(game="go5", move_time=0.05, device="cpu"))
    session.reply()
    assert session.search_visits < 1_000_000
    assert session.clock.used(0) < 30


def test_time_up_ends_the_game_and_cannot_be_undone():
    session = open_session(GameSetup(game="go5", main_time=1e-6, device="cpu"))
    assert session.check_time()
    assert (session.over, session.winner(), session.result()) == (True, 1, "W+T")
    with pytest.raises(UserError, match="the time is up"):
        session.undo()


# --- Handicap and records -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("game", "stones"), [("go9", 1), ("go9", 10), ("go8", 5), ("go5", 2), ("hex", 2)]
)
def test_a_handicap_that_cannot_be_is_refused(game, stones):
    with pytest.raises(UserError, match=f"handicap {stones}: "):
        open_session(GameSetup(game=game, handicap=stones, visits=2, device="cpu"))


def test_with_a_handicap_white_begins_and_komi_is_half_a_point_also_in_the_record(tmp_path):
    session = open_session(GameSetup(game="go9", handicap=3, human=1, visits=2, device="cpu"))
    assert (session.position.to_move, int(session.position.pieces().sum())) == (1, 3)
    session.play("E5")
    (record,) = read_records([session.save(str(tmp_path / "a.sgf"))])
    assert (record.komi, len(record.setup), record.to_move) == (0.5, 3, 1)
    again = open_session(GameSetup(game="go9", visits=2, device="cpu"))
    again.load(record)
    assert again.position.position_hash == session.position.position_hash


def test_a_record_of_another_board_brings_its_own_setup(tmp_path):
    path = tmp_path / "a.sgf"
    path.write_text(write_sgf(GameRecord(game="go13", komi=5.5, moves=[(0, 20)])))
    record = read_game(str(path))
    setup = setup_for(record, GameSetup(game="go9", komi=3.5, handicap=2))
    assert (setup.game, setup.komi, setup.handicap) == ("go13", None, 0)
    with pytest.raises(UserError, match="the record is of go13"):
        open_session(GameSetup(game="go9", visits=2, device="cpu")).load(record)


def test_a_record_with_an_illegal_move_is_played_up_to_it():
    session = open_session(GameSetup(game="go5", visits=2, device="cpu"))
    note = session.load(GameRecord(game="go5", komi=7, moves=[(0, 12), (1, 12), (0, 3)]))
    assert note.startswith("Only 1 of 3 moves: at move 2")
    assert session.position.actions == [12]


# --- Undo and redo --------------------------------------------------------------------------


def test_redo_plays_what_undo_took_back_in_order():
    session = open_session(GameSetup(game="go5", visits=2, device="cpu"))
    moves = ["C3", "B3", "D3", "B2"]
    for word in moves:
        session._play(session.game.notation.parse(word, session.position.legal_mask()))
    assert (session.undo(), session.undo()) == (2, 2)
    assert (session.redo(), session.redo()) == (2, 2)
    assert names(session.game, session.position.actions) == " ".join(moves)
    assert [player for player, _ in session.moves] == [0, 1, 0, 1]


def test_a_resignation_is_redone_too():
    session = open_session(GameSetup(game="go5", visits=2, device="cpu"))
    session.resign()
    assert (session.undo(), session.over) == (0, False)
    assert (session.redo(), session.result()) == (0, "W+R")


def test_another_move_forgets_what_was_undone():
    session = open_session(GameSetup(game="go5", visits=2, device="cpu"))
    session._play(12)
    session.undo()
    session._play(3)
    with pytest.raises(UserError, match="nothing to play again"):
        session.redo()
