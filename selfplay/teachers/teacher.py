"""The teachers that need no expert: the net's own games, turned into lessons in three ways.

A teacher says how the games are played and, of each finished game, which positions to learn from
and with which advantage. Everything else (playing, replay, learner, matches) is the same for all of
them, and so is the loss:

    policy loss = - advantage * sum over actions of (policy target * log policy)

    winners    target: the move played    advantage: 1 for the winner's moves, else 0
    reinforce  target: the move played    advantage: what came of it, less what the net expected
    search     target: what a tree search made of the net's policy    advantage: 1
    expert     target: the expert's move  advantage: 1          (selfplay/teachers/imitation.py)

The updates that follow a policy of sampled moves are only right near it, so that `reinforce` has them
bounded (selfplay/learning/learner.py, `policy_gain`).
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from mcts import Log, PlayoutCap, Resignation, SearchSettings
from selfplay.learning.learner import LearnerSettings

SELF_PLAY_SEARCH = SearchSettings(
    visits=17,
    noise_fraction=0.25,
    temperature=1.0,
    temperature_moves=16,
    completed_q=True,
    gumbel_c_scale=0.2,
    random_symmetry=True,
    lcb_stdevs=0.0,
)  # RESULTS.md, "What a search teaches" and the ablations
GUMBEL_SELF_PLAY_SEARCH = SearchSettings(visits=17, root_policy="gumbel", random_symmetry=True)

VARIETY = ("temperature", "temperature_moves", "random_symmetry")  # of a search: games differ

Lesson = tuple[np.ndarray, np.ndarray]  # weights [P] and advantages [P], see `replay.Games`


class SelfPlayStage(BaseModel):
    """What all stages that learn from own games have in common.

    A table in a stage, such as `learner`, changes what it names of the stage's default.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    bounds_updates: ClassVar[bool] = False  # whether `learner.ratio_clip` means anything

    minutes: float | None = Field(None, gt=0, description="time to learn, matches included")
    iterations: int | None = Field(None, ge=1, description="or a number of iterations")
    evaluations: int | None = Field(
        None, ge=1, description="or positions evaluated by the net, the last iteration finished"
    )
    parallel_games: int = Field(128, ge=1, description="games played at once, over all threads")
    positions_per_iteration: int = Field(8000, ge=16, description="new positions before training")
    passes: float = Field(
        3.0, gt=0, description="samples drawn for each new position that is learned from"
    )
    window: int = Field(40_000, ge=16, description="smallest replay window, in positions")
    window_exponent: float = Field(
        0.75, gt=0, le=1, description="how the window grows (Wu 2019, appendix on training details)"
    )
    window_slope: float = Field(
        0.4, ge=0, le=1, description="how fast it grows at first; 0 keeps the smallest window"
    )
    opening_share: float = Field(
        0.5, ge=0, le=1, description="share of games that begin with random opening moves"
    )
    data: list[str] = Field(
        default_factory=list, description="expert games; by default those of the run's expert stage"
    )
    min_rank: str | None = Field(None, description="of the sides to imitate in `data`")
    expert_positions: int = Field(
        0,
        ge=0,
        description="expert games count as so many positions of the replay, so that their share "
        "falls as own games fill it; 0 leaves them out",
    )
    expert_openings: float = Field(
        0.0, ge=0, le=1, description="share of games that begin from a position of an expert game"
    )
    resignation: Resignation | None = Field(None, description="when games are given up; never")
    cooldown: float = Field(
        0.0, ge=0, le=1, description="last share of the stage, in which the learning rate falls to 0"
    )
    match_minutes: float = Field(
        4.0, gt=0, description="time between matches; the last one ends the stage"
    )
    match_games: int = Field(100, ge=0, description="games of such a match; 0: no matches")
    match_search: SearchSettings = SearchSettings(visits=32)
    learner: LearnerSettings = LearnerSettings(learning_rate=1e-3, averaging=0.998)

    @model_validator(mode="before")
    @classmethod
    def _tables_change_the_defaults(cls, values: Any) -> Any:
        return cls._filled(values) if isinstance(values, dict) else values

    @classmethod
    def _filled(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {key: cls._with_defaults(key, value) for key, value in values.items()}

    @classmethod
    def _with_defaults(cls, key: str, value: Any) -> Any:
        """The value of a key; what a table leaves out stays as in the default."""
        field = cls.model_fields.get(key)
        if field is None or not isinstance(value, dict) or not isinstance(field.default, BaseModel):
            return value
        return field.default.model_dump() | value


class SearchStage(SelfPlayStage):
    """Learn what a search found in one's own games (AlphaGo Zero 2017, Gumbel AlphaZero 2022).

    A `search` table with `root_policy = "gumbel"` changes `GUMBEL_SELF_PLAY_SEARCH`; what `quick`
    of a `playout_cap` leaves out of how games vary, `VARIETY`, is as in `search`.
    """

    record_policies: ClassVar[bool] = True
    teacher: Literal["search"] = "search"
    search: SearchSettings = SELF_PLAY_SEARCH
    playout_cap: PlayoutCap | None = Field(None, description="quick searches for most moves; none")
    root_value_weight: float = Field(
        0.4, ge=0, le=1, description="share of the search's value in the value target"
    )
    surprise_weight: float = Field(
        0.0, ge=0, le=1, description="share of the sampling given to positions by their surprise"
    )

    def lesson(self, log: Log) -> Lesson:
        """Positions with the full search, the more surprising the more often."""
        weights = surprise_weights(log.surprises, log.full > 0, self.surprise_weight)
        return weights, np.ones(len(log.actions))

    @classmethod
    def _filled(cls, values: dict[str, Any]) -> dict[str, Any]:
        values = super()._filled(values)
        cap, search = values.get("playout_cap"), values.get("search", SELF_PLAY_SEARCH)
        if isinstance(cap, dict) and isinstance(cap.get("quick", {}), dict):
            full = search.model_dump() if isinstance(search, BaseModel) else search
            default = PlayoutCap().quick.model_dump() | {name: full[name] for name in VARIETY}
            values["playout_cap"] = {**cap, "quick": default | cap.get("quick", {})}
        return values

    @classmethod
    def _with_defaults(cls, key: str, value: Any) -> Any:
        if key == "search" and isinstance(value, dict) and value.get("root_policy") == "gumbel":
            return GUMBEL_SELF_PLAY_SEARCH.model_dump() | value
        return super()._with_defaults(key, value)


class OwnMovesStage(SelfPlayStage):
    """Games of the policy alone, each move drawn from it: the moves themselves are the targets."""

    record_policies: ClassVar[bool] = False
    search: ClassVar[SearchSettings] = SearchSettings(
        visits=1, temperature=1.0, temperature_moves=1_000_000
    )
    playout_cap: ClassVar[None] = None
    root_value_weight: ClassVar[float] = 0.0


class WinnersStage(OwnMovesStage):
    """Learn one's own sampled moves of the games one has won (filtered behaviour cloning)."""

    teacher: Literal["winners"] = "winners"
    window: int = Field(80_000, ge=16, description="smallest replay window, in positions")
    passes: float = Field(1.0, gt=0, description="samples drawn for each new position")

    def lesson(self, log: Log) -> Lesson:
        """All positions teach the value; the moves of the winner, if there is one, the policy."""
        won = winning_side(log) > 0
        return np.ones(len(log.actions)), won


class ReinforceStage(OwnMovesStage):
    """Learn one's own sampled moves, signed by the result (Williams 1992; AlphaGo 2016, RL policy).

    The gradient is only right for games of the present policy: the window holds the newest iteration
    alone, each position is drawn about once, and `learner.ratio_clip` bounds the updates.
    """

    bounds_updates: ClassVar[bool] = True
    teacher: Literal["reinforce"] = "reinforce"
    window: int = Field(16, ge=16, description="smallest replay window; beyond the newest games")
    window_slope: float = Field(0.0, ge=0, le=1, description="how fast it grows at first")
    passes: float = Field(1.0, gt=0, description="samples drawn for each new position")
    baseline: bool = Field(
        True, description="subtract the net's own value from the result (AlphaGo 2016, Methods)"
    )
    gae_lambda: float = Field(
        0.9,
        ge=0,
        le=1,
        description="how much later positions count for what came of a move: 1 the result alone, 0 the "
        "net's value of the next position (Schulman et al. 2016, equation 16); needs the baseline",
    )
    learner: LearnerSettings = LearnerSettings(
        learning_rate=2e-4, averaging=0.99, batch_size=1024, value_weight=0.5
    )

    def lesson(self, log: Log) -> Lesson:
        """All positions, each with what came of its move less what the net expected, in the mover's
        view."""
        if self.baseline:
            advantage = mover_sign(log) * generalised_advantages(log, self.gae_lambda)
        else:
            advantage = winning_side(log)
        return np.ones(len(log.actions)), advantage


Teacher = SearchStage | WinnersStage | ReinforceStage


def mover_sign(log: Log) -> np.ndarray:
    """+1 where the first player moves, -1 where the second does: [P] float32."""
    return 1.0 - 2.0 * log.movers.astype(np.float32)


def winning_side(log: Log) -> np.ndarray:
    """The result of the game in the view of each position's mover: [P] in {-1, 0, 1}."""
    return mover_sign(log) * np.float32(log.outcome)


def generalised_advantages(log: Log, gae_lambda: float) -> np.ndarray:
    """By how much each move raised the expectation of the first player: [P] float32.

    Schulman et al. 2016, equation 16, without discount: the changes of the expected result from
    position to position, the last one to the result itself, those further on weighing
    gae_lambda, gae_lambda^2 ... With 1 it is the result less the expectation before the move.
    """
    expected = np.append(log.root_values, np.float32(log.outcome))
    advantages = np.diff(expected)
    for ply in reversed(range(len(advantages) - 1)):
        advantages[ply] += gae_lambda * advantages[ply + 1]
    return advantages


def surprise_weights(surprises: np.ndarray, full: np.ndarray, share: float) -> np.ndarray:
    """How often to draw the positions of a game: [P], of mean 1 over those with the full search.

    Policy surprise weighting (KataGo, docs/KataGoMethods.md): a share of a game's weight goes to
    its positions evenly, the rest in proportion to the divergence of the policy target from the
    prior. surprises [P] are those divergences; positions that are not `full` [P] get 0.
    """
    weights = full.astype(np.float64)
    mean = surprises[full].mean() if full.any() else 0.0
    if share > 0 and mean > 0:
        weights = weights * (1 - share + share * surprises / mean)
    return np.maximum(weights, 0.0)


def window_size(total: int, smallest: int, exponent: float, slope: float) -> int:
    """How many of the newest positions to learn from when `total` have been made.

    Wu 2019, appendix on training details: c * (1 + slope * ((total / c)^exponent - 1) / exponent),
    which is c, and grows by `slope` for each new position, when total is c = smallest.
    """
    if total <= smallest:
        return smallest
    grown: float = ((total / smallest) ** exponent - 1) / exponent
    return round(smallest * (1 + slope * grown))
