"""A game against the bot, whoever shows it."""

import errno
import os
from pathlib import Path

import pytest

from engine.errors import UserError
from engine.records.files import read_records
from engine.records.record import start_position
from tests.engine.sessions import names, session, table


def test_the_bot_answers_and_gives_the_human_s_win_rate():
    it = session()
    it.play("c3")
    decision = it.reply()
    assert len(it.position.actions) == 2
    assert decision.action == it.position.actions[1]
    assert 0 <= decision.win_rate <= 1
    assert decision.report.visits == it.search_visits >= 30


@pytest.mark.parametrize(("human", "rate"), [(1, 0.0), (None, 1.0)])
def test_a_winning_move_of_the_bot_s_is_a_loss_in_the_human_s_view(human, rate):
    it = table("tic_tac_toe", human, 400, "A3 A2 B3 B2")  # X, the bot, wins at C3
    decision = it.reply()
    assert it.game.notation.name(decision.action) == "C3"
    assert decision.win_rate == rate and it.reports[4].win_rate == 1.0


@pytest.mark.parametrize(("human", "rate"), [(0, 0.0), (1, 1.0), (None, 0.0)])
def test_win_rates_are_in_the_viewer_s_view_whoever_moves(human, rate):
    it = table("tic_tac_toe", human, 400, "A3 A2 B1 B2")  # X to move; O threatens C2
    it._play(it.game.notation.parse("A1", it.position.legal_mask()))
    best = it.hint()[0]  # O wins at once
    assert it.game.notation.name(best.action) == "C2"
    assert best.win_rate == pytest.approx(rate)


def test_a_hint_names_the_winning_move_first_and_leaves_the_game_as_it_is():
    it = table("tic_tac_toe", 0, 400, "A3 A2 B3 B2")
    choices = it.hint()
    assert it.game.notation.name(choices[0].action) == "C3"
    assert choices[0].win_rate == 1
    assert [c.visits for c in choices] == sorted((c.visits for c in choices), reverse=True)
    assert names(it) == ["A3", "A2", "B3", "B2"]


def test_a_hint_of_a_bot_without_search_is_one_move():
    assert len(session(visits=1).hint()) == 1


@pytest.mark.parametrize(
    ("human", "moves", "left"),
    [
        (0, "A1 B1 C1 D1", "A1 B1"),
        (0, "A1 B1 C1", "A1 B1"),
        (1, "A1 B1 C1", "A1"),
        (None, "A1 B1 C1", "A1 B1"),
        (0, "A1 pass pass", "A1 pass"),
        (1, "A1 pass pass", "A1"),
    ],
)
def test_undo_takes_back_the_human_s_last_move_and_the_reply(human, moves, left):
    it = table(human=human, replies=moves)
    it.undo()
    assert names(it) == left.split()
    assert not it.over
    it.hint()  # the search follows
    assert names(it) == left.split()


@pytest.mark.parametrize(("human", "moves"), [(0, ""), (1, ""), (1, "A1"), (None, "")])
def test_undo_without_a_move_of_the_human_is_an_error(human, moves):
    it = table(human=human, replies=moves)
    with pytest.raises(UserError, match="no move of yours"):
        it.undo()
    assert names(it) == moves.split()


def test_undo_after_resigning_takes_back_only_that():
    it = table(replies="A1 B1")
    it.resign()
    assert (it.over, it.result(), it.winner()) == (True, "W+R", 1)
    assert it.undo() == 0
    assert (it.over, names(it)) == (False, ["A1", "B1"])


@pytest.mark.parametrize(
    ("name", "moves", "komi", "result", "winner"),
    [
        ("go5", "C3 pass pass", 21.5, "B+3.5", 0),
        ("go5", "C3 pass pass", 25, "draw", None),
        ("go5", "pass pass", 0.5, "W+0.5", 1),
        ("tic_tac_toe", "A3 A2 B3 B2 C3", None, "X wins", 0),
        ("tic_tac_toe", "B2 A3 C3 A1 A2 C2 B3 B1 C1", None, "draw", None),
        ("connect_four", "1 2 1 2 1 2 7 2", None, "O wins", 1),
    ],
)
def test_finished_games_have_a_result(name, moves, komi, result, winner):
    it = table(name, replies=moves, komi=komi)
    assert it.over
    assert (it.result(), it.winner()) == (result, winner)


def test_komi_stays_for_the_next_game():
    it = table(replies="C3", komi=3.5)
    it.new()
    assert names(it) == []
    assert it.score() == -3.5


@pytest.mark.parametrize("komi", [0.25, 25.5, -26, float("nan"), float("inf")])
def test_a_komi_that_no_game_can_have_is_an_error(komi):
    with pytest.raises(UserError, match="between -25 and 25 in half points"):
        session(komi=komi)


def test_a_game_without_komi_says_so():
    with pytest.raises(UserError, match="tic_tac_toe has no komi"):
        session("tic_tac_toe", komi=0.5)


def test_a_stopped_search_still_moves():
    it = session(visits=1_000_000)
    it.play("C3")
    it.reply(stop=lambda: True)
    assert len(it.position.actions) == 2
    assert it.search_visits < 1000


def test_a_saved_game_reads_back_move_for_move(tmp_path):
    it = table(human=1, replies="A1 C3 B2 pass pass", komi=2.5, bot_name="move37 go9")
    path = it.save(str(tmp_path / "my game.sgf"))
    (record,) = read_records([path])
    assert record.moves == [(i % 2, a) for i, a in enumerate(it.position.actions)]
    assert (record.komi, record.result) == (2.5, it.result())
    assert record.players == ("move37 go9", "human")
    replay = start_position(record)
    for _, action in record.moves:
        replay.play(action)
    assert replay.position_hash == it.position.position_hash
    assert replay.outcome() == it.position.outcome()
    assert list(tmp_path.iterdir()) == [path]


def test_a_game_may_be_saved_again_but_nothing_else_is_ever_replaced(tmp_path):
    it = table(replies="A1 B1")
    path = it.save(str(tmp_path / "a.sgf"))
    it.play("C3")
    it.save(str(path))
    assert len(next(read_records([path])).moves) == 3
    before = path.read_text()
    it.new()
    with pytest.raises(UserError, match="exists already"):
        it.save(str(path))
    assert path.read_text() == before


def test_a_full_disk_is_one_line_and_leaves_the_earlier_file_whole(tmp_path, monkeypatch):
    it = table(replies="A1 B1")
    path = it.save(str(tmp_path / "a.sgf"))
    before = path.read_text()

    def fail(self, *_args, **_options):
        with self.open("w") as file:
            file.write("(;")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(UserError, match=r"cannot save '.*': No space left on device") as caught:
        it.save(str(path))
    assert "\n" not in str(caught.value)
    assert path.read_text() == before
    assert list(tmp_path.iterdir()) == [path]
