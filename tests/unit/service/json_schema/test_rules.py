"""What is a JSON schema, and where one is not."""

from __future__ import annotations

from typing import Any

import pytest

from ai_service.json_schema.rules import check_schema, find_fault


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {"type": ["string", "null"]}}, "required": ["a"], "x-order": 1},
        {"$defs": {"a": {"enum": ["x", 1, None]}}, "items": {"$ref": "#/$defs/a"}, "minItems": 0},
        {"anyOf": [{"const": None}, True, {"type": "number", "minimum": -0.5}], "description": "any"},
        {"prefixItems": [{"type": "integer"}], "items": False},
        {"items": [{"type": "integer"}]},
        {"additionalProperties": {"type": "string", "pattern": "^a$", "maxLength": 3}},
        {"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}},
        {"$ref": "#/$defs/a~1b%20c", "$defs": {"a/b c": {"type": "integer"}}},
        {"properties": {"a": {"prefixItems": [{"type": "integer"}]}, "b": {"$ref": "#/properties/a/prefixItems/0"}}},
        {"$schema": "http://json-schema.org/draft-07/schema#", "$id": "https://example.org/x", "type": "object"},
        {
            "dependencies": {"a": ["b"], "c": {"required": ["d"]}},
            "if": {"required": ["a"]},
            "then": {"minProperties": 2},
        },
        {"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 5},
        {"type": "number", "exclusiveMinimum": 3, "exclusiveMaximum": 4},
        {"type": "string", "pattern": r"^[\u0041-\u{5A}]+\/\d$"},
        {"enum": [1e300, 10**30], "maximum": 10**30},
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
        ({"properties": {"a": {"$ref": "#/nowhere"}}}, ".properties[...].$ref", "no schema"),
        ({"$ref": "https://example.org/schema.json"}, ".$ref", "within the schema"),
        ({"$ref": "other.json#/$defs/a"}, ".$ref", "within the schema"),
        ({"$ref": "#anchor", "$defs": {"a": {"$anchor": "anchor"}}}, ".$ref", "within the schema"),
        ({"properties": {"a": True}, "$ref": "#/properties"}, ".$ref", "no schema"),
        ({"$ref": "#/title", "title": "x"}, ".$ref", "no schema"),
        ({"$ref": "#/enum/0", "enum": [{"pattern": 5}]}, ".$ref", "no schema"),
        ({"$ref": "#"}, ".$ref", "back to itself"),
        (
            {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"allOf": [{"$ref": "#/$defs/a"}]}}},
            ".$defs[...].$ref.allOf[0].$ref",
            "itself",
        ),
        ({"anyOf": [{"not": {"$ref": "#"}}, True]}, ".anyOf[0].not.$ref", "itself"),
        ({"items": {"unevaluatedProperties": False}}, ".items.unevaluatedProperties", "not supported"),
        ({"$dynamicRef": "#x"}, ".$dynamicRef", "not supported"),
        ({"$defs": {"a": {"$id": "https://example.org/x"}}}, ".$defs[...].$id", "name"),
        ({"pattern": "^(?!x).*$"}, ".pattern", "look-around"),
        ({"properties": {"a": {"pattern": r"(a)\1"}}}, ".properties[...].pattern", "back-references"),
        ({"patternProperties": {"(": True}}, ".patternProperties[...]", "missing"),
        ({"enum": []}, ".enum", "length >= 1"),
        ({"minLength": 3, "maxLength": 2}, ".minLength", "no value fits"),
        ({"items": {"minItems": 1, "maxItems": 0}}, ".items.minItems", "no value fits"),
        ({"minimum": 2, "maximum": 1}, ".minimum", "no value fits"),
        ({"exclusiveMinimum": 2, "maximum": 2}, ".minimum", "no value fits"),
        ({"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 4}, ".minimum", "no value fits"),
        ({"type": "integer", "minimum": 0.1, "maximum": 0.9}, ".minimum", "no value fits"),
        ({"exclusiveMinimum": True}, ".exclusiveMinimum", "bool"),
        ({"multipleOf": 0}, ".multipleOf", "> 0"),
        ({"description": "x" * 40_000}, "", "32768 bytes"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(schema: dict[str, Any], path: str, told: str) -> None:
    """So that the caller can mend it."""
    fault = find_fault(schema)
    assert fault is not None
    assert fault[0] == path
    assert told in fault[1]


@pytest.mark.parametrize("depth", [33, 900, 3000])
def test_endless_nesting_is_refused(depth: int) -> None:
    """And no crash."""
    schema: dict[str, Any] = {}
    for _ in range(depth):
        schema = {"items": schema}
    fault = find_fault(schema)
    assert fault is not None
    assert "nested" in fault[1]


def test_a_schema_of_many_schemas_is_refused() -> None:
    """Looking through it would keep everybody waiting."""
    assert find_fault({"anyOf": [True] * 1999}) is None
    assert find_fault({"anyOf": [True] * 2000}) == ("", "more than 2000 schemas in one")


def test_the_copy_holds_what_is_evaluated_and_no_more() -> None:
    """In the words of one draft; what could lead elsewhere is gone."""
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "https://example.org/x",
        "$comment": "x",
        "default": {},
        "properties": {"a": {"$schema": "x", "items": [{"type": "integer"}], "additionalItems": False, "title": "A"}},
        "dependencies": {"a": ["b"], "c": {"required": ["d"]}},
        "required": ["a"],
        "minProperties": None,
    }
    assert check_schema(schema).schema == {
        "properties": {"a": {"prefixItems": [{"type": "integer"}], "items": False, "title": "A"}},
        "dependentRequired": {"a": ["b"]},
        "dependentSchemas": {"c": {"required": ["d"]}},
        "required": ["a"],
    }
