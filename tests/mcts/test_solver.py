"""Proven results, scores, lower confidence bounds and forced playouts, each against its formula."""

import math

import numpy as np
import pytest
from reference_search import HashEvaluator
from searching import FOUR, TTT, new_search, perfect, position, searched, snapshot

from engine import games
from engine.game import Game, dihedral_symmetries
from engine.nets.files import load_net
from engine.nets.inference import NetEvaluator, choose_device
from engine.position import Position
from mcts import Evaluation, Search, SearchSettings, UniformEvaluator


def solved(start, evaluator=None, seed=0, **options):
    """A search that carries proven results up the tree."""
    return searched(start, evaluator, seed, **{"solve": True, **options}).core


# --- The solver ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "seed", "actions"),
    [
        ({"visits": 30}, 0, (5, 7, 3)),
        ({"visits": 60, "lcb_stdevs": 2.0}, 0, (5, 7, 3)),
        ({"visits": 33, "root_policy": "gumbel"}, 22, (3, 6, 1, 8)),
        ({"visits": 30, "completed_q": True}, 0, (5, 7, 3)),
        ({"visits": 30, "forced_playouts": 2.0}, 0, (5, 7, 3)),
    ],
)
def test_a_move_proven_to_lose_is_not_chosen_and_has_no_share_of_the_policy(options, seed, actions):
    """Even when it has the most visits, from before the proof."""
    search = Search(TTT.native, SearchSettings(**options), HashEvaluator(TTT.actions), seed)
    search.set_root(position(actions).state)
    search.run()
    stats = {move.action: move for move in search.core.moves()}
    lost = {action for action, move in stats.items() if move.value == -1}
    assert not search.core.solved and lost
    assert search.core.choose(99) not in lost
    assert sum(stats[action].policy for action in lost) == 0
    assert sum(move.policy for move in stats.values()) == pytest.approx(1)
    order = [move.action in lost for move in search.core.moves()]
    assert order == sorted(order)


@pytest.mark.parametrize("options", [{}, {"completed_q": True}, {"root_policy": "gumbel"}])
def test_a_move_never_tried_is_preferred_to_one_proven_to_lose(options):
    """X tries nothing but B3, and O answers with the win that X had to prevent."""

    def evaluator(planes, globals_):
        logits, values = np.zeros((len(planes), 9), np.float32), np.zeros(len(planes), np.float32)
        second = planes[:, :2].sum(axis=(1, 2, 3)) % 2 == 1
        logits[np.arange(len(planes)), np.where(second, 5, 1)] = 9
        return logits, values

    options = {"visits": 3, "gumbel_considered": 1, "gumbel_scale": 0, **options}
    core = solved(position((0, 3, 8, 4)), evaluator, **options)
    tried = [move for move in core.moves() if move.visits]
    assert [(move.action, move.value, move.policy) for move in tried] == [(1, -1, 0)]
    assert core.choose(9) != 1


def test_a_proven_win_is_played_under_a_temperature_too():
    """The search ends with the proof, maybe after a single visit of the winning move."""
    evaluator = HashEvaluator(TTT.actions)
    search = solved(
        position((0, 3, 1, 4)), evaluator, visits=200, temperature=1.0, temperature_moves=99
    )
    assert search.solved and {search.choose(0) for _ in range(50)} == {2}


def stalling(value, lead=0):
    """(game, evaluator): the first player draws at once with A1, or begins a long game with B1.

    The evaluator says value and lead of the long game, in the first player's view, and 0 of the start.
    """
    state = np.dtype([("to_move", "i1"), ("over", "i1"), ("ply", "i1"), ("long", "i1")], align=True)

    def reset(state):
        state.to_move = state.over = state.ply = state.long = 0

    def legal(state, mask):
        mask[0] = mask[1] = 1
        return 2

    def play(state, action):
        if state.ply == 0:
            state.long = action
        state.ply += 1
        state.to_move = 1 - state.to_move
        state.over = 1 if state.long == 0 or state.ply == 60 else 0

    def outcome(state):
        return -1.0 * state.long

    def position_hash(state):
        return np.uint64(2 * state.ply + state.long)

    def encode(state, planes, globals_):
        planes[0] = planes[1] = state.to_move
        planes[2] = planes[3] = state.ply

    def score(state, ownership):
        return 5.0

    def evaluator(planes, globals_):
        known = np.float32([[1], [-1]])[planes[:, 0, 0, 0]] * [value, lead] * (planes[:, 1, :1, 0] > 0)
        logits = np.zeros((len(planes), 2), np.float32)
        return Evaluation(logits, *np.ascontiguousarray(known.T, np.float32))

    board = dihedral_symmetries(1, 2)[0][:1]
    game = Game(
        "stalling", "", state, (1, 2), 2, 2, 0, 60, (board, board), reset, legal, play, outcome,
        position_hash, encode, score,
    )  # fmt: skip
    return game, evaluator


def stalled(value, lead=0, **options):
    """The search of that game; (what is said of A1, of B1, the move chosen)."""
    game, evaluator = stalling(value, lead)
    core = solved(Position(game), evaluator, **{"visits": 200, **options})
    return *sorted(core.moves(), key=lambda move: move.action), core.choose(0)


@pytest.mark.parametrize("root_policy", ["puct", "gumbel"])
def test_a_proven_draw_does_not_change_what_the_other_moves_are_worth(root_policy):
    game, evaluator = stalling(-0.9)
    core = solved(Position(game), evaluator, visits=200, root_policy=root_policy, gumbel_scale=0)
    draw, long = sorted(core.moves(), key=lambda move: move.action)
    assert draw.value == 0 and long.value == pytest.approx(-0.9)
    assert draw.policy == 1 and core.choose(0) == 0
    assert core.root_value == 0


@pytest.mark.parametrize(
    ("value", "lead", "chosen"),
    [
        (-0.01, 0, 0),
        (0.01, 0, 1),
        (0, 0, 1),  # a draw is no better than what may yet be won
        (-0.01, 50, 0),  # with the margin alone the utility is 0.6 higher, and 0.6 lower
        (0.01, -50, 1),
    ],
)
def test_a_proven_draw_is_preferred_to_a_lower_value_whatever_the_margin(value, lead, chosen):
    draw, long, choice = stalled(value, lead, score_weight=1.0)
    assert long.visits > draw.visits
    assert choice == chosen
    assert (draw.ruled_out, long.ruled_out) == (False, chosen == 0)
    assert (long.policy > 0) == (chosen == 1)


def test_a_proof_leaves_the_worth_of_the_margin_as_it_was():
    """After one visit of each move the end of the game is known exactly, be it called proven or not."""
    options = {"visits": 3, "root_policy": "gumbel", "gumbel_scale": 0, "gumbel_c_scale": 0.02}
    said = [stalled(0.1, -3, score_weight=1.0, solve=solve, **options) for solve in (True, False)]
    for proven, seen in zip(*[moves[:2] for moves in said], strict=True):
        assert (proven.visits, proven.value) == (seen.visits, seen.value)
        assert proven.policy == pytest.approx(seen.policy, abs=1e-6)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_move_that_a_proof_rules_out_is_not_drawn_under_a_temperature(temperature):
    start = position((5, 7, 3))
    options = {"temperature": temperature, "temperature_moves": 99}
    core = solved(start, HashEvaluator(9), visits=30, **options)
    lost = {move.action for move in core.moves() if move.ruled_out}
    assert sum(move.visits for move in core.moves() if move.action in lost) > 10
    assert not lost & {core.choose(0) for _ in range(200)}


@pytest.mark.parametrize("start", [(5, 7, 3), (3, 6, 1, 8), (0, 3, 8, 4)])
@pytest.mark.parametrize("root_policy", ["puct", "gumbel"])
@pytest.mark.parametrize("seed", range(4))
def test_a_move_once_proven_to_lose_is_never_visited_again(start, root_policy, seed):
    search = new_search(
        position(start), HashEvaluator(9), seed, visits=100, root_policy=root_policy, solve=True
    )
    lost = {}

    def look():
        for move in search.core.moves():
            if move.action in lost or (move.visits > 0 and move.value == -1):
                assert lost.setdefault(move.action, move.visits) == move.visits
        return False

    search.run(look)
    look()
    assert lost


@pytest.mark.parametrize("leaves", [1, 4])
@pytest.mark.parametrize("seed", range(12))
def test_what_is_proven_is_the_outcome_of_perfect_play(seed, leaves):
    rng = np.random.default_rng(seed)
    start = Position(TTT)
    for _ in range(rng.integers(0, 7)):
        if not start.over:
            start.play(int(rng.choice(np.flatnonzero(start.legal_mask()))))
    core = solved(start, HashEvaluator(9), visits=200_000, leaves_per_batch=leaves)
    assert core.solved
    assert core.root_value == perfect(start.state.tobytes())
    if not start.over:
        best = core.choose(9)
        start.play(best)
        assert perfect(start.state.tobytes()) == core.root_value


@pytest.mark.parametrize("seed", range(12))
def test_the_line_of_a_proven_move_is_perfect_play(seed):
    rng = np.random.default_rng(seed)
    start = position(rng.permutation(9)[:3].tolist())
    core = solved(start, HashEvaluator(9), visits=200_000)
    assert core.solved
    for action in core.principal_variation(core.choose(9)):
        start.play(action)
        assert perfect(start.state.tobytes()) == core.root_value
    assert start.over


def test_tic_tac_toe_is_a_draw_and_proven_in_few_visits():
    core = solved(position(), visits=100_000)
    assert core.solved
    assert core.root_value == 0
    assert core.root_visits < 30_000


def test_a_win_at_once_ends_the_search_with_that_move_as_the_whole_policy():
    core = solved(position((0, 3, 1, 4)), visits=1000)  # X has 0 1, and 2 wins
    assert core.solved
    assert core.root_value == 1
    assert core.choose(9) == 2
    assert [(move.action, move.policy) for move in core.moves() if move.policy > 0] == [(2, 1.0)]
    assert core.root_visits < 50


def test_proven_losses_get_no_further_visits():
    #  X to move: O threatens 5 (3 4 5), and X has no win at once, so all but 5 lose.
    start = position((0, 3, 8, 4))
    core = solved(start, visits=400)
    plain = searched(start, visits=400).core
    losing = [move for move in core.moves() if move.action != 5]
    assert all(move.value == -1 for move in losing if move.visits > 1)
    wasted = sum(move.visits for move in losing)
    assert wasted < sum(move.visits for move in plain.moves() if move.action != 5)
    assert core.choose(9) == 5


def test_a_lost_position_still_chooses_a_move():
    start = position((0, 1, 4, 2, 3))  # X threatens 5, 6 and 8: whatever O does, X wins
    core = solved(start, visits=5000)
    assert core.solved
    assert core.root_value == 1
    assert start.legal_mask()[core.choose(9)]


def test_gumbel_too_plays_a_proven_win():
    core = solved(position((0, 3, 1, 4)), visits=33, root_policy="gumbel", gumbel_scale=0.0)
    assert core.solved
    assert core.choose(9) == 2


def test_proofs_are_kept_when_the_tree_is():
    search = Search(TTT.native, SearchSettings(visits=200_000), UniformEvaluator(9))
    search.set_root(position((0, 4)).state)
    search.run()
    action = search.core.choose(9)
    search.advance(action)
    assert search.core.solved
    assert search.core.root_value == 0


@pytest.mark.parametrize("half_points", [1, 3])
def test_on_a_board_of_two_by_two_black_wins_by_one_point(half_points):
    start = Position(games.load("go2"))
    start.set_start(komi_half_points=half_points)
    core = solved(start, visits=2_000_000)
    assert core.solved
    assert core.root_value == (1 if half_points == 1 else -1)


# --- Scores -------------------------------------------------------------------------------------


class Margins:
    """Values of 0; Black leads by as many points as there are stones."""

    def __init__(self, actions):
        self.actions = actions

    def __call__(self, planes, globals_):
        n = len(planes)
        stones = planes[:, :2].sum(axis=(1, 2, 3))
        scores = np.where(stones % 2 == 0, stones, -stones.astype(np.float32)).astype(np.float32)
        return Evaluation(np.zeros((n, self.actions), np.float32), np.zeros(n, np.float32), scores)


def test_scores_are_the_mean_margin_of_the_visits_in_the_movers_view():
    rules = games.load("go5")
    core = solved(Position(rules), Margins(rules.actions), visits=27, fpu_reduction=0)
    # The root says 0 for Black; each of the 26 first visits says -stones for White: +1 for Black,
    # and a pass leaves the board empty.
    by_action = {move.action: move.score for move in core.moves()}
    assert all(by_action[action] == 1 for action in range(25))
    assert by_action[25] == 0
    assert core.root_score == pytest.approx(25 / 27)


def test_scores_are_the_movers_for_the_second_player_too():
    """Whoever is asked says that the side to move leads by 3: of a move's first visit the opponent."""

    def evaluator(planes, globals_):
        n = len(planes)
        return Evaluation(
            np.zeros((n, 26), np.float32), np.zeros(n, np.float32), np.full(n, 3, np.float32)
        )

    start = position((12,), games.load("go5"))
    assert start.to_move == 1
    core = solved(start, evaluator, visits=3, fpu_reduction=0)
    assert [move.score for move in core.moves() if move.visits == 1] == [-3, -3]
    assert core.root_score == pytest.approx(-(3 - 3 - 3) / 3)  # the first player's view


def test_a_weight_on_the_score_makes_the_larger_margin_more_useful():
    rules = games.load("go5")
    evaluator = Margins(rules.actions)
    weighted = solved(Position(rules), evaluator, visits=27, score_weight=0.5, fpu_reduction=0)
    # The value stays free of the score.
    assert all(move.value == 0 for move in weighted.moves() if move.visits)
    core = searched(Position(rules), evaluator, visits=100, score_weight=0.5).core
    passes = next(move for move in core.moves() if move.action == 25)
    others = [move for move in core.moves() if move.action != 25]
    assert passes.visits < min(move.visits for move in others)


class Leads:
    """Values of 0; Black leads by 10 at the start, by 4 later. Never passes."""

    def __init__(self, start):
        self.stones = start.pieces().astype(bool).sum()

    def __call__(self, planes, globals_):
        logits = np.zeros((len(planes), planes[0, 0].size + 1), np.float32)
        logits[:, -1] = -50
        stones = planes[:, :2].sum(axis=(1, 2, 3))
        mover = -np.sign(globals_[:, 0])  # 1 Black, whose komi is negative; -1 White
        lead = mover * np.where(stones > self.stones, 4, 10).astype(np.float32)
        return Evaluation(logits, np.zeros(len(planes), np.float32), lead)


@pytest.mark.parametrize("size", [5, 9])
@pytest.mark.parametrize("stones", [0, 1])
def test_the_margin_counts_from_what_was_expected_when_the_tree_began(stones, size):
    start = position(range(stones), games.load(f"go{size}"))
    search = new_search(start, Leads(start), visits=2 * size**2, score_weight=0.5)

    def utilities():
        """The mean utilities of the moves visited most, in Black's view."""
        search.run()
        sign = 1 if start.to_move == 0 else -1
        return [sign * move.lcb for move in search.core.moves()[:9] if move.visits > 1]

    expected = 0.5 * 2 / math.pi * math.atan((4 - 10) / size)  # on the scale of the board
    assert utilities() == pytest.approx([expected] * len(utilities())) and utilities()
    best = search.core.moves()[0].action
    start.play(best)
    search.advance(best)
    assert utilities() == pytest.approx([expected] * len(utilities())) and utilities()
    search.set_root(start.state)
    assert utilities() == pytest.approx([0] * len(utilities())) and utilities()


# --- Choosing by the lower confidence bound -----------------------------------------------------


def test_the_lower_confidence_bound_is_the_mean_less_its_standard_errors():
    core = searched(position(), HashEvaluator(9), visits=300, lcb_stdevs=2.0).core
    doubled = searched(position(), HashEvaluator(9), visits=300, lcb_stdevs=4.0).core
    for one, two in zip(core.moves(), doubled.moves(), strict=True):
        assert one.value - one.lcb == pytest.approx((two.value - two.lcb) / 2, abs=1e-5)
        if one.visits < 2:
            assert one.lcb == -math.inf


def test_with_lcb_the_surer_of_the_much_visited_moves_is_chosen():
    for seed in range(20):
        start = position((0, 4, 8)[: seed % 4])
        core = searched(start, HashEvaluator(9), visits=60 + seed, lcb_stdevs=3.0).core
        moves = core.moves()
        enough = [move for move in moves if move.visits >= 0.15 * moves[0].visits]
        assert core.choose(9) == max(enough, key=lambda move: move.lcb).action


# Of moves with about 15 % of the most visited one's visits, those whose bound is the largest of all.
SHARES = [
    ((), 39, (7, 3, 20), True),  # just 15 %
    ((3, 4), 281, (0, 23, 153), True),
    ((3, 0), 259, (8, 19, 127), False),
]


@pytest.mark.parametrize(("start", "visits", "move", "counts"), SHARES)
def test_the_bound_of_a_move_counts_from_15_percent_of_the_most_visited_on(start, visits, move, counts):
    core = searched(position(start), HashEvaluator(9), visits=visits, c_puct=2.0, lcb_stdevs=0.01).core
    moves = core.moves()
    best = max(moves, key=lambda move: move.lcb)
    assert (best.action, best.visits, moves[0].visits) == move
    assert (core.choose(9) == best.action) == counts


def test_the_lower_confidence_bound_of_a_proven_move_is_its_result():
    proven = 0
    for seed in range(8):
        core = solved(
            position((0, 4, 8)), HashEvaluator(9), seed, visits=60 + 20 * seed, lcb_stdevs=2.0
        )
        for move in core.moves():
            if move.visits > 0 and move.value in (-1, 0, 1):
                proven += 1
                assert (move.lcb, move.error) == (move.value, 0)
    assert proven > 5


# --- Forced playouts ----------------------------------------------------------------------------


def test_forced_playouts_give_each_tried_move_its_share_and_the_policy_takes_them_back():
    options = {"visits": 400}
    evaluator = HashEvaluator(FOUR.actions)
    forced = searched(position(rules=FOUR), evaluator, forced_playouts=2.0, **options).core
    total = forced.root_visits - 1
    for move in forced.moves():
        if move.visits:
            assert move.visits >= math.floor(math.sqrt(2 * move.prior * total)) - 1
    visits = {move.action: move.visits for move in forced.moves()}
    policy = {move.action: move.policy for move in forced.moves()}
    best = max(visits, key=visits.get)
    shares = {action: count / total for action, count in visits.items()}
    assert policy[best] > shares[best]
    assert all(policy[a] <= shares[a] * (policy[best] / shares[best]) + 1e-6 for a in policy)
    assert sum(policy.values()) == pytest.approx(1)


@pytest.mark.parametrize("visits", [40, 100, 300])
def test_pruning_takes_no_more_than_keeps_the_most_visited_move_ahead(visits):
    evaluator = HashEvaluator(FOUR.actions)
    core = searched(position(rules=FOUR), evaluator, visits=visits, forced_playouts=2.0).core
    moves = core.moves()
    best, total = moves[0], core.root_visits - 1
    factor = (1.25 + math.log((total + 1 + 19652) / 19652)) * math.sqrt(total)
    top = best.value + factor * best.prior / (1 + best.visits)

    def kept(move):
        if move is best:
            return move.visits
        behind = (n for n in range(move.visits) if move.value + factor * move.prior / (1 + n) <= top)
        left = max(move.visits - math.sqrt(2 * move.prior * total), next(behind, move.visits))
        return left if left > 1 else 0  # a single visit tells too little

    weights = np.array([kept(move) for move in moves])
    assert [move.policy for move in moves] == pytest.approx(weights / weights.sum(), abs=1e-5)


# --- Ending early -------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [(), (4,), (0, 4), (4, 0, 8)])
def test_stopping_early_never_changes_the_move(start):
    options = {"visits": 300}
    full = searched(position(start), HashEvaluator(9), **options).core
    early = searched(position(start), HashEvaluator(9), stop_early=True, **options).core
    assert early.choose(9) == full.choose(9)
    assert early.root_visits <= full.root_visits


@pytest.mark.parametrize("start", [(), (4,), (5, 7, 3), (3, 6, 1, 8), (0, 4, 8)])
@pytest.mark.parametrize("visits", [20, 31, 48])
@pytest.mark.parametrize("solve", [False, True])
def test_a_search_stops_when_one_move_is_further_ahead_than_there_are_visits_left(start, visits, solve):
    """Moves proven to lose need not be caught up with."""
    options = {"visits": visits, "solve": solve}
    unhurried = new_search(position(start), HashEvaluator(9), **options)

    def settled():
        counts = [move.visits for move in unhurried.core.moves() if not move.ruled_out]
        first, second = sorted([0, 0, *counts])[:-3:-1]
        return first - second > visits - unhurried.core.root_visits

    unhurried.run(settled)
    early = searched(position(start), HashEvaluator(9), **options, stop_early=True)
    assert snapshot(early) == snapshot(unhurried)


def test_a_search_stops_when_all_moves_but_one_are_proven_to_lose():
    columns = (0, 3, 1, 3, 6, 3)  # the second player threatens a fourth one in the middle
    start = position(rules=FOUR)
    for column in columns:
        start.play(next(a for a in np.flatnonzero(start.legal_mask()) if a % 7 == column))
    core = solved(start, visits=100_000, stop_early=True)
    assert [move.action % 7 for move in core.moves() if not move.ruled_out] == [3]
    assert core.root_visits < 1000 and not core.solved


def test_a_tree_ends_where_its_memory_does():
    rules = games.load("go9")
    core = solved(Position(rules), visits=100_000, memory_mib=4)
    assert core.root_visits < 30_000
    assert core.bytes < 8 * 2**20


def test_a_search_whose_memory_was_full_begins_anew_at_the_next_position():
    start = Position(games.load("go9"))
    search = Search(
        start.game.native,
        SearchSettings(visits=100_000, memory_mib=1),
        UniformEvaluator(start.game.actions),
    )
    visits = []
    for _ in range(2):
        search.set_root(start.state)
        search.run()
        visits.append(search.core.root_visits)
    assert min(visits) > 500
    search.advance(search.core.choose(0))
    search.run()
    assert search.core.root_visits > 10


@pytest.mark.parametrize("root_policy", ["puct", "gumbel"])
def test_values_stay_values_when_the_margin_counts_too(root_policy):
    class Ahead:
        """Certain to win, by 50 points."""

        def __call__(self, planes, globals_):
            rows = len(planes)
            win = np.ones(rows, np.float32)
            return Evaluation(np.zeros((rows, 82), np.float32), win, 50 * win)

    core = solved(
        Position(games.load("go9")), Ahead(), visits=8, root_policy=root_policy, score_weight=1.0
    )
    assert all(-1 <= move.value <= 1 for move in core.moves())
    assert -1 <= core.root_value <= 1


# --- Random games instead of an evaluator ---------------------------------------------------------


@pytest.mark.parametrize("rules", [TTT, FOUR])
def test_with_playouts_no_evaluator_is_asked_and_the_visits_add_up(rules):
    def never(planes, globals_):
        raise AssertionError("asked")

    core = searched(Position(rules), never, visits=600, playouts=2).core
    assert core.root_visits == 600
    assert sum(move.visits for move in core.moves()) == 599


@pytest.mark.parametrize("playouts", [1, 4])
def test_the_caller_hears_of_the_search_after_256_random_games(playouts):
    search = new_search(position(rules=FOUR), visits=10_000, playouts=playouts)
    assert search.core.collect(search._planes, search._globals) == 0
    assert search.core.root_visits == 256 // playouts


def test_playouts_favour_the_middle_columns_and_the_first_player():
    core = solved(Position(FOUR), visits=20_000, playouts=1, c_puct=3.0)
    value = {move.action % 7: move.value for move in core.moves()}
    assert core.choose(99) % 7 in (2, 3, 4)
    assert value[3] > max(value[0], value[6])
    assert core.root_value > 0


def test_playouts_give_scores_in_games_that_have_them():
    start = Position(games.load("go5"))
    core = solved(start, visits=3000, playouts=1)
    assert core.root_score + 7 > 2  # Black's lead on the board, without the komi


# The value of the empty board under area scoring and positional superko: van der Werf, Winands et al.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("komi_half_points", "playouts", "winner"),
    [(17, 1, 1), (19, 0, -1)],  # komi 8.5: Black wins all nine points; komi 9.5: there is no tenth
)
def test_on_a_board_of_three_by_three_black_wins_by_nine_points(komi_half_points, playouts, winner):
    start = Position(games.load("go3"))
    start.set_start(komi_half_points=komi_half_points)
    core = solved(start, visits=3_000_000, playouts=playouts)
    assert core.solved
    assert core.root_value == winner


@pytest.mark.slow
@pytest.mark.parametrize(("komi_half_points", "visits", "sign"), [(3, 500_000, 1), (5, 1_500_000, -1)])
def test_on_a_board_of_four_by_four_black_wins_by_two_points(komi_half_points, visits, sign):
    """Too large to be proven, but the search, with random games alone, knows who wins."""
    start = Position(games.load("go4"))
    start.set_start(komi_half_points=komi_half_points)
    core = solved(start, visits=visits, playouts=8)
    assert sign * core.root_value > 0.02


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_on_a_board_of_five_by_five_black_takes_every_point(seed):
    """With the net that learned it, from the middle and at the largest komi that can be won."""
    rules = games.load("go5")
    evaluator = NetEvaluator(load_net("go5", rules)[0], choose_device("cpu"), rules)
    black = SearchSettings(visits=400, leaves_per_batch=4)
    white = SearchSettings(visits=400, leaves_per_batch=4, temperature=1.0, temperature_moves=12)
    players = [Search(rules.native, settings, evaluator, seed) for settings in (black, white)]
    start = Position(rules)
    start.set_start(komi_half_points=2 * 25 - 1)
    moves = []
    while not start.over:
        mover = players[start.to_move]
        mover.set_root(start.state)
        mover.run()
        moves.append(mover.core.choose(len(moves)))
        start.play(moves[-1])
    assert rules.notation.name(moves[0]) == "C3"
    assert start.outcome() == 1
