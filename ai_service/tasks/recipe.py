"""The task `recipe`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from ai_service.schemas import Nutrition, Recipe, RecipeRequest, TaskRequest, fold
from ai_service.tasks import confidence, plausibility
from ai_service.tasks.base import Schema, SchemaTask, Scored, array, obj, text
from ai_service.tasks.ingredient_line import PATTERN, ingredient_of
from ai_service.tasks.nutrients import check_nutrients, mass_of_ingredients
from ai_service.tasks.nutrition import check_limits, nutrition_schema
from ai_service.tasks.plausibility import Checks
from ai_service.tasks.preview import Field

if TYPE_CHECKING:
    from ai_service.providers.base import Completion
    from ai_service.schemas import RecipeIngredient


class _RecipeDraft(msgspec.Struct, frozen=True):
    title: str
    description: str
    ingredients: list[str | dict[str, Any]]
    instructions: list[str]
    tags: list[str]
    confidence: float = 50
    nutrition: Nutrition | None = None


class RecipeTask(SchemaTask):
    """`recipe`: a whole recipe for a wish.

    The model writes less than callers get: an ingredient is a line.

    The budget sets the lists' bounds. At some 4 characters a token an ingredient takes at most 15 tokens and an
    instruction 40; shares of 18 and 40 % of the budget leave the rest for title, description, tags and white space.
    """

    name = "recipe"
    path = "/api/v1/ai/generate-recipe"
    request_type = RecipeRequest
    prompt_version = 4
    message = "Recipe generated."
    fields: ClassVar = {
        "title": Field("title"),
        "description": Field("description"),
        "ingredients": Field("ingredient", items=True, expand=ingredient_of),
        "instructions": Field("instruction", items=True),
        "tags": Field("tag", items=True),
        "nutrition": Field("nutrition"),
    }
    _nutrition_from_tokens: ClassVar[int] = 768
    _decode = msgspec.json.Decoder(_RecipeDraft).decode

    def _schema(self) -> Schema:
        ingredient = {"type": "string", "pattern": PATTERN}
        properties = {
            "title": text(3, 60),
            "description": text(10, 120),
            "ingredients": array(ingredient, 3, min(20, self.max_tokens // 85)),
            "instructions": array(text(10, 160), 3, min(12, self.max_tokens // 100)),
            "confidence": {"type": "integer", "minimum": 0, "maximum": 100},
            "tags": array(text(2, 20), 1, 4),
        }
        if self.max_tokens >= self._nutrition_from_tokens:
            properties["nutrition"] = nutrition_schema()
        return obj(**properties)

    def prompt(self, request: TaskRequest) -> str:
        """See Task."""
        assert isinstance(request, RecipeRequest)
        wishes = [request.prompt]
        wishes += [f"{label} {value}" for label, value in (
            ("diet:", ", ".join(request.dietary or ())),
            ("cuisine:", request.cuisine),
            ("servings:", request.serving_size),
            ("minutes at most:", request.cooking_time),
            ("kcal a serving at most:", request.max_calories),
            ("skill:", request.skill_level),
            ("equipment:", ", ".join(request.equipment or ())),
            ("without:", ", ".join(request.avoid_ingredients or ())),
        ) if value]  # fmt: skip
        nutrition = (
            ',"nutrition":{"calories":760,"protein":14,"carbs":162,"fat":2,"fiber":4,"sugar":3,"sodium":600}'
            if "nutrition" in self.schema["properties"]
            else ""
        )
        return (
            "Write a recipe for each request as compact JSON on a single line, without line breaks or indentation.\n"
            "Request: rice with lemon; servings: 2\n"
            'JSON: {"title":"Lemon Rice","description":"Bright rice with lemon and parsley.","ingredients":['
            '"200 g rice","1 piece lemon","2 tbsp parsley","1 pinch salt"],'
            '"instructions":["Boil the rice for 12 minutes.","Stir in the juice of the lemon.",'
            '"Chop the parsley and fold it in.","Season with salt and serve."],"confidence":80,"tags":["rice","quick"]'
            f"{nutrition}}}\n"
            f"Request: {'; '.join(wishes)}\nJSON: "
        )

    def _judge(self, completion: Completion, request: TaskRequest) -> Scored:
        assert isinstance(request, RecipeRequest)
        draft = self._decode(completion.text)
        ingredients = [ingredient_of(item) for item in draft.ingredients]
        instructions = [step for step in map(fold, draft.instructions) if step]
        if not fold(draft.title) or not instructions or not ingredients:
            raise ValueError("expected a title, ingredients and instructions")
        if any(not item.name or not math.isfinite(item.amount) or item.amount < 0 for item in ingredients):
            raise ValueError("expected each ingredient to have a name and an amount that is not negative")
        servings = request.serving_size or plausibility.ASSUMED_SERVINGS
        nutrition, checks = self._check(draft.nutrition, ingredients, servings)
        score = confidence.combine(
            complete=confidence.share((len(ingredients) > 3, len(instructions) > 3, bool(fold(draft.description)))),
            plausible=confidence.share(checks.passed),
            coherent=confidence.share(plausibility.used((item.name for item in ingredients), instructions)),
            distinct=confidence.distinct([*instructions, *(item.name for item in ingredients)]),
            claimed=draft.confidence / 100,
        )
        score = confidence.limit(score, checks.findings)
        recipe = Recipe(
            title=fold(draft.title),
            description=fold(draft.description),
            ingredients=ingredients,
            instructions=instructions,
            tags=list(dict.fromkeys(tag for tag in map(fold, draft.tags) if tag)),
            confidence=score,
            nutrition=nutrition,
        )
        return Scored(recipe, score, checks.findings)

    @staticmethod
    def _check(
        stated: Nutrition | None, ingredients: list[RecipeIngredient], servings: int
    ) -> tuple[Nutrition | None, Checks]:
        """Check amounts and nutrients, and repair the latter."""
        amounts = plausibility.check_amounts(ingredients, servings)
        if stated is None:
            return None, amounts
        check_limits(stated)
        names, mass_g = [item.name for item in ingredients], mass_of_ingredients(ingredients)
        nutrition, checks = check_nutrients(stated, names, mass_g=mass_g, servings=servings, at="$.nutrition")
        return nutrition, Checks(amounts.total + checks.total, amounts.findings + checks.findings)
