"""Sessions to test with, whose bot has no net."""

from engine import games
from engine.play.session import Session
from engine.players.bot import Bot
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
