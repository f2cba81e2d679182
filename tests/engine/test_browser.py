"""The app in a web browser: what a page sends and gets, and a real browser that shows it."""

import asyncio
import base64
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.errors import UserError
from engine.tui.browser import serve

pytest.importorskip("textual_serve", reason="textual-serve is not installed")
ROOT = Path(__file__).parent.parent.parent
PATIENCE = 120  # seconds


def free_port():
    with socket.create_server(("localhost", 0)) as server:
        return server.getsockname()[1]


async def play_in_a_page(port):
    """Plays as a page of the browser does; returns all that it was sent."""
    import aiohttp

    seen = ""
    address = f"http://localhost:{port}/ws?width=80&height=24"
    async with aiohttp.ClientSession() as client, client.ws_connect(address) as page:
        for wanted, typed in (("Tic-tac-toe", "b2\r"), ("O plays", "")):
            while wanted not in seen:
                message = await page.receive(timeout=PATIENCE)
                if message.type == aiohttp.WSMsgType.BINARY:
                    seen += message.data.decode(errors="replace")
                assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT)
            await page.send_json(["stdin", typed])
    return seen


@contextmanager
def served(*arguments):
    """`move37 play --browser` with tic-tac-toe; gives its port."""
    port = free_port()
    command = [
        sys.executable, "-m", "move37", "play", "--browser", "--port", str(port),
        "--game", "tic_tac_toe", "--visits", "5", *arguments,
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            wait_for_port(port)
            yield port
        finally:
            server.terminate()


def wait_for_port(port):
    for _ in range(PATIENCE * 5):
        with socket.socket() as client:
            if client.connect_ex(("localhost", port)) == 0:
                return
        time.sleep(0.2)
    pytest.fail("the server did not start")


@pytest.mark.slow
def test_a_page_shows_the_game_and_plays_what_is_typed():
    with served() as port:
        assert "O plays" in asyncio.run(play_in_a_page(port))


def test_a_port_that_is_taken_is_one_line():
    with socket.create_server(("localhost", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(UserError, match=f"port {port}: .*; choose another with --port"):
            serve(port)


# --- A real browser -------------------------------------------------------------------------

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


class Browser:
    """A page of a headless Chromium, by its DevTools protocol."""

    def __init__(self, page):
        self.page, self.number, self.terminal = page, 0, ""

    async def ask(self, method, **parameters):
        """Sends a command and returns its result; what the terminal is sent meanwhile is kept."""
        self.number += 1
        number = self.number
        await self.page.send_json({"id": number, "method": method, "params": parameters})
        while (message := await self.hear()).get("id") != number:
            pass
        return message["result"]

    async def hear(self):
        message = await self.page.receive_json(timeout=PATIENCE)
        if message.get("method") == "Network.webSocketFrameReceived":
            frame = message["params"]["response"]
            data = frame["payloadData"].encode()
            binary = base64.b64decode(data) if frame["opcode"] == 2 else data
            self.terminal += binary.decode(errors="replace")
        return message

    async def until_shown(self, text):
        """Waits until the app has sent a text to the page."""
        async with asyncio.timeout(PATIENCE):
            while text not in self.terminal:
                await self.hear()

    async def focus(self):
        """Sends what is typed to the terminal, as a click into it does."""
        script = "document.querySelector('textarea').focus()"
        await self.ask("Runtime.evaluate", expression=script)

    async def press(self, key, **more):
        for kind in ("keyDown", "keyUp"):
            await self.ask("Input.dispatchKeyEvent", type=kind, key=key, **more)

    async def picture(self):
        """What the page shows, as PNG."""
        await asyncio.sleep(0.5)  # the next frames are drawn
        return base64.b64decode((await self.ask("Page.captureScreenshot"))["data"])


async def debugging_address(folder, client):
    """Where the only page of a Chromium that has just been started listens."""
    for _ in range(PATIENCE * 5):
        await asyncio.sleep(0.2)
        try:
            port = int((folder / "DevToolsActivePort").read_text().split()[0])
            async with client.get(f"http://localhost:{port}/json") as answer:
                pages = [page for page in await answer.json() if page["type"] == "page"]
        except (OSError, ValueError, IndexError):
            continue
        if pages:
            return pages[0]["webSocketDebuggerUrl"]
    pytest.fail("Chromium did not start")


async def play_in_chromium(port, folder):
    """Types a move into the page; returns pictures of the page before and after it."""
    import aiohttp

    async with aiohttp.ClientSession() as client:
        address = await debugging_address(folder, client)
        async with client.ws_connect(address, max_msg_size=0) as page:
            browser = Browser(page)
            await browser.ask("Network.enable")
            await browser.ask("Page.enable")
            await browser.ask("Page.navigate", url=f"http://localhost:{port}")
            await browser.until_shown("Tic-tac-toe")
            before = await browser.picture()
            await browser.ask(
                "Runtime.evaluate", expression="document.querySelector('textarea').focus()"
            )
            for letter in "b2":
                await browser.press(letter, text=letter)
            await browser.press("Enter", code="Enter", windowsVirtualKeyCode=13, text="\r")
            await browser.until_shown("O plays")
            return before, await browser.picture()


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
def test_chromium_shows_the_board_and_plays_what_is_typed():
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, served() as port:
        command = [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1000,700",
            "--remote-debugging-port=0", f"--user-data-dir={name}", "about:blank",
        ]  # fmt: skip
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as chromium:
            try:
                before, after = asyncio.run(play_in_chromium(port, Path(name)))
            finally:
                chromium.terminate()
    for picture in (before, after):
        assert picture.startswith(b"\x89PNG") and len(picture) > 5000, "an empty page is smaller"
    assert before != after
    if folder := os.environ.get("MOVE37_PICTURES"):
        (Path(folder) / "before.png").write_bytes(before)
        (Path(folder) / "after.png").write_bytes(after)
