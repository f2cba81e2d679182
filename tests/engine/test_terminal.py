"""Games in the terminal, line by line: what is typed and what is printed."""

import io
import re
import signal

import pytest

from engine.errors import UserError
from engine.play.setup import GameSetup
from engine.play.terminal import Terminal, play_game
from engine.records.files import read_records
from mcts import SearchSettings, UniformEvaluator
from tests.engine.sessions import table


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
