"""Go by the numbers: as many legal positions and as many games as J. Tromp and G. Farneback count.

"Combinatorics of Go" (2007, 2016). A position is legal when every chain has a liberty. Their game
graph has the legal positions as nodes and an edge for each move of either colour that leads to
another position (suicide is allowed; that of a single stone leads nowhere). A game is a simple path
from the empty board: no position comes twice, which is positional superko, and either colour may
move at each step, since a pass before it changes the turn and nothing else. The path without an
edge, two passes at once, counts as a game.
"""

import any_go
import numba as nb
import numpy as np
import pytest

from engine import games, native
from engine.games.go import KO_POSITIONAL, KO_SIMPLE, go
from engine.games.go.board import clear_board, neighbour, point_of, put_stone
from engine.position import Position

# Their table of legal positions: (rows, columns): count.
LEGAL = {
    (1, 1): 1,
    (1, 2): 5,
    (1, 3): 15,
    (1, 4): 41,
    (1, 5): 113,
    (1, 6): 313,
    (1, 7): 867,
    (1, 8): 2401,
    (1, 9): 6649,
    (2, 2): 57,
    (2, 3): 489,
    (2, 4): 4125,
    (2, 5): 35117,
    (3, 3): 12675,
    (3, 4): 321689,
}
LEGAL_SLOW = {(3, 5): 8180343, (4, 4): 24318165}

SMALL = go(4, 4)  # its record holds every board counted here

with native.code_cache(*native.rules_of(SMALL).values()):

    @nb.njit(cache=True)
    def count_legal_positions(states, h, w):
        """Puts nothing, Black or White on one point after another; states holds h * w + 1 records.

        Points not yet decided are empty, so a chain without liberties will never get one.
        """
        tried = np.zeros(h * w + 1, np.int64)  # colours tried at each point
        clear_board(states[0], h, w)
        depth, count = 0, 0
        while depth >= 0:
            if depth == h * w:
                count += 1
                depth -= 1
            elif tried[depth] == 3:
                tried[depth] = 0
                depth -= 1
            else:
                colour = tried[depth]
                tried[depth] += 1
                states[depth + 1] = states[depth]
                if colour == 0 or all_breathe_after(states[depth + 1], w, point_of(w, depth), colour):
                    depth += 1
        return count

    @nb.njit(cache=True)
    def all_breathe_after(state, w, point, colour):
        """Puts a stone and returns whether its chain and those beside it have liberties."""
        put_stone(state, w, point, colour)
        breathe = state.liberties[state.chain[point]] > 0
        for direction in range(4):
            breathe &= state.liberties[state.chain[neighbour(w, point, direction)]] > 0
        return breathe

    @nb.njit(cache=True)
    def count_paths(successors, first, second, longest):
        """How many simple paths of one to `longest` edges begin with the edge between two nodes.

        successors: [N] uint64, bit j of the i-th set when an edge leads from i to j; N < 64.
        """
        node_of = np.zeros(67, np.int64)  # by bit modulo 67, which tells the powers of two apart
        for node in range(len(successors)):
            node_of[(np.uint64(1) << np.uint64(node)) % np.uint64(67)] = node
        left = np.zeros(len(successors) + 1, np.uint64)  # at each depth the nodes still to be tried
        last = np.zeros(len(successors) + 1, np.uint64)  # the bit of the path's node there
        last[1] = np.uint64(1) << np.uint64(second)
        visited = np.uint64(1) << np.uint64(first) | last[1]
        left[1] = successors[second] & ~visited
        depth, count = 1, 1
        while depth > 0:
            if left[depth] == 0 or depth == longest:
                visited ^= last[depth]
                depth -= 1
            else:
                bit = left[depth] & (~left[depth] + np.uint64(1))
                left[depth] ^= bit
                visited |= bit
                depth += 1
                last[depth] = bit
                left[depth] = successors[node_of[bit % np.uint64(67)]] & ~visited
                count += 1
        return count


def legal_positions(shape):
    return count_legal_positions(np.zeros(shape[0] * shape[1] + 1, SMALL.state), *shape)


@pytest.mark.parametrize("shape", LEGAL)
def test_there_are_as_many_legal_positions_as_tromp_and_farneback_count(shape):
    assert legal_positions(shape) == legal_positions(shape[::-1]) == LEGAL[shape]


@pytest.mark.slow
@pytest.mark.parametrize("shape", LEGAL_SLOW)
def test_there_are_as_many_legal_positions_on_larger_boards(shape):
    assert legal_positions(shape) == LEGAL_SLOW[shape]


def game_graph(rules):
    """For each position that moves of both colours reach from the empty board, those it leads to."""
    empty = Position(rules)
    empty.set_start(ko_rule=KO_SIMPLE, suicide=1)
    graph, waiting = {}, [empty]
    while waiting:
        position = waiting.pop()
        key = position.pieces().tobytes()
        if key not in graph:
            graph[key] = set()
            for to_move in (0, 1):
                turn = position.copy()
                turn.record["to_move"], turn.record["ko_point"] = to_move, 0
                for after in after_each_stone(turn):
                    graph[key].add(after.pieces().tobytes())
                    after.record["moves"] = 0
                    waiting.append(after)
    return graph


def after_each_stone(position):
    for action in np.flatnonzero(position.legal_mask()[:-1]):
        after = position.copy()
        after.play(int(action))
        yield after


@pytest.mark.parametrize("name", ["go1x2", "go2", "go3"])
def test_the_legal_positions_are_those_that_moves_reach_from_the_empty_board(name):
    rules = games.load(name)
    assert len(game_graph(rules)) == LEGAL[tuple(sorted(rules.shape))]


def count_games(position, longest=1000):
    """Games that go on from a position for at most `longest` stones, played with passes and superko."""
    count = 1
    if longest > 0:
        passed = position.copy()
        passed.play(position.game.actions - 1)
        for turn in (position, passed):
            count += sum(count_games(after, longest - 1) for after in after_each_stone(turn))
    return count


def beginning(rules):
    position = Position(rules)
    position.set_start(ko_rule=KO_POSITIONAL, suicide=1)
    return position


def count_paths_from_empty(rules, longest=1000):
    """The same number, from the graph alone; first moves that are mirror images count alike."""
    graph = game_graph(rules)
    number = {key: i for i, key in enumerate(graph)}
    successors = np.array([sum(1 << number[to] for to in graph[key]) for key in graph], np.uint64)
    empty, count = bytes(rules.area), 1
    for first_moves in {images(rules, key) for key in graph[empty]}:
        of_each = count_paths(successors, number[empty], number[min(first_moves)], longest)
        count += len(first_moves) * of_each
    return count


def images(rules, key):
    """A position under all symmetries of the board and with its colours swapped."""
    pieces = np.frombuffer(key, np.uint8)
    swapped = np.array([0, 2, 1], np.uint8)[pieces]
    points, _ = rules.symmetries
    return frozenset(board[table].tobytes() for board in (pieces, swapped) for table in points)


# The boards on which they count all games; the 386,356,909,593 of 2x2 are beyond a test.
GAMES = {(1, 1): 1, (1, 2): 9, (2, 1): 9, (1, 3): 907, (3, 1): 907}


@pytest.mark.parametrize("shape", GAMES)
def test_there_are_as_many_games_as_tromp_and_farneback_count(shape):
    rules = any_go.load(*shape)
    assert count_games(beginning(rules)) == count_paths_from_empty(rules) == GAMES[shape]


@pytest.mark.parametrize(("shape", "longest"), [((1, 4), 5), ((4, 1), 5), ((2, 2), 4)])
def test_games_under_superko_are_the_simple_paths_of_the_game_graph(shape, longest):
    rules = any_go.load(*shape)
    assert count_games(beginning(rules), longest) == count_paths_from_empty(rules, longest)


@pytest.mark.slow
def test_there_are_as_many_games_on_1x4_as_tromp_and_farneback_count():
    assert count_paths_from_empty(any_go.load(1, 4)) == 2_098_407_841
