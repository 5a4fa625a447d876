"""A made-up value of a JSON schema's shape, so that a model that is made up can answer whatever is asked."""

from __future__ import annotations

from typing import Any

MAX_DEPTH = 8


def sample_of(schema: object, root: object = None, depth: int = 0) -> Any:
    """Build a value for the common keywords of JSON schema; an empty object for a schema without any of them.

    Args:
        schema: The schema, from whoever asks: anything may be in it.
        root: The schema that references are looked up in; by default the schema itself.
        depth: How deep in a schema that may contain itself.
    """
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        return {}
    root = schema if root is None else root
    if "const" in schema:
        return schema["const"]
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return schema["enum"][0]
    for key in ("anyOf", "oneOf", "allOf"):
        if isinstance(schema.get(key), list) and schema[key]:
            return sample_of(schema[key][0], root, depth + 1)
    if isinstance(schema.get("$ref"), str):
        return sample_of(_referred(schema["$ref"], root), root, depth + 1)
    return _sample_of_type(schema, root, depth)


def _sample_of_type(schema: dict[str, Any], root: object, depth: int) -> Any:
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    least = schema.get("minimum")
    if kind in ("integer", "number"):
        return least if isinstance(least, int | float) else 0
    if kind in ("string", "boolean", "null"):
        return {"string": "sample", "boolean": False, "null": None}[kind]
    if kind == "array":
        return [sample_of(schema["items"], root, depth + 1)] if "items" in schema else []
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return {}
    return {name: sample_of(each, root, depth + 1) for name, each in properties.items()}


def _referred(reference: str, root: object) -> object:
    """Resolve a reference within the document (`#/$defs/Name`)."""
    found = root
    for step in reference.removeprefix("#/").split("/"):
        found = found.get(step) if isinstance(found, dict) else None
    return found
