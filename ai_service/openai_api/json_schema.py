"""Whether a JSON schema is one: what JSON Schema's own schema (draft 2020-12) says of the keywords that models obey.

A schema that is none would fail at every provider, in the words and with the status of each.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

Kind = Literal["array", "boolean", "integer", "null", "number", "object", "string"]
_Count = Annotated[int, msgspec.Meta(ge=0)]
_Some = msgspec.Meta(min_length=1)


class _Schema(msgspec.Struct, rename={"ref": "$ref", "definitions": "$defs"}):
    """The keywords whose values have a form of their own; others may hold anything."""

    type: Kind | Annotated[list[Kind], _Some] | None = None
    ref: str | None = None
    definitions: dict[str, _Schema | bool] = {}
    properties: dict[str, _Schema | bool] = {}
    pattern_properties: dict[str, _Schema | bool] = msgspec.field(default_factory=dict, name="patternProperties")
    additional_properties: _Schema | bool = msgspec.field(default=True, name="additionalProperties")
    required: list[str] = []
    items: _Schema | bool | list[_Schema | bool] = True  # A list in drafts before 2020-12, which models obey too.
    prefix_items: list[_Schema | bool] = msgspec.field(default_factory=list, name="prefixItems")
    any_of: Annotated[list[_Schema | bool], _Some] | None = msgspec.field(default=None, name="anyOf")
    one_of: Annotated[list[_Schema | bool], _Some] | None = msgspec.field(default=None, name="oneOf")
    all_of: Annotated[list[_Schema | bool], _Some] | None = msgspec.field(default=None, name="allOf")
    enum: list[Any] | None = None
    pattern: str | None = None
    format: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    min_length: _Count | None = msgspec.field(default=None, name="minLength")
    max_length: _Count | None = msgspec.field(default=None, name="maxLength")
    min_items: _Count | None = msgspec.field(default=None, name="minItems")
    max_items: _Count | None = msgspec.field(default=None, name="maxItems")


def find_fault(schema: dict[str, Any]) -> tuple[str, str] | None:
    """Why this is no JSON schema.

    Args:
        schema: As it was sent.

    Returns:
        Path inside of it, such as `.properties[...].type`, and what is wrong there; None where it is a schema.
    """
    try:
        msgspec.convert(schema, _Schema)
    except msgspec.ValidationError as error:
        problem, _, where = str(error).partition(" - at `$")
        return where.rstrip("`"), problem
    except RecursionError:
        return "", "nested too deeply"
    return None
