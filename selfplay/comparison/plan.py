"""What is compared: a game, a net to start from, a budget, the match, a stage and its variants."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from engine.errors import UserError
from selfplay.config import PRESETS, NetShape, RunConfig, parse, parse_config, preset_path, read_toml

COMPARISONS = PRESETS / "comparisons"
LIMITS = {"minutes", "iterations", "evaluations", "steps"}  # of a stage: the comparison sets them

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]


class MatchPlan(BaseModel):
    """The match of each variant against the net it started from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    visits: int = Field(32, ge=1, description="of each move")
    games: int = Field(200, ge=2, description="half of them with each colour")
    minutes: float | None = Field(None, gt=0, description="ends it early, though not in its beginning")


class ComparisonConfig(BaseModel):
    """What is compared. The first variant comes first in time: a budget in minutes is its own, and the
    others get as many evaluations as it made of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field("Variants on equal terms", description="of the chart")
    game: str = Field("go9", description="the game to learn")
    start: str | None = Field(None, description="the net that all start from; default: random weights")
    net: NetShape = NetShape()
    device: str = Field("auto", description="auto, cpu, cuda, openvino or openvino-int8")
    seeds: list[Annotated[int, Field(ge=0)]] = Field(
        [0], min_length=1, description="each variant learns once with each"
    )
    evaluations: int | None = Field(None, ge=1, description="by the net, of each variant")
    minutes: float | None = Field(None, gt=0, description="or the time of the first variant")
    match: MatchPlan = MatchPlan()
    policy_games: int = Field(
        0, ge=0, description="games of a second match, of the policies without search; 0: none"
    )
    base: dict[str, Any] = Field(description="a stage, as in a run's configuration")
    variants: dict[Name, dict[str, Any]] = Field(
        min_length=1,
        description="what is different in each; one that names a teacher is a stage of its own",
    )

    @model_validator(mode="after")
    def _consistent(self) -> ComparisonConfig:
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("give each of the seeds once")
        if (self.evaluations is None) == (self.minutes is None):
            raise ValueError("give the budget as either evaluations or minutes")
        return self

    @property
    def policy_match(self) -> MatchPlan | None:
        """The second match: one visit is the net's first choice."""
        return MatchPlan(visits=1, games=self.policy_games) if self.policy_games else None

    def stage(self, variant: str) -> dict[str, Any]:
        """The stage of a variant, without its limit."""
        change = self.variants[variant]
        return change if "teacher" in change else _merged(self.base, change)

    def run(self, variant: str, seed: int, start: Path, limit: dict[str, Any]) -> RunConfig:
        """The run of a variant. Raises UserError that names the key that is wrong."""
        where, stage = f"variant '{variant}'", self.stage(variant)
        if given := sorted(LIMITS & stage.keys()):
            raise UserError(f"{where}: the budget is the comparison's: leave out {', '.join(given)}")
        if stage.get("teacher") != "expert":
            stage = {**stage, "match_games": 0}  # the comparison plays its own
        common = {"game": self.game, "seed": seed, "device": self.device, "start": str(start)}
        return parse_config({**common, "stages": [{**stage, **limit}]}, where)


def read_comparison(
    name: str,
    start: str | None = None,
    evaluations: int | None = None,
    minutes: float | None = None,
    games: int | None = None,
    seeds: list[int] | None = None,
    device: str | None = None,
) -> ComparisonConfig:
    """A comparison's TOML file, or one that comes with move37; what else is given takes the place of
    what stands there. Raises UserError that names the key that is wrong."""
    path = Path(name)
    if not path.is_file() and not path.suffix:
        path = preset_path(name, COMPARISONS)
    values = read_toml(path)
    changes: dict[str, Any] = {"start": start, "seeds": seeds, "device": device}
    changes = {key: value for key, value in changes.items() if value}
    if evaluations or minutes:
        changes |= {"evaluations": evaluations, "minutes": minutes}
    if games:
        changes["match"] = {"games": games}
    config: ComparisonConfig = parse(ComparisonConfig, _merged(values, changes), str(path))
    return config


def _merged(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """The base with what is different, table by table."""
    tables = {
        key: _merged(base[key], value)
        for key, value in change.items()
        if isinstance(value, dict) and isinstance(base.get(key), dict)
    }
    return {**base, **change, **tables}
