"""The settings of a search: ranges, messages, and their way into the core."""

import math

import pytest
from pydantic import ValidationError

from mcts import SearchSettings, _core

FIELDS = SearchSettings.model_fields


def changed(name):
    """A legal value of a field that is not its default."""
    default = FIELDS[name].default
    if name == "root_policy":
        return "gumbel"
    if isinstance(default, bool):
        return not default
    return default + 1 if isinstance(default, int) else default / 2 + 0.25


@pytest.mark.parametrize("name", FIELDS)
def test_every_setting_reaches_the_core(name):
    core = SearchSettings(**{name: changed(name)}).to_core()
    expected = _core.RootPolicy.gumbel if name == "root_policy" else pytest.approx(changed(name))
    assert getattr(core, name) == expected


@pytest.mark.parametrize("name", FIELDS)
def test_the_defaults_of_the_core_are_those_of_the_record(name):
    assert getattr(SearchSettings().to_core(), name) == getattr(_core.SearchSettings(), name)


@pytest.mark.parametrize("name", FIELDS)
def test_every_setting_is_described(name):
    assert FIELDS[name].description


def test_the_core_has_no_setting_that_the_record_lacks():
    public = {name for name in dir(_core.SearchSettings) if not name.startswith("_")}
    assert public == set(FIELDS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("visits", 0),
        ("visits", 10_000_001),
        ("visits", 1.5),
        ("root_policy", "ucb"),
        ("c_puct", 0),
        ("c_puct", 101),
        ("c_puct_base", 0),
        ("fpu_reduction", -0.1),
        ("virtual_loss", -1),
        ("leaves_per_batch", 0),
        ("leaves_per_batch", 4097),
        ("noise_fraction", 1.1),
        ("noise_fraction", -0.1),
        ("noise_total", 0),
        ("root_policy_temperature", 0),
        ("temperature", -1),
        ("temperature_moves", -1),
        ("temperature_moves", 2**31),
        ("gumbel_considered", 0),
        ("gumbel_scale", -1),
        ("gumbel_c_visit", -1),
        ("gumbel_c_scale", 0),
    ],
)
def test_a_value_out_of_range_is_an_error_that_names_the_setting(name, value):
    with pytest.raises(ValidationError, match=name):
        SearchSettings(**{name: value})


@pytest.mark.parametrize("name", [n for n in FIELDS if isinstance(FIELDS[n].default, float)])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_no_setting_is_infinite_or_no_number(name, value):
    with pytest.raises(ValidationError, match=name):
        SearchSettings(**{name: value})


def test_an_unknown_name_is_an_error_that_quotes_it():
    with pytest.raises(ValidationError, match="c_pukt"):
        SearchSettings(c_pukt=1)


def test_settings_cannot_change_once_made():
    with pytest.raises(ValidationError, match="frozen"):
        SearchSettings().visits = 3
