"""The part of a caller's schema that providers are shown, so that they write what fits.

Ollama makes a grammar of it, and older versions die of some keywords, refuse others, or write anything at all where the
grammar is no good. What is shown is what all of them know; the whole schema is checked when the answer is there.
"""

from __future__ import annotations

import re
from math import inf
from typing import Any

from ai_service.json_schema.rules import integer_bounds

MAX_ENUM = 100
"""More words make a grammar so slow that a model seems to be silent."""
MAX_COUNT = 1000
"""Of lengths and items: servers refuse grammars with more repetitions."""
MAX_PROPERTIES = 200
MAX_INTEGER = 2**53
_PLAIN_NAME = re.compile(r'[^"\\\x00-\x1f]{1,64}')
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_.-]+")
_PLAIN_REFERENCE = re.compile(r"#/(?:\$defs|definitions)/[A-Za-z0-9_.-]+")


def hint_of(schema: dict[str, Any]) -> dict[str, Any]:
    """Return what a provider is shown of a schema that was looked through; an empty one means any JSON."""
    shown = _hint(schema)
    for name in ("$defs", "definitions"):
        if name in schema and "$ref" in str(shown):
            plain = {key: value for key, value in schema[name].items() if _PLAIN_KEY.fullmatch(key)}
            shown[name] = {key: _hint(value) for key, value in plain.items()}
    return shown


def _hint(schema: Any) -> dict[str, Any]:
    if not isinstance(schema, dict):
        return {}
    if "$ref" in schema:
        return {"$ref": schema["$ref"]} if _PLAIN_REFERENCE.fullmatch(schema["$ref"]) else {}
    if "enum" in schema or "const" in schema:
        return _values([schema["const"]] if "const" in schema else schema["enum"])
    alternatives = next((name for name in ("anyOf", "oneOf", "allOf") if name in schema), "")
    if alternatives and not {"type", "properties"} & schema.keys():
        return {alternatives: [_hint(each) for each in schema[alternatives]]}
    return _shape(schema)


def _shape(schema: dict[str, Any]) -> dict[str, Any]:
    shown = {
        name: schema[name] for name in ("type", "title", "description") if isinstance(schema.get(name), str | list)
    }
    if "properties" in schema:
        shown |= _properties(schema)
    elif isinstance(schema.get("additionalProperties"), dict):
        shown["additionalProperties"] = _hint(schema["additionalProperties"])
    if isinstance(schema.get("items"), dict) and "prefixItems" not in schema:
        shown["items"] = _hint(schema["items"])
    for name in ("minLength", "maxLength", "minItems", "maxItems"):
        if schema.get(name, MAX_COUNT + 1) <= MAX_COUNT:
            shown[name] = schema[name]
    return shown | _bounds(schema)


def _values(values: list[Any]) -> dict[str, Any]:
    plain = [value for value in values if not isinstance(value, dict | list)]
    quotable = all(not isinstance(value, str) or not re.search(r'["\\]', value) for value in plain)
    if len(plain) == len(values) <= MAX_ENUM and quotable:
        return {"enum": values}
    return {"type": "string"} if all(isinstance(value, str) for value in values) else {}


def _properties(schema: dict[str, Any]) -> dict[str, Any]:
    properties = schema["properties"]
    if len(properties) > MAX_PROPERTIES or not all(map(_PLAIN_NAME.fullmatch, properties)):
        return {"type": "object"}
    shown: dict[str, Any] = {
        "properties": {name: _hint(value) for name, value in properties.items() if value is not False}
    }
    if "required" in schema:
        shown["required"] = [name for name in dict.fromkeys(schema["required"]) if name in properties]
    if "additionalProperties" in schema:
        extra = schema["additionalProperties"]
        shown["additionalProperties"] = extra if isinstance(extra, bool) else _hint(extra)
    return shown


def _bounds(schema: dict[str, Any]) -> dict[str, Any]:
    bounds = integer_bounds(schema) if schema.get("type") == "integer" else None
    if bounds is None or any(abs(bound) > MAX_INTEGER for bound in bounds if abs(bound) != inf):
        return {}
    named = zip(("minimum", "maximum"), bounds, strict=True)
    return {name: int(bound) for name, bound in named if abs(bound) != inf}
