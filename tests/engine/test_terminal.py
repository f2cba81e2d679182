"""Games in the terminal: the session alone, then the whole loop through text streams."""

import errno
import io
import os
import re
import signal
from pathlib import Path

import pytest

from engine import games
from engine.errors import UserError
from engine.play.session import Session
from engine.play.setup import GameSetup
from engine.play.terminal import Terminal, play_game
from engine.players.bot import Bot
from engine.records.files import read_records
from engine.records.record import start_position
from mcts import SearchSettings, UniformEvaluator


def session(name="go5", human=0, visits=30, bot_name="move37", **options):
    rules = games.load(name)
    settings = SearchSettings(visits=visits)
    bot = Bot(UniformEvaluator(rules.actions), settings, bot_name)
    return Session(rules, bot, human, **options)


def table(name="go5", human=0, visits=30, replies="", **options):
    """A session after a game of fixed moves, the bot's included, played without searching."""
    it = session(name, human, visits, **options)
    for word in replies.split():
        it._play(it.game.notation.parse(word, it.position.legal_mask()))
    return it


def names(it):
    return [it.game.notation.name(action) for action in it.position.actions]


def setup(name="go5", human=0, visits=30, **options):
    return GameSetup(game=name, human=human, visits=visits, device="cpu", **options)


def transcript(typed, *arguments, **options):
    output = io.StringIO()
    play_game(setup(*arguments, **options), input=io.StringIO(typed), output=output)
    return output.getvalue()


def replies(typed, **options):
    """What is printed after the first prompt, without boards; times as 0.0."""
    text = re.sub(r"\d+\.\d s\)", "0.0 s)", transcript(typed, **options))
    body = text[text.index("> ") :]
    rows = [line for line in body.splitlines() if line and not re.match(r" *\d[ (]| +[A1] ", line)]
    return [row.rstrip() for row in rows]


# --- The session ----------------------------------------------------------------------------


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


# --- The loop -------------------------------------------------------------------------------

BAD_INPUT = [
    ("Z9", "'Z9' is not a point of this board: type A1 to E5, or help"),
    ("a", "'a' is not a point of this board: type A1 to E5, or help"),
    ("i5", "'i5' is not a point of this board: type A1 to E5, or help"),
    ("D5 E5", "'D5 E5' is not a point of this board: type A1 to E5, or help"),
    ("undu", "'undu' is not a command (did you mean 'undo'?); help lists them all"),
    ("PAS", "'PAS' is not a command (did you mean 'pass'?); help lists them all"),
    ("quit now", "quit stands alone: type quit"),
    ("pass now", "'pass now' is not a command (did you mean 'pass'?); help lists them all"),
    ("hint 3", "hint stands alone: type hint"),
    ("undo", "there is no move of yours to take back"),
    ("save", "save needs the name of a file, e.g. save game.sgf"),
    ("save .", "'.' is a folder: add the name of a file"),
    ("save /no/such/place.sgf",
     "cannot save '/no/such/place.sgf': No such file or directory; choose another place"),
    ("save a\0b", "cannot save 'a\0b': embedded null byte; choose another place"),
    ("\u00e9", "'\\xe9' is not a point of this board: type A1 to E5, or help"),
    ("x" * 99, f"'{'x' * 40}...' is not a point of this board: type A1 to E5, or help"),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "reply"), BAD_INPUT)
def test_bad_input_gets_one_helpful_line_and_the_game_goes_on(typed, reply):
    lines = replies(f"{typed}\nquit\n")
    assert lines[1:] == [reply, "Black> quit"]


@pytest.mark.parametrize(
    ("typed", "reply"),
    [
        ("pass", "'pass' is not a point of this board: type A1 to C3, or help"),
        ("score", "'score' is not a point of this board: type A1 to C3, or help"),
        ("save x.sgf", "save writes SGF, a format for Go: it cannot hold tic_tac_toe"),
    ],
)
def test_other_games_refuse_what_only_go_has(typed, reply):
    assert replies(f"{typed}\nquit\n", name="tic_tac_toe")[1:] == [reply, "X> quit"]


def test_a_full_column_and_a_missing_one_are_refused():
    output = io.StringIO()
    Terminal(table("connect_four", replies="1 1 1 1 1 1"), io.StringIO("1\n8\n"), output).run()
    assert "'1' is not a legal move here: the column is full" in output.getvalue()
    assert "'8' is not a column: type 1 to 7, or help" in output.getvalue()


def test_the_whole_output_of_a_short_game():
    text = re.sub(r"\d+\.\d s\)", "0.0 s)", transcript("b2\n", name="tic_tac_toe"))
    reply = re.search(r"O thinks \.\.\. (\w\d)", text)[1]
    column, row = "ABC".index(reply[0]), 3 - int(reply[1])
    board = [[".", ".", "."], [".", "X", "."], [".", ".", "."]]
    board[row][column] = "O"
    rows = []
    for number, marks in zip("321", board, strict=True):
        line = f"{number} {' '.join(marks)} {number}"
        rows.append(line.replace(" O ", "(O)"))
    assert (
        re.sub(r"win rate [\d.]+%", "win rate 50%", text)
        == f"""\
Tic-tac-toe: three in a row on 3x3.
You play X, the bot plays O. Type help for the commands.

  A B C
3 . . . 3
2 . . . 2
1 . . . 1
  A B C

X> b2

  A B C
3 . . . 3
2 .(X). 2
1 . . . 1
  A B C

O thinks ... {reply} (your win rate 50%, 30 visits, 0.0 s)

  A B C
{rows[0]}
{rows[1]}
{rows[2]}
  A B C

X>{" "}
"""
    )


def test_a_handicap_game_says_its_komi():
    assert "komi 7. The komi of this game is 0.5." in transcript("quit\n", "go9", handicap=2)


def test_a_bot_that_does_not_read_tells_no_win_rate():
    text = transcript("D5\nquit\n", visits=1)
    assert re.search(r"White thinks \.\.\. \S+ \(\d\.\d s\)", text)


def test_a_pipe_with_two_moves_prints_every_board_and_ends():
    text = transcript("D5\npass\nquit\n")
    assert text.count("  A B C D E\n5") == 5
    assert text.isascii()


@pytest.mark.parametrize("typed", ["", "D5", "D5\n", "\n\n", "D5\npass\n", "quit", "q\n", "EXIT\n"])
def test_the_end_of_the_input_quits(typed):
    assert transcript(typed).isascii()


@pytest.mark.parametrize(
    ("human", "begins", "prompt"),
    [(0, "You play Black (X)", "Black"), (1, "You play White (O)", "White")],
)
def test_the_human_has_the_colour_chosen_and_black_begins(human, begins, prompt):
    text = transcript("hint\n", human=human)
    assert begins in text
    assert f"{prompt}> hint" in text
    assert ("Black thinks" in text.split("White> ")[0]) == (human == 1)


def test_bot_against_bot_plays_to_the_end_and_then_asks():
    text = transcript("new\nD5\n", name="tic_tac_toe", human=None)
    assert text.count("Game over: ") == 2
    assert "X's win rate" in text
    assert "You " not in text
    assert "the game is over: type undo, new, save FILE or quit" in text


def test_bot_against_bot_waits_after_undo_until_enter():
    lines = replies("undo\nhint\nresign\nA1\n\n", name="tic_tac_toe", human=None)
    assert lines[1] == "Took back 1 move."
    assert "> hint" in lines
    assert "the bot plays itself: there is nobody to resign" in lines
    assert "'A1': the bot plays itself; press Enter to go on, or type help" in lines
    assert any(line.startswith("Game over") for line in lines[lines.index(">") :])


def test_after_the_end_undo_new_save_and_quit_are_offered(tmp_path):
    path = tmp_path / "lost.sgf"
    lines = replies(f"C3\nresign\nresign\nsave {path}\nundo\nundo\nresign\nnew\nquit\n")
    assert lines.count("Game over: W+R. You lose.") == 2
    assert lines.count("Type undo, new, save FILE, or quit.") == 2
    assert "the game is over: type undo, new, save FILE or quit" in lines
    assert f"Saved as {path}" in lines
    assert "Took back the resignation." in lines
    assert "Took back 2 moves." in lines
    assert lines[-1] == "Black> quit"
    assert next(read_records([path])).result == "W+R"


class Keyboard(io.StringIO):
    """What a person types at a terminal."""

    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("D5\nquit\nquit\n", 1),
        ("D5\nnew\nnew\nq\n", 1),
        ("D5\nload none.sgf\nnew\nquit\n", 3),
        ("D5\nquit\nhint\nquit\nquit\n", 2),
        ("D5\nsave FILE\nquit\n", 0),
        ("D5\nresign\nquit\n", 0),
        ("quit\n", 0),
        ("D5\nquit", 1),
    ],
)
def test_at_a_terminal_what_loses_an_unsaved_game_is_typed_twice(typed, asked, tmp_path):
    output = io.StringIO()
    keyboard = Keyboard(typed.replace("FILE", str(tmp_path / "kept.sgf")))
    play_game(setup(), input=keyboard, output=output)
    assert (
        output.getvalue().count("The game is not over and kept nowhere; save FILE keeps it.") == asked
    )
    assert keyboard.read() == "", "it went on until the last line"


@pytest.mark.parametrize(
    ("human", "moves", "typed", "ending"),
    [
        (0, "C3 pass", "pass", "Game over: B+18. You win."),
        (1, "C3", "resign", "Game over: B+R. You lose."),
        (1, "C3 pass pass", "", "Game over: B+18. You lose."),
        (None, "C3 pass pass", "", "Game over: B+18.\n"),
    ],
)
def test_the_end_says_the_score_and_whether_the_human_won(human, moves, typed, ending):
    output = io.StringIO()
    Terminal(table(human=human, replies=moves), io.StringIO(typed), output).run()
    assert ending in output.getvalue()


def test_a_komi_of_one_s_own_is_announced():
    assert "The komi of this game is -20.5." in transcript("", komi=-20.5)


def test_score_counts_the_board_as_it_stands():
    lines = replies("score\nquit\n", komi=5.5)
    assert lines[1] == "As it stands: W+5.5, every stone on the board counted as alive."


@pytest.mark.parametrize(
    ("name", "human", "has", "lacks"),
    [
        ("go5", 0, ["C3", "pass", "undo", "hint", "resign", "new", "score", "save FILE", "quit"], []),
        ("connect_four", 0, ["undo", "hint", "quit"], ["pass", "score", "save FILE"]),
        ("tic_tac_toe", None, ["undo", "new"], ["pass", "score", "save FILE", "B2"]),
    ],
)
def test_help_lists_what_the_game_has(name, human, has, lacks):
    listed = re.findall(r"^  (\S+(?: FILE)?)  +", transcript("help\n", name=name, human=human), re.M)
    assert set(has) <= set(listed)
    assert not set(lacks) & set(listed)


def test_ctrl_c_while_the_bot_thinks_makes_it_move_and_at_the_prompt_quits(monkeypatch):
    class Keyboard(io.StringIO):
        """Types a move; at the next prompt presses Ctrl-C."""

        def readline(self, *_):
            line = super().readline()
            if not line:
                raise KeyboardInterrupt
            return line

    class Impatient(UniformEvaluator):
        """Presses Ctrl-C while it thinks, once per game."""

        calls = 0

        def __call__(self, planes, globals_):
            self.calls += 1
            if self.calls == 20:
                signal.raise_signal(signal.SIGINT)
            return super().__call__(planes, globals_)

    monkeypatch.setattr(GameSetup, "net_name", lambda self: None)
    monkeypatch.setattr("engine.play.setup.UniformEvaluator", Impatient)
    monkeypatch.setattr("engine.play.setup.search_of", lambda visits, *_: SearchSettings(visits=visits))
    output = io.StringIO()
    before = signal.getsignal(signal.SIGINT)
    play_game(setup(visits=10_000_000), input=Keyboard("C3\n"), output=output)
    assert re.search(r"White thinks \.\.\. \w+ \(your win rate .*, \d{1,3} visits", output.getvalue())
    assert output.getvalue().endswith("Black> \n")
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_pauses_bot_against_bot(monkeypatch):
    class Impatient(UniformEvaluator):
        calls = 0

        def __call__(self, planes, globals_):
            self.calls += 1
            if self.calls == 5:
                signal.raise_signal(signal.SIGINT)
            return super().__call__(planes, globals_)

    monkeypatch.setattr(GameSetup, "net_name", lambda self: None)
    monkeypatch.setattr("engine.play.setup.UniformEvaluator", Impatient)
    monkeypatch.setattr("engine.play.setup.search_of", lambda visits, *_: SearchSettings(visits=visits))
    text = transcript("", human=None)
    assert text.count(" thinks ") == 1
    assert "Stopped. Press Enter to go on, or type help.\n> " in text


def test_bytes_that_are_no_text_are_a_typing_error():
    typed = io.TextIOWrapper(io.BytesIO(b"\xff\xfe\nC3\nquit\n"), encoding="utf-8")
    output = io.StringIO()
    play_game(setup(), input=typed, output=output)
    assert "is not a point of this board" in output.getvalue()
    assert "White thinks" in output.getvalue()


def test_an_unknown_net_is_an_error_before_anything_is_printed():
    output = io.StringIO()
    with pytest.raises(UserError, match="there is no net 'no-such-net'"):
        play_game(setup(net="no-such-net"), input=io.StringIO(), output=output)
    assert output.getvalue() == ""
