"""Many games at once: the right evaluator for each seat, and no game lost or played twice."""

import itertools
import threading
import time

import numpy as np
import pytest
from playing import new_pool, play_all, replayed, same_games, starts
from reference_search import HashEvaluator
from searching import FOUR, TTT

from engine import games
from engine.position import Position
from mcts import MatchPool, PlayoutCap, Resignation, Search, SearchSettings, Start, UniformEvaluator


class Tagged(UniformEvaluator):
    """Likes low actions or high ones, and remembers the sides that asked: 0 first, 1 second."""

    def __init__(self, actions, sign):
        super().__init__(actions)
        self.slope = (sign * np.arange(actions)).astype(np.float32)
        self.asked = []

    def __call__(self, planes, globals_):
        pieces = planes[:, :2].sum(axis=(2, 3), dtype=int)
        self.asked += (pieces[:, 0] != pieces[:, 1]).astype(int).tolist()
        logits, values, _ = super().__call__(planes, globals_)
        return logits + self.slope, values


# --- Logs -------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("parallel", [1, 5, 64])
@pytest.mark.parametrize("rules", [TTT, FOUR], ids=lambda rules: rules.name)
def test_every_game_is_played_once_to_its_end_by_the_rules(rules, parallel, workers):
    pool = new_pool(starts(23, rules), rules, parallel=parallel, workers=workers, visits=6)
    logs = play_all(pool, HashEvaluator(rules.actions))
    assert sorted(logs) == list(range(23))
    for log in logs.values():
        end = replayed(log, rules)
        assert end.over
        assert log.outcome == end.outcome()
        assert len(log.root_values) == len(log.policies) == len(log.actions) > 0
        assert log.policies.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    assert pool.moves_played == sum(len(log.actions) for log in logs.values())


def test_ids_keep_their_starts_and_seats():
    games = [
        Start(100 + index, start.state, index % 2)
        for index, start in enumerate(s for a in range(9) for s in starts(2, opening=[a]))
    ]
    logs = play_all(new_pool(games, seats=2, parallel=5, workers=3), *[HashEvaluator(9)] * 2)
    assert sorted(logs) == [start.id for start in games]
    for start in games:
        assert logs[start.id].start.tolist() == start.state.tolist()
        assert logs[start.id].first_seat == start.first_seat


def test_policies_rest_on_legal_moves_and_are_the_shares_of_visits():
    log = play_all(new_pool(starts(1), visits=40, reuse_tree=False), HashEvaluator(9))[0]
    position = Position(TTT)
    for ply, action in enumerate(log.actions):
        search = Search(TTT.native, SearchSettings(visits=40, solve=False), HashEvaluator(9))
        search.set_root(position.state)
        search.run()
        shares = np.zeros(9)
        for move in search.core.moves():
            shares[move.action] = move.visits / 39
        assert log.policies[ply] == pytest.approx(shares, abs=1e-6)
        assert log.root_values[ply] == search.core.root_value
        assert action == search.core.choose(ply)
        position.play(int(action))


def test_a_pool_plays_the_moves_that_a_single_search_keeping_its_tree_plays():
    log = play_all(new_pool(starts(1, FOUR), FOUR, visits=50), HashEvaluator(FOUR.actions))[0]
    search = Search(FOUR.native, SearchSettings(visits=50, solve=False), HashEvaluator(FOUR.actions))
    search.set_root(log.start)
    for action, value in zip(log.actions, log.root_values, strict=True):
        search.run()
        assert search.core.choose(0) == action
        assert search.core.root_value == value
        search.advance(int(action))


def test_without_recording_there_are_no_policies_but_everything_else():
    recorded = play_all(new_pool(starts(3)), HashEvaluator(9))
    plain = play_all(new_pool(starts(3), record=False), HashEvaluator(9))
    for index, log in plain.items():
        assert log.policies.shape == (0, 9)
        assert log.actions.tolist() == recorded[index].actions.tolist()


@pytest.mark.parametrize(("opening", "winner"), [((0, 3, 1, 4), 1), ((0, 3, 1, 4, 8), -1)])
def test_root_values_and_outcomes_are_the_first_players_view(opening, winner):
    """The side to move wins at once, whether it is the first or the second."""
    log = play_all(new_pool(starts(1, opening=opening), visits=200), UniformEvaluator(9))[0]
    assert log.root_values[0] * winner > 0.9
    assert log.outcome == winner


def test_a_game_with_a_score_logs_score_and_ownership():
    rules = games.load("go3")
    log = play_all(new_pool(starts(1, rules), rules), HashEvaluator(rules.actions))[0]
    score, ownership = replayed(log, rules).score()
    assert log.score == score
    assert log.ownership.tolist() == ownership.ravel().tolist()
    log = play_all(new_pool(starts(1)), HashEvaluator(9))[0]
    assert log.score == 0
    assert log.ownership.size == 0


def test_a_start_that_is_already_over_is_logged_without_a_move():
    games = starts(3, opening=(0, 3, 1, 4, 2))
    logs = play_all(new_pool(games), HashEvaluator(9))
    assert sorted(logs) == [0, 1, 2]
    for log in logs.values():
        assert log.outcome == 1
        assert log.actions.size == 0
        assert log.policies.shape == (0, 9)


def test_without_games_play_returns_at_once():
    assert play_all(new_pool([]), HashEvaluator(9)) == {}


# --- Seats ------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 3])
def test_each_seat_asks_its_own_evaluator(workers):
    """Seat 0 plays the lowest empty cell, seat 1 the highest, whichever colour they have."""
    games = starts(12, first_seat=lambda index: index % 2)
    pool = new_pool(games, seats=2, parallel=5, workers=workers, visits=1)
    low, high = Tagged(9, -10), Tagged(9, 10)
    logs = play_all(pool, low, high)
    for log in logs.values():
        empty = list(range(9))
        for ply, action in enumerate(log.actions):
            seat = (ply + log.first_seat) % 2
            assert action == (max(empty) if seat else min(empty))
            empty.remove(action)
    assert set(low.asked) == set(high.asked) == {0, 1}


def test_the_seat_that_plays_better_wins_with_either_colour():
    games = starts(20, first_seat=lambda index: index % 2)
    weak, strong = SearchSettings(visits=1, solve=False), SearchSettings(visits=400, solve=False)
    pool = MatchPool(
        TTT.native,
        [weak, strong],
        iter(games),
        parallel_games=8,
        workers=1,
        record_policies=False,
        seed=0,
    )
    logs = play_all(pool, Tagged(9, -10), UniformEvaluator(9))
    # Against the lowest empty cell there is a win to be found as either colour.
    assert {(log.first_seat, log.outcome) for log in logs.values()} == {(0, -1), (1, 1)}


def test_in_self_play_one_evaluator_answers_for_both_sides():
    evaluator = Tagged(9, 1)
    play_all(new_pool(starts(2)), evaluator)
    assert set(evaluator.asked) == {0, 1}


# --- Determinism ------------------------------------------------------------------------------

NOISY = {
    "visits": 12,
    "noise_fraction": 0.25,
    "random_symmetry": True,
    "temperature": 1.0,
    "temperature_moves": 4,
}
GUMBEL = {"visits": 12, "root_policy": "gumbel", "random_symmetry": True}


@pytest.mark.parametrize("options", [NOISY, GUMBEL], ids=["puct", "gumbel"])
def test_the_same_seed_gives_the_same_games_bit_for_bit(options):
    found = [play_all(new_pool(starts(9), seed=s, **options), HashEvaluator(9)) for s in (5, 5, 6)]
    assert same_games(found[0], found[1])
    assert not same_games(found[0], found[2])


@pytest.mark.parametrize("options", [NOISY, GUMBEL], ids=["puct", "gumbel"])
@pytest.mark.parametrize("leaves", [1, 3])
def test_a_game_depends_on_its_id_and_the_seed_alone_not_on_its_company(options, leaves):
    options = {**options, "leaves_per_batch": leaves}
    alone = play_all(new_pool(starts(9), parallel=1, **options), HashEvaluator(9))
    together = play_all(new_pool(starts(9), parallel=9, **options), HashEvaluator(9))
    threads = play_all(new_pool(starts(9), parallel=6, workers=3, **options), HashEvaluator(9))
    assert same_games(alone, together)
    assert same_games(alone, threads)


@pytest.mark.parametrize("options", [NOISY, GUMBEL], ids=["puct", "gumbel"])
def test_games_of_different_ids_differ(options):
    logs = play_all(new_pool(starts(30), **options), HashEvaluator(9))
    assert len({tuple(log.actions.tolist()) for log in logs.values()}) > 20


# --- Stopping and going on --------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 3])
def test_a_stop_keeps_the_unfinished_games_and_a_second_play_finishes_them(workers):
    def pool():
        return new_pool(starts(40, FOUR), FOUR, parallel=6, workers=workers, visits=5)

    stopped, logs = pool(), {}

    def keep(limit):
        def on_game(log):
            assert log.id not in logs
            logs[log.id] = log
            return len(logs) < limit

        return on_game

    for limit in (1, 7, 20):
        stopped.play([HashEvaluator(FOUR.actions)], keep(limit))
        assert limit <= len(logs) < limit + 6  # games that end in the same round are told too
    stopped.play([HashEvaluator(FOUR.actions)], keep(1000))
    assert same_games(logs, play_all(pool(), HashEvaluator(FOUR.actions)))


def test_on_game_is_never_called_from_two_threads_at_once():
    busy, most = 0, 0
    lock = threading.Lock()

    def on_game(log):
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        time.sleep(0.001)
        with lock:
            busy -= 1
        return True

    pool = new_pool(starts(30), parallel=9, workers=3, visits=1)
    pool.play([HashEvaluator(9)], on_game)
    assert most == 1


def test_the_stream_of_starts_is_read_no_further_than_needed():
    read = []

    def endless():
        for index, start in enumerate(starts(1) * 10_000):
            read.append(index)
            yield Start(index, start.state)

    pool = new_pool(endless(), parallel=4)
    pool.play([HashEvaluator(9)], lambda log: log.id < 20)
    assert len(read) < 50


def test_counters_add_up_over_calls_of_play():
    evaluator = HashEvaluator(9)
    pool = new_pool(starts(12), parallel=4, workers=2, record=False)
    pool.play([evaluator], lambda log: False)
    moves, seen = pool.moves_played, pool.evaluations
    assert 0 < seen == evaluator.rows
    play_all(pool, evaluator)
    assert pool.moves_played > moves
    assert pool.evaluations == evaluator.rows
    assert pool.bytes > 0


def test_memory_stays_bounded_over_many_games():
    pool = new_pool(starts(200, FOUR), FOUR, parallel=2, visits=30)
    sizes = []

    def on_game(log):
        sizes.append(pool.bytes)
        return True

    pool.play([HashEvaluator(FOUR.actions)], on_game)
    assert max(sizes[100:]) <= 2 * max(sizes[:20])


@pytest.mark.parametrize("options", [NOISY, GUMBEL], ids=["puct", "gumbel"])
def test_unfinished_games_can_be_handed_over_any_number_of_times(options):
    """Nothing is lost or played twice, and the course depends only on what was handed over."""

    def in_parts(parts):
        logs, games = {}, iter(starts(20, FOUR))
        for _ in range(parts):
            pool = new_pool(games, FOUR, parallel=5, **options)

            def keep(log):
                assert log.id not in logs
                logs[log.id] = log
                return len(logs) % 4 != 0

            pool.play([HashEvaluator(FOUR.actions)], keep)
            games = itertools.chain(pool.take_unfinished(), games)
        return logs

    whole = in_parts(40)
    assert sorted(whole) == list(range(20))
    assert same_games(whole, in_parts(40))
    for log in whole.values():
        assert replayed(log, FOUR).over
        lengths = (len(log.root_values), len(log.full), len(log.policies), len(log.surprises))
        assert lengths == (len(log.actions),) * 4


def test_an_unfinished_game_with_an_illegal_move_is_refused():
    pool = new_pool(starts(9), **NOISY)
    pool.play([HashEvaluator(9)], lambda log: False)
    broken = next(log for log in pool.take_unfinished() if len(log.actions) > 1)
    broken.actions[1] = broken.actions[0]
    with pytest.raises(ValueError, match="not legal"):
        play_all(new_pool([broken]), HashEvaluator(9))


# --- Playout cap randomisation, surprise, resignation -------------------------------------------


def test_the_share_of_full_searches_is_the_one_asked_for_and_only_they_make_targets():
    cap = PlayoutCap(full_share=0.25, quick=SearchSettings(visits=2))
    evaluator = HashEvaluator(FOUR.actions)
    pool = new_pool(starts(60, FOUR), FOUR, visits=30, reuse_tree=False, cap=cap)
    logs = play_all(pool, evaluator).values()
    full = np.concatenate([log.full for log in logs])
    policies = np.concatenate([log.policies for log in logs])
    assert 0.2 < full.mean() < 0.3
    assert policies.sum(axis=1) == pytest.approx(full.astype(float), abs=1e-5)
    # Of a full search at most 30 visits, of a quick one at most 2, need the evaluator.
    assert evaluator.rows <= 30 * full.sum() + 2 * (1 - full).sum()


@pytest.mark.parametrize(("full", "quick"), [(1, 8), (8, 1)])
def test_a_batch_has_room_for_the_leaves_of_either_search(full, quick):
    class Counting(HashEvaluator):
        most = 0

        def __call__(self, planes, globals_):
            self.most = max(self.most, len(planes))
            return super().__call__(planes, globals_)

    cap = PlayoutCap(full_share=0.5, quick=SearchSettings(visits=40, leaves_per_batch=quick))
    options = {"visits": 40, "leaves_per_batch": full, "parallel": 1, "cap": cap}
    evaluator = Counting(FOUR.actions)
    play_all(new_pool(starts(2, FOUR), FOUR, **options), evaluator)
    assert evaluator.most == 8


def test_without_a_cap_each_move_has_the_full_search():
    log = play_all(new_pool(starts(1)), HashEvaluator(9))[0]
    assert log.full.all()


def test_the_surprise_is_the_divergence_of_the_policy_from_the_prior():
    log = play_all(new_pool(starts(1), visits=40, reuse_tree=False), HashEvaluator(9))[0]
    search = Search(TTT.native, SearchSettings(visits=40), HashEvaluator(9))
    search.set_root(log.start)
    search.run()
    moves = [move for move in search.core.moves() if move.policy > 0]
    expected = sum(move.policy * np.log(move.policy / move.prior) for move in moves)
    assert log.surprises[0] == pytest.approx(expected, abs=1e-5)
    assert (log.surprises >= -1e-5).all()


class Gloomy(UniformEvaluator):
    """Always says that one player, the first by default, has lost."""

    def __init__(self, actions, loser=0):
        super().__init__(actions)
        self.loser = loser

    def __call__(self, planes, globals_):
        logits = super().__call__(planes, globals_).logits
        pieces = planes[:, :2].sum(axis=(2, 3), dtype=int)
        mover = pieces[:, 0] != pieces[:, 1]
        return logits, np.where(mover == self.loser, -0.99, 0.99).astype(np.float32)


# The first player searches at the moves 1, 3, 5 ..., and resigns at one of them; the second at others.
@pytest.mark.parametrize(
    ("loser", "searches", "played"), [(0, 1, 1), (0, 2, 3), (0, 3, 3), (1, 1, 2), (1, 2, 2), (1, 3, 4)]
)
def test_a_player_resigns_when_enough_searches_agree(loser, searches, played):
    rule = Resignation(below=-0.9, moves=searches, play_on_share=0)
    pool = new_pool(starts(4, FOUR), FOUR, visits=1, resignation=rule)
    for log in play_all(pool, Gloomy(FOUR.actions, loser)).values():
        assert len(log.actions) == played
        assert (log.resigner, log.resigned, log.outcome) == (loser, True, 1 if loser else -1)
        assert log.ownership.size == 0


@pytest.mark.parametrize("hopeful", [0, 1])
@pytest.mark.parametrize("searches", [2, 3, 4])
def test_nobody_resigns_while_the_searches_of_one_side_see_hope(searches, hopeful):
    rule = Resignation(below=-0.9, moves=searches, play_on_share=0)
    pool = new_pool(starts(4, FOUR), FOUR, seats=2, visits=1, resignation=rule)
    evaluators = [Gloomy(FOUR.actions), Gloomy(FOUR.actions)]
    evaluators[hopeful] = UniformEvaluator(FOUR.actions)
    assert not any(log.resigned for log in play_all(pool, *evaluators).values())


def test_games_played_on_show_whether_the_resignation_was_wrong():
    rule = Resignation(below=-0.9, moves=3, play_on_share=0.5)
    pool = new_pool(starts(60, FOUR), FOUR, visits=1, resignation=rule, temperature=1,
                    temperature_moves=99)  # fmt: skip
    logs = play_all(pool, Gloomy(FOUR.actions)).values()
    played_on = [log for log in logs if not log.resigned]
    assert 15 < len(played_on) < 45
    for log in played_on:
        assert replayed(log, FOUR).over and log.resigner == 0
        assert log.outcome == replayed(log, FOUR).outcome()
    assert {log.outcome for log in played_on} >= {1, -1}
