"""Where a stage stands: tensors and plain facts in one file, replaced as a whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save as serialise

from engine.files import write_whole


class Checkpoint:
    """A file that always holds one complete state, or does not exist."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def save(self, tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> None:
        """Replaces the state, by atomic rename. Raises OSError, e.g. on a full disk."""
        packed = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        write_whole(self.path, serialise(packed, metadata={"facts": json.dumps(facts)}))

    def load(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]] | None:
        """The last state saved, or None."""
        if not self.path.exists():
            return None
        with safe_open(self.path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return tensors, json.loads(file.metadata()["facts"])

    def clear(self) -> None:
        """Forgets the state, when its stage is complete."""
        self.path.unlink(missing_ok=True)
