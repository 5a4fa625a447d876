"""How much an answer can be trusted, from 0 to 1, by a rule that looks at the answer and not at who gave it.

The confidence is the weighted mean of those terms that apply to the task:

    complete   weight 4   share of what the task asks for that is there and not only the least the schema allows
    plausible  weight 3   share of quantities that a cook would believe
    distinct   weight 2   share of texts that are not repetitions (the way in which small models fail)
    claimed    weight 1   what the model says of itself; the least weight, since models overrate themselves

An answer that was cut short or does not fit its schema never gets here: it is no answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ai_service.schemas import Nutrition

WEIGHTS = {"complete": 4, "plausible": 3, "distinct": 2, "claimed": 1}


def combine(**terms: float) -> float:
    """The weighted mean of the given terms, rounded to two places."""
    total = sum(WEIGHTS[name] for name in terms)
    return round(sum(WEIGHTS[name] * min(1.0, max(0.0, value)) for name, value in terms.items()) / total, 2)


def share(flags: Iterable[bool]) -> float:
    """Share of true ones; 0 where there are none."""
    values = list(flags)
    return sum(values) / len(values) if values else 0.0


def distinct(texts: Collection[str]) -> float:
    """Share of texts that differ from each other, case aside."""
    return len({text.casefold() for text in texts}) / len(texts) if texts else 0.0


def plausible_nutrition(nutrition: Nutrition) -> float:
    """Share of physical relations that hold.

    Energy follows from the macronutrients by Atwater's general factors (4, 4 and 9 kcal/g for protein, carbohydrate
    and fat); a third off is allowed for, since fibre, alcohol and rounding are not counted. Fibre and sugar are parts
    of the carbohydrates. More than 10 g of sodium in a dish is not food.
    """
    energy = 4 * nutrition.protein + 4 * nutrition.carbs + 9 * nutrition.fat
    return share(
        (
            abs(energy - nutrition.calories) <= max(50.0, nutrition.calories / 3),
            nutrition.fiber + nutrition.sugar <= nutrition.carbs + 1,
            nutrition.sodium <= 10_000,
            nutrition.calories > 0,
        )
    )
