"""Made-up values."""

from typing import Any

import jsonschema
import pytest

from ai_service.providers.sample import sample_of

NESTED = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "kind": {"enum": ["a", "b"]},
        "minutes": {"type": "integer", "minimum": 3},
        "share": {"type": ["number", "null"]},
        "maybe": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
        "parts": {"type": "array", "items": {"$ref": "#/$defs/Part"}},
        "fixed": {"const": 7},
        "nothing": {"type": "null"},
        "list": {"type": "array"},
    },
    "required": ["name", "kind", "minutes", "share", "maybe", "parts", "fixed"],
    "$defs": {"Part": {"type": "object", "properties": {"of": {"type": "string"}}, "required": ["of"]}},
}


def test_a_sample_fits_its_schema() -> None:
    """What clients of structured output send."""
    jsonschema.validate(sample_of(NESTED), NESTED)


@pytest.mark.parametrize(
    "schema",
    [{"type": 5}, {"properties": 5}, {"$ref": "#/nope"}, {"$ref": "x"}, {"enum": []}, {"type": "no such type"}, 5],
)
def test_a_schema_that_says_nothing_gets_an_empty_object(schema: Any) -> None:
    """Callers send anything."""
    assert sample_of(schema) == {}


def test_a_schema_that_contains_itself_ends() -> None:
    """At some depth."""
    assert sample_of({"type": "object", "properties": {"a": {"$ref": "#"}}})


def test_a_minimum_that_is_no_number_is_ignored() -> None:
    """And zero taken."""
    assert sample_of({"type": "integer", "minimum": "x"}) == 0
