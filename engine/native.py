"""Compiles the rules of a game to native functions and hands their addresses to the core.

A rule function takes the state record itself: numba passes a record as a pointer to its bytes,
which is just what C++ calls it with. Machine code is cached on disk. numba notices a change of the
file that holds a cached function, but not of another file whose helpers were compiled into it, nor
of a new version of numba's own code; so each cache folder is named by a digest of all of these, and
a changed source starts with an empty folder.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import inspect
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numba as nb
import numpy as np
from numba import types

from mcts import _core

if TYPE_CHECKING:
    from engine.game import Game

_numba_config: Any = nb.config
_BYTES = types.CPointer(types.uint8)
_SIGNED_BYTES = types.CPointer(types.int8)
_FLOATS = types.CPointer(types.float32)
STALE_AFTER_DAYS = 30


def _signatures(record: Any) -> dict[str, Any]:
    """The C signature of each rule; the same list stands in csrc/game.h."""
    return {
        "reset": types.void(record),
        "legal": types.int32(record, _BYTES),
        "play": types.void(record, types.int32),
        "outcome": types.float32(record),
        "position_hash": types.uint64(record),
        "encode": types.void(record, _BYTES, _FLOATS),
        "score": types.float32(record, _SIGNED_BYTES),
        "playout": types.int32(record, types.uint64),
        "vary": types.void(record, types.uint64),
        "setup": types.void(record, types.int32, types.int32),
    }


# The addresses must outlive every core object that holds them, so compiled functions are kept.
_compiled: list[Any] = []


def compile_game(game: Game) -> _core.Game:
    """The core's view of a game. Takes seconds the first time, milliseconds from the cache."""
    addresses: dict[str, int] = {}
    with code_cache(game.play):
        for rule, signature in _signatures(nb.from_dtype(game.state)).items():
            function = getattr(game, rule)
            if function is None:
                continue
            addresses[rule] = _address(signature, function)
    points, actions = game.symmetries
    assert game.state.fields is not None
    return _core.Game(
        name=game.name,
        state_bytes=game.state.itemsize,
        to_move_offset=game.state.fields["to_move"][1],
        over_offset=game.state.fields["over"][1],
        height=game.shape[0],
        width=game.shape[1],
        actions=game.actions,
        planes=game.planes,
        globals=game.globals,
        max_moves=game.max_moves,
        point_symmetries=np.ascontiguousarray(points, np.int32),
        action_symmetries=np.ascontiguousarray(actions, np.int32),
        functions=addresses,
    )


def compile_question(
    state: np.dtype, function: Callable[[Any, Any], None]
) -> Callable[[int, int], None]:
    """A question beside the rules, function(state, answer), as native code.

    `state` is the dtype of the record; the answer is written to int8. What comes back takes the
    addresses of the two.
    """
    signature = types.void(nb.from_dtype(state), _SIGNED_BYTES)
    with code_cache(function):
        return ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(_address(signature, function))


def _address(signature: Any, function: Any) -> int:
    """Compiles a function, or finds it in the cache; its address is good for ever."""
    native = nb.cfunc(signature, cache=True)(function)
    _compiled.append(native)
    return cast(int, native.address)


@contextlib.contextmanager
def code_cache(rule: Callable[..., Any]) -> Iterator[None]:
    """Lets numba cache in our folder for the sources of a game's rule while the context lasts."""
    before = _numba_config.CACHE_DIR
    _numba_config.CACHE_DIR = str(_cache_folder(_digest(rule)))
    try:
        yield
    finally:
        _numba_config.CACHE_DIR = before


def _digest(rule: Callable[..., Any]) -> str:
    """A digest of everything that machine code of this rule may have been made from."""
    files = {Path(inspect.getsourcefile(rule) or "")}
    files.update(Path(__file__).parent.glob("games/**/*.py"))
    digest = hashlib.sha256(f"{nb.__version__} {np.__version__} {sys.version}".encode())
    for file in sorted(files):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _cache_folder(digest: str) -> Path:
    """A writable cache folder: in the user's cache or, if that is read-only, the temp folder."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111
    user = f"move37-{os.getuid()}" if hasattr(os, "getuid") else "move37"
    for root in (Path(home) / "move37" / "native", Path(tempfile.gettempdir()) / user):
        folder = root / digest
        try:
            folder.mkdir(parents=True, exist_ok=True)
            os.utime(folder)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError:
            continue
        _drop_stale_folders(root)
        return folder
    return Path(tempfile.mkdtemp(prefix="move37-"))


def _drop_stale_folders(root: Path) -> None:
    """Deletes cache folders that no version of the sources has used for a month."""
    import shutil

    for folder in root.iterdir():
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > STALE_AFTER_DAYS * 86400:
                shutil.rmtree(folder, ignore_errors=True)
