"""What `move37 games` lists: the games, their sizes, and the nets that ship with their strength."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from engine.games import load, names
from engine.nets.files import load_net, plays, shipped_names
from engine.nets.strength import in_words

USUAL = {"go": "go9"}  # shown for a family whose bare name is no game


def rows() -> list[dict[str, Any]]:
    """A row for each game: name, family, rules, height, width, players and the nets that fit it.

    nets are [{name, strength}], the strength as it was measured when the net was made.
    """
    nets = [(name, load_net(name)[1]) for name in shipped_names()]
    found = []
    for game in map(load, names()):
        fitting = [
            {"name": name, "strength": info.strength} for name, info in nets if plays(info, game)
        ]
        found.append(
            {
                "name": game.name,
                "family": game.family,
                "rules": game.rules_text,
                "height": game.shape[0],
                "width": game.shape[1],
                "players": list(game.players),
                "nets": fitting,
            }
        )
    return found


def table(found: list[dict[str, Any]]) -> str:
    """The rows for people: a family at a time, its usual size first."""
    lines = []
    for family, group in groupby(found, lambda row: row["family"]):
        members = list(group)
        usual = USUAL.get(family, family)
        shown = next((row for row in members if row["name"] == usual), members[0])
        lines.append(f"{shown['name']:<14}{shown['rules']}")
        others = [row["name"] for row in members if row is not shown]
        if len(others) > 4:
            others = [others[0], "...", others[-1]]
        if others:
            lines.append(f"{'':<14}also {' '.join(others)}")
        strengths = {net["name"]: net["strength"] for row in members for net in row["nets"]}
        lines += [f"{'':<14}net {name}: {in_words(strengths[name])}" for name in strengths]
    return "\n".join(lines)
