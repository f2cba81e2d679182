"""The evaluation cache: the same searches and games, with fewer evaluations."""

import numpy as np
import pytest
from playing import play_all, same_games, starts
from reference_search import HashEvaluator
from searching import FOUR

from engine import games
from engine.position import Position
from mcts import MatchPool, Search, SearchSettings


def searched(cache_mib, *, moves=6, **options):
    """A game of searches; (all that they said of each position, rows asked, hits)."""
    evaluator = HashEvaluator(FOUR.actions)
    settings = SearchSettings(visits=150, cache_mib=cache_mib, **options)
    search = Search(FOUR.native, settings, evaluator, seed=3)
    search.set_root(Position(FOUR).state)
    said = []
    for ply in range(moves):
        search.run()
        core = search.core
        rows = [(m.action, m.visits, m.prior, m.value, m.policy) for m in core.moves()]
        said.append((core.root_visits, core.root_value, rows))
        search.advance(core.choose(ply))
    return said, evaluator.rows, search.core.cache_hits


OPTIONS = {
    "one leaf": {},
    "batches": {"leaves_per_batch": 8},
    "gumbel": {"root_policy": "gumbel", "leaves_per_batch": 4},
    "no tree kept": {"reuse_tree": False},
    "symmetries": {"random_symmetry": True, "leaves_per_batch": 3},
    "noise, no solver": {"noise_fraction": 0.25, "solve": False, "leaves_per_batch": 32},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_search_is_the_same_bit_for_bit_with_a_cache_but_asks_less(name):
    said, rows, hits = searched(0, **OPTIONS[name])
    said_cached, rows_cached, hits_cached = searched(8, **OPTIONS[name])
    assert said_cached == said
    assert hits == 0 < hits_cached
    assert rows_cached < rows


def test_a_position_searched_before_costs_no_evaluation():
    evaluator = HashEvaluator(FOUR.actions)
    search = Search(FOUR.native, SearchSettings(visits=300), evaluator)
    for _ in range(2):
        search.set_root(Position(FOUR).state)
        search.run()
        rows, visits = evaluator.rows, search.core.root_visits
    assert search.core.root_visits == visits == 300
    assert evaluator.rows == rows <= 300


def test_the_caller_hears_of_a_search_that_asks_nothing_after_256_visits():
    settings = SearchSettings(visits=300, cache_mib=256)  # large enough that no answer is replaced
    search = Search(FOUR.native, settings, HashEvaluator(FOUR.actions))
    search.set_root(Position(FOUR).state)
    search.run()
    search.set_root(Position(FOUR).state)
    stop = iter([False, True])
    search.run(lambda: next(stop))
    assert search.core.root_visits == 256


def new_pool(count, cache_mib, workers=1, seats=1, **options):
    return MatchPool(
        FOUR.native,
        [SearchSettings(visits=24, cache_mib=cache_mib, **options)] * seats,
        iter(starts(count, FOUR)),
        parallel_games=4,
        workers=workers,
        record_policies=True,
        seed=1,
    )


@pytest.mark.parametrize("options", [{}, {"root_policy": "gumbel", "random_symmetry": True}])
@pytest.mark.parametrize("seats", [1, 2])
def test_games_are_the_same_bit_for_bit_with_caches_but_ask_less(options, seats):
    evaluators = [HashEvaluator(FOUR.actions) for _ in range(seats)]
    expected = play_all(new_pool(12, 0, seats=seats, **options), *evaluators)
    asked = sum(evaluator.rows for evaluator in evaluators)
    for workers in (1, 3):
        pool = new_pool(12, 8, workers, seats, **options)
        assert same_games(play_all(pool, *evaluators), expected)
        assert pool.cache_hits > 0
        assert pool.evaluations < asked


class Opposite(HashEvaluator):
    """Another net: the same preferences, turned round."""

    def __call__(self, planes, globals_):
        logits, values = super().__call__(planes, globals_)
        return -logits, -values


def test_seats_with_different_evaluators_do_not_share_answers():
    evaluators = HashEvaluator(FOUR.actions), Opposite(FOUR.actions)
    games_of = [play_all(new_pool(8, mib, seats=2), *evaluators) for mib in (0, 8)]
    assert same_games(*games_of)


def test_the_answers_of_an_earlier_evaluator_are_forgotten():
    class Remembering(HashEvaluator):
        """Remembers how many stones were on the boards it was asked about."""

        def __init__(self, actions):
            super().__init__(actions)
            self.stones = []

        def __call__(self, planes, globals_):
            self.stones += planes[:, :2].sum(axis=(1, 2, 3)).tolist()
            return super().__call__(planes, globals_)

    before, after = Remembering(FOUR.actions), Remembering(FOUR.actions)
    pool = new_pool(20, 8)
    pool.play([before], lambda log: False)
    pool.play([after], lambda log: True)
    # The empty board was met by both: once or, by games side by side, a few times, not in each game.
    assert 1 <= before.stones.count(0) <= 4
    assert 1 <= after.stones.count(0) <= 4


def test_an_answer_that_was_refused_is_not_kept():
    class Sick(HashEvaluator):
        sick = True

        def __call__(self, planes, globals_):
            logits, values = super().__call__(planes, globals_)
            return logits, (np.full_like(values, np.nan) if self.sick else values)

    evaluator = Sick(FOUR.actions)
    search = Search(FOUR.native, SearchSettings(visits=50), evaluator)
    search.set_root(Position(FOUR).state)
    with pytest.raises(RuntimeError, match="not finite"):
        search.run()
    evaluator.sick = False
    search.run()
    assert -1 <= search.core.root_value <= 1
    assert search.core.root_visits == 50


def test_a_small_cache_in_a_long_search_stays_correct():
    """With far more positions than slots, answers are replaced all the time."""
    go = games.load("go9")
    said = []
    for cache_mib in (0, 1):  # 1 MiB holds 3,000 answers
        search = Search(
            go.native, SearchSettings(visits=6000, cache_mib=cache_mib), HashEvaluator(go.actions)
        )
        search.set_root(Position(go).state)
        search.run()
        said.append([(m.action, m.visits, m.value) for m in search.core.moves()])
    assert said[0] == said[1]
