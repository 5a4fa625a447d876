"""Answers of the three tasks as lines for people, whole ones and those that are still being written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jiter

if TYPE_CHECKING:
    from collections.abc import Iterator

_NUTRIENTS = {"calories": "kcal", "protein": "g", "carbs": "g", "fat": "g", "fiber": "g", "sugar": "g", "sodium": "mg"}


def so_far(written: str) -> Any:
    """Parse JSON that a model is still writing.

    Returns:
        What is there of it; None where nothing can be read yet.
    """
    try:
        return jiter.from_json(written.encode(), partial_mode="trailing-strings")
    except ValueError:
        return None


def lines_of(data: Any) -> list[str]:
    """Return an answer's lines; fields that are missing or of another type than expected are left out."""
    return list(_lines(data)) if isinstance(data, dict) else []


def _lines(data: dict[str, Any]) -> Iterator[str]:
    if title := _text(data, "title"):
        yield title
        yield "=" * len(title)
    if description := _text(data, "description"):
        yield from (description, "")
    if ingredients := [_ingredient(each) for each in _items(data, "ingredients")]:
        yield from ("Ingredients", *(f"  - {each}" for each in ingredients), "")
    if steps := [str(each) for each in _items(data, "instructions")]:
        yield from ("Steps", *(f"  {number}. {step}" for number, step in enumerate(steps, 1)), "")
    if isinstance(nutrition := data.get("nutrition"), dict):
        yield from ("Nutrition", *(f"  {line}" for line in _nutrition(nutrition)), "")
    if tags := [str(each) for each in _items(data, "tags")]:
        yield f"Tags: {', '.join(tags)}"
    yield from (f"- {each}" for each in _items(data, "suggestions"))
    yield from _nutrition(data)


def _nutrition(data: dict[str, Any]) -> Iterator[str]:
    for name, unit in _NUTRIENTS.items():
        if isinstance(amount := data.get(name), int | float):
            yield f"{name:<8} {amount:>7g} {unit}"


def _ingredient(each: Any) -> str:
    if not isinstance(each, dict):
        return str(each)
    amount = each.get("amount")
    shown = f"{amount:g}" if isinstance(amount, int | float) else str(amount or "")
    return " ".join(filter(None, (shown, str(each.get("unit") or ""), str(each.get("name") or ""))))


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    return value.strip() if isinstance(value, str) else ""


def _items(data: dict[str, Any], name: str) -> list[Any]:
    value = data.get(name)
    return value if isinstance(value, list) else []
