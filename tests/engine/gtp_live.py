"""A GTP engine with a tiny untrained net, in a thread of this process, for tests."""

import io
import queue
import threading
from functools import cache

from engine import games
from engine.errors import UserError
from engine.gtp.serve import serve
from engine.gtp.session import Identity
from engine.gtp.thinker import Limits
from engine.nets.files import new_net
from engine.nets.inference import NetEvaluator, choose_device
from engine.rules import preset
from mcts import SearchSettings

SIZES = (5, 7, 9)
PATIENCE = 60  # seconds for a line; only a broken engine takes as long


@cache
def tiny_net():
    rules = games.load("go5")
    return NetEvaluator(new_net(rules, blocks=1, channels=8, seed=3), choose_device("cpu"), rules)


def tiny_evaluator_of(game):
    """The tiny net for the sizes that tests use, no evaluator for others."""
    if not set(game.shape) <= set(SIZES):
        raise UserError(f"no net for {game.name}")
    return tiny_net()


class _Output(io.TextIOBase):
    """Hands written text on as lines."""

    def __init__(self):
        self.lines, self._rest = queue.SimpleQueue(), ""

    def write(self, text):
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self.lines.put(line)
        return len(text)


class LiveEngine:
    """A running engine; use it as a context manager."""

    def __init__(
        self, size=5, visits=8, rules="chinese-ogs", name="move37", evaluator_of=None, **limits
    ):
        self._lines = queue.SimpleQueue()
        self.output = _Output()
        self.thread = threading.Thread(
            target=serve,
            args=(
                games.load(f"go{size}"),
                evaluator_of or tiny_evaluator_of,
                SearchSettings(),
                Limits(visits=visits, **limits),
                preset(rules),
                7.0,
                Identity(name, "1.15.0"),
            ),
            kwargs={
                "net_names": lambda: ["tiny"],
                "lines": iter(self._lines.get, None),
                "output": self.output,
            },
            daemon=True,
        )
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._lines.put(None)
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()

    def send(self, line):
        """Sends a line, text or bytes, without waiting."""
        self._lines.put(line if isinstance(line, bytes) else line.encode())

    def read_line(self):
        return self.output.lines.get(timeout=PATIENCE)

    def read_reply(self):
        """The lines of the next reply without the blank line at its end."""
        lines = []
        while line := self.read_line():
            lines.append(line)
        return lines

    def ask(self, line):
        """Sends a command and returns its reply as one text, such as `= D4`."""
        self.send(line)
        return "\n".join(self.read_reply()).rstrip()

    def tell(self, *lines):
        """Sends commands that must succeed; returns the text of the last reply."""
        for line in lines:
            answer = self.ask(line)
            assert answer.startswith("="), f"{line}: {answer}"
        return answer[1:].strip()

    def silent(self):
        """Whether everything that was written has been read."""
        return self.output.lines.empty()
