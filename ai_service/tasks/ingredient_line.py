"""Ingredients as a model writes them: `200 g rice`, a line of 6 tokens in place of an object of 15."""

from __future__ import annotations

import re

import msgspec

from ai_service.schemas import RecipeIngredient, fold
from ai_service.tasks.nutrients import G_PER_UNIT

UNITS = ("g", "kg", "ml", "l", "tsp", "tbsp", "cup", "piece", "clove", "slice", "pinch")
"""Those that a model may write where its server keeps it to the schema."""
_AMOUNTS = (
    r"[1-9][0-9]{0,3} (g|ml)",
    r"[1-9][0-9]? (piece|clove|slice)",
    r"([1-9](\.[0-9]{1,2})?|0\.[1-9][0-9]?) (kg|l|tsp|tbsp|cup|piece)",
    r"[1-4] pinch",
)
"""What a cook would write: 200 tablespoons are not kept out by a check of the answer but by the grammar."""

_NAME = r'[^"\\{}0-9\x00-\x20][^"\\{}0-9\x00-\x1f]{1,39}'
"""Without digits: a small model goes on with the next amount otherwise, and never ends the line."""
PATTERN = f"^({'|'.join(_AMOUNTS)}) {_NAME}$"
"""A line, in the regular expressions that llama.cpp turns into its grammar: anchored, no group but of these kinds."""

_SPELLED_OUT = {
    "gram": "g", "kilogram": "kg", "milliliter": "ml", "millilitre": "ml", "liter": "l", "litre": "l",
    "teaspoon": "tsp", "tablespoon": "tbsp", "pinche": "pinch",
}  # fmt: skip
"""By the word without its plural's ending."""
_LINE = re.compile(
    r"(?:(?P<amount>\d{1,6}(?:\.\d{1,6}|,\d{1,2})?)|(?:(?P<whole>\d{1,3}) )?(?P<share>\d{1,3})/(?P<of>[1-9]\d{0,2}))"
    r" ?(?P<rest>[^\W\d_].*)"
)


def ingredient_of(written: object) -> RecipeIngredient:
    """Return the ingredient of a line: amount, unit and name; or of an object, which some models write all the same.

    A provider that keeps to no schema writes fractions (`1/2 cup milk`), other units (`4 oz tofu`), or none for what is
    counted (`2 eggs`).

    Raises:
        ValueError: There is no amount or no name.
    """
    if not isinstance(written, str):
        item = msgspec.convert(written, RecipeIngredient)
        return msgspec.structs.replace(item, name=fold(item.name))
    line = fold(written)
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError(f"expected an amount, a unit and a name, got {line[:80]!r}")
    amount = _amount(match)
    word, _, name = match["rest"].partition(" ")
    unit = _unit(word)
    if not unit:
        unit, name = "piece", match["rest"]
    name = name.removeprefix("of ")
    if not name:
        raise ValueError(f"expected the name of an ingredient, got {line[:80]!r}")
    return RecipeIngredient(name=name, amount=round(amount, 3), unit=unit)


def _amount(match: re.Match[str]) -> float:
    if match["amount"]:
        return float(match["amount"].replace(",", "."))
    return int(match["whole"] or 0) + int(match["share"]) / int(match["of"])


def _unit(word: str) -> str:
    """Return a unit in its short form; "" for any other word."""
    lower = word.casefold().rstrip(".")
    for form in (lower, lower.removesuffix("s")):
        if form in UNITS:
            return form
        if form in _SPELLED_OUT:
            return _SPELLED_OUT[form]
    return lower if lower in G_PER_UNIT else ""
