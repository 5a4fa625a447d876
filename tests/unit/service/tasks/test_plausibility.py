"""Bounds that catch what is wrong by a factor, and let pass what is cooked somewhere."""

from __future__ import annotations

import pytest

from ai_service.schemas import RecipeIngredient
from ai_service.tasks import plausibility
from ai_service.tasks.ingredient_line import UNITS


def findings(item: RecipeIngredient, servings: int) -> list[str]:
    """Return the fields that a recipe of this one ingredient has findings for."""
    return [finding.field for finding in plausibility.check_amounts([item], servings).findings]


@pytest.mark.parametrize(
    ("name", "amount", "unit", "servings"),
    [
        ("rice", 200, "g", 2),
        ("whole chicken", 1.8, "kg", 4),
        ("watermelon", 2, "kg", 2),
        ("chicken stock", 1.5, "l", 4),
        ("milk", 5, "ml", 1),
        ("saffron", 0.1, "g", 4),
        ("parsley", 20, "tbsp", 4),
        ("vanilla extract", 0.25, "tsp", 4),
        ("flour", 4, "cup", 4),
        ("garlic", 40, "clove", 4),
        ("prawns", 12, "piece", 1),
        ("lemon", 0.5, "piece", 4),
        ("bread", 8, "slice", 2),
        ("salt", 1, "tbsp", 4),
        ("bell pepper", 3, "piece", 2),
        ("salt", 2, "pinch", 1),
        ("noodles", 2, "packets", 4),
    ],
)
def test_what_is_cooked_somewhere_is_believed(name: str, amount: float, unit: str, servings: int) -> None:
    """A bound that refuses a known dish is wrong."""
    assert findings(RecipeIngredient(name, amount, unit), servings) == []


@pytest.mark.parametrize(
    ("name", "amount", "unit", "servings"),
    [
        ("parsley", 200, "tbsp", 4),
        ("rice", 5, "kg", 4),
        ("rice", 1500, "g", 1),
        ("water", 20, "l", 4),
        ("oil", 30, "tsp", 4),
        ("flour", 200, "cup", 4),
        ("egg", 200, "piece", 4),
        ("garlic", 100, "clove", 4),
        ("bread", 40, "slice", 4),
        ("salt", 50, "pinch", 4),
        ("salt", 200, "g", 4),
        ("Black Pepper", 1, "cup", 4),
        ("salt", 0, "g", 4),
        ("beef", 0.01, "g", 4),
        ("lemon", 0.01, "piece", 4),
        ("noodles", 100_000, "packets", 4),
    ],
)
def test_what_nobody_cooks_is_not_believed(name: str, amount: float, unit: str, servings: int) -> None:
    """Too much or too little by a factor."""
    assert findings(RecipeIngredient(name, amount, unit), servings) == ["$.ingredients[0].amount"]


@pytest.mark.parametrize("unit", UNITS)
def test_every_unit_that_a_model_may_choose_has_bounds_of_its_own(unit: str) -> None:
    """And one of it for each of four is within them, or no recipe could use it."""
    assert unit in plausibility.MAX_PER_SERVING
    assert findings(RecipeIngredient("thing", 4, unit), 4) == []


def test_units_of_one_family_have_one_bound() -> None:
    """A kilogram is 1000 grams, and the bound is the same however it is written."""
    most, strong = plausibility.MAX_PER_SERVING, plausibility.MAX_SEASONING_PER_SERVING
    assert most["g"] == 1000 * most["kg"]
    assert most["ml"] == 1000 * most["l"]
    assert strong["g"] == 1000 * strong["kg"]
    assert strong["tsp"] / 3 == strong["tbsp"] == strong["cup"] * 16


@pytest.mark.parametrize(
    ("name", "steps", "expected"),
    [
        ("tomatoes", ["Chop the tomato."], True),
        ("cherry tomato", ["Halve the tomatoes."], True),
        ("Olive Oil", ["Heat the oil."], True),
        ("egg", ["Beat two eggs."], True),
        ("豆腐", ["把豆腐切块"], True),
        ("cream of tartar", ["Boil a pot of water."], False),
        ("parsley", ["Boil the rice.", "Serve."], False),
        ("beans", [], False),
    ],
)
def test_an_ingredient_is_used_where_a_step_names_it(name: str, steps: list[str], *, expected: bool) -> None:
    """In the singular or the plural, and in scripts without spaces."""
    assert plausibility.used([name], steps) == [expected]
