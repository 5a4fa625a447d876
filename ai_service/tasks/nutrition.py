"""The task `nutrition`, and what every answer with nutrients has to keep to."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from ai_service.schemas import Nutrition, NutritionRequest, TaskRequest
from ai_service.tasks import confidence
from ai_service.tasks.base import Schema, SchemaTask, Scored, obj
from ai_service.tasks.nutrients import check_nutrients, mass_of_lines
from ai_service.tasks.plausibility import ASSUMED_SERVINGS
from ai_service.tasks.preview import Field

if TYPE_CHECKING:
    from ai_service.providers.base import Completion

NUTRIENT_LIMITS = {
    "calories": 20_000, "protein": 2000, "carbs": 3000, "fat": 2000, "fiber": 500, "sugar": 2000, "sodium": 50_000,
}  # fmt: skip


class NutritionTask(SchemaTask):
    """`nutrition`: nutrients of all ingredients together. Some 40 tokens."""

    name = "nutrition"
    path = "/api/v1/ai/analyze-nutrition"
    request_type = NutritionRequest
    prompt_version = 3
    message = "Nutrition analyzed."
    fields: ClassVar = {name: Field("nutrient") for name in NUTRIENT_LIMITS}
    _decode = msgspec.json.Decoder(Nutrition).decode

    def _schema(self) -> Schema:
        return nutrition_schema()

    def prompt(self, request: TaskRequest) -> str:
        """See Task."""
        assert isinstance(request, NutritionRequest)
        return (
            "Estimate the nutrients of all ingredients together, as compact JSON on a single line: calories in kcal, "
            "sodium in mg, the others in g.\n"
            "Ingredients: 10 g butter, 100 g rice\n"
            'JSON: {"calories":437,"protein":7,"carbs":80,"fat":9,"fiber":1,"sugar":0,"sodium":85}\n'
            f"Ingredients: {', '.join(request.ingredients)}\nJSON: "
        )

    def _judge(self, completion: Completion, request: TaskRequest) -> Scored:
        assert isinstance(request, NutritionRequest)
        stated = self._decode(completion.text)
        check_limits(stated)
        mass_g = mass_of_lines(request.ingredients)
        servings = ASSUMED_SERVINGS if mass_g is None else None
        nutrition, checks = check_nutrients(stated, request.ingredients, mass_g=mass_g, servings=servings)
        score = confidence.combine(complete=1.0, plausible=confidence.share(checks.passed))
        return Scored(nutrition, confidence.limit(score, checks.findings), checks.findings)


def nutrition_schema() -> Schema:
    """Return the schema of the seven nutrients as whole numbers within their limits."""
    return obj(**{n: {"type": "integer", "minimum": 0, "maximum": most} for n, most in NUTRIENT_LIMITS.items()})


def check_limits(nutrition: Nutrition) -> None:
    """Refuse what no dish can have.

    Raises:
        ValueError: A nutrient is negative or beyond any dish.
    """
    for name, most in NUTRIENT_LIMITS.items():
        if not 0 <= getattr(nutrition, name) <= most:
            raise ValueError(f"expected {name} from 0 to {most}, got {getattr(nutrition, name)}")
