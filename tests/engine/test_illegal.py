"""Why a move is not legal, in the words of the players."""

import pytest

from engine.errors import UserError
from engine.games import load
from engine.illegal import why_illegal
from engine.play.session import Session
from engine.players.bot import Bot
from engine.position import Position
from mcts import SearchSettings, UniformEvaluator


def after(game_name, moves):
    position = Position(load(game_name))
    for word in moves.split():
        position.play(position.game.notation.parse(word, position.legal_mask()))
    return position


@pytest.mark.parametrize(
    ("game", "moves", "place", "reason"),
    [
        ("go5", "C3", "C3", "the place is occupied"),
        ("go5", "B1 E5 A2", "A1", "it would be suicide"),
        ("go5", "B2 C2 A1 D1 C1 B1", "C1", "it would repeat a position (ko)"),
        ("tic_tac_toe", "B2", "B2", "the place is occupied"),
        ("othello", "", "A1", ""),
    ],
)
def test_the_reason_is_named(game, moves, place, reason) -> None:
    position = after(game, moves)
    action = position.game.notation.parse(place, [1] * position.game.actions)
    assert not position.legal_mask()[action]
    assert why_illegal(position, action) == reason


def test_a_player_hears_it() -> None:
    game = load("go5")
    bot = Bot(UniformEvaluator(game.actions), SearchSettings(visits=2))
    session = Session(game, bot)
    session.play("C3")
    session.reply()
    with pytest.raises(UserError, match=r"'c3' is not a legal move here: the place is occupied"):
        session.play("c3")
