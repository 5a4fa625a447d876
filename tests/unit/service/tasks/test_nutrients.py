"""Energy that follows from the macronutrients, and nutrients that cannot be."""

from __future__ import annotations

import msgspec
import pytest

from ai_service.schemas import Nutrition, RecipeIngredient
from ai_service.tasks.nutrients import check_nutrients, mass_of_ingredients, mass_of_lines

GOOD = Nutrition(calories=437, protein=7, carbs=80, fat=9, fiber=1, sugar=0, sodium=85)
NOTHING = Nutrition(calories=0, protein=0, carbs=0, fat=0, fiber=0, sugar=0, sodium=0)


def outcomes(
    stated: Nutrition, *names: str, mass_g: float | None = None, servings: int | None = 4
) -> tuple[float, list[tuple[str, str, str]]]:
    """Return the energy in the end, and check, field and outcome of each finding."""
    nutrition, checks = check_nutrients(stated, names or ("rice",), mass_g=mass_g, servings=servings)
    return nutrition.calories, [(each.check, each.field, each.outcome) for each in checks.findings]


@pytest.mark.parametrize(
    ("stated", "computed"),
    [(429, 429), (345, 345), (514, 514), (342, 429), (516, 429), (66, 429), (0, 429), (20_000, 429)],
)
def test_energy_that_differs_by_more_than_a_fifth_is_computed(stated: float, computed: float) -> None:
    """4, 4 and 9 kcal/g; within a fifth the model's own figure stays as it is."""
    calories, findings = outcomes(msgspec.structs.replace(GOOD, calories=stated))
    assert calories == computed
    assert findings == ([] if stated == computed else [("energy", "$.calories", "repaired")])


def test_a_repair_says_what_the_model_stated() -> None:
    """Nothing is changed without a word."""
    _, checks = check_nutrients(msgspec.structs.replace(GOOD, calories=66), ["rice"], mass_g=None, servings=4)
    assert "66 kcal" in checks.findings[0].message


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"sugar": 81}, ("sugar", "$.sugar", "failed")),
        ({"sugar": 80.5}, ("sugar", "$.sugar", "failed")),
        ({"fiber": 81, "sugar": 0}, ("fiber", "$.fiber", "failed")),
        ({"sugar": 60, "fiber": 30}, ("sugar", "$.sugar", "failed")),
        ({"sodium": 16_001}, ("serving", "$.sodium", "failed")),
        ({"fiber": 201, "carbs": 300, "calories": 1309}, ("serving", "$.fiber", "failed")),
        ({"calories": 12_481, "carbs": 3000, "fat": 50}, ("serving", "$.calories", "failed")),
    ],
)
def test_what_cannot_be_is_named(change: dict[str, float], expected: tuple[str, str, str]) -> None:
    """And left as the model wrote it: nobody knows which of the two figures is wrong."""
    stated = msgspec.structs.replace(GOOD, **change)
    assert outcomes(stated) == (stated.calories, [expected])


def test_rounded_parts_may_add_up_to_a_gram_more() -> None:
    """79.5 g of sugar and 0.5 g of fiber are 80 g of carbohydrates."""
    assert outcomes(msgspec.structs.replace(GOOD, sugar=80, fiber=1))[1] == []


def test_a_dish_for_many_may_hold_more() -> None:
    """The bounds are a serving's."""
    feast = Nutrition(calories=20_000, protein=1000, carbs=2200, fat=800, fiber=200, sugar=200, sodium=40_000)
    assert outcomes(feast, servings=20)[1] == []
    assert len(outcomes(feast, servings=2)[1]) == 3


def test_nutrients_weigh_no_more_than_the_ingredients() -> None:
    """100 g of rice hold no 120 g of carbohydrates."""
    stated = msgspec.structs.replace(GOOD, carbs=120, calories=589)
    assert outcomes(stated, mass_g=100.0, servings=None)[1] == [("mass", "$", "failed")]
    assert outcomes(stated, mass_g=200.0, servings=None)[1] == []


def test_a_known_mass_bounds_sodium_by_that_of_salt() -> None:
    """100 g of salt are no serving, and hold 38.8 g of sodium all the same."""
    salt = msgspec.structs.replace(NOTHING, sodium=38_758)
    assert outcomes(salt, "100 g salt", mass_g=100.0, servings=None)[1] == []
    assert outcomes(msgspec.structs.replace(salt, sodium=50_000), "100 g salt", mass_g=100.0, servings=None)[1] == [
        ("sodium", "$.sodium", "failed")
    ]


def test_energy_of_alcohol_is_not_taken_away() -> None:
    """No macronutrient accounts for it; too little energy is computed all the same."""
    vodka = msgspec.structs.replace(NOTHING, calories=231)
    assert outcomes(vodka, "100 ml vodka") == (231, [("energy", "$.calories", "unverified")])
    assert outcomes(vodka, "100 ml ginger ale") == (231, [("energy", "$.calories", "unverified")])
    assert outcomes(msgspec.structs.replace(GOOD, calories=66), "100 g rice", "1 tbsp rum")[0] == 429


def test_energy_without_macronutrients_cannot_be_computed() -> None:
    """A cup of coffee has 2 kcal of what is rounded to nothing; two eggs have not 150."""
    assert outcomes(msgspec.structs.replace(NOTHING, calories=2), "1 cup coffee") == (2, [])
    assert outcomes(msgspec.structs.replace(NOTHING, calories=150), "2 eggs") == (
        150,
        [("energy", "$.calories", "failed")],
    )


def test_only_water_and_its_like_have_no_energy() -> None:
    """A dish of which nothing is said has none either."""
    assert outcomes(NOTHING, "1 l water", "5 g sea salt")[1] == []
    assert outcomes(NOTHING, "1 l water", "2 eggs")[1] == [("energy", "$.calories", "failed")]


@pytest.mark.parametrize(
    ("lines", "mass_g"),
    [
        (["100 g rice", "0.2 kg beef"], 300),
        (["100g rice", "1,5 kg beef"], 1600),
        (["100 ml honey"], 140),
        (["8 oz chicken"], 226.8),
        (["100 g rice", "2 eggs"], None),
        (["100 g rice", "salt"], None),
        (["100 gherkins"], None),
    ],
)
def test_a_mass_is_known_where_every_line_says_it(lines: list[str], mass_g: float | None) -> None:
    """In units of mass, or of volume at the density of honey."""
    assert mass_of_lines(lines) == pytest.approx(mass_g)


def test_a_recipe_with_pieces_has_no_known_mass() -> None:
    """A piece may be a cherry or a melon."""
    rice, lemon = RecipeIngredient("rice", 200, "g"), RecipeIngredient("lemon", 1, "piece")
    assert mass_of_ingredients([rice, rice]) == 400
    assert mass_of_ingredients([rice, lemon]) is None
