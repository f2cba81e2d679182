"""The settings of a search: one record per option, with its default, range and meaning."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from . import _core


class SearchSettings(BaseModel):
    """How one player searches. Unknown names and values out of range are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    visits: int = Field(
        200,
        ge=1,
        le=10_000_000,
        description="visits of the root at which a move is chosen, its own evaluation included; "
        "1 plays from the policy alone",
    )
    root_policy: Literal["puct", "gumbel"] = Field(
        "puct", description="puct for deep searches, gumbel for few visits"
    )
    c_puct: float = Field(1.25, gt=0, le=100, description="exploration constant of PUCT")
    c_puct_base: float = Field(
        19652, gt=0, le=1e9, description="visits after which exploration grows noticeably"
    )
    fpu_reduction: float = Field(
        0.2, ge=0, le=2, description="how much worse than its parent an unvisited move is assumed"
    )
    virtual_loss: float = Field(
        0.5,
        ge=0,
        le=10,
        description="how much worse than its parent a move is assumed whose first visit is in flight",
    )
    leaves_per_batch: int = Field(
        1,
        ge=1,
        le=4096,
        description="leaves one tree selects before it needs answers; more is faster and weaker",
    )
    noise_fraction: float = Field(
        0.0, ge=0, le=1, description="share of Dirichlet noise in the root's priors (PUCT)"
    )
    noise_total: float = Field(
        10.0, gt=0, le=1e6, description="sum of the Dirichlet alphas over the legal moves"
    )
    root_policy_temperature: float = Field(
        1.0, gt=0, le=10, description="above 1 flattens the root's priors"
    )
    temperature: float = Field(
        0.0, ge=0, le=10, description="randomness of the move choice; 0 plays the best move"
    )
    temperature_moves: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="moves of a game played with the temperature; later ones are the best",
    )
    gumbel_considered: int = Field(
        16, ge=1, le=1024, description="root moves that enter sequential halving (Gumbel)"
    )
    gumbel_scale: float = Field(
        1.0, ge=0, le=10, description="1 explores, 0 makes the choice deterministic (Gumbel)"
    )
    gumbel_c_visit: float = Field(50.0, ge=0, le=1e6, description="c_visit of the Gumbel paper")
    gumbel_c_scale: float = Field(0.5, gt=0, le=1e3, description="c_scale, for values in [-1, 1]")
    completed_q: bool = Field(
        False,
        description="make the improved policy from the priors and the values of the moves, as Gumbel "
        "does with its c_visit and c_scale, instead of from their visits (PUCT)",
    )
    score_weight: float = Field(
        0.0, ge=0, le=2, description="worth of the margin beside winning, for games with a score"
    )
    forced_playouts: float = Field(
        0.0,
        ge=0,
        le=100,
        description="k of forced playouts at the root, pruned from the policy (PUCT); 2 in the paper",
    )
    lcb_stdevs: float = Field(
        3.0,
        ge=0,
        le=100,
        description="choose the move with the best mean less this many standard errors, of those with "
        "15 % of the most visits (PUCT); 0 chooses by visits",
    )
    solve: bool = Field(True, description="carry proven results up the tree, visit no proven loss")
    stop_early: bool = Field(
        False, description="stop when the visits left cannot change the most visited move"
    )
    memory_mib: int = Field(4096, ge=1, le=12_000, description="stop when a tree takes this many MiB")
    playouts: int = Field(
        0, ge=0, le=1000, description="random games that value each leaf, instead of the evaluator"
    )
    cache_mib: int = Field(
        32,
        ge=0,
        le=100_000,
        description="memory for the evaluator's answers to positions met before; 0 keeps none",
    )
    random_symmetry: bool = Field(
        False, description="show each leaf to the net under a random symmetry"
    )
    reuse_tree: bool = Field(
        True, description="keep the subtree of the move played (PUCT; Gumbel starts anew)"
    )

    def to_core(self) -> _core.SearchSettings:
        """The same settings as the core's record."""
        core = _core.SearchSettings()
        for name, value in self.model_dump(exclude={"root_policy"}).items():
            setattr(core, name, value)
        core.root_policy = getattr(_core.RootPolicy, self.root_policy)
        return core


class PlayoutCap(BaseModel):
    """Playout cap randomisation (Wu 2019, section 3.1): few moves get the full search.

    The others are found by a quick search, so that more games are finished for the value to learn
    from; only moves with the full search become policy targets.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    full_share: float = Field(0.25, gt=0, le=1, description="probability of the full search")
    quick: SearchSettings = Field(
        SearchSettings(visits=6), description="the other search; without noise, as it only plays"
    )


class Resignation(BaseModel):
    """When a player gives a game up (Silver et al. 2017, Methods "Self-play").

    In a share of the games nobody resigns; they show how often a resignation would have been wrong.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    below: float = Field(
        -0.95, gt=-1, lt=0, description="value, in the loser's view, at which a game is given up"
    )
    moves: int = Field(
        4, ge=1, le=1000, description="searches in a row, of both sides, that must agree"
    )
    play_on_share: float = Field(0.1, ge=0, le=1, description="share of games without resignation")
