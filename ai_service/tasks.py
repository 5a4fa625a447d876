"""The three tasks: what is asked of a model, in which shape, with which budget, and what counts as an answer.

Prompts end with an example and a place to go on writing: models of any size, chat-tuned or not, then answer in compact
JSON instead of spending their budget on white space. All of it goes into one user message, because templates of models
without a system role drop that role silently. Schemas bound every list and text, so that generation ends.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from ai_service import confidence
from ai_service.errors import InvalidAnswer
from ai_service.schemas import (
    IngredientsRequest,
    Nutrition,
    NutritionRequest,
    Recipe,
    RecipeIngredient,
    RecipeRequest,
    Suggestions,
    TaskRequest,
    fold,
)

if TYPE_CHECKING:
    from ai_service.settings import Settings

Schema = dict[str, Any]
Judged = tuple[Recipe | Suggestions | Nutrition, float]
"""An answer's data and its confidence."""

UNITS = ("g", "kg", "ml", "l", "tsp", "tbsp", "cup", "piece", "clove", "slice", "pinch")
NUTRIENT_LIMITS = {
    "calories": 20_000, "protein": 2000, "carbs": 3000, "fat": 2000, "fiber": 500, "sugar": 2000, "sodium": 50_000,
}  # fmt: skip
_encode_canonical = msgspec.json.Encoder().encode


def _text(least: int, most: int) -> Schema:
    return {"type": "string", "minLength": least, "maxLength": most}


def _list(items: Schema, least: int, most: int) -> Schema:
    return {"type": "array", "minItems": least, "maxItems": most, "items": items}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _nutrition_schema() -> Schema:
    return _object(**{n: {"type": "integer", "minimum": 0, "maximum": most} for n, most in NUTRIENT_LIMITS.items()})


class Task(ABC):
    """One kind of question.

    Attributes:
        name: The name in keys, metrics and settings.
        path: Route that answers it.
        request_type: Struct of its requests.
        prompt_version: Raised whenever prompt, schema or rule change, so that older answers are not found any more.
        message: The envelope's message.
        ttl_s: Base time in seconds that an answer stays fresh.
        max_tokens: Token budget of an answer.
        schema: JSON schema of what the model writes.
    """

    name: ClassVar[str]
    path: ClassVar[str]
    request_type: ClassVar[type[TaskRequest]]
    prompt_version: ClassVar[int] = 1
    message: ClassVar[str]

    def __init__(self, *, ttl_s: float, max_tokens: int, num_ctx: int) -> None:
        self.ttl_s = ttl_s
        self.max_tokens = max_tokens
        self.schema = self._schema()
        self._fingerprint = blake2b(f"{self.prompt_version}:{max_tokens}:{num_ctx}:".encode(), digest_size=16)

    def digest(self, canonical: TaskRequest) -> str:
        """BLAKE2b-128 of a canonical request and of all that shapes its answer, in hexadecimal."""
        state = self._fingerprint.copy()
        state.update(_encode_canonical(canonical))
        return state.hexdigest()

    def judge(self, text: str, request: TaskRequest) -> Judged:
        """Turns what a model wrote into data and its confidence.

        Raises:
            InvalidAnswer: The text does not fit the schema, or says nothing.
        """
        try:
            return self._judge(text, request)
        except (ValueError, RecursionError) as error:
            raise InvalidAnswer(f"{self.name}: {error}") from error

    @abstractmethod
    def prompt(self, request: TaskRequest) -> str:
        """The whole prompt for a canonical request."""

    @abstractmethod
    def _schema(self) -> Schema: ...

    @abstractmethod
    def _judge(self, text: str, request: TaskRequest) -> Judged: ...


class _RecipeDraft(msgspec.Struct, frozen=True):
    title: str
    description: str
    ingredients: list[RecipeIngredient]
    instructions: list[str]
    tags: list[str]
    confidence: float = 50
    nutrition: Nutrition | None = None


class RecipeTask(Task):
    """`recipe`: a whole recipe for a wish.

    The budget sets the lists' bounds. At some 4 characters a token an ingredient takes at most 30 tokens and an
    instruction 40; shares of 35 and 40 % of the budget leave the rest for title, description, tags and white space.
    """

    name = "recipe"
    path = "/api/v1/ai/generate-recipe"
    request_type = RecipeRequest
    message = "Recipe generated."
    _nutrition_from_tokens: ClassVar[int] = 768
    _decode = msgspec.json.Decoder(_RecipeDraft).decode

    def _schema(self) -> Schema:
        ingredient = _object(name=_text(2, 40), amount={"type": "number"}, unit={"type": "string", "enum": list(UNITS)})
        properties = {
            "title": _text(3, 60),
            "description": _text(10, 120),
            "ingredients": _list(ingredient, 3, min(20, self.max_tokens // 85)),
            "instructions": _list(_text(10, 160), 3, min(12, self.max_tokens // 100)),
            "tags": _list(_text(2, 20), 1, 4),
        }
        if self.max_tokens >= self._nutrition_from_tokens:
            properties["nutrition"] = _nutrition_schema()
        return _object(**properties, confidence={"type": "integer", "minimum": 0, "maximum": 100})

    def prompt(self, request: TaskRequest) -> str:
        """See Task."""
        assert isinstance(request, RecipeRequest)
        wishes = [request.prompt]
        wishes += [f"{text} {value}" for text, value in (
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
            '"nutrition":{"calories":760,"protein":14,"carbs":162,"fat":2,"fiber":4,"sugar":3,"sodium":600},'
            if "nutrition" in self.schema["properties"]
            else ""
        )
        return (
            "Write a recipe for each request as compact JSON on a single line, without line breaks or indentation.\n"
            "Request: rice with lemon; servings: 2\n"
            'JSON: {"title":"Lemon Rice","description":"Bright rice with lemon and parsley.","ingredients":['
            '{"name":"rice","amount":200,"unit":"g"},{"name":"lemon","amount":1,"unit":"piece"},'
            '{"name":"parsley","amount":2,"unit":"tbsp"},{"name":"salt","amount":1,"unit":"pinch"}],'
            '"instructions":["Boil the rice for 12 minutes.","Stir in the juice of the lemon.",'
            '"Chop the parsley and fold it in.","Season with salt and serve."],"tags":["rice","quick"],'
            f'{nutrition}"confidence":80}}\n'
            f"Request: {'; '.join(wishes)}\nJSON: "
        )

    def _judge(self, text: str, request: TaskRequest) -> Judged:
        del request
        draft = self._decode(text)
        ingredients = [
            RecipeIngredient(name=fold(item.name), amount=item.amount, unit=item.unit) for item in draft.ingredients
        ]
        instructions = [step for step in map(fold, draft.instructions) if step]
        if not fold(draft.title) or not instructions or not ingredients:
            raise ValueError("expected a title, ingredients and instructions")
        if any(not item.name or not math.isfinite(item.amount) or item.amount < 0 for item in ingredients):
            raise ValueError("expected each ingredient to have a name and an amount that is not negative")
        if draft.nutrition is not None:
            _check_nutrients(draft.nutrition)
        score = confidence.combine(
            complete=confidence.share((len(ingredients) > 3, len(instructions) > 3, bool(fold(draft.description)))),
            plausible=confidence.share(0 < item.amount <= 2000 for item in ingredients),
            distinct=confidence.distinct([*instructions, *(item.name for item in ingredients)]),
            claimed=draft.confidence / 100,
        )
        return (
            Recipe(
                title=fold(draft.title),
                description=fold(draft.description),
                ingredients=ingredients,
                instructions=instructions,
                tags=list(dict.fromkeys(tag for tag in map(fold, draft.tags) if tag)),
                confidence=score,
                nutrition=draft.nutrition,
            ),
            score,
        )


class IngredientsTask(Task):
    """`ingredients`: what goes with what is there already. About 12 tokens a suggestion."""

    name = "ingredients"
    path = "/api/v1/ai/suggest-ingredients"
    request_type = IngredientsRequest
    message = "Ingredients suggested."
    _decode = msgspec.json.Decoder(Suggestions).decode

    def _schema(self) -> Schema:
        return _object(suggestions=_list(_text(2, 30), 3, min(12, self.max_tokens // 20)))

    def prompt(self, request: TaskRequest) -> str:
        """See Task."""
        assert isinstance(request, IngredientsRequest)
        return (
            "Suggest further ingredients that go well with the given ones, as compact JSON on a single line.\n"
            'Given: lemon, rice\nJSON: {"suggestions":["parsley","butter","garlic","black pepper"]}\n'
            f"Given: {', '.join(request.partial)}\nJSON: "
        )

    def _judge(self, text: str, request: TaskRequest) -> Judged:
        assert isinstance(request, IngredientsRequest)
        written = [item for item in map(fold, self._decode(text).suggestions) if item]
        given = {item.casefold() for item in request.partial}
        new = list({item.casefold(): item for item in written if item.casefold() not in given}.values())
        if not new:
            raise ValueError("expected at least one ingredient that was not given")
        score = confidence.combine(complete=len(new) / 4, distinct=len(new) / len(written))
        return Suggestions(suggestions=new), score


class NutritionTask(Task):
    """`nutrition`: nutrients of all ingredients together. Some 40 tokens."""

    name = "nutrition"
    path = "/api/v1/ai/analyze-nutrition"
    request_type = NutritionRequest
    message = "Nutrition analyzed."
    _decode = msgspec.json.Decoder(Nutrition).decode

    def _schema(self) -> Schema:
        return _nutrition_schema()

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

    def _judge(self, text: str, request: TaskRequest) -> Judged:
        del request
        nutrition = self._decode(text)
        _check_nutrients(nutrition)
        plausible = confidence.plausible_nutrition(nutrition)
        return nutrition, confidence.combine(complete=1.0, plausible=plausible)


def _check_nutrients(nutrition: Nutrition) -> None:
    for name, most in NUTRIENT_LIMITS.items():
        if not 0 <= getattr(nutrition, name) <= most:
            raise ValueError(f"expected {name} from 0 to {most}, got {getattr(nutrition, name)}")


def build_tasks(settings: Settings) -> tuple[Task, ...]:
    """The three tasks with the operator's budgets and times."""
    return (
        RecipeTask(ttl_s=settings.recipe_ttl, max_tokens=settings.recipe_max_tokens, num_ctx=settings.ollama_num_ctx),
        IngredientsTask(
            ttl_s=settings.ingredients_ttl, max_tokens=settings.ingredients_max_tokens, num_ctx=settings.ollama_num_ctx
        ),
        NutritionTask(
            ttl_s=settings.nutrition_ttl, max_tokens=settings.nutrition_max_tokens, num_ctx=settings.ollama_num_ctx
        ),
    )
