"""Ingredients as models write them."""

import re

import pytest

from ai_service.schemas import RecipeIngredient
from ai_service.tasks.ingredient_line import PATTERN, UNITS, ingredient_of


@pytest.mark.parametrize(
    ("line", "amount", "unit", "name"),
    [
        ("200 g rice", 200, "g", "rice"),
        ("1 piece lemon", 1, "piece", "lemon"),
        ("0.5 tsp Öl", 0.5, "tsp", "Öl"),
        (" 2  tbsp  olive oil ", 2, "tbsp", "olive oil"),
        ("200g rice", 200, "g", "rice"),
        ("0,5 l milk", 0.5, "l", "milk"),
        ("1/2 cup of milk", 0.5, "cup", "milk"),
        ("1 1/2 Tablespoons oil", 1.5, "tbsp", "oil"),
        ("3 cloves garlic", 3, "clove", "garlic"),
        ("2 pinches of salt", 2, "pinch", "salt"),
        ("4 oz tofu", 4, "oz", "tofu"),
        ("2 large eggs", 2, "piece", "large eggs"),
        ("0 g salt", 0, "g", "salt"),
    ],
)
def test_a_line_is_amount_unit_and_name(line: str, amount: float, unit: str, name: str) -> None:
    """Also as models write them that are kept to no schema."""
    assert ingredient_of(line) == RecipeIngredient(name=name, amount=amount, unit=unit)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "salt to taste",
        "2 cups",
        "1 l",
        "-1 g salt",
        "2-3 cloves garlic",
        "1,000 g flour",
        "1/0 cup milk",
        "1 2 g x",
    ],
)
def test_what_has_no_single_meaning_is_no_ingredient(line: str) -> None:
    """A range, a thousand that may be one: the answer is asked for again."""
    with pytest.raises(ValueError, match="expected"):
        ingredient_of(line)


def test_the_contracts_form_is_understood_too() -> None:
    """Of a model that writes the form callers get."""
    written = {"name": " red  rice", "amount": 200, "unit": "g"}
    assert ingredient_of(written) == RecipeIngredient(name="red rice", amount=200.0, unit="g")
    with pytest.raises(ValueError, match="amount"):
        ingredient_of({"name": "rice", "amount": "200", "unit": "g"})


@pytest.mark.parametrize("unit", UNITS)
def test_every_unit_can_be_written(unit: str) -> None:
    """And is read as what it is."""
    line = f"2 {unit} crème fraîche"
    assert re.search(PATTERN, line)
    assert ingredient_of(line).unit == unit


@pytest.mark.parametrize(
    "line", ["100 cup sugar", "0 g salt", "9 pinch salt", "2 g salt, 2 g pepper", "1 g {x}", '1 g "x"']
)
def test_the_grammar_keeps_out_what_no_cook_writes(line: str) -> None:
    """Nor a character that would end the answer."""
    assert not re.search(PATTERN, line)
