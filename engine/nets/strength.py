"""A net's measured strength, as its file keeps it, in words."""

from __future__ import annotations

from typing import Any

RIVALS = {
    "against_start": "over the net before",
    "against_reference": "over the reference",
    "against_imitation": "over imitation",
    "at_200_visits_against_imitation": "over imitation",
    "policy_against_imitation": "over imitation",
}


def in_words(strength: dict[str, Any]) -> str:
    """Held-out accuracy and matches as people say it; any other measurement with its own names."""
    said = []
    for name, facts in strength.items():
        if name == "held_out":
            said.append(f"predicts {facts['top1']:.1%} of held-out expert moves")
        elif name in RIVALS:
            said.append(_match(RIVALS[name], facts))
        else:
            said.append(f"{name.replace('_', ' ')}: {_figures(facts)}")
    return "; ".join(said)


def _match(rival: str, facts: dict[str, Any]) -> str:
    low, high = (
        infinite if facts[end] is None else f"{facts[end]:+.0f}"
        for end, infinite in (("elo_low", "-inf"), ("elo_high", "+inf"))
    )
    visits = facts.get("visits")
    manner = "" if visits is None else " without search" if visits == 1 else f" at {visits} visits"
    return f"Elo {facts['elo']:+.0f} [{low}, {high}] {rival}{manner}, {facts['games']} games"


def _figures(facts: Any) -> str:
    """Figures with their names: `games 60, won 60`."""
    if not isinstance(facts, dict):
        return f"{facts:,}" if isinstance(facts, int | float) else str(facts)
    return ", ".join(f"{name.replace('_', ' ')} {_figures(value)}" for name, value in facts.items())
