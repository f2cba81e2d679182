"""Play in a web browser: serves the terminal app with textual-serve."""

from __future__ import annotations

import shlex
import socket
import sys

from engine.errors import UserError

HOST = "localhost"


def serve(port: int) -> None:
    """Serves this command, without `--browser`, until Ctrl-C; each page gets a game of its own.

    Only this machine can reach it. Raises UserError when textual-serve is not installed or the port
    is taken.
    """
    try:
        from textual_serve.server import Server
    except ImportError:
        raise UserError("--browser needs textual-serve: pip install 'move37[browser]'") from None
    try:
        socket.create_server((HOST, port)).close()
    except OSError as error:
        raise UserError(f"port {port}: {error.strerror}; choose another with --port") from error
    arguments = [argument for argument in sys.argv[1:] if argument != "--browser"]
    command = shlex.join([sys.executable, "-m", "move37", *arguments])
    Server(command, host=HOST, port=port, title="move37").serve()
