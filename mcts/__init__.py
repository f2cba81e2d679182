"""The Python face of the search core: settings, one search, many games at once."""

from mcts.evaluator import Evaluation, Evaluator, UniformEvaluator
from mcts.matches import Log, MatchPool, Start
from mcts.search import Search, search_all, step_together
from mcts.settings import PlayoutCap, Resignation, SearchSettings

__all__ = [
    "Evaluation",
    "Evaluator",
    "Log",
    "MatchPool",
    "PlayoutCap",
    "Resignation",
    "Search",
    "SearchSettings",
    "Start",
    "UniformEvaluator",
    "search_all",
    "step_together",
]
