"""Canonical forms: what counts as the same request."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_service.schemas import IngredientsRequest, NutritionRequest, RecipeRequest, fold


@pytest.mark.parametrize(
    ("text", "folded"),
    [("  a  b ", "a b"), ("a\n\tb", "a b"), ("cafe\u0301", "caf\u00e9"), ("a\u00a0b", "a b"), ("A", "A")],
)
def test_text_is_folded(text: str, folded: str) -> None:
    """White space and Unicode composition do not make another question; case may."""
    assert fold(text) == folded


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    """A canonical form has no canonical form but itself."""
    assert fold(fold(text)) == fold(text)


def test_equal_recipes_have_one_canonical_form() -> None:
    """Order, repetition, white space and empty options do not matter."""
    one = RecipeRequest(prompt=" tomato  pasta ", dietary=["vegan", "nut free", "vegan"], cuisine="", equipment=[])
    two = RecipeRequest(prompt="tomato pasta", dietary=["nut free", "vegan"])
    assert one.canonical() == two.canonical()


@pytest.mark.parametrize(
    "other",
    [
        {"prompt": "Tomato pasta"},
        {"prompt": "pasta", "max_calories": 500},
        {"prompt": "pasta", "serving_size": 500},
        {"prompt": "pasta", "dietary": ["vegan"]},
        {"prompt": "pasta", "equipment": ["vegan"]},
        {"prompt": "pasta", "avoid_ingredients": ["vegan"]},
        {"prompt": "pasta", "skill_level": "vegan"},
        {"prompt": "pasta", "cuisine": "vegan"},
        {"prompt": "pasta", "cooking_time": 500},
    ],
)
def test_no_option_is_lost(other: dict[str, Any]) -> None:
    """A key that ignores an option serves wrong answers."""
    assert RecipeRequest(prompt="pasta").canonical() != RecipeRequest(**other).canonical()


def test_given_ingredients_are_a_set() -> None:
    """Saying tomato twice asks nothing else."""
    assert IngredientsRequest(partial=["b", "a", " b"]).canonical().partial == ["a", "b"]


def test_analyzed_ingredients_are_not_a_set() -> None:
    """One egg and one egg are two eggs."""
    assert NutritionRequest(ingredients=["1 egg", "rice", "1  egg"]).canonical().ingredients == [
        "1 egg",
        "1 egg",
        "rice",
    ]
