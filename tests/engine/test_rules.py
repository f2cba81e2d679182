"""Rules as data: every preset against a table of known truths, and what is refused."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import games
from engine.errors import UserError
from engine.games import go
from engine.position import Position
from engine.rules import PRESETS, Rules, parse_rules, set_one

# As KataGo's documentation lists its shorthands, and CGOS plays.
TABLE = """
cgos          POSITIONAL   AREA       false  NONE  N    false
tromp-taylor  POSITIONAL   AREA       true   NONE  0    false
chinese       SIMPLE       AREA       false  NONE  N    true
chinese-ogs   POSITIONAL   AREA       false  NONE  N    true
chinese-kgs   POSITIONAL   AREA       false  NONE  N    true
japanese      SIMPLE       TERRITORY  false  SEKI  0    true
korean        SIMPLE       TERRITORY  false  SEKI  0    true
aga           SITUATIONAL  AREA       false  NONE  N-1  true
bga           SITUATIONAL  AREA       false  NONE  N-1  true
new-zealand   SITUATIONAL  AREA       true   NONE  0    true
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()]


def test_there_are_exactly_the_presets_of_the_table():
    assert sorted(PRESETS) == sorted(row[0] for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_a_preset_has_the_values_of_the_table(row):
    name, ko, scoring, suicide, tax, bonus, friendly = row
    assert parse_rules(name).as_json() == {
        "ko": ko,
        "scoring": scoring,
        "suicide": suicide == "true",
        "tax": tax,
        "whiteHandicapBonus": bonus,
        "friendlyPassOk": friendly == "true",
        "hasButton": False,
    }


@pytest.mark.parametrize("name", PRESETS)
def test_rules_survive_their_json(name):
    rules = PRESETS[name]
    assert parse_rules(json.dumps(rules.as_json())) == rules
    assert PRESETS[rules.name] == rules


@pytest.mark.parametrize("text", ["Tromp-Taylor", "TROMP_TAYLOR", " tromp-taylor "])
def test_names_are_read_leniently(text):
    assert parse_rules(text) == PRESETS["tromp-taylor"]


def test_json_may_leave_keys_out_and_carry_a_komi():
    text = '{"ko": "simple", "suicide": false, "komi": 7.5}'
    assert parse_rules(text) == Rules("SIMPLE", suicide=False, friendly_pass=False)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("ing", "'ing'"),
        ("japanes", "did you mean 'japanese'"),
        ('{"tax": "ALL"}', 'tax "ALL"'),
        ('{"hasButton": true}', "hasButton true"),
        ('{"ko": "NATURAL"}', 'ko "NATURAL"'),
        ('{"suicide": "yes"}', 'suicide "yes"'),
        ('{"suicide": 1}', "suicide 1"),
        ('{"ko": ["SIMPLE"]}', 'ko ["SIMPLE"]'),
        ('{"scoring": "AREA", "tax": "SEKI"}', 'tax "SEKI"'),
        ('{"colour": 1}', "unknown key 'colour'"),
        ("{", "not JSON"),
        ("", "''"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(text, named):
    with pytest.raises(UserError) as refusal:
        parse_rules(text)
    assert named in str(refusal.value)
    assert "\n" not in str(refusal.value)


@given(st.text(max_size=30) | st.text(max_size=30).map(lambda t: "{" + t))
def test_no_text_makes_the_reader_fall_over(text):
    with contextlib.suppress(UserError):
        assert isinstance(parse_rules(text), Rules)


@pytest.mark.parametrize(
    ("bonus", "stones", "points"),
    [("0", 5, 0), ("N", 5, 5), ("N-1", 5, 4), ("N", 2, 2), ("N", 1, 0), ("N-1", 1, 0), ("N", 0, 0)],
)
def test_white_s_bonus_for_handicap_stones(bonus, stones, points):
    assert Rules("SIMPLE", suicide=False, handicap_bonus=bonus).bonus(stones) == points


def test_one_key_can_be_changed():
    rules = set_one(PRESETS["chinese"], "suicide", "true")
    assert rules.suicide and rules.ko == "SIMPLE"
    assert set_one(rules, "ko", "situational").ko == "SITUATIONAL"
    with pytest.raises(UserError, match="suicide"):
        set_one(rules, "suicide", "maybe")


def test_the_rules_reach_the_board():
    """A single ko on 5x5: retaking is forbidden, and after a ko threat it is not."""
    position = Position(games.load("go5"))
    position.set_start(**PRESETS["chinese"].start_fields())
    record = position.start.view(position.game.state)
    assert record["ko_rule"][0] == go.KO_SIMPLE and record["suicide"][0] == 0
    position.set_start(**PRESETS["new-zealand"].start_fields())
    record = position.start.view(position.game.state)
    assert record["ko_rule"][0] == go.KO_SITUATIONAL and record["suicide"][0] == 1
