"""Play in a web browser: serves the terminal app with textual-serve."""

from __future__ import annotations

import shlex
import sys

from engine.errors import UserError

HOST, PORT = "localhost", 8037


def serve(host: str = HOST, port: int = PORT) -> None:
    """Serves this command, without `--browser`, until Ctrl-C; each page gets a game of its own.

    Raises UserError when textual-serve is not installed.
    """
    try:
        from textual_serve.server import Server
    except ImportError:
        raise UserError("--browser needs textual-serve: pip install 'move37[browser]'") from None
    arguments = [argument for argument in sys.argv[1:] if argument != "--browser"]
    command = shlex.join([sys.executable, "-m", "move37", *arguments])
    Server(command, host=host, port=port, title="move37").serve()
