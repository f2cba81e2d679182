"""What is wrong with a value that a pydantic record refuses, in the words of the person who gave it."""

from __future__ import annotations

import json

from pydantic_core import ErrorDetails

_WORDS = {  # by pydantic's name of the error, or how it begins
    "missing": "must be given",
    "union_tag_not_found": "must be given",
    "union_tag_invalid": "must be one of {expected_tags}",
    "literal_error": "must be {expected}",
    "greater_than_equal": "must be at least {ge:g}",
    "greater_than": "must be more than {gt:g}",
    "less_than_equal": "must be at most {le:g}",
    "too_short": "must have at least {min_length} of them",
    "value_error": "{error}",
    "string_pattern_mismatch": "must match {pattern}",
    "int": "must be a whole number",
    "float": "must be a number",
    "finite": "must be a finite number",
    "bool": "must be true or false",
    "string": "must be a text in quotes",
    "list": "must be a list in brackets",
    "dict": "must be a table",
    "model": "must be a table",
}


def reason(error: ErrorDetails) -> str:
    """What the value must be, such as `must be at least 8`."""
    kind = error["type"]
    words = _WORDS.get(kind) or _WORDS.get(kind.split("_")[0])
    return words.format(**error.get("ctx", {})) if words else error["msg"]


def quoted(value: object) -> str:
    """` = VALUE` as a configuration writes it, or nothing for a whole table or list."""
    simple = isinstance(value, str | int | float)
    return f" = {json.dumps(value, ensure_ascii=False)}" if simple else ""
