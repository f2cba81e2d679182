"""What a run does, as one TOML file: a game, a net and the stages it learns in."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from engine.errors import UserError, did_you_mean
from engine.wrong_values import quoted, reason
from selfplay.teachers.imitation import ExpertStage
from selfplay.teachers.teacher import ReinforceStage, SearchStage, WinnersStage

PRESETS = Path(__file__).parent / "presets"

Stage = Annotated[
    ExpertStage | WinnersStage | ReinforceStage | SearchStage, Field(discriminator="teacher")
]


class NetShape(BaseModel):
    """The size of a new net; one to start from brings its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    blocks: int = Field(4, ge=1, le=80, description="residual blocks")
    channels: int = Field(32, ge=8, le=1024, description="channels of the tower")


class RunConfig(BaseModel):
    """A run: each stage starts from the net of the one before."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    game: str = Field("go9", description="the game to learn")
    seed: int = Field(0, ge=0, description="of everything random")
    device: str = Field("auto", description="auto, cpu, cuda, openvino or openvino-int8")
    start: str | None = Field(None, description="a net to start from instead of random weights")
    reference: str | None = Field(
        None,
        description="a net that matches and discoveries measure against, such as the imitation that "
        "`start` comes from; by default the one that each stage begins with",
    )
    net: NetShape = NetShape()
    stages: list[Stage] = Field(min_length=1, description="what to learn from, in order")

    @property
    def imitated(self) -> ExpertStage | None:
        """The last expert stage, whose games also serve the stages of self-play."""
        stages = [stage for stage in self.stages if isinstance(stage, ExpertStage)]
        return stages[-1] if stages else None


def read_config(path: Path) -> RunConfig:
    """Reads a run's TOML file. Raises UserError that names the key that is wrong."""
    return parse_config(read_toml(path), str(path))


def preset_names(folder: Path = PRESETS) -> list[str]:
    """The names of the configurations that come with move37."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def read_preset(name: str) -> RunConfig:
    """A configuration that comes with move37. Raises UserError for an unknown name."""
    return read_config(preset_path(name))


def preset_path(name: str, folder: Path = PRESETS) -> Path:
    """The file of a configuration that comes with move37. Raises UserError for an unknown name."""
    known = preset_names(folder)
    if name not in known:
        hint = did_you_mean(name, known)
        raise UserError(f"unknown preset '{name}'{hint}; known: {', '.join(known)}")
    return folder / f"{name}.toml"


def read_toml(path: Path) -> dict[str, Any]:
    """The values of a configuration. Raises UserError, also where the net would have two shapes."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"cannot read the configuration '{path}': {error}") from error
    if {"start", "net"} <= values.keys():
        raise UserError(f"{path}: net: the net of 'start' has its own shape: leave one of the two out")
    return values


def parse_config(values: dict[str, Any], source: str) -> RunConfig:
    """A configuration from plain values. Raises UserError that names the key that is wrong."""
    config: RunConfig = parse(RunConfig, values, source)
    return config


def parse(kind: Any, values: Any, source: str) -> Any:
    """A record of a pydantic type from plain values. Raises UserError that names each wrong key."""
    try:
        return TypeAdapter(kind).validate_python(values)
    except ValidationError as error:
        raise UserError("\n".join(_complaint(one, kind, source) for one in error.errors())) from error


def _complaint(error: ErrorDetails, kind: Any, source: str) -> str:
    """A line that names the key that is wrong, its value and what is allowed."""
    parts, value, what = [*error["loc"]], error["input"], reason(error)
    if error["type"] == "extra_forbidden":
        what = f"there is no such key{_hint(str(parts[-1]), kind)}; docs/training.md names them"
    if parts[:1] == ["stages"] and len(parts) > 1:
        source, parts = f"{source}: stage {int(parts[1]) + 1}", parts[3:]  # [2] is its teacher
    if "discriminator" in error.get("ctx", {}):
        parts, value = ["teacher"], error["ctx"].get("tag")
    where = ".".join(map(str, parts))
    return ": ".join(filter(None, [source, where and where + quoted(value), what]))


def _hint(key: str, kind: Any) -> str:
    """In which tables a key belongs, or which key is meant."""
    known = _known_keys(kind)
    if key in known:
        return f" here: it belongs in {' or '.join(sorted(known[key]))}"
    return did_you_mean(key, sorted(known))


def _known_keys(kind: Any) -> dict[str, set[str]]:
    """Every key of a configuration, with the tables that have it."""
    found: dict[str, set[str]] = {}
    waiting = [(kind, "the first lines")]
    while waiting:
        kind, table = waiting.pop()
        waiting += [(part, table) for part in get_args(kind)]
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            for name, field in kind.model_fields.items():
                found.setdefault(name, set()).add(table)
                waiting.append((field.annotation, name))
    return found
