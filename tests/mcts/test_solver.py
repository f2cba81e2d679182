"""Proven results: how they rise through the tree, what they rule out, and known solutions."""

import numpy as np
import pytest
from reference_search import HashEvaluator
from searching import TTT, new_search, perfect, position, searched, solved

from engine.game import Game, dihedral_symmetries
from engine.position import Position
from mcts import Evaluation, Search, SearchSettings, UniformEvaluator


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
