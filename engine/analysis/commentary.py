"""The commented record of a review: an SGF.

It keeps everything that stood in the record, variations included, and adds to the main line:
a comment and `SBKV` (Black's win rate in per cent, which Sabaki draws) at each move, `BM` or `DO` at
bad and doubtful ones, and the better line as a variation beside them.
"""

from __future__ import annotations

from typing import Any

from sgfmill import sgf_grammar

from engine.analysis.record_review import COLOURS, LINE_LENGTH, RecordReview
from engine.analysis.review import MoveReview
from engine.analyst import Report
from engine.records.sgf import PropertyMap, application, sgf_point, write_sgf

NEGLIGIBLE = 0.0005  # of the win rate: less shows as 0.0 %


def commented_sgf(review: RecordReview) -> bytes:
    """The record's own SGF with the review in it; see the module's docstring."""
    record = review.record
    tree = sgf_grammar.parse_sgf_game(record.sgf or write_sgf(record).encode())
    nodes = list(sgf_grammar.main_sequence_iter(tree))
    played = [sum(len(node.get(colour, [])) for colour in ("B", "W")) for node in nodes]
    # Free handicap that was played as moves is setup to us.
    skipped = sum(played) - len(record.moves)
    variations: dict[int, list[PropertyMap]] = {}
    index = -skipped
    for number, (node, count) in enumerate(zip(nodes, played, strict=True)):
        first, index = index, index + count
        if number == 0 or (count and 0 < index < len(review.reports)):
            report = review.reports[max(0, index)]
            node["SBKV"] = [f"{100 * report.win_rate:.2f}".encode()]
            if index > max(0, first):
                _comment(node, f"{_move_text(review, review.moves[index - 1])}\n{_standing(report)}")
            else:
                _comment(node, f"{review.net}, {review.effort}\n{_standing(report)}")
        if count == 1 and 0 <= first < len(review.moves):
            move = review.moves[first]
            if move.grade:
                node["BM" if move.grade == "mistake" else "DO"] = [b"1"]
                variations[number] = _better_line(review, move)
    nodes[0]["AP"] = [application().encode()]
    for number, line in variations.items():
        _add_variation(tree, number, line)
    data: bytes = sgf_grammar.serialise_game_tree(tree)
    return data


def _standing(report: Report) -> str:
    lead = "" if report.score_lead is None else f", {lead_text(report.score_lead)}"
    return f"Black {100 * report.win_rate:.1f} %{lead}"


def lead_text(lead: float) -> str:
    """Black's lead in points as results are written: `B+3.5`."""
    return f"{'B' if lead >= 0 else 'W'}+{abs(lead):.1f}"


def _move_text(review: RecordReview, move: MoveReview) -> str:
    """What is said about a move that was played, in ASCII, which all encodings of SGF share."""
    if move.rank == 0:
        return "The best move."
    better = " ".join(review.names(action) for action in move.best.line[:LINE_LENGTH])
    if move.loss < NEGLIGIBLE:
        return f"As good as the best. The search prefers {better}"
    points = "" if move.points is None else f" and {move.points:.1f} points"
    grade = {"mistake": "A mistake: it costs", "doubtful": "Doubtful: it costs"}.get(
        move.grade, "Costs"
    )
    return f"{grade} {100 * move.loss:.1f} %{points}. The search prefers {better}"


def _comment(node: PropertyMap, text: str) -> None:
    """Adds a comment below what the node says already."""
    old = node.get("C", [b""])[0]
    node["C"] = [old + (b"\n\n" if old else b"") + sgf_grammar.escape_text(text.encode("ascii"))]


def _better_line(review: RecordReview, move: MoveReview) -> list[PropertyMap]:
    """The moves of the better line as nodes; the first says what it promises."""
    shape = review.record.shape
    nodes: list[PropertyMap] = [
        {"BW"[(move.player + ply) % 2]: [sgf_point(action, shape)]}
        for ply, action in enumerate(move.best.line[:LINE_LENGTH])
    ]
    _comment(nodes[0], f"{COLOURS[move.player]} {100 * move.best.win_rate:.1f} %")
    return nodes


def _add_variation(tree: Any, number: int, line: list[PropertyMap]) -> None:
    """Puts a line beside the main line's node of that number, as its last variation."""
    branch = sgf_grammar.Coarse_game_tree()
    branch.sequence = line
    parent = None
    while number >= len(tree.sequence):
        number -= len(tree.sequence)
        parent, tree = tree, tree.children[0]
    if number > 0:
        rest = sgf_grammar.Coarse_game_tree()
        rest.sequence, rest.children = tree.sequence[number:], tree.children
        tree.sequence, tree.children = tree.sequence[:number], [rest, branch]
    elif parent is not None:
        parent.children.append(branch)
