"""The rule behind `confidence`."""

import msgspec
import pytest

from ai_service import confidence
from ai_service.schemas import Nutrition

GOOD = Nutrition(calories=437, protein=7, carbs=80, fat=9, fiber=1, sugar=0, sodium=85)


def test_the_terms_are_weighted_over_those_that_apply() -> None:
    """A task without a claim is not punished for it."""
    assert confidence.combine(complete=1.0, plausible=0.0) == 0.57
    assert confidence.combine(complete=1.0, plausible=1.0, distinct=1.0, claimed=0.0) == 0.9
    assert confidence.combine(complete=1.0) == 1.0


def test_a_boast_does_not_help() -> None:
    """A model that claims 500 % counts as one that claims 100 %."""
    assert confidence.combine(complete=0.5, claimed=5.0) == confidence.combine(complete=0.5, claimed=1.0)


@pytest.mark.parametrize(("texts", "expected"), [(["a", "b"], 1.0), (["a", "A"], 0.5), (["a"] * 4, 0.25), ([], 0.0)])
def test_repetition_lowers_it(texts: list[str], expected: float) -> None:
    """Small models fail by repeating themselves."""
    assert confidence.distinct(texts) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, 1.0),
        ({"calories": 2000}, 0.75),
        ({"sugar": 90}, 0.75),
        ({"sodium": 20_000}, 0.75),
        ({"calories": 0, "sugar": 90}, 0.25),
    ],
)
def test_nutrients_have_to_agree_with_each_other(change: dict[str, float], expected: float) -> None:
    """Energy follows from the macronutrients; sugar and fibre are carbohydrates."""
    assert confidence.plausible_nutrition(msgspec.structs.replace(GOOD, **change)) == expected
