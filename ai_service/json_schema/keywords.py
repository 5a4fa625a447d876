"""The keywords of JSON Schema, of draft 2020-12 and of those before it, and the form of their values."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

Kind = Literal["array", "boolean", "integer", "null", "number", "object", "string"]
_Count = Annotated[int, msgspec.Meta(ge=0)]
_Some = msgspec.Meta(min_length=1)

UNSUPPORTED = (
    "$dynamicAnchor",
    "$dynamicRef",
    "$recursiveAnchor",
    "$recursiveRef",
    "unevaluatedItems",
    "unevaluatedProperties",
)
"""What would need to be known of other parts of a schema to be checked."""
SCHEMAS = ("items", "additionalProperties", "additionalItems", "contains", "propertyNames", "not", "if", "then", "else")
LISTS_OF_SCHEMAS = ("prefixItems", "anyOf", "oneOf", "allOf")
MAPS_OF_SCHEMAS = ("$defs", "definitions", "properties", "patternProperties", "dependentSchemas")
IN_PLACE = ("not", "if", "then", "else", "anyOf", "oneOf", "allOf", "dependentSchemas", "$ref")
"""Keywords whose schemas are about the same value as the one that they stand in."""


class Schema(msgspec.Struct, rename="camel"):
    """The keywords whose values have a form of their own; others may hold anything."""

    type: Kind | Annotated[list[Kind], _Some] | None = None
    ref: str | None = msgspec.field(default=None, name="$ref")
    defs: dict[str, Schema | bool] = msgspec.field(default_factory=dict, name="$defs")
    definitions: dict[str, Schema | bool] = {}
    properties: dict[str, Schema | bool] = {}
    pattern_properties: dict[str, Schema | bool] = {}
    additional_properties: Schema | bool = True
    property_names: Schema | bool = True
    required: list[str] = []
    dependent_required: dict[str, list[str]] = {}
    dependent_schemas: dict[str, Schema | bool] = {}
    dependencies: dict[str, Schema | bool | list[str]] = {}
    min_properties: _Count | None = None
    max_properties: _Count | None = None
    items: Schema | bool | list[Schema | bool] = True  # A list in drafts before 2020-12.
    additional_items: Schema | bool = True
    prefix_items: list[Schema | bool] = []
    contains: Schema | bool | None = None
    min_contains: _Count | None = None
    max_contains: _Count | None = None
    min_items: _Count | None = None
    max_items: _Count | None = None
    unique_items: bool = False
    any_of: Annotated[list[Schema | bool], _Some] | None = None
    one_of: Annotated[list[Schema | bool], _Some] | None = None
    all_of: Annotated[list[Schema | bool], _Some] | None = None
    not_: Schema | bool | None = msgspec.field(default=None, name="not")
    if_: Schema | bool | None = msgspec.field(default=None, name="if")
    then: Schema | bool | None = None
    else_: Schema | bool | None = msgspec.field(default=None, name="else")
    enum: Annotated[list[Any], _Some] | None = None
    pattern: str | None = None
    format: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | None = None
    exclusive_maximum: float | None = None
    multiple_of: Annotated[float, msgspec.Meta(gt=0)] | None = None
    min_length: _Count | None = None
    max_length: _Count | None = None


def find_fault(schema: dict[str, Any]) -> tuple[str, str] | None:
    """Return the path of a value that has not its keyword's form, and what is wrong there; None where there is none."""
    try:
        msgspec.convert(schema, Schema)
    except msgspec.ValidationError as error:
        problem, _, where = str(error).partition(" - at `$")
        return where.rstrip("`"), problem
    except RecursionError:
        return "", "nested too deeply"
    return None
