"""Proven results, lower confidence bounds, scores and forced playouts, each against its formula."""

import math

import numpy as np
import pytest
from reference_search import HashEvaluator
from searching import FOUR, TTT, perfect, position, searched

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


def test_a_proven_win_is_played_under_a_temperature_too():
    """The search ends with the proof, maybe after a single visit of the winning move."""
    evaluator = HashEvaluator(TTT.actions)
    search = solved(
        position((0, 3, 1, 4)), evaluator, visits=200, temperature=1.0, temperature_moves=99
    )
    assert search.solved and {search.choose(0) for _ in range(50)} == {2}


def stalling():
    """The first player draws at once with A1, or begins a long game with B1."""
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
        planes[0] = state.to_move

    board = dihedral_symmetries(1, 2)[0][:1]
    return Game(
        "stalling", "", state, (1, 2), 2, 2, 0, 60, (board, board), reset, legal, play, outcome,
        position_hash, encode,
    )  # fmt: skip


@pytest.mark.parametrize("root_policy", ["puct", "gumbel"])
def test_a_proven_draw_does_not_change_what_the_other_moves_are_worth(root_policy):
    def evaluator(planes, globals_):  # the first player stands at -0.9
        values = np.where(planes[:, 0, 0, 0] == 0, -0.9, 0.9).astype(np.float32)
        return Evaluation(np.zeros((len(planes), 2), np.float32), values)

    game = stalling()
    settings = SearchSettings(visits=200, root_policy=root_policy, gumbel_scale=0)
    search = Search(game.native, settings, evaluator)
    search.set_root(Position(game).state)
    search.run()
    draw, long = sorted(search.core.moves(), key=lambda move: move.action)
    assert draw.value == 0 and long.value == pytest.approx(-0.9)
    assert draw.policy == 1 and search.core.choose(0) == 0
    assert search.core.root_value == 0


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
    """Values of 0 and a margin for the mover that grows with the empty points of the left half."""

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


def test_pruning_takes_no_more_than_keeps_the_most_visited_move_ahead():
    core = solved(position(rules=FOUR), HashEvaluator(FOUR.actions), visits=300, forced_playouts=2.0)
    moves = core.moves()
    best, total = moves[0], core.root_visits - 1
    c = 1.25 + math.log((total + 1 + 19652) / 19652)
    factor = c * math.sqrt(total)
    top = best.value + factor * best.prior / (1 + best.visits)
    weights = {best.action: float(best.visits)}
    for move in moves[1:]:
        kept = move.visits
        for _ in range(int(math.sqrt(2 * move.prior * total))):
            if kept <= 0 or move.value + factor * move.prior / kept >= top:
                break
            kept -= 1
        weights[move.action] = kept if kept > 1 else 0
    policy = np.array([move.policy for move in moves]) * sum(weights.values())
    assert policy == pytest.approx([weights[move.action] for move in moves], abs=1.01)


# --- Ending early -------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [(), (4,), (0, 4), (4, 0, 8)])
def test_stopping_early_never_changes_the_move(start):
    options = {"visits": 300}
    full = searched(position(start), HashEvaluator(9), **options).core
    early = searched(position(start), HashEvaluator(9), stop_early=True, **options).core
    assert early.choose(9) == full.choose(9)
    assert early.root_visits <= full.root_visits


def test_a_forced_move_is_played_after_one_visit():
    start = position((0, 1, 2, 4, 3, 5, 7, 6))
    assert searched(start, visits=500, stop_early=True).core.root_visits == 1


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
