"""What the commands share: options, and how a result is printed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

GameName = Annotated[
    str, typer.Option("--game", help="A game's name (see `move37 games`) or file, my_game.py.")
]
Device = Annotated[
    str,
    typer.Option(
        help="cpu, cuda, openvino or openvino-int8; auto: cuda, else openvino-int8, where they are."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of everything random.")]
LevelName = Annotated[
    str | None,
    typer.Option("--level", help="1 to 8, or beginner, novice ... full; default in play: strong."),
]
MoveTime = Annotated[str | None, typer.Option("--time", help="The bot's time a move at most, e.g. 5s.")]
OpeningMoves = Annotated[
    int | None, typer.Option(min=0, help="Moves before the players take over, random ones by default.")
]
OpeningGames = Annotated[
    Path | None,
    typer.Option("--openings", help="Take them from recorded games of Go: SGF, folder, archive."),
]
MoveSeconds = Annotated[
    float | None, typer.Option(min=0.1, help="Time for a move of GTP engines, who lose if slower.")
]
Minutes = Annotated[float | None, typer.Option(min=0.01, help="Stop after this time at the latest.")]


def result(as_json: bool, value: Any, text: str) -> None:
    """Prints a command's result: JSON for programs (null for what is not finite) or text for people."""
    from pydantic_core import to_json

    typer.echo(to_json(value, inf_nan_mode="null").decode() if as_json else text)
