"""Checks an answer against a caller's schema, by the library `jsonschema` with a bound on its work.

A schema can make any validator work exponentially long: two references to a schema that refers twice to itself. So each
keyword counts against a budget. Patterns go to RE2, here too where the library would take Python's own expressions.
"""

from __future__ import annotations

import re
import time
from contextvars import ContextVar
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import create
from referencing import Registry

from ai_service.json_schema.patterns import compile_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_STEPS = 20_000
"""Some half a second; an answer of a thousand tokens takes a few hundred."""
MAX_SECONDS = 2.0
_SIZE_OF_A_STEP = 256
"""Characters or items that are worth another step."""


class SchemaTooCostlyError(Exception):
    """Checking an answer against the schema takes too long."""


class _Budget:
    def __init__(self) -> None:
        self._steps = MAX_STEPS
        self._until = time.monotonic() + MAX_SECONDS

    def spend(self, *values: object) -> None:
        sizes = (len(value) for value in values if isinstance(value, str | list | dict))
        self._steps -= 1 + sum(size // _SIZE_OF_A_STEP for size in sizes)
        if self._steps < 0 or time.monotonic() > self._until:
            raise SchemaTooCostlyError


_budget: ContextVar[_Budget] = ContextVar("budget")


def find_violation(schema: Mapping[str, Any], value: Any) -> str | None:
    """Return the keyword that a value breaks; None where it fits.

    Args:
        schema: As `rules.check_schema` made it.
        value: Decoded JSON.

    Raises:
        SchemaTooCostlyError: Nobody can tell in time.
    """
    token = _budget.set(_Budget())
    try:
        error = next(_Validator(schema, registry=Registry(), format_checker=_formats).iter_errors(value), None)
    except (RecursionError, ArithmeticError):
        raise SchemaTooCostlyError from None
    finally:
        _budget.reset(token)
    return None if error is None else str(error.validator or "false")


def _counted(keyword: Any) -> Any:
    def counted(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        _budget.get().spend(value, instance)
        yield from keyword(validator, value, instance, schema) or ()

    return counted


def _pattern(validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if validator.is_type(instance, "string") and not compile_pattern(pattern).search(instance):
        yield ValidationError("does not match")


def _pattern_properties(validator: Any, patterns: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if not validator.is_type(instance, "object"):
        return
    for pattern, schema in patterns.items():
        matches = compile_pattern(pattern).search
        for name, value in instance.items():
            _budget.get().spend(name)
            if matches(name):
                yield from validator.descend(value, schema)


def _additional_properties(validator: Any, schema: Any, instance: Any, parent: Any) -> Iterator[ValidationError]:
    if not validator.is_type(instance, "object"):
        return
    patterns = [compile_pattern(pattern).search for pattern in parent.get("patternProperties", {})]
    for name, value in instance.items():
        _budget.get().spend(name, patterns)
        if name not in parent.get("properties", {}) and not any(matches(name) for matches in patterns):
            yield from validator.descend(value, schema)


def _unique_items(validator: Any, unique: bool, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if unique and validator.is_type(instance, "array"):
        order = msgspec.json.Encoder(order="deterministic").encode
        # 1 and 1.0 are one number, and neither is true.
        seen = {order(_normal(item)) for item in instance}
        if len(seen) < len(instance):
            yield ValidationError("has non-unique items")


def _multiple_of(validator: Any, step: float, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    """Compare as decimals, as they are written: 0.3 is a multiple of 0.1, which binary fractions do not know."""
    if validator.is_type(instance, "number") and Decimal(str(instance)) % Decimal(str(step)):
        yield ValidationError("is not a multiple")


def _normal(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_normal(item) for item in value]
    return {name: _normal(item) for name, item in value.items()} if isinstance(value, dict) else value


_formats = FormatChecker(formats=("date", "email", "ipv4", "ipv6", "uuid"))
"""Those that the library checks by itself, without regular expressions of callers."""
_TIME = re.compile(r"\d\d:\d\d:(?:[0-5]\d|60)(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _is_date_time(value: object) -> bool:
    """RFC 3339, section 5.6."""
    if not isinstance(value, str):
        return True
    day, _, clock = value.replace("t", "T").replace(" ", "T").partition("T")
    return date.fromisoformat(day) is not None and len(day) == 10 and _is_time(clock)


def _is_time(value: object) -> bool:
    """RFC 3339, section 5.6; a leap second is taken for the one before it."""
    if not isinstance(value, str):
        return True
    if not _TIME.fullmatch(value):
        return False
    normal = re.sub(r"\.\d+", "", value).upper().replace("Z", "+00:00").replace(":60", ":59")
    return datetime.fromisoformat(f"2000-01-01T{normal}") is not None


_formats.checks("date-time", ValueError)(_is_date_time)
_formats.checks("time", ValueError)(_is_time)

_OWN = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "uniqueItems": _unique_items,
    "multipleOf": _multiple_of,
}
_LEFT_OUT = {"$dynamicRef", "unevaluatedItems", "unevaluatedProperties"}
_Validator = create(
    meta_schema={},
    validators={
        name: _counted(_OWN.get(name, keyword))
        for name, keyword in Draft202012Validator.VALIDATORS.items()
        if name not in _LEFT_OUT
    },
    type_checker=Draft202012Validator.TYPE_CHECKER,
    id_of=lambda _schema: "",
)
