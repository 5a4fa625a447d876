"""What a cook would believe of a recipe's amounts and steps.

Every bound is generous: it is there to catch what is wrong by a factor, as 200 tablespoons of parsley are, and not to
judge taste.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ai_service.schemas import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ai_service.schemas import RecipeIngredient

ASSUMED_SERVINGS = 4
"""Of a request that names none, as most printed recipes have it."""

MAX_PER_SERVING = {
    # Mass and volume: twice a large meal (some 500 g on a plate), for bones, peel and cooking water.
    "g": 1000.0, "kg": 1.0, "ml": 1000.0, "l": 1.0,
    # Spoons and cups hold 5, 15 and 240 ml (21 CFR 101.9(b)(5)(viii)). Nobody counts spoons where the next larger
    # measure would do: 6 teaspoons are 2 tablespoons, 8 tablespoons are half a cup. 4 cups are the litre above.
    "tsp": 6.0, "tbsp": 8.0, "cup": 4.0,
    # Counted: a dozen of small pieces (prawns, cherry tomatoes), the 40 cloves of garlic of a known dish for four, half
    # a small loaf. Some 16 pinches are a teaspoon, so 4 are the quarter that has a spoon of its own.
    "piece": 12.0, "clove": 10.0, "slice": 8.0, "pinch": 4.0,
}  # fmt: skip
MAX_OF_ANY_UNIT = 1000.0
"""Of units that are not in the table: another provider than Ollama may write them."""

SEASONINGS = frozenset({"salt", "pepper", "cinnamon", "nutmeg", "saffron", "turmeric", "cumin", "paprika", "yeast"})
"""What a spoonful of too much spoils, by the last word of the name; whole vegetables of that name come by the piece."""
MAX_SEASONING_PER_SERVING = {"g": 15.0, "kg": 0.015, "ml": 15.0, "l": 0.015, "tsp": 3.0, "tbsp": 1.0, "cup": 1 / 16}
"""One tablespoon: three times what the WHO advises of salt for a day (5 g), for cooking water is salted too."""

LEAST = {"g": 0.1, "kg": 0.001, "ml": 0.5, "l": 0.001}
"""What a kitchen can still measure. An amount of 0 ("to taste") says nothing: the check fails."""
MIN_OF_ANY_UNIT = 0.125
"""An eighth: of a spoon, a cup, a lemon."""


class Checks(NamedTuple):
    """Outcome of some checks.

    Attributes:
        total: Number of checks.
        findings: What they found.
    """

    total: int
    findings: list[Finding]

    @property
    def passed(self) -> list[bool]:
        """Each check as a flag, for a share of them."""
        failed = min(len(self.findings), self.total)
        return [True] * (self.total - failed) + [False] * failed


def check_amounts(ingredients: Sequence[RecipeIngredient], servings: int) -> Checks:
    """Check how much of each ingredient is in a dish for so many."""
    findings = []
    for index, item in enumerate(ingredients):
        least, most = _bounds(item, servings)
        if not least <= item.amount <= most:
            message = (
                f"{item.amount:g} {item.unit} of {item.name} for {servings} servings; expected {least:g} to {most:g}."
            )
            findings.append(Finding("amount", f"$.ingredients[{index}].amount", message, "failed"))
    return Checks(len(ingredients), findings)


def _bounds(item: RecipeIngredient, servings: int) -> tuple[float, float]:
    """Return the least and the most of an ingredient, in its unit."""
    unit = item.unit.casefold()
    most = MAX_PER_SERVING.get(unit, MAX_OF_ANY_UNIT)
    if item.name.casefold().rpartition(" ")[2] in SEASONINGS:
        most = MAX_SEASONING_PER_SERVING.get(unit, most)
    return LEAST.get(unit, MIN_OF_ANY_UNIT), most * servings


def used(names: Iterable[str], steps: Sequence[str]) -> list[bool]:
    """Which ingredients the steps mention, by any word of their names; endings do not count (`tomato`, `tomatoes`)."""
    text = " ".join(steps).casefold()
    return [any(map(text.__contains__, _stems(name.casefold()))) for name in names]


def _stems(name: str) -> list[str]:
    """Return a name's words without their endings, leaving out words found in every text (`of`)."""
    words = [word for word in name.split() if len(word) > 2 or not word.isascii()]
    return [word[: max(3, len(word) - 2)] for word in words] or [name]
