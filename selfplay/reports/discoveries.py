"""Moves that imitation would never have played, and that are better: AlphaGo's move 37, looked for.

A discovery is a position where the self-play net with search chooses a move to which the imitation
net gives less than 1 in 1,000, and where searches ten times deeper, one of each move, say that it
is better, by a margin, than every move that imitation considers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from engine.board_view import draw
from engine.errors import UserError
from engine.files import write_whole
from engine.game import Game
from engine.games import load
from engine.nets.files import load_net
from engine.nets.inference import NetEvaluator, choose_device, cpu_count, torch_threads
from engine.position import Position
from engine.records.sgf import write_sgf
from mcts import Evaluator, SearchSettings, search_all
from selfplay.config import RunConfig, parse_config
from selfplay.learning.replay import Games, make_batch
from selfplay.progress import Reporter
from selfplay.reports.report import position_after, record_of
from selfplay.reports.worth import values_of_moves
from selfplay.run import stage_name
from selfplay.teachers.imitation import ExpertStage

UNTHINKABLE = 1 / 1000  # prior below which imitation would never play a move
CONSIDERED = 1 / 100  # prior from which on it considers one
DEEPER = 10  # times the visits of the first search
LIKELY = 0.03  # prior of the self-play net that makes a position worth a search
TOGETHER = 64  # positions examined at once


@dataclass(frozen=True)
class Discovery:
    """A move that imitation would never have played.

    position    the game up to the move
    action      the move; prior is the imitation net's
    value       of the move, by the deep search, in the mover's view, in [-1, 1]
    considered  (action, prior, value) of the moves that imitation considers, the likeliest first
    source      where the position comes from
    """

    position: Position
    action: int
    prior: float
    value: float
    considered: list[tuple[int, float, float]]
    source: str

    @property
    def margin(self) -> float:
        """By how much it is better than the best move that imitation considers."""
        return self.value - max(value for _, _, value in self.considered)


def find_discoveries(
    folder: Path,
    positions: int,
    visits: int,
    margin: float,
    most: int,
    device_name: str,
    seed: int,
    report: Reporter,
) -> list[Discovery]:
    """Looks through a run's own games and its expert games, and writes `discoveries/` into it.

    At most `positions` of each kind are looked at, and it ends soon after `most` discoveries. Raises
    UserError when the folder is no run with an imitation net and a self-play net.
    """
    path = folder / "config.json"
    if not path.exists():
        raise UserError(f"'{folder}' is no run folder: begin one with move37 train or move37 demo")
    config = parse_config(json.loads(path.read_text()), str(path))
    game, device = load(config.game), choose_device(device_name)
    imitation, surpassed = _nets(folder, config)
    with torch_threads(cpu_count()):
        before = NetEvaluator(load_net(imitation, game)[0], device, game)
        after = NetEvaluator(load_net(surpassed, game)[0], device, game)
        rng = np.random.default_rng(seed)
        found: list[Discovery] = []
        for source, games in _sources(folder):
            candidates = likely_rows(game, games, before, after, positions, rng)
            report.line(f"{source}: {len(candidates):,} positions are worth a search")
            for first in range(0, len(candidates), TOGETHER):
                report.bar(source, first / len(candidates), f"{len(found)} found")
                rows = candidates[first : first + TOGETHER]
                examined = [position_after(game, games, row) for row in rows]
                found += examine(examined, before, after, visits, margin, source)
                if len(found) >= most:
                    break
    found = best_first(found)
    out = folder / "discoveries"
    out.mkdir(exist_ok=True)
    write_whole(out / "discoveries.md", markdown(game, found, visits, margin).encode())
    if game.family == "go":
        write_whole(out / "discoveries.sgf", "".join(map(sgf, found)).encode())
    return found


def best_first(found: Sequence[Discovery]) -> list[Discovery]:
    """The largest margin first; one that several games came to stands once."""
    once: dict[tuple[int, int], Discovery] = {}
    for each in sorted(found, key=lambda discovery: -discovery.margin):
        once.setdefault((each.position.position_hash, each.action), each)
    return list(once.values())


def likely_rows(
    game: Game,
    games: Games,
    before: Evaluator,
    after: Evaluator,
    most: int,
    rng: np.random.Generator,
) -> list[int]:
    """Positions where the new net likes a move that is unthinkable to the old, the keenest first;
    none where the old would pass."""
    rows = np.flatnonzero(games.taught)
    rows = np.sort(rng.choice(rows, min(most, len(rows)), replace=False))
    keenness = []
    for chunk in np.array_split(rows, max(1, len(rows) // 256)):
        batch = make_batch(game, games, chunk, np.zeros(len(chunk), np.int64), 0.0)
        inputs = batch.planes.numpy(), batch.globals_.numpy()
        old, new = (legal_priors(net(*inputs).logits, batch.legal.numpy()) for net in (before, after))
        over = old.argmax(axis=1) >= game.board_actions  # imitation would pass: any move is news
        keenness.append(np.where(old < UNTHINKABLE, new, 0).max(axis=1) * ~over)
    liking = np.concatenate(keenness)
    order = np.argsort(-liking, kind="stable")
    return [int(rows[i]) for i in order if liking[i] >= LIKELY]


def legal_priors(logits: np.ndarray, legal: np.ndarray) -> np.ndarray:
    """The softmax [n, A] of logits [n, A] over the legal moves [n, A] bool."""
    masked = torch.from_numpy(logits).masked_fill(~torch.from_numpy(legal), -torch.inf)
    return torch.softmax(masked, dim=1).numpy()


def examine(
    positions: Sequence[Position],
    before: Evaluator,
    after: Evaluator,
    visits: int,
    margin: float,
    source: str = "",
) -> list[Discovery]:
    """The discoveries in positions: three conditions, the cheap ones first. A pass is none."""
    game = positions[0].game
    planes, globals_ = (np.stack(part) for part in zip(*(p.encode() for p in positions), strict=True))
    legal = np.stack([position.legal_mask() for position in positions]).astype(bool)
    priors = legal_priors(before(planes, globals_).logits, legal)
    states = (position.state for position in positions)
    searches = search_all(game.native, SearchSettings(visits=visits), states, after)
    chosen = np.array(
        [search.core.choose(len(p.actions)) for p, search in zip(positions, searches, strict=True)]
    )
    rows = np.arange(len(positions))
    news = (priors[rows, chosen] < UNTHINKABLE) & (chosen < game.board_actions)
    likeliest = priors.argmax(axis=1)
    considered = (priors >= CONSIDERED) & legal
    considered[rows, likeliest] = True
    deeper = SearchSettings(visits=DEEPER * visits)

    def judge(moves: np.ndarray) -> np.ndarray:
        return values_of_moves(positions, moves & news[:, None], deeper, after)

    # The likeliest move alone refutes most: the others are judged only where it is worse.
    first = np.zeros_like(legal)
    first[rows, chosen] = first[rows, likeliest] = True
    values = judge(first)
    news &= values[rows, chosen] - values[rows, likeliest] >= margin
    values += judge(considered & ~first)
    best = np.where(considered, values, -np.inf).max(axis=1)
    news &= values[rows, chosen] - best >= margin
    return [
        Discovery(
            positions[row].copy(),
            int(chosen[row]),
            float(priors[row, chosen[row]]),
            float(values[row, chosen[row]]),
            [
                (int(action), float(priors[row, action]), float(values[row, action]))
                for action in np.argsort(-priors[row], kind="stable")
                if considered[row, action]
            ],
            source,
        )
        for row in map(int, np.flatnonzero(news))
    ]


# --- The run's files --------------------------------------------------------------------------


def _nets(folder: Path, config: RunConfig) -> tuple[str, str]:
    """The names of the imitation net and of the newest self-play net."""
    before, after = config.start, None
    for index, stage in enumerate(config.stages):
        path = folder / "nets" / f"{stage_name(index, stage)}.safetensors"
        if path.exists() and isinstance(stage, ExpertStage):
            before = str(path)
        elif path.exists():
            after = str(path)
        elif not isinstance(stage, ExpertStage) and (folder / "latest.safetensors").exists():
            after = str(folder / "latest.safetensors")
    before = config.reference or before
    if before is None or after is None:
        raise UserError(
            f"run '{folder}' needs an imitation net and a self-play net to compare: "
            "run an expert stage (or --start from its net), then a search stage"
        )
    return before, after


def _sources(folder: Path) -> Iterator[tuple[str, Games]]:
    """The run's own games and its expert games, as far as there are any."""
    shards = sorted(folder.glob("replay/*/*.safetensors"))
    if shards:
        newest = [shard for shard in shards if shard.parent == shards[-1].parent]
        yield "self-play", Games.join([Games.load(shard) for shard in newest])
    for path in sorted(folder.glob("experts/*.safetensors")):
        yield "expert games", Games.load(path)


# --- For people -------------------------------------------------------------------------------


def describe(discovery: Discovery) -> str:
    """A discovery in one line."""
    name = discovery.position.game.notation.name
    others = ", ".join(
        f"{name(action)} {prior:.0%} ({chance(value):.0%})"
        for action, prior, value in discovery.considered
    )
    return (
        f"{name(discovery.action)} wins {chance(discovery.value):.0%}; imitation gives it "
        f"{one_in(discovery.prior)} and considers {others}"
    )


def chance(value: float) -> float:
    """The chance to win at a value in [-1, 1]."""
    return (value + 1) / 2


def one_in(prior: float) -> str:
    """A small probability for people."""
    return f"1 in {1 / prior:,.0f}" if prior > 0 else "nothing"


def markdown(game: Game, found: list[Discovery], visits: int, margin: float) -> str:
    """A table of the discoveries and a diagram of each, X to the first player."""
    name = game.notation.name
    lines = [
        f"# Moves that imitation would never have played: {game.name}",
        "",
        f"{len(found)} found. Each was chosen by a search of {visits} visits, has a prior below "
        f"1 in 1,000 in the imitation net, and by searches of {DEEPER * visits:,} visits its chance to "
        f"win is at least {50 * margin:g} % better than that of every move that imitation gives 1 % "
        "or more. In brackets the chances to win.",
        "",
        "| # | from | move | imitation's prior | chance to win | imitation considers |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for number, each in enumerate(found, 1):
        others = ", ".join(f"{name(a)} {p:.0%} ({chance(v):.0%})" for a, p, v in each.considered)
        lines.append(
            f"| {number} | {each.source}, move {len(each.position.actions) + 1} | {name(each.action)} "
            f"| {one_in(each.prior)} | {chance(each.value):.0%} | {others} |"
        )
    for number, each in enumerate(found, 1):
        mover = game.players[each.position.to_move]
        lines += ["", f"## {number}. {mover} plays {name(each.action)}", ""]
        after = each.position.copy()
        after.play(each.action)
        lines += ["```", draw(after), "```"]
    return "\n".join(lines) + "\n"


def sgf(discovery: Discovery) -> str:
    """The game up to the move and the move itself, with a comment, as SGF."""
    after = discovery.position.copy()
    after.play(discovery.action)
    record = record_of(after)
    record.result = ""
    comment = describe(discovery).replace("\\", "\\\\").replace("]", "\\]")
    return f"{write_sgf(record).rstrip().removesuffix(')')}C[{comment}])\n"
