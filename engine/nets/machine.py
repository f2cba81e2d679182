"""What was measured on this machine: one file in the user's cache.

It holds figures by device, kind and subject, which is a net and perhaps more. What is not there, or
cannot be understood, was never measured.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from engine.files import user_cache, write_whole
from engine.nets.inference import Device, hardware

Figures = TypeVar("Figures", bound=BaseModel)
_Memory = dict[str, dict[str, dict[str, Any]]]  # hardware -> name of the kind -> subject -> figures


def memory_file() -> Path:
    """Where it is kept."""
    return user_cache() / "machine.json"


def recall(kind: type[Figures], device: Device) -> dict[str, Figures]:
    """The figures of a kind that were measured on a device, by subject, the newest last."""
    found = _read().get(hardware(device), {}).get(kind.__name__, {})
    try:
        return TypeAdapter(dict[str, kind]).validate_python(found)  # type: ignore[valid-type]
    except ValidationError:  # of another version
        return {}


def keep(figures: BaseModel, device: Device, subject: str) -> None:
    """Keeps what was measured, in place of older figures. Raises OSError when it cannot."""
    kind = type(figures)
    mine = recall(kind, device)
    mine.pop(subject, None)  # the newest stands last
    memory = _read()
    memory.setdefault(hardware(device), {})[kind.__name__] = {
        name: known.model_dump() for name, known in {**mine, subject: figures}.items()
    }
    path = memory_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(memory, indent=1).encode())


def _read() -> _Memory:
    try:
        return TypeAdapter(_Memory).validate_json(memory_file().read_bytes())
    except (OSError, ValidationError):
        return {}
