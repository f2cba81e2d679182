"""Games of one's own, without any change to move37.

`my_game.py` is a file with a function `my_game()` that returns the `Game`, as `tic_tac_toe.py` has
a function `tic_tac_toe()`. An installed package brings games by entry points of the group
`move37.games`, each a name and a function without arguments that returns the `Game`.
"""

from __future__ import annotations

import sys
import traceback
from contextlib import redirect_stdout
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from engine.errors import UserError
from engine.game import Game

GROUP = "move37.games"


def load_file(name: str) -> Game:
    """The game of a file. Raises UserError, with the line of the file, when it has none."""
    path = Path(name).expanduser().resolve()
    if not path.is_file():
        raise UserError(f"there is no file '{name}': name the file of a game, or a game that ships")
    # Machine code from the cache finds its module by name, so the module gets a lasting one.
    spec = spec_from_file_location(f"move37_game_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UserError(f"'{name}' is not a Python file")
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))  # for helper modules that lie beside it
    try:
        with redirect_stdout(sys.stderr):  # what it prints, as GTP and --json speak on stdout
            spec.loader.exec_module(module)
            maker = getattr(module, path.stem, None)
            if maker is None:
                raise UserError(
                    f"'{name}' has no function {path.stem}(): add `def {path.stem}() -> Game:`"
                )
            game = maker()
    except Exception as error:
        raise _complaint(error, name, path) from error
    return _checked(game, f"{path.stem}() in '{name}'")


def where_in(file: Path, error: BaseException) -> str:
    """The line of the file that an exception came from, as ` line 7`, or nothing."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(file)]
    if isinstance(error, SyntaxError) and error.filename == str(file):
        lines = [error.lineno]
    return f" line {lines[-1]}" if lines else ""


def lasting_name(name: str) -> str:
    """A name under which `load` finds the game from any folder: a file's absolute path."""
    return str(Path(name).expanduser().resolve()) if name.endswith(".py") else name


def installed_names() -> list[str]:
    """The names of the games that installed packages bring."""
    return sorted(_installed())


def load_installed(name: str) -> Game:
    """A game of an installed package. Raises UserError when the package fails."""
    entry = _installed()[name]
    try:
        game = entry.load()()
    except Exception as error:
        raise UserError(
            f"game '{name}': its package fails at {entry.value}: {type(error).__name__}: {error}"
        ) from error
    return _checked(game, entry.value)


@cache
def _installed() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _complaint(error: Exception, name: str, path: Path) -> UserError:
    if isinstance(error, UserError):
        return error
    reason = str(error).splitlines()[0] if str(error) else ""
    return UserError(f"'{name}'{where_in(path, error)}: {type(error).__name__}: {reason}")


def _checked(game: object, source: str) -> Game:
    if not isinstance(game, Game):
        raise UserError(f"{source} returns {type(game).__name__}, not a Game: add `return Game(...)`")
    return game
