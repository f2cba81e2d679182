"""Compiles the rules of a game to native functions and hands their addresses to the core.

A rule function takes the state record itself: numba passes a record as a pointer to its bytes,
which is just what C++ calls it with. Machine code is cached on disk. numba notices a change of the
file that holds a cached function, but not of another file whose helpers or constants were compiled
into it, nor of a new version of numba's own code; so each cache folder is named by a digest of all
of these, and a changed source starts with an empty folder.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, cast

import numba as nb
import numpy as np
from numba import types

from engine.files import user_cache
from mcts import _core

if TYPE_CHECKING:
    from engine.game import Game

_numba_config: Any = nb.config
_BYTES = types.CPointer(types.uint8)
_SIGNED_BYTES = types.CPointer(types.int8)
_FLOATS = types.CPointer(types.float32)
STALE_AFTER_DAYS = 30

# The C type of each rule: its result, and what it takes behind the state. See also csrc/game.h.
RULES = {
    "reset": (types.void,),
    "legal": (types.int32, _BYTES),
    "play": (types.void, types.int32),
    "outcome": (types.float32,),
    "position_hash": (types.uint64,),
    "encode": (types.void, _BYTES, _FLOATS),
    "score": (types.float32, _SIGNED_BYTES),
    "playout": (types.int32, types.uint64),
    "vary": (types.void, types.uint64),
    "setup": (types.void, types.int32, types.int32),
}


# The addresses must outlive every core object that holds them, so compiled functions are kept.
_compiled: list[Any] = []


def rules_of(game: Game) -> dict[str, Callable[..., Any]]:
    """The rule functions that a game has, by name."""
    return {name: getattr(game, name) for name in RULES if getattr(game, name) is not None}


def addresses_of_rules(game: Game) -> dict[str, int]:
    """Compiles the rules that a game has; where the native functions lie, by name of the rule."""
    addresses: dict[str, int] = {}
    record = nb.from_dtype(game.state)
    functions = rules_of(game)
    with code_cache(*functions.values()):
        for name, function in functions.items():
            result, *arguments = RULES[name]
            addresses[name] = _address(result(record, *arguments), function)
    return addresses


def compile_game(game: Game) -> _core.Game:
    """The core's view of a game. Takes seconds the first time, milliseconds from the cache."""
    addresses = addresses_of_rules(game)
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
def code_cache(*functions: Callable[..., Any]) -> Iterator[None]:
    """Lets numba cache in our folder for these functions while the context lasts."""
    before = _numba_config.CACHE_DIR
    _numba_config.CACHE_DIR = str(_cache_folder(_digest(functions)))
    try:
        yield
    finally:
        _numba_config.CACHE_DIR = before


def _digest(functions: Iterable[Callable[..., Any]]) -> str:
    """A digest of everything that machine code of the functions is made from."""
    digest = hashlib.sha256(f"{nb.__version__} {np.__version__} {sys.version}".encode())
    for part in sorted(_ingredients(functions)):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()[:16]


def _ingredients(functions: Iterable[Callable[..., Any]]) -> set[bytes]:
    """The source files of the functions and all helpers they call, and the constants they use."""
    parts: set[bytes] = set()
    files: set[str] = set()
    seen: set[int] = set()
    waiting: list[Any] = list(functions)
    while waiting:
        value = waiting.pop()
        function = getattr(value, "py_func", value)  # what numba compiles, compiled or not
        if isinstance(function, FunctionType):
            if id(function) not in seen and function.__module__.split(".")[0] != "numba":
                seen.add(id(function))
                files.add(function.__code__.co_filename)
                waiting += _values_used(function)
        elif isinstance(value, np.ndarray):
            parts.add(f"{value.dtype} {value.shape}".encode() + value.tobytes())
        elif isinstance(value, int | float | str | tuple | list | np.generic):
            parts.add(repr(value).encode())
    return parts | {Path(file).read_bytes() for file in files if Path(file).is_file()}


def _values_used(function: FunctionType) -> list[Any]:
    """What a function refers to: variables of its module, of modules it names, and of closures."""
    codes, names = [function.__code__], set[str]()
    while codes:
        code = codes.pop()
        names.update(code.co_names)
        codes += [part for part in code.co_consts if isinstance(part, CodeType)]
    values = [function.__globals__[name] for name in names if name in function.__globals__]
    modules = [value for value in values if isinstance(value, ModuleType)]
    own = [module for module in modules if module.__name__.split(".")[0] not in ("numba", "numpy")]
    values += [getattr(module, name) for module in own for name in names if hasattr(module, name)]
    return values + [cell.cell_contents for cell in function.__closure__ or ()]


def _cache_folder(digest: str) -> Path:
    """A writable cache folder: in the user's cache or, if that is read-only, the temp folder."""
    user = f"move37-{os.getuid()}" if hasattr(os, "getuid") else "move37"
    for root in (user_cache() / "native", Path(tempfile.gettempdir()) / user):
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
