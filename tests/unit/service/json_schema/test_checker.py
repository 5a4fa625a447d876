"""Answers against schemas of callers."""

from __future__ import annotations

from typing import Any

import pytest

from ai_service.json_schema.checker import SchemaTooCostlyError, find_violation
from ai_service.json_schema.rules import check_schema


def violated(schema: dict[str, Any], value: Any) -> str | None:
    """Return the keyword that an answer breaks."""
    checked = check_schema(schema)
    assert checked.fault is None
    return find_violation(checked.schema, value)


OBJECT = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}
NODE = {"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}, "required": ["next"]}


@pytest.mark.parametrize(
    ("schema", "fits", "breaks", "keyword"),
    [
        (OBJECT, {"a": 1}, {"b": 1}, "required"),
        (OBJECT, {"a": 1.0}, {"a": 1, "b": 1}, "false"),
        (OBJECT, {"a": -5}, {"a": True}, "type"),
        (NODE, {"next": {"next": None}}, {"next": {"next": 1}}, "anyOf"),
        ({"type": "string", "pattern": "^[0-9]+$"}, "12", "1a", "pattern"),
        ({"pattern": r"^\u0041\/$"}, "A/", "B/", "pattern"),
        ({"pattern": "a"}, 5, "b", "pattern"),
        ({"patternProperties": {"^n_": {"type": "number"}}}, {"n_a": 1, "b": "x"}, {"n_a": "x"}, "type"),
        ({"patternProperties": {"^n_": True}, "additionalProperties": False}, {"n_a": 1}, {"b": 1}, "false"),
        ({"propertyNames": {"maxLength": 2}}, {"ab": 1}, {"abc": 1}, "maxLength"),
        ({"enum": ["x", 1, None]}, 1.0, True, "enum"),
        ({"const": {"a": [1]}}, {"a": [1.0]}, {"a": [True]}, "const"),
        ({"const": None}, None, 0, "const"),
        ({"type": "integer", "exclusiveMinimum": 3, "maximum": 5}, 4, 3, "exclusiveMinimum"),
        ({"multipleOf": 0.1}, 0.3, 0.35, "multipleOf"),
        ({"items": [{"type": "integer"}], "additionalItems": False}, [1], [1, 2], "items"),
        ({"prefixItems": [{"type": "integer"}], "items": {"type": "string"}}, [1, "a"], [1, 2], "type"),
        ({"contains": {"type": "integer"}, "maxContains": 1}, ["a", 1], [1, 2], "maxContains"),
        ({"uniqueItems": True}, [1, True, "1", [1], {"a": 1}], [{"a": 1, "b": 2}, {"b": 2.0, "a": 1}], "uniqueItems"),
        ({"oneOf": [{"type": "integer"}, {"minimum": 3}]}, 1, 5, "oneOf"),
        ({"not": {"type": "null"}}, 1, None, "not"),
        ({"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": False}, {"a": 1, "b": 1}, {"a": 1},
         "required"),
        ({"dependencies": {"a": ["b"]}}, {"b": 1}, {"a": 1}, "dependentRequired"),
        ({"dependencies": {"a": {"minProperties": 2}}}, {"a": 1, "b": 1}, {"a": 1}, "minProperties"),
        ({"format": "date"}, "2026-02-28", "2026-02-30", "format"),
        ({"format": "date-time"}, "2026-02-28T12:00:60.5z", "2026-02-28 noon", "format"),
        ({"format": "date-time"}, "2026-02-28T12:00:00+01:00", "2026-02-28T12:00:00", "format"),
        ({"format": "time"}, "12:00:00Z", "25:00:00Z", "format"),
        ({"format": "email"}, "a@b.c", "nobody", "format"),
        ({"format": "uuid"}, "b1234567-8901-2000-8000-000000000000", "b", "format"),
        ({"format": "ipv4"}, "10.0.0.1", "10.0.0.256", "format"),
        ({"format": "no-such-format"}, "x", None, None),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "integer"}}}, 1, "x", "type"),
    ],
)  # fmt: skip
def test_an_answer_fits_or_breaks_a_keyword(
    schema: dict[str, Any], fits: object, breaks: object, keyword: str | None
) -> None:
    """Each of them, in the words of each draft."""
    assert violated(schema, fits) is None
    assert violated(schema, breaks) == keyword


def doubling(levels: int) -> dict[str, Any]:
    """Return a schema whose evaluation takes two to the power of so many steps."""
    defs: dict[str, Any] = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(levels)}
    return {"$ref": "#/$defs/a0", "$defs": {**defs, f"a{levels}": {"type": "object"}}}


def deep(levels: int) -> dict[str, Any]:
    """Return a value of so many levels."""
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"x": value}
    return value


TWICE = {"$ref": "#/$defs/s", "$defs": {"s": {"allOf": [{"properties": {"x": {"$ref": "#/$defs/s"}}}] * 2}}}


@pytest.mark.parametrize(
    ("schema", "value"),
    [(doubling(20), {}), (TWICE, deep(30)), ({"items": {"$ref": "#"}}, [[1] * 100] * 300)],
    ids=["doubling references", "doubling with each level", "many items"],
)
def test_a_check_that_takes_too_long_is_given_up(schema: dict[str, Any], value: object) -> None:
    """A schema of a few hundred bytes can keep any validator busy for years."""
    with pytest.raises(SchemaTooCostlyError):
        violated(schema, value)


def test_a_small_doubling_is_checked() -> None:
    """The budget is for real schemas: each of theirs takes a few hundred steps."""
    assert violated(doubling(6), {}) is None
    assert violated(TWICE, deep(6)) is None


def test_a_value_that_is_too_deep_is_given_up() -> None:
    """Not by a crash of the interpreter."""
    with pytest.raises(SchemaTooCostlyError):
        violated({"additionalProperties": {"$ref": "#"}}, deep(900))


def test_an_expression_takes_linear_time() -> None:
    """Python's own would take two to the power of 40 steps."""
    assert violated({"pattern": "^(a+)+$"}, "a" * 40 + "b") == "pattern"


def test_the_librarys_own_expressions_are_never_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it has a keyword with patterns, ours stands in its place."""

    def search(*_: object) -> None:
        raise AssertionError("Python's own expressions were used")

    monkeypatch.setattr("jsonschema._keywords.re.search", search)
    monkeypatch.setattr("jsonschema._utils.re.search", search)
    schema = {"patternProperties": {"a": True}, "additionalProperties": False, "propertyNames": {"pattern": "a"}}
    assert violated(schema, {"a": 1}) is None
    for unknown in ({"unevaluatedProperties": False}, {"unevaluatedItems": False}, {"$dynamicRef": "#none"}):
        assert find_violation(unknown, {"a": 1}) is None
        assert find_violation(unknown, [1]) is None
