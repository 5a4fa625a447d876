"""What a caller's schema may be: local, bounded, and such that some value can fit it.

The result is a copy of it that is safe to evaluate: keywords of earlier drafts in the words of 2020-12, and no others.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, floor, inf
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec

from ai_service.json_schema import keywords
from ai_service.json_schema.patterns import compile_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 32 * 1024
MAX_DEPTH = 32
MAX_SCHEMAS = 2000
"""Schemas within a schema, itself included."""
MAX_WAY = 100
"""References that lead from one to the next without a step into the value."""

Fault = tuple[str, str]
"""Path inside of the schema, such as `.properties[...].type`, and what is wrong there."""
_KEPT = frozenset(field.encode_name for field in msgspec.structs.fields(keywords.Schema)) - {
    "additionalItems", "dependencies", "items",
} | {"const", "description", "title"}  # fmt: skip

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class _Refused(Exception):  # noqa: N818 - never leaves this module
    """The schema is refused.

    Args:
        path: Where.
        problem: Why.
    """

    def __init__(self, path: str, problem: str) -> None:
        self.fault = (path, problem)
        super().__init__(problem)


class Checked(msgspec.Struct, frozen=True):
    """A schema that was looked through.

    Attributes:
        fault: Why it is refused; None where it is not.
        schema: The copy to evaluate; empty where it is refused.
    """

    fault: Fault | None
    schema: dict[str, Any] = {}


def find_fault(schema: dict[str, Any]) -> Fault | None:
    """Return why a schema is refused; None where it is not."""
    return check_schema(schema).fault


def check_schema(schema: dict[str, Any]) -> Checked:
    """Look a schema through, unless the same was looked through lately."""
    try:
        raw = _encode(schema)
    except RecursionError:
        return Checked(("", "nested too deeply"))
    except (OverflowError, ValueError):
        return Checked(("", "holds a number that is too large"))
    if len(raw) > MAX_BYTES:
        return Checked(("", f"larger than {MAX_BYTES} bytes"))
    return _check(raw)


@lru_cache(128)
def _check(raw: bytes) -> Checked:
    try:
        schema = _decode(raw)
    except RecursionError:
        return Checked(("", "nested too deeply"))
    if fault := keywords.find_fault(schema):
        return Checked(fault)
    try:
        copy = _Copier().copy(schema)
        _References(copy).check()
    except _Refused as refused:
        return Checked(refused.fault)
    return Checked(None, copy)


class _Copier:
    """Copies a schema whose keywords have the right form."""

    def __init__(self) -> None:
        self._schemas = 0

    def copy(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the copy.

        Raises:
            _Refused: It is too large, or uses what is not supported.
        """
        copied = self._copy(schema, "", 1)
        assert isinstance(copied, dict)
        return copied

    def _copy(self, schema: dict[str, Any] | bool, path: str, depth: int) -> dict[str, Any] | bool:
        self._schemas += 1
        if self._schemas > MAX_SCHEMAS:
            raise _Refused("", f"more than {MAX_SCHEMAS} schemas in one")
        if depth > MAX_DEPTH:
            raise _Refused(path, f"nested more than {MAX_DEPTH} levels deep")
        if isinstance(schema, bool):
            return schema
        _refuse_unsupported(schema, path)
        _refuse_patterns(schema, path)
        _refuse_contradictions(schema, path)
        copied = {name: value for name, value in _modern(schema).items() if name in _KEPT or name == "items"}
        for name, value in copied.items():
            below = f"{path}.{name}"
            if name in keywords.SCHEMAS:
                copied[name] = self._copy(value, below, depth + 1)
            elif name in keywords.LISTS_OF_SCHEMAS and value is not None:
                copied[name] = [self._copy(each, f"{below}[{at}]", depth + 1) for at, each in enumerate(value)]
            elif name in keywords.MAPS_OF_SCHEMAS:
                copied[name] = {key: self._copy(each, f"{below}[...]", depth + 1) for key, each in value.items()}
        return copied


def _modern(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema in the words of draft 2020-12, without keywords that say nothing (null)."""
    found = {name: value for name, value in schema.items() if value is not None or name == "const"}
    rest = found.pop("additionalItems", True)
    if isinstance(found.get("items"), list):
        found["prefixItems"] = found.pop("items")
        found["items"] = rest
    for name, dependency in found.pop("dependencies", {}).items():
        keyword = "dependentRequired" if isinstance(dependency, list) else "dependentSchemas"
        found[keyword] = {**found.get(keyword, {}), name: dependency}
    return found


def _refuse_unsupported(schema: dict[str, Any], path: str) -> None:
    for name in keywords.UNSUPPORTED:
        if name in schema:
            raise _Refused(f"{path}.{name}", "this keyword is not supported")
    if path and "$id" in schema:
        raise _Refused(f"{path}.$id", "only the whole schema may have a name")


def _refuse_patterns(schema: dict[str, Any], path: str) -> None:
    patterns = [] if schema.get("pattern") is None else [(".pattern", schema["pattern"])]
    patterns += [(".patternProperties[...]", pattern) for pattern in schema.get("patternProperties") or ()]
    for where, pattern in patterns:
        try:
            compile_pattern(pattern)
        except ValueError as error:
            raise _Refused(path + where, str(error)) from None


def _refuse_contradictions(schema: dict[str, Any], path: str) -> None:
    """Refuse bounds that no value is within: some providers die of them."""
    for what in ("Length", "Items", "Properties", "Contains"):
        least, most = schema.get(f"min{what}"), schema.get(f"max{what}")
        if least is not None and most is not None and least > most:
            raise _Refused(f"{path}.min{what}", f"above max{what}: no value fits")
    low, high = number_bounds(schema)
    exclusive = low == high and (low == schema.get("exclusiveMinimum") or high == schema.get("exclusiveMaximum"))
    if low > high or exclusive or (schema.get("type") == "integer" and integer_bounds(schema) is None):
        raise _Refused(f"{path}.minimum", "above the maximum: no value fits")


def number_bounds(schema: dict[str, Any]) -> tuple[float, float]:
    """Return the least and the largest number of a schema; infinite where it names none."""
    lows = [value for name in ("minimum", "exclusiveMinimum") if (value := schema.get(name)) is not None]
    highs = [value for name in ("maximum", "exclusiveMaximum") if (value := schema.get(name)) is not None]
    return max(lows, default=-inf), min(highs, default=inf)


def integer_bounds(schema: dict[str, Any]) -> tuple[float, float] | None:
    """Return the least and the largest whole number of a schema, infinite where it names none; None where none fits."""
    low, high = number_bounds(schema)
    low, high = low if low == -inf else ceil(low), high if high == inf else floor(high)
    low += low == schema.get("exclusiveMinimum")
    high -= high == schema.get("exclusiveMaximum")
    return (low, high) if low <= high else None


class _References:
    """Follows every `$ref` of a schema.

    Args:
        root: The schema.
    """

    def __init__(self, root: dict[str, Any]) -> None:
        self._schemas = dict(_walk(root, "#", ""))
        self._done: set[int] = set()

    def check(self) -> None:
        """Look at all of them.

        Raises:
            _Refused: One leads out of the schema, nowhere, or back to itself without a step into the value.
        """
        for schema, path in self._schemas.values():
            self._descend(schema, path, ())

    def _target(self, reference: str, path: str) -> Any:
        """Return what a reference leads to."""
        if reference != "#" and not reference.startswith("#/"):
            raise _Refused(path, "expected a reference within the schema, such as #/$defs/name")
        found = self._schemas.get(unquote(reference))
        if found is None:
            raise _Refused(path, "leads to no schema within this one")
        return found[0]

    def _descend(self, schema: Any, path: str, way: tuple[int, ...]) -> None:
        """Follow the schemas that are about the same value."""
        if not isinstance(schema, dict) or id(schema) in self._done:
            return
        if id(schema) in way:
            raise _Refused(path, "leads back to itself")
        if len(way) > MAX_WAY:
            raise _Refused(path, "leads on too often")
        way = (*way, id(schema))
        for name in keywords.IN_PLACE:
            value, below = schema.get(name), f"{path}.{name}"
            if name == "$ref" and value is not None:
                self._descend(self._target(value, below), below, way)
            elif name in keywords.LISTS_OF_SCHEMAS:
                for at, each in enumerate(value or ()):
                    self._descend(each, f"{below}[{at}]", way)
            elif name in keywords.MAPS_OF_SCHEMAS:
                for each in (value or {}).values():
                    self._descend(each, f"{below}[...]", way)
            else:
                self._descend(value, below, way)
        self._done.add(id(schema))


def _walk(schema: Any, pointer: str, path: str) -> Iterator[tuple[str, tuple[Any, str]]]:
    """Yield a schema and all schemas in it: JSON pointer, schema, and path for people."""
    yield pointer, (schema, path)
    if not isinstance(schema, dict):
        return
    for name, value in schema.items():
        if name in keywords.SCHEMAS:
            yield from _walk(value, f"{pointer}/{name}", f"{path}.{name}")
        elif name in keywords.LISTS_OF_SCHEMAS:
            for at, each in enumerate(value):
                yield from _walk(each, f"{pointer}/{name}/{at}", f"{path}.{name}[{at}]")
        elif name in keywords.MAPS_OF_SCHEMAS:
            for key, each in value.items():
                escaped = key.replace("~", "~0").replace("/", "~1")
                yield from _walk(each, f"{pointer}/{name}/{escaped}", f"{path}.{name}[...]")
