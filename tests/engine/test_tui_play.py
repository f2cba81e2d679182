"""The terminal app in play: moves by mouse, keys and words, games of each kind, dialogs."""

import pytest
from textual.widgets import Button, Input
from tui_live import FIRST_MOVES, click, driven, opened, played, said, shown, table, type_line, until

from engine.records.files import read_records
from engine.tui.board import Board
from engine.tui.dialogs import FileName, NewGame, Unsaved
from engine.tui.panels import Players

pytestmark = pytest.mark.slow  # each test opens the app


@driven
async def test_a_click_plays_the_stone_and_the_bot_answers():
    screen = table()
    async with opened(screen) as pilot:
        await click(pilot, "C3")
        await until(pilot, lambda: len(played(screen)) == 2)
    assert played(screen)[0] == "C3"


@driven
async def test_arrows_and_enter_play_at_the_cursor():
    screen = table()
    async with opened(screen) as pilot:
        await pilot.press("left", "left", "up", "enter")  # the first key shows the cursor at C3
        await until(pilot, lambda: len(played(screen)) == 2)
    assert played(screen)[0] == "B4"


@driven
async def test_typed_coordinates_play_a_move():
    screen = table()
    async with opened(screen) as pilot:
        await type_line(pilot, "d2")
        await until(pilot, lambda: len(played(screen)) == 2)
    assert played(screen)[0] == "D2"


@driven
async def test_an_occupied_point_shows_one_clear_line_and_changes_nothing():
    screen = table(moves="C3 B3")
    async with opened(screen) as pilot:
        await click(pilot, "B3")
        assert said(screen) == "! B3 is occupied: choose an empty place"
        await type_line(pilot, "c3")
        assert said(screen) == "! 'c3' is not a legal move here: the place is occupied"
        await type_line(pilot, "undu")
        assert said(screen).endswith("(did you mean 'undo'?)")
    assert played(screen) == ["C3", "B3"]


@driven
async def test_undo_takes_back_and_redo_plays_again():
    screen = table(moves="C3 B3 D3 B2")
    async with opened(screen) as pilot:
        await pilot.press("ctrl+z")
        assert played(screen) == ["C3", "B3"]
        await pilot.press("ctrl+z")
        assert played(screen) == []
        await pilot.press("ctrl+y", "ctrl+y")
        assert played(screen) == ["C3", "B3", "D3", "B2"]
        await pilot.press("ctrl+y")
        assert said(screen).startswith("! there is nothing to play again")


@driven
async def test_resigning_ends_the_game_and_undo_takes_it_back():
    screen = table(moves="C3 B3")
    async with opened(screen) as pilot:
        await pilot.press("f8")
        assert said(screen).startswith("Game over: W+R. You lose.")
        await click(pilot, "D4")
        assert played(screen) == ["C3", "B3"]
        await pilot.press("ctrl+z")
        assert not screen.session.over


@driven
async def test_two_passes_end_the_game_and_the_result_is_said():
    screen = table(moves="C3 pass")
    async with opened(screen) as pilot:
        await pilot.press("f7")
        assert said(screen).startswith("Game over: B+18. You win!")


@driven
async def test_a_game_is_saved_and_loaded_again(tmp_path):
    screen = table(moves="C3 B3 D3 B2")
    path = tmp_path / "a_game.sgf"
    async with opened(screen) as pilot:
        await pilot.press("ctrl+s")
        (await shown(pilot, FileName)).query_one(Input).value = str(path)
        await pilot.press("enter")
        await until(pilot, lambda: said(screen) == f"Saved as {path}")
        screen.session.new()
        screen.refresh_game()
        await pilot.press("ctrl+o")
        (await shown(pilot, FileName)).query_one(Input).value = str(path)
        await pilot.press("enter")
        await until(pilot, lambda: len(played(screen)) == 4)
    assert played(screen) == ["C3", "B3", "D3", "B2"]
    assert len(next(read_records([path])).moves) == 4


@pytest.mark.parametrize("key", ["ctrl+q", "ctrl+n", "load"])
@driven
async def test_an_unsaved_game_in_play_is_not_lost_unasked(key, tmp_path):
    screen = table(moves="C3 B3")
    other = screen.session.save(str(tmp_path / "other.sgf"))
    async with opened(screen) as pilot:
        await type_line(pilot, "d2")
        await until(pilot, lambda: len(played(screen)) == 4)
        for button in ("stay", "leave"):
            if key == "load":
                screen.do(f"load {other}")
            else:
                await pilot.press(key)
            if key == "ctrl+n":
                (await shown(pilot, NewGame)).query_one("#start", Button).press()
            dialog = await shown(pilot, Unsaved)
            assert len(played(screen)) == 4
            dialog.query_one(f"#{button}", Button).press()
            await until(pilot, lambda: not isinstance(pilot.app.screen, Unsaved))
        await until(pilot, lambda: not pilot.app.is_running or len(played(screen)) < 4)


@pytest.mark.parametrize("moves", ["", "C3 pass pass", "saved"])
@driven
async def test_a_game_of_which_nothing_is_lost_is_left_unasked(moves, tmp_path):
    screen = table(moves="C3 B3" if moves == "saved" else moves)
    if moves == "saved":
        screen.session.save(str(tmp_path / "game.sgf"))
    async with opened(screen) as pilot:
        await pilot.press("ctrl+q")
        await until(pilot, lambda: not pilot.app.is_running)


@driven
async def test_quitting_from_the_review_of_a_game_in_play_asks_too():
    screen = table(moves="C3 B3")
    async with opened(screen) as pilot:
        await type_line(pilot, "review")
        await pilot.press("ctrl+q", "ctrl+q")
        await shown(pilot, Unsaved)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, Unsaved))
        assert pilot.app.is_running


@driven
async def test_a_missing_file_is_one_line():
    screen = table()
    async with opened(screen) as pilot:
        screen.do("load /no/such.sgf")
        await until(pilot, lambda: "does not exist" in said(screen))


@driven
async def test_the_new_game_dialog_refuses_what_cannot_be_and_starts_what_can():
    screen = table()
    async with opened(screen) as pilot:
        await pilot.press("ctrl+n")
        dialog = await shown(pilot, NewGame)
        dialog.query_one("#komi", Input).value = "0.3"
        dialog.query_one("#start", Button).press()
        await until(pilot, lambda: "half points" in str(dialog.query_one(".error").render()))
        dialog.query_one("#komi", Input).value = "2.5"
        dialog.query_one("#human").value = "second"
        dialog.query_one("#start", Button).press()
        await until(pilot, lambda: pilot.app.screen is screen and len(played(screen)) == 1)
    assert (screen.session.komi, screen.session.human) == (2.5, 1)


@driven
async def test_a_level_can_be_changed_during_the_game():
    screen = table()
    async with opened(screen) as pilot:
        await type_line(pilot, "level novice")
        assert "The bot now plays as novice" in said(screen)
        assert "novice" in str(screen.query_one(Players).render())
        screen.do("level grandmaster")
        assert said(screen).startswith("! unknown level 'grandmaster'")


@driven
async def test_the_bot_against_itself_pauses_and_goes_on(monkeypatch):
    monkeypatch.setattr("engine.tui.play.WATCH_SECONDS", 0.0)
    screen = table("tic_tac_toe", human=None)
    async with opened(screen) as pilot:
        await until(pilot, lambda: len(played(screen)) >= 2)
        await pilot.press("f6")
        count = len(played(screen))
        await pilot.pause(0.2)
        assert len(played(screen)) == count or screen.session.over
        if not screen.session.over:
            await pilot.press("f6")
        await until(pilot, lambda: screen.session.over)
        assert "You " not in said(screen)


@driven
async def test_a_flag_that_falls_loses_the_game():
    screen = table(main_time=0.01)
    async with opened(screen) as pilot:
        await until(pilot, lambda: screen.session.over)
        assert said(screen).startswith("Game over: W+T. You lose.")


@pytest.mark.parametrize("name", FIRST_MOVES)
@driven
async def test_a_game_of_each_kind_can_be_played(name):
    screen = table(name)
    async with opened(screen) as pilot:
        await type_line(pilot, FIRST_MOVES[name].lower())
        await until(pilot, lambda: len(played(screen)) == 2)
        assert played(screen)[0] == FIRST_MOVES[name]
        await pilot.press("f3")
        board = screen.query_one(Board)
        await until(pilot, lambda: board.suggestions)


@driven
async def test_a_piece_that_moves_is_picked_up_and_put_down():
    screen = table("breakthrough6")
    async with opened(screen) as pilot:
        await click(pilot, "b2")
        assert screen.query_one(Board).first is not None
        await click(pilot, "f5")
        assert said(screen) == "! the piece cannot go to f5: choose one of the marked places"
        await click(pilot, "b2")
        await click(pilot, "c3")
        await until(pilot, lambda: len(played(screen)) == 2)
    assert played(screen)[0] == "b2-c3"


@driven
async def test_a_click_anywhere_in_a_column_lets_a_disc_fall():
    screen = table("connect_four")
    async with opened(screen) as pilot:
        board = screen.query_one(Board)
        x, y = board.picture.middle(0, 2)
        await pilot.click(Board, offset=(x, y))
        await until(pilot, lambda: len(played(screen)) == 2)
    assert played(screen)[0] == "3"
