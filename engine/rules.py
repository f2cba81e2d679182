"""The rules of Go as data: named presets, JSON as other programs write it, what each field means.

    name          ko           suicide  scoring    tax   handicap bonus
    cgos          positional   no       area       none  N
    tromp-taylor  positional   yes      area       none  0
    chinese       simple       no       area       none  N
    chinese-ogs   positional   no       area       none  N
    chinese-kgs   positional   no       area       none  N
    aga, bga      situational  no       area       none  N-1
    new-zealand   situational  yes      area       none  0
    japanese      simple       no       territory  seki  0
    korean        simple       no       territory  seki  0

The names, but for cgos, and the JSON keys are those of KataGo's GTP extensions, which boards and
servers use. With cgos and tromp-taylor every stone counts as it stands; with the others the players
agree on dead ones. The search always plays for area, which differs from territory by a point at
most if both sides made as many moves; finished games are scored by `engine.scoring` as the rules say.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

from engine.errors import UserError, did_you_mean
from engine.position import Position

Ko = Literal["SIMPLE", "POSITIONAL", "SITUATIONAL"]
Scoring = Literal["AREA", "TERRITORY"]
Tax = Literal["NONE", "SEKI"]
Bonus = Literal["0", "N", "N-1"]


@dataclass(frozen=True)
class Rules:
    """One set of rules.

    ko              which repetitions are forbidden: retaking a single ko, the same stones on the
                    board, the same stones with the same player to move
    suicide         whether a chain of two stones or more may take its own last liberty
    scoring         AREA: stones and surrounded points; TERRITORY: surrounded points and prisoners
    tax             SEKI: points surrounded by chains in seki do not count
    handicap_bonus  what White gets for N handicap stones: nothing, N or N-1 points
    friendly_pass   whether a pass may leave dead stones on the board, to be agreed upon
    """

    ko: Ko
    suicide: bool
    scoring: Scoring = "AREA"
    tax: Tax = "NONE"
    handicap_bonus: Bonus = "0"
    friendly_pass: bool = True

    def start_fields(self) -> dict[str, int]:
        """The fields of a Go state that stand for these rules; see `Position.set_start`."""
        return {"ko_rule": _ko_rules()[self.ko], "suicide": int(self.suicide)}

    def bonus(self, handicap: int) -> int:
        """White's points for that many handicap stones; fewer than two are no handicap."""
        if handicap < 2 or self.handicap_bonus == "0":
            return 0
        return handicap if self.handicap_bonus == "N" else handicap - 1

    def as_json(self) -> dict[str, object]:
        """The rules with KataGo's keys and words."""
        return {
            "friendlyPassOk": self.friendly_pass,
            "hasButton": False,
            "ko": self.ko,
            "scoring": self.scoring,
            "suicide": self.suicide,
            "tax": self.tax,
            "whiteHandicapBonus": self.handicap_bonus,
        }

    @property
    def name(self) -> str:
        """The first preset with these rules, or `custom`."""
        return next((name for name, rules in PRESETS.items() if rules == self), "custom")

    @property
    def sgf_name(self) -> str:
        """The nearest name for the property RU of a game record; `sgf_rules` reads it."""
        if self.scoring == "TERRITORY":
            return "Japanese"
        if self.ko == "SITUATIONAL":
            return "NZ" if self.suicide else "AGA"
        return "Tromp-Taylor" if self.suicide else "Chinese"


def _ko_rules() -> dict[Ko, int]:
    """The field `ko_rule` of a Go state by its name."""
    from engine.games import go

    return {
        "SIMPLE": go.KO_SIMPLE,
        "POSITIONAL": go.KO_POSITIONAL,
        "SITUATIONAL": go.KO_SITUATIONAL,
    }


def rules_of(position: Position) -> Rules:
    """The rules by which a position of Go is played: for area, dead stones agreed upon."""
    names = {number: name for name, number in _ko_rules().items()}
    record = position.record
    return Rules(names[int(record["ko_rule"][0])], bool(record["suicide"][0]))


_CHINESE_SERVER = Rules("POSITIONAL", suicide=False, handicap_bonus="N")
_AGA = Rules("SITUATIONAL", suicide=False, handicap_bonus="N-1")
_JAPANESE = Rules("SIMPLE", suicide=False, scoring="TERRITORY", tax="SEKI")

PRESETS = {
    "cgos": Rules("POSITIONAL", suicide=False, handicap_bonus="N", friendly_pass=False),
    "tromp-taylor": Rules("POSITIONAL", suicide=True, friendly_pass=False),
    "chinese": Rules("SIMPLE", suicide=False, handicap_bonus="N"),
    "chinese-ogs": _CHINESE_SERVER,
    "chinese-kgs": _CHINESE_SERVER,
    "aga": _AGA,
    "bga": _AGA,
    "new-zealand": Rules("SITUATIONAL", suicide=True),
    "japanese": _JAPANESE,
    "korean": _JAPANESE,
}
_OTHER_NAMES = {"new zealand": "new-zealand", "nz": "new-zealand", "tromp taylor": "tromp-taylor"}

# What may stand under each key, with what we do not play marked by its absence.
_WORDS: dict[str, tuple[object, ...]] = {
    "ko": ("SIMPLE", "POSITIONAL", "SITUATIONAL"),
    "scoring": ("AREA", "TERRITORY"),
    "tax": ("NONE", "SEKI"),
    "whiteHandicapBonus": ("0", "N", "N-1"),
    "suicide": (True, False),
    "friendlyPassOk": (True, False),
    "hasButton": (False,),
}
_FIELDS = {
    "whiteHandicapBonus": "handicap_bonus",
    "friendlyPassOk": "friendly_pass",
}


def preset(name: str) -> Rules:
    """The rules of that name, in upper or lower case, with `-`, `_` or a space.

    Raises UserError for an unknown one.
    """
    word = name.strip().lower().replace("_", "-")
    rules = PRESETS.get(_OTHER_NAMES.get(word, word))
    if rules is None:
        hint = did_you_mean(word, list(PRESETS))
        raise UserError(f"unknown rules '{name}'{hint}: use one of {', '.join(PRESETS)}")
    return rules


def parse_rules(text: str) -> Rules:
    """Rules from a preset's name or a JSON object with the keys of `Rules.as_json`.

    Keys that are left out are those of tromp-taylor; `komi` is ignored, it is not part of the rules.
    Raises UserError for anything unknown or not supported.
    """
    if not text.lstrip().startswith("{"):
        return preset(text)
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"rules '{text}' are not JSON: {error}") from None
    return from_json(given)


def from_json(given: dict[str, Any]) -> Rules:
    """Rules from a parsed JSON object; as `parse_rules`."""
    values = PRESETS["tromp-taylor"].as_json() | {k: v for k, v in given.items() if k != "komi"}
    for key, value in values.items():
        known = _WORDS.get(key)
        if known is None:
            raise UserError(f"unknown key '{key}' of the rules: use {', '.join(_WORDS)}")
        word = value.upper() if isinstance(value, str) else value
        if type(word) is not type(known[0]) or word not in known:
            supported = ", ".join(json.dumps(choice) for choice in known)
            raise UserError(f"rules with {key} {json.dumps(value)} are not supported: use {supported}")
        values[key] = word
    if values["scoring"] == "AREA" and values["tax"] == "SEKI":
        raise UserError('rules with scoring "AREA" and tax "SEKI" are not supported: use tax "NONE"')
    del values["hasButton"]
    return Rules(**{_FIELDS.get(key, key): value for key, value in values.items()})  # type: ignore[arg-type]


def sgf_rules(text: str) -> Rules:
    """The rules that the property RU of a game record stands for.

    GOE (Ing) is nearest to New Zealand's. Everything unknown, Chinese and no rules at all, is
    Chinese as servers play it.
    """
    words = text.lower()
    for pattern, name in (
        (r"jap|jp|kor", "japanese"),
        (r"aga|bga", "aga"),
        (r"nz|new.?zealand|goe|ing\b", "new-zealand"),
        (r"tromp", "tromp-taylor"),
    ):
        if re.match(pattern, words):
            return PRESETS[name]
    return _CHINESE_SERVER


def set_one(rules: Rules, key: str, text: str) -> Rules:
    """The rules with one key of their JSON changed, its value as JSON or a bare word."""
    value: object = text
    if key in _WORDS and isinstance(_WORDS[key][0], bool):
        value = {"true": True, "false": False}.get(text.lower(), text)
    return from_json(rules.as_json() | {key: value})
