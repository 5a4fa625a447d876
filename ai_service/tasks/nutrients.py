"""Arithmetic of nutrients: what can be computed is repaired, what cannot be true is named.

Energy follows from the macronutrients by the general factors of food labels, 4, 4 and 9 kcal/g of protein, total
carbohydrates and fat (21 CFR 101.9(c)(1)(i)(B)). Carbohydrates are total ones: sugar and fibre are parts of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from ai_service.schemas import Finding
from ai_service.tasks.plausibility import Checks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ai_service.schemas import Nutrition, RecipeIngredient

KCAL_PER_G = {"protein": 4.0, "carbs": 4.0, "fat": 9.0}
ENERGY_TOLERANCE = 0.2
"""By which a label's energy may differ (21 CFR 101.9(g)(5)); here in both directions."""
ROUNDED_AWAY_KCAL = 9.0
"""Energy of macronutrients that whole grams round down to nothing: half a gram of each is 8.5 kcal."""
MAX_KCAL_PER_SERVING = 3000.0
"""More than most adults eat in a day (2,000 kcal is the reference of 21 CFR 101.9(c)(9))."""
MAX_SODIUM_MG_PER_SERVING = 4000.0
"""Twice what the WHO advises for a day (2,000 mg)."""
MAX_FIBER_G_PER_SERVING = 50.0
"""Twice what EFSA holds adequate for a day (25 g)."""
MAX_SODIUM_MG_PER_G = 394.0
"""Of pure table salt: 22.99 of 58.44 g/mol."""
MASS_TOLERANCE = 1.05
"""For grams that were rounded."""

G_PER_UNIT = {
    "g": 1.0, "gram": 1.0, "grams": 1.0, "kg": 1000.0,
    "oz": 28.35, "ounce": 28.35, "ounces": 28.35, "lb": 453.6, "lbs": 453.6,
    # Volumes as if they were honey (1.4 g/ml), the densest food that is poured; a cup and its spoons as in
    # 21 CFR 101.9(b)(5)(viii).
    "ml": 1.4, "cl": 14.0, "dl": 140.0, "l": 1400.0,
    "tsp": 7.0, "tbsp": 21.0, "cup": 336.0, "cups": 336.0, "pinch": 1.0,
}  # fmt: skip
"""The most that one of a unit can weigh, in grams; pieces, cloves and slices may weigh anything."""
_AMOUNT = re.compile(r"\s*(\d+(?:[.,]\d+)?)\s*([a-z]+)\b", re.IGNORECASE)

NUMBER_OF_CHECKS = 6
"""Energy, its bound, the two parts of the carbohydrates, sodium, mass."""

ALCOHOL = re.compile(
    r"\b(?:alcohol|ale|beers?|bitters|bourbon|brandy|champagne|cider|cognac|gin|grappa|kirsch|lager|liqueur|madeira|marsala"
    r"|mead|mirin|ouzo|port|prosecco|rum|sake|schnapps|scotch|sherry|spirits?|stout|tequila|vermouth|vodka|whiske?y|wines?)\b",
    re.IGNORECASE,
)
"""Names of what brings energy (7 kcal/g) that none of the macronutrients accounts for."""
_WITHOUT_ENERGY = re.compile(
    r"\b(?:water|ice|ice cubes?|salt|tea|coffee|soda|vinegar|baking powder|sweetener)$", re.IGNORECASE
)


def check_nutrients(
    stated: Nutrition, names: Sequence[str], *, mass_g: float | None, servings: int | None, at: str = "$"
) -> tuple[Nutrition, Checks]:
    """Repair the energy of a dish where arithmetic can, and check what the nutrients say of each other.

    Args:
        stated: What the model wrote.
        names: The dish's ingredients, with or without amounts.
        mass_g: The most that all ingredients can weigh together; None where that is unknown.
        servings: For how many; None for one dish of any size, whose mass is known.
        at: JSON path of the nutrients.
    """
    energy = _energy_from_macronutrients(stated)
    findings = list(_energy(stated, energy, names))
    repaired = any(finding.outcome == "repaired" for finding in findings)
    nutrition = msgspec.structs.replace(stated, calories=energy) if repaired else stated
    findings += _parts(nutrition)
    findings += _weights(nutrition, mass_g)
    if servings is not None:
        findings += _servings(nutrition, servings)
    return nutrition, Checks(
        NUMBER_OF_CHECKS, [msgspec.structs.replace(each, field=at + each.field) for each in findings]
    )


def mass_of_lines(lines: Iterable[str]) -> float | None:
    """Return the most that ingredients such as `100 g rice` can weigh, in grams; None where one does not say."""
    return _sum(
        _mass(match[2], float(match[1].replace(",", "."))) if match else None for match in map(_AMOUNT.match, lines)
    )


def mass_of_ingredients(ingredients: Iterable[RecipeIngredient]) -> float | None:
    """Return the most that a recipe's ingredients can weigh, in grams; None where one comes by the piece."""
    return _sum(_mass(item.unit, item.amount) for item in ingredients)


def _mass(unit: str, amount: float) -> float | None:
    grams = G_PER_UNIT.get(unit.casefold())
    return None if grams is None else grams * amount


def _sum(masses: Iterable[float | None]) -> float | None:
    total = 0.0
    for mass in masses:
        if mass is None:
            return None
        total += mass
    return total


def _energy_from_macronutrients(stated: Nutrition) -> float:
    return float(round(sum(factor * getattr(stated, name) for name, factor in KCAL_PER_G.items())))


def _energy(stated: Nutrition, energy: float, names: Sequence[str]) -> Iterator[Finding]:
    """Compare the stated energy with that of the macronutrients."""
    field = ".calories"
    if stated.calories == energy == 0:
        if not all(_WITHOUT_ENERGY.search(name) for name in names):
            yield Finding("energy", field, "A dish without any energy.", "failed")
    elif abs(stated.calories - energy) <= ENERGY_TOLERANCE * energy:
        return
    elif stated.calories > energy and any(ALCOHOL.search(name) for name in names):
        message = (
            f"{stated.calories:g} kcal are stated, {energy:g} follow from the macronutrients; alcohol may be the rest."
        )
        yield Finding("energy", field, message, "unverified")
    elif energy == 0:
        if stated.calories > ROUNDED_AWAY_KCAL:
            message = f"{stated.calories:g} kcal are stated without protein, carbohydrates or fat."
            yield Finding("energy", field, message, "failed")
    else:
        message = f"Computed from the macronutrients (4, 4 and 9 kcal/g); the model stated {stated.calories:g} kcal."
        yield Finding("energy", field, message, "repaired")


def _parts(found: Nutrition) -> Iterator[Finding]:
    """Check that no part is larger than its whole. Rounding keeps the order of two values, but not of a sum."""
    carbs = f"of {found.carbs:g} g of carbohydrates"
    if found.sugar > found.carbs:
        yield Finding("sugar", ".sugar", f"{found.sugar:g} g of sugar {carbs}.", "failed")
    if found.fiber > found.carbs:
        yield Finding("fiber", ".fiber", f"{found.fiber:g} g of fiber {carbs}.", "failed")
    elif found.sugar <= found.carbs < found.sugar + found.fiber - 1:
        yield Finding(
            "sugar", ".sugar", f"{found.sugar:g} g of sugar and {found.fiber:g} g of fiber {carbs}.", "failed"
        )


def _weights(found: Nutrition, mass_g: float | None) -> Iterator[Finding]:
    """Check that the nutrients weigh no more than the ingredients."""
    if mass_g is None:
        return
    most = mass_g * MASS_TOLERANCE + 1
    macronutrients = found.protein + found.carbs + found.fat
    if macronutrients > most:
        message = f"{macronutrients:g} g of protein, carbohydrates and fat in at most {mass_g:g} g of ingredients."
        yield Finding("mass", "", message, "failed")
    if found.sodium > most * MAX_SODIUM_MG_PER_G:
        yield Finding(
            "sodium", ".sodium", f"{found.sodium:g} mg of sodium in at most {mass_g:g} g of ingredients.", "failed"
        )


def _servings(found: Nutrition, servings: int) -> Iterator[Finding]:
    """Check the bounds of a serving."""
    for name, limit, unit in (
        ("calories", MAX_KCAL_PER_SERVING, "kcal"),
        ("fiber", MAX_FIBER_G_PER_SERVING, "g"),
        ("sodium", MAX_SODIUM_MG_PER_SERVING, "mg"),
    ):
        value = getattr(found, name)
        if value > limit * servings:
            message = f"{value:g} {unit} for {servings} servings; more than {limit:g} {unit} each."
            yield Finding("serving", f".{name}", message, "failed")
