"""The front door: the `move37` command, and the public API for `import move37`.

Each sub-command stands with what it calls, in engine/commands.py or selfplay/commands.py.
"""

from __future__ import annotations

import errno
import os
import sys
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from engine import commands as playing
from engine.errors import UserError
from selfplay import commands as learning

# The public API: name -> where it is defined, imported on first use.
_API = {
    "Game": ("engine.game", "Game"),
    "dihedral_symmetries": ("engine.game", "dihedral_symmetries"),
    "mirror_symmetries": ("engine.game", "mirror_symmetries"),
    "symmetries_of_views": ("engine.game", "symmetries_of_views"),
    "VertexNotation": ("engine.coords", "VertexNotation"),
    "ColumnNotation": ("engine.coords", "ColumnNotation"),
    "MoveNotation": ("engine.coords", "MoveNotation"),
    "load_game": ("engine.games", "load"),
    "Position": ("engine.position", "Position"),
    "Net": ("engine.nets.net", "Net"),
    "NetInfo": ("engine.nets.files", "NetInfo"),
    "load_net": ("engine.nets.files", "load_net"),
    "save_net": ("engine.nets.files", "save_net"),
    "NetEvaluator": ("engine.nets.inference", "NetEvaluator"),
    "Analyst": ("engine.analyst", "Analyst"),
    "SearchPlayer": ("engine.players.named", "SearchPlayer"),
    "read_records": ("engine.records.files", "read_records"),
    "write_sgf": ("engine.records.sgf", "write_sgf"),
    "Search": ("mcts", "Search"),
    "SearchSettings": ("mcts", "SearchSettings"),
    "MatchPool": ("mcts", "MatchPool"),
    "UserError": ("engine.errors", "UserError"),
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return version("move37")
    if name not in _API:
        raise AttributeError(f"module 'move37' has no attribute '{name}'")
    module, attribute = _API[name]
    return getattr(import_module(module), attribute)


class Commands(TyperGroup):
    """Turns mistakes of the user into one line and an exit status instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            typer.echo(f"move37: {error}", err=True)
            raise typer.Exit(1) from error
        except KeyboardInterrupt as stop:
            typer.echo("move37: stopped; finished work is kept", err=True)
            raise typer.Exit(130) from stop
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
                raise
            name = f" '{error.filename}'" if error.filename else ""
            typer.echo(
                f"move37: {error.strerror}{name}: finished work is kept; "
                "make room, then give the same command again",
                err=True,
            )
            raise typer.Exit(1) from error


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Imitates expert games, then plays itself until it surpasses them, and proves it.",
)

COMMANDS = (  # in the order of --help
    learning.demo,
    playing.play,
    playing.analysis,
    playing.gtp,
    playing.analyze,
    learning.imitate,
    learning.accuracy,
    learning.train,
    learning.compare,
    learning.report,
    learning.discoveries,
    learning.arena,
    learning.ladder,
    learning.curve,
    learning.record,
    learning.bench,
    playing.games,
    playing.check,
    playing.doctor,
)
for command in COMMANDS:
    app.command()(command)


@app.callback(invoke_without_command=True)
def options(
    show_version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if show_version:
        typer.echo(f"move37 {version('move37')}")
        raise typer.Exit


def main() -> None:
    """The `move37` command. Without a standard input, as in `move37 gtp <&-`, it reads an empty one."""
    if sys.stdin is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY))
    app(prog_name="move37")


if __name__ == "__main__":
    main()
