"""The app in a web browser: what a page sends and gets."""

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import UserError
from engine.tui.browser import serve

pytest.importorskip("textual_serve", reason="textual-serve is not installed")
ROOT = Path(__file__).parent.parent.parent


def free_port():
    with socket.create_server(("localhost", 0)) as server:
        return server.getsockname()[1]


async def play_in_a_page(port):
    """Plays as a page of the browser does; returns all that it was sent."""
    import aiohttp

    seen = ""
    async with aiohttp.ClientSession() as client:
        for _ in range(300):
            try:
                page = await client.ws_connect(f"http://localhost:{port}/ws?width=80&height=24")
                break
            except aiohttp.ClientError:
                await asyncio.sleep(0.2)
        async with page:
            for wanted, typed in (("Tic-tac-toe", "b2\r"), ("O plays", "")):
                while wanted not in seen:
                    message = await page.receive(timeout=90)
                    if message.type == aiohttp.WSMsgType.BINARY:
                        seen += message.data.decode(errors="replace")
                    assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT)
                await page.send_json(["stdin", typed])
    return seen


@pytest.mark.slow
def test_a_page_shows_the_game_and_plays_what_is_typed():
    port = free_port()
    command = [
        sys.executable, "-m", "move37", "play", "--browser", "--port", str(port),
        "--game", "tic_tac_toe", "--visits", "5",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            assert "O plays" in asyncio.run(play_in_a_page(port))
        finally:
            server.terminate()


def test_a_port_that_is_taken_is_one_line():
    with socket.create_server(("localhost", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(UserError, match=f"port {port}: .*; choose another with --port"):
            serve(port)
