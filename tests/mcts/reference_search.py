"""The search once more in plain Python: slow, and written to be compared with the papers.

PUCT is Silver et al. 2017 (AlphaGo Zero), Methods "Select", with the visit-dependent factor of
Silver et al. 2018 (AlphaZero); Gumbel is Danihelka et al. 2022 with all noise zero. Values of
edges are the view of the player who moves, values of nodes the first player's.
"""

import math
import zlib
from dataclasses import dataclass, field

import numpy as np


class HashEvaluator:
    """Policies and values that depend on nothing but the position, and look random."""

    def __init__(self, actions):
        self.actions = actions
        self.calls = 0
        self.rows = 0

    def one(self, planes):
        """(logits [A], value) of one position's planes [C, H, W]."""
        rng = np.random.default_rng(zlib.crc32(planes.tobytes()))
        return rng.normal(0, 1.5, self.actions), rng.uniform(-1, 1)

    def __call__(self, planes, globals_):
        self.calls += 1
        self.rows += len(planes)
        logits, values = zip(*map(self.one, planes), strict=True)
        return np.array(logits, np.float32), np.array(values, np.float32)


@dataclass
class Edge:
    prior: float
    visits: int = 0
    in_flight: int = 0
    value_sum: float = 0.0
    child: "Node | None" = None

    @property
    def count(self):
        return self.visits + self.in_flight


@dataclass
class Node:
    state: np.ndarray
    visits: int = 0
    value: float = 0.0
    expanded: bool = False
    pending: bool = False
    edges: dict[int, Edge] = field(default_factory=dict)


class ReferenceSearch:
    """One tree; the same steps as the core, one batch of leaves at a time."""

    def __init__(self, game, settings, evaluator, state):
        self.game, self.settings, self.evaluator = game, settings, evaluator
        self.root = Node(state.copy())

    def run(self):
        while self.root.visits < self.settings.visits:
            self.batch()

    def batch(self):
        """Selects up to leaves_per_batch leaves, then evaluates all of them and backs them up."""
        leaves = []
        while len(leaves) < self.settings.leaves_per_batch:
            if self.root.expanded and self.root.visits + len(leaves) >= self.settings.visits:
                break
            path, leaf = self.descend()
            if self.game.over(leaf.state):
                leaf.value = self.game.outcome(leaf.state)
                self.back_up(path, leaf, leaf.value)
            elif leaf.pending:  # the best line is already waiting for its answer
                for _, edge in path:
                    edge.in_flight -= 1
                break
            else:
                leaf.pending = True
                leaves.append((path, leaf))
        for path, leaf in leaves:
            self.expand(leaf)
            self.back_up(path, leaf, leaf.value)

    def descend(self):
        path, node = [], self.root
        while node.expanded:
            if node is self.root and self.settings.root_policy == "gumbel":
                action = self.select_gumbel(node)
            else:
                action = self.select_puct(node)
            edge = node.edges[action]
            if edge.child is None:
                edge.child = Node(node.state.copy())
                self.game.play(edge.child.state, action)
            edge.in_flight += 1
            path.append((node, edge))
            node = edge.child
        return path, node

    def expand(self, leaf):
        planes, _ = self.game.encode(leaf.state)
        logits, value = self.evaluator.one(planes)
        legal = np.flatnonzero(self.game.legal_mask(leaf.state))
        weights = np.exp(logits[legal] - logits[legal].max())
        priors = weights / weights.sum()
        leaf.edges = {int(a): Edge(float(p)) for a, p in zip(legal, priors, strict=True)}
        leaf.value = self.mover_view(leaf, value)
        leaf.pending, leaf.expanded = False, True

    def back_up(self, path, leaf, value):
        for node, edge in path:
            edge.in_flight -= 1
            edge.visits += 1
            edge.value_sum += self.mover_view(node, value)
            node.visits += 1
        leaf.visits += 1

    def mover_view(self, node, value):
        """From the first player's view to the view of the side to move, or back."""
        return value if self.game.to_move(node.state) == 0 else -value

    def select_puct(self, node):
        s = self.settings
        noisy = node is self.root and s.noise_fraction > 0
        reduction = 0 if noisy else s.fpu_reduction  # Silver et al. 2017: there all moves are explored
        total = sum(edge.count for edge in node.edges.values())
        tried = sum(edge.prior for edge in node.edges.values() if edge.count)
        c = s.c_puct + math.log((total + 1 + s.c_puct_base) / s.c_puct_base)
        values = sum(edge.value_sum for edge in node.edges.values())
        visits = sum(edge.visits for edge in node.edges.values())
        parent = (self.mover_view(node, node.value) + values) / (visits + 1)

        def score(action):
            edge = node.edges[action]
            if edge.visits:
                q = edge.value_sum / edge.visits
            elif edge.in_flight:
                q = parent - s.virtual_loss
            else:
                q = parent - reduction * math.sqrt(tried)
            return q + c * edge.prior * math.sqrt(total + 1e-8) / (1 + edge.count)

        return max(node.edges, key=score)

    def completed_q(self, node):
        """Equation 33 of appendix D: unvisited moves get a mix of the value net and the visited."""
        visited = {a: edge for a, edge in node.edges.items() if edge.visits}
        total = sum(edge.visits for edge in visited.values())
        own = self.mover_view(node, node.value)
        mixed = own
        if visited:
            prior = sum(edge.prior for edge in visited.values())
            mean = sum(e.prior * e.value_sum / e.visits for e in visited.values()) / prior
            mixed = (own + total * mean) / (1 + total)
        return {a: e.value_sum / e.visits if e.visits else mixed for a, e in node.edges.items()}

    def gumbel_score(self, node, action, q):
        most = max(edge.visits for edge in node.edges.values())
        sigma = (self.settings.gumbel_c_visit + most) * self.settings.gumbel_c_scale * q
        return math.log(node.edges[action].prior) + sigma

    def select_gumbel(self, node):
        total = sum(edge.count for edge in node.edges.values())
        considered = min(self.settings.gumbel_considered, len(node.edges))
        wanted = considered_visits(considered, max(1, self.settings.visits - 1))[total]
        q = self.completed_q(node)
        candidates = [a for a, edge in node.edges.items() if edge.count == wanted]
        return max(candidates, key=lambda a: self.gumbel_score(node, a, q[a]))

    def improved_policy(self):
        """softmax(logits + sigma(completed Q)), by action."""
        q = self.completed_q(self.root)
        scores = {a: self.gumbel_score(self.root, a, q[a]) for a in q}
        weights = {a: math.exp(score - max(scores.values())) for a, score in scores.items()}
        return {a: weight / sum(weights.values()) for a, weight in weights.items()}


def considered_visits(considered, simulations):
    """How often a move must have been tried to be a candidate, for each simulation.

    Sequential halving splits the simulations evenly over ceil(log2(considered)) phases; a phase
    gives each survivor the same number of visits, then the better half survives.
    """
    if considered <= 1:
        return list(range(simulations))
    phases = math.ceil(math.log2(considered))
    wanted, done, survivors = [], 0, considered
    while len(wanted) < simulations:
        for _ in range(max(1, simulations // (phases * survivors))):
            wanted += [done] * survivors
            done += 1
        survivors = max(2, survivors // 2)
    return wanted[:simulations]


def statistics(node):
    """{action: (visits, value sum in the mover's view)} of the moves tried."""
    return {a: (e.visits, e.value_sum) for a, e in node.edges.items() if e.visits}
