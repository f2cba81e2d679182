"""Net files: weights and everything needed to use them, in one safetensors file.

The header's free text holds a JSON `NetInfo`. No pickle is ever read.
"""

from __future__ import annotations

import json
import struct
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialise

from engine.errors import UserError, did_you_mean
from engine.files import write_whole
from engine.game import Game, family_of
from engine.nets.net import Net, NetConfig

SHIPPED = Path(__file__).parent / "shipped"
FORMAT = "move37 net 1"


class NetInfo(BaseModel):
    """What a net is and where it comes from; the metadata of its file."""

    model_config = ConfigDict(extra="allow")

    format: str = FORMAT
    game: str = Field(description="the game it was trained on, e.g. go9")
    sizes: list[int] = Field(description="lengths of the sides of the boards it was trained on")
    config: NetConfig
    training: dict[str, Any] = Field(default_factory=dict, description="teacher, samples, time ...")
    strength: dict[str, Any] = Field(default_factory=dict, description="accuracy and Elo, measured")


def config_for(game: Game, blocks: int, channels: int) -> NetConfig:
    """The configuration of a new net for a game."""
    return NetConfig(
        blocks=blocks,
        channels=channels,
        planes=game.planes,
        globals=game.globals,
        action_planes=game.board_actions // game.area,
        extra_actions=game.actions - game.board_actions,
    )


def info_of(net: Net, game: Game) -> NetInfo:
    """What a net that is trained on a game says of itself at first."""
    return NetInfo(game=game.name, sizes=sorted(set(game.shape)), config=net.config)


def plays(info: NetInfo, game: Game) -> bool:
    """Whether a net was trained on boards of the game's size, in a game of its family."""
    return family_of(info.game) == game.family and set(game.shape) <= set(info.sizes)


def new_net(game: Game, blocks: int, channels: int, seed: int) -> Net:
    """A net with random weights that depend on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Net(config_for(game, blocks, channels))


def save_net(path: Path, net: Net, info: NetInfo) -> None:
    """Writes a net file, by atomic rename."""
    tensors = {name: tensor.contiguous().cpu() for name, tensor in net.state_dict().items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, serialise(tensors, metadata={"move37": info.model_dump_json()}))
    except OSError as error:
        raise UserError(f"cannot write the net '{path}': {error.strerror}") from error


def check_writable(path: Path) -> None:
    """Raises UserError when a net could not be written there, or would replace a file that is none;
    better before training than after."""
    if path.exists() and not _is_net(path):
        raise UserError(f"'{path}' exists and is no net: choose another --out")
    check_folder(path, "--out")


def check_folder(path: Path, option: str) -> None:
    """Raises UserError when no file could be written there; `option` is what names it."""
    folder = path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserError(f"cannot write '{path}': {error.strerror}; choose another {option}") from error


def _is_net(path: Path) -> bool:
    try:
        with safe_open(path, framework="pt") as file:
            return "move37" in (file.metadata() or {})
    except (OSError, SafetensorError, struct.error):
        return False


def shipped_names() -> list[str]:
    """The names of the nets that come with move37."""
    return sorted(path.stem for path in SHIPPED.glob("*.safetensors"))


def default_net(game: Game) -> str | None:
    """The strongest shipped net of a game, or None: `go9` before `go9-imitation`."""
    names = shipped_names()
    candidates = (game.name, f"{game.name}-imitation")
    return next((name for name in candidates if name in names), None)


def net_path(name: str | Path) -> Path:
    """The file of a net given by its path or by the name of a shipped one.

    Raises UserError when there is none.
    """
    path = Path(name)
    if path.is_file():
        return path
    shipped = SHIPPED / f"{name}.safetensors"
    if shipped.is_file():
        return shipped
    if path.is_dir():
        latest = path / "latest.safetensors"  # of a run
        example = f", such as {latest}" if latest.is_file() else ""
        raise UserError(f"net '{name}' is a folder: name a .safetensors file{example}")
    known = shipped_names()
    hint = did_you_mean(str(name), known)
    raise UserError(
        f"there is no net '{name}'{hint}: give a .safetensors file or one of: {', '.join(known)}"
    )


def load_net(name: str | Path, game: Game | None = None) -> tuple[Net, NetInfo]:
    """A net and its description, checked to fit the game.

    Raises UserError for a missing or damaged file and for a net of another game or size.
    """
    path = net_path(name)
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get("move37")
            if text is None:
                raise UserError(f"'{path}' is a safetensors file, but not a net of move37")
            info = NetInfo.model_validate(json.loads(text))
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        net = Net(info.config)
        net.load_state_dict(tensors)
    except (SafetensorError, ValidationError, RuntimeError, ValueError, OSError, struct.error) as e:
        reason = str(e).splitlines()[0]
        raise UserError(f"the net '{path}' is damaged or not a net: {reason}") from e
    if game is not None:
        check_fit(net, info, game, str(name))
    return net.eval(), info


def load_start(name: str | Path, game: Game) -> tuple[Net, NetInfo]:
    """A net to learn a game from, and what it will say of itself then.

    As the tower fits every size, a net of another size of the game may start. Raises UserError for a
    missing or damaged file and for a net of another game.
    """
    net, info = load_net(name)
    _check_game(net, info, game, str(name))
    return net, info.model_copy(update={"game": game.name, "sizes": sorted(set(game.shape))})


def check_fit(net: Net, info: NetInfo, game: Game, name: str) -> None:
    """Raises UserError unless the net was trained on the game and its size, with the right inputs."""
    _check_game(net, info, game, name)
    if not plays(info, game):
        known = ", ".join(str(size) for size in info.sizes)
        size = game.name.removeprefix(game.family) or "x".join(map(str, game.shape))
        raise UserError(f"board size {size} is not trained: net '{name}' supports {known}")


def _check_game(net: Net, info: NetInfo, game: Game, name: str) -> None:
    if family_of(info.game) != game.family:
        raise UserError(f"net '{name}' plays {info.game}, not {game.name}: choose a net of that game")
    if net.config.model_dump(include={"planes", "globals", "action_planes", "extra_actions"}) != (
        config_for(game, 1, 8).model_dump(
            include={"planes", "globals", "action_planes", "extra_actions"}
        )
    ):
        raise UserError(
            f"net '{name}' was made for other inputs of {game.name}: train it again with this version"
        )


def as_model(name: str) -> dict[str, object]:
    """A net as KataGo's protocols list models; none of ours plays as a person of a chosen rank."""
    return {"name": name, "internalName": name, "usesHumanSLProfile": False}


def training_note(**facts: Any) -> dict[str, Any]:
    """Facts about a training, with the versions and the date that made it."""
    return {**facts, "torch": torch.__version__, "date": time.strftime("%Y-%m-%d")}
