"""What a run learned, for people: charts, a page that explains them and a sample game."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from engine.board_view import draw
from engine.errors import UserError
from engine.files import write_whole
from engine.game import Game
from engine.games import load
from engine.nets.files import load_net
from engine.nets.strength import in_words
from engine.position import Position
from engine.records.record import GameRecord
from engine.records.sgf import write_sgf
from selfplay.learning.replay import Games
from selfplay.metrics import Metrics
from selfplay.reports import charts

CAPTIONS = {
    "elo": "Strength: Elo over the net that self-play began with, or over the reference, from matches "
    "on the way. Dashed: a line in the logarithm of the evaluations.",
    "accuracy": "Agreement with experts: held-out expert moves that are the net's first choice. "
    "Self-play may fall below imitation here and still be stronger.",
    "losses": "Losses. The policy losses of different teachers cannot be compared.",
    "games": "The games of self-play. In the right chart, values near 1 are good.",
    "openings": "First moves from the empty board in self-play.",
}

STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:62em;margin:2em auto;padding:0 1em}"
    "img{max-width:100%}td,th{text-align:left;padding:.2em 1.2em .2em 0;vertical-align:top}"
    "pre{line-height:1.15}figure{margin:2em 0}figcaption{color:#444}"
)


def draw_run(folder: Path, title: str) -> Path:
    """Draws what a demo learned, as `chart.png` in its folder, and returns the file.

    Raises UserError without matplotlib.
    """
    path = folder / "chart.png"
    write_whole(path, charts.demo_chart(Metrics(folder, board=False).read(), title))
    return path


def write_report(folder: Path) -> Path:
    """Writes `report/index.html` with its charts into a run folder and returns the page.

    Raises UserError when the folder is no run, has done nothing yet, or without matplotlib.
    """
    path = folder / "config.json"
    if not path.exists():
        raise UserError(f"'{folder}' is no run folder: begin one with move37 train or move37 demo")
    config = json.loads(path.read_text())
    game = load(config["game"])
    events = Metrics(folder, board=False).read()
    drawn = {
        "elo": charts.elo_chart(events, config.get("reference")),
        "accuracy": charts.accuracy_chart(events),
        "losses": charts.losses_chart(events),
        "games": charts.games_chart(events),
        "openings": charts.openings_chart(events, game),
    }
    if not any(drawn.values()):
        raise UserError(f"run '{folder}' has no measurements yet: let it train first")
    out = folder / "report"
    out.mkdir(exist_ok=True)
    for name, png in drawn.items():
        (out / f"{name}.png").unlink(missing_ok=True)
        if png is not None:
            write_whole(out / f"{name}.png", png)
    sample = last_game(folder, game)
    parts = [
        f"<h1>Run {escape(folder.name)}</h1><p>{escape(game.rules_text)}.</p>",
        _nets_table(folder),
        *(_figure(name) for name, png in drawn.items() if png is not None),
        _warnings(charts.of_kind(events, "warning")),
        _sample(out, game, sample) if sample else "",
        f"<h2>Configuration</h2><pre>{escape(path.read_text())}</pre>",
    ]
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(folder.name)}</title>'
        f"<style>{STYLE}</style>{''.join(parts)}</html>\n"
    )
    write_whole(out / "index.html", page.encode())
    return out / "index.html"


def last_game(folder: Path, game: Game) -> Position | None:
    """The newest finished self-play game of a run, or None."""
    shards = sorted(folder.glob("replay/*/*.safetensors"))
    if not shards:
        return None
    games = Games.load(shards[-1])
    last = position_after(game, games, games.positions - 1)
    last.play(int(games.actions[-1]))
    return last


def position_after(game: Game, games: Games, row: int) -> Position:
    """The position, with its history, before the move `row` of the games."""
    number = int(np.searchsorted(games.offsets, row, side="right")) - 1
    position = Position(game)
    position.start = games.starts[games.start_of[number]].copy()
    position.set_start()
    for action in games.actions[games.offsets[number] : row]:
        position.play(int(action))
    return position


def record_of(position: Position) -> GameRecord:
    """A game of Go as a record; stones on the board at its start become setup stones."""
    game = position.game
    start = Position(game)
    start.start = position.start.copy()
    start.set_start()
    player = start.to_move
    stones = [(place, int(piece)) for place, piece in enumerate(start.pieces().ravel()) if piece]
    moves = [((player + ply) % 2, action) for ply, action in enumerate(position.actions)]
    komi = float(position.record["komi_half_points"][0]) / 2
    result = ""
    if position.over:
        margin = position.score()[0]
        result = f"{'B' if margin > 0 else 'W'}+{abs(margin):g}" if margin else "0"
    return GameRecord(
        game=game.name, komi=komi, setup=stones, to_move=player, moves=moves, result=result
    )


def _figure(name: str) -> str:
    caption = escape(CAPTIONS[name])
    return f'<figure><img src="{name}.png" alt="{caption}"><figcaption>{caption}</figcaption></figure>'


def _nets_table(folder: Path) -> str:
    """The net of each stage: what it learned from and how strong it was measured."""
    rows = [("net", "teacher", "learned from", "measured")]
    paths = [*sorted((folder / "nets").glob("*.safetensors"))]
    latest = folder / "latest.safetensors"
    for path in [*paths, *([latest] if latest.exists() else [])]:
        info = load_net(path)[1]
        facts = info.training
        learned = f"{facts.get('positions', 0):,} positions of {facts.get('games', 0):,} games"
        rows.append((path.name, str(facts.get("teacher", "")), learned, in_words(info.strength)))
    head, *body = rows
    cells = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in body)
    return f"<table><tr>{cells}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _warnings(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "<h2>Health</h2><p>No warnings.</p>"
    lines = (
        f"<li>{escape(row['stage'])}, iteration {row['number']}, {escape(row['sign'])}: "
        f"{escape(row['text'])}</li>"
        for row in rows
    )
    return f"<h2>Health</h2><ul>{''.join(lines)}</ul>"


def _sample(out: Path, game: Game, position: Position) -> str:
    names = [game.notation.name(action) for action in position.actions]
    sgf = ""
    if game.family == "go":
        write_whole(out / "sample.sgf", write_sgf(record_of(position)).encode())
        sgf = ' as <a href="sample.sgf">SGF</a>'
    return (
        f"<h2>A game</h2><p>The newest game of self-play{sgf}, {len(names)} moves, at its end:</p>"
        f"<pre>{escape(draw(position))}</pre><p>{escape(' '.join(names))}</p>"
    )
