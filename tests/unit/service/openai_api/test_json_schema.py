"""What is a JSON schema, and where one is not."""

from __future__ import annotations

from typing import Any

import pytest

from ai_service.openai_api.json_schema import find_fault


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {"type": ["string", "null"]}}, "required": ["a"], "x-order": 1},
        {"$defs": {"a": {"enum": ["x", 1, None]}}, "items": {"$ref": "#/$defs/a"}, "minItems": 0},
        {"anyOf": [{"const": None}, True, {"type": "number", "minimum": -0.5}], "description": "any"},
        {"prefixItems": [{"type": "integer"}], "items": False},
        {"items": [{"type": "integer"}]},
        {"additionalProperties": {"type": "string", "pattern": "^a$", "maxLength": 3}},
    ],
)
def test_what_is_a_schema_is_taken(schema: dict[str, Any]) -> None:
    """With keywords that nobody here knows, and the list of older drafts."""
    assert find_fault(schema) is None


@pytest.mark.parametrize(
    ("schema", "path", "told"),
    [
        ({"type": "no such type"}, ".type", "no such type"),
        ({"type": []}, ".type", "length >= 1"),
        ({"properties": ["a"]}, ".properties", "Expected `object`"),
        ({"properties": {"a": {"required": "b"}}}, ".properties[...].required", "Expected `array`"),
        ({"items": {"anyOf": []}}, ".items.anyOf", "length >= 1"),
        ({"items": [{"type": "int"}]}, ".items[0].type", "int"),
        ({"$ref": 3}, ".$ref", "Expected `str"),
        ({"minLength": -1}, ".minLength", ">= 0"),
        ({"additionalProperties": "no"}, ".additionalProperties", "str"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(schema: dict[str, Any], path: str, told: str) -> None:
    """So that the caller can mend it."""
    fault = find_fault(schema)
    assert fault is not None
    assert fault[0] == path
    assert told in fault[1]


def test_endless_nesting_is_no_schema() -> None:
    """And no crash."""
    schema: dict[str, Any] = {}
    inner = schema
    for _ in range(5000):
        inner["items"] = {}
        inner = inner["items"]
    assert find_fault(schema) == ("", "nested too deeply")
