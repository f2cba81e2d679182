"""Files that appear as a whole or not at all, and where caches are."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def user_cache() -> Path:
    """The folder for what can be made again; it may not exist yet."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111
    return Path(home) / "move37"


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file by atomic rename: a kill or a full disk leaves the older version as it was.

    Raises OSError when it cannot be written; nothing half-written stays behind.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def is_half_written(path: Path) -> bool:
    """Whether the file is one that `write_whole` had begun when its process was killed."""
    return path.name.startswith(".") and path.suffix[1:].isdigit()
