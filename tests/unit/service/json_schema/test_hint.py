"""What providers are shown of a caller's schema."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ai_service.json_schema.hint import hint_of
from ai_service.json_schema.rules import check_schema


def hint(schema: dict[str, Any]) -> dict[str, Any]:
    """Return what is shown of a schema that a caller sent."""
    checked = check_schema(schema)
    assert checked.fault is None
    return hint_of(checked.schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False},
        {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 9}, "minItems": 1, "maxItems": 3},
        {"anyOf": [{"type": "string", "maxLength": 9}, {"type": "null"}]},
        {"type": "object", "properties": {"a": {"enum": ["x", 1, None]}, "b": {"enum": ["only"]}}, "title": "T"},
        {"$ref": "#/$defs/node", "$defs": {"node": {"properties": {"next": {"$ref": "#/$defs/node"}}}}},
        {"type": ["string", "null"], "description": "maybe"},
        {"type": "object", "additionalProperties": {"type": "number"}},
    ],
)
def test_what_every_provider_knows_is_shown_as_it_is(schema: dict[str, Any]) -> None:
    """A model writes by it."""
    assert hint(schema) == schema


@pytest.mark.parametrize(
    ("schema", "shown"),
    [
        ({"type": "string", "pattern": "[0-9]", "format": "email"}, {"type": "string"}),
        ({"type": "object", "patternProperties": {"a": True}, "propertyNames": {"pattern": "a"}}, {"type": "object"}),
        ({"not": {"type": "string"}}, {}),
        ({"if": True, "then": {"type": "string"}, "type": "string"}, {"type": "string"}),
        ({"properties": {"a": True, "b": False}}, {"properties": {"a": {}}}),
        ({"required": ["a", "a", "b"], "properties": {"a": {}}}, {"properties": {"a": {}}, "required": ["a"]}),
        ({"properties": {'a"b': {"type": "string"}}, "type": "object"}, {"type": "object"}),
        ({"properties": {"": {"type": "string"}}, "additionalProperties": False}, {"type": "object"}),
        ({"properties": {f"p{number}": True for number in range(201)}}, {"type": "object"}),
        ({"enum": ['say "no"', "b"]}, {"type": "string"}),
        ({"enum": [{"a": 1}]}, {}),
        ({"enum": [f"v{number}" for number in range(101)]}, {"type": "string"}),
        ({"const": "x"}, {"enum": ["x"]}),
        ({"const": None}, {"enum": [None]}),
        ({"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 6.5},
         {"type": "integer", "minimum": 4, "maximum": 6}),
        ({"type": "integer", "minimum": 10**17}, {"type": "integer"}),
        ({"type": "number", "minimum": 0.5}, {"type": "number"}),
        ({"type": "string", "maxLength": 100_000, "minLength": 1}, {"type": "string", "minLength": 1}),
        ({"type": "array", "items": [{"type": "integer"}]}, {"type": "array"}),
        ({"type": "array", "items": True, "uniqueItems": True}, {"type": "array"}),
        ({"properties": {"a": {"$ref": "#/properties/b"}, "b": {"type": "string"}}},
         {"properties": {"a": {}, "b": {"type": "string"}}}),
        ({"type": "object", "properties": {"a": True}, "anyOf": [{"required": ["a"]}, True]},
         {"type": "object", "properties": {"a": {}}}),
    ],
)  # fmt: skip
def test_what_some_provider_does_not_know_is_kept_back(schema: dict[str, Any], shown: dict[str, Any]) -> None:
    """It dies of it, refuses it, or writes anything at all; the answer is checked against all of it."""
    assert hint(schema) == shown


def test_definitions_are_shown_where_something_refers_to_them() -> None:
    """By plain names only."""
    schema = {
        "properties": {"a": {"$ref": "#/$defs/x"}, "b": {"$ref": "#/$defs/y~1z"}},
        "$defs": {"x": {"type": "string", "pattern": "a"}, "y/z": {"type": "integer"}},
    }
    assert hint(schema) == {
        "properties": {"a": {"$ref": "#/$defs/x"}, "b": {}},
        "$defs": {"x": {"type": "string"}},
    }


def test_neither_pattern_nor_format_is_shown_wherever_it_stands() -> None:
    """Ollama 0.5.4 dies of the one, and some server will of the other."""
    text = {"type": "string", "pattern": "[0-9]", "format": "date"}
    inner = {"anyOf": [text], "oneOf": [text], "items": text, "additionalProperties": text, "properties": {"a": text}}
    properties = {"a": inner, "b": {"allOf": [inner]}, "d": {"$ref": "#/$defs/c"}}
    shown = json.dumps(hint({"type": "object", "properties": properties, "$defs": {"c": inner}}))
    assert "pattern" not in shown
    assert "format" not in shown
