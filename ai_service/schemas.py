"""What travels over the wire: requests, answers and envelopes.

A request knows its canonical form (what the cache key and the prompt are made from) and what is impossible in it.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Annotated, Generic, Literal, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_PROMPT_CHARACTERS = 2000
MAX_ITEMS = 50
MAX_ITEM_CHARACTERS = 120

MAX_CALORIES = 20_000
MAX_SERVINGS = 100
MAX_MINUTES = 10_080

Problem = tuple[str, str]
"""A JSON path and what is wrong there."""

Data = TypeVar("Data")


def documented(**limits: object) -> msgspec.Meta:
    """Limits for the OpenAPI document alone: what breaks them is not ill-formed (400) but impossible (422)."""
    return msgspec.Meta(extra_json_schema=limits)


_NOT_BLANK = r"[^\s\x1c-\x1f\x85]"
"""Python's idea of a character that is no white space, in ECMAScript's words."""
_Item = Annotated[str, documented(minLength=1, maxLength=MAX_ITEM_CHARACTERS, pattern=_NOT_BLANK)]
_Items = Annotated[list[_Item], documented(maxItems=MAX_ITEMS)]
_SomeItems = Annotated[list[_Item], documented(minItems=1, maxItems=MAX_ITEMS)]
_Word = Annotated[str, documented(maxLength=MAX_ITEM_CHARACTERS)]


def fold(text: str) -> str:
    """Canonical text: NFC, trimmed, white space runs folded to one space."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return " ".join(text.split())


def _fold_set(items: list[str] | None) -> list[str] | None:
    return sorted({fold(item) for item in items}) if items else None


def _fold_optional(text: str | None) -> str | None:
    return fold(text) or None if text else None


def _empty_items(field: str, items: Iterable[str]) -> Iterator[Problem]:
    for index, item in enumerate(items):
        if not item or item.isspace():
            yield f"$.{field}[{index}]", "expected text, got none"


def _list_limits(field: str, items: list[str]) -> Iterator[Problem]:
    if len(items) > MAX_ITEMS:
        yield f"$.{field}", f"expected at most {MAX_ITEMS} items, got {len(items)}"
    for index, item in enumerate(items):
        if len(item) > MAX_ITEM_CHARACTERS:
            yield f"$.{field}[{index}]", f"expected at most {MAX_ITEM_CHARACTERS} characters, got {len(item)}"


class TaskRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A request for one of the tasks.

    `stream` asks for server-sent events, or for none; without it `Accept` decides. It is no part of the canonical form.
    """

    stream: bool | None = None

    @property
    def include_usage(self) -> bool:
        """Whether a stream shall end with the tokens that were used."""
        return False

    def missing(self) -> Iterator[Problem]:
        """Fields that are present but empty (status 400)."""
        raise NotImplementedError

    def impossible(self) -> Iterator[Problem]:
        """Fields whose value cannot be meant (status 422)."""
        raise NotImplementedError

    def canonical(self) -> TaskRequest:
        """Return the canonical form of the request, the same for equal requests."""
        raise NotImplementedError


class RecipeRequest(TaskRequest, frozen=True):
    """Body of `POST /api/v1/ai/generate-recipe`.

    Attributes:
        max_calories: In kcal per serving.
        cooking_time: In minutes.
    """

    prompt: Annotated[str, documented(minLength=1, maxLength=MAX_PROMPT_CHARACTERS, pattern=_NOT_BLANK)]
    max_calories: Annotated[int, documented(minimum=1, maximum=MAX_CALORIES)] | None = None
    dietary: _Items | None = None
    cuisine: _Word | None = None
    serving_size: Annotated[int, documented(minimum=1, maximum=MAX_SERVINGS)] | None = None
    cooking_time: Annotated[int, documented(minimum=1, maximum=MAX_MINUTES)] | None = None
    skill_level: _Word | None = None
    equipment: _Items | None = None
    avoid_ingredients: _Items | None = None

    def missing(self) -> Iterator[Problem]:
        """See TaskRequest."""
        if not self.prompt or self.prompt.isspace():
            yield "$.prompt", "expected text, got none"
        for field in ("dietary", "equipment", "avoid_ingredients"):
            yield from _empty_items(field, getattr(self, field) or ())

    def impossible(self) -> Iterator[Problem]:
        """See TaskRequest."""
        if len(self.prompt) > MAX_PROMPT_CHARACTERS:
            yield "$.prompt", f"expected at most {MAX_PROMPT_CHARACTERS} characters, got {len(self.prompt)}"
        for field, high in (
            ("max_calories", MAX_CALORIES),
            ("serving_size", MAX_SERVINGS),
            ("cooking_time", MAX_MINUTES),
        ):
            value = getattr(self, field)
            if value is not None and not 1 <= value <= high:
                yield f"$.{field}", f"expected a whole number from 1 to {high}"
        for field in ("cuisine", "skill_level"):
            if len(getattr(self, field) or "") > MAX_ITEM_CHARACTERS:
                yield f"$.{field}", f"expected at most {MAX_ITEM_CHARACTERS} characters"
        for field in ("dietary", "equipment", "avoid_ingredients"):
            yield from _list_limits(field, getattr(self, field) or [])

    def canonical(self) -> RecipeRequest:
        """See TaskRequest; the three lists are sets."""
        return RecipeRequest(
            prompt=fold(self.prompt),
            max_calories=self.max_calories,
            dietary=_fold_set(self.dietary),
            cuisine=_fold_optional(self.cuisine),
            serving_size=self.serving_size,
            cooking_time=self.cooking_time,
            skill_level=_fold_optional(self.skill_level),
            equipment=_fold_set(self.equipment),
            avoid_ingredients=_fold_set(self.avoid_ingredients),
        )


class IngredientsRequest(TaskRequest, frozen=True):
    """Body of `POST /api/v1/ai/suggest-ingredients`."""

    partial: _SomeItems

    def missing(self) -> Iterator[Problem]:
        """See TaskRequest."""
        if not self.partial:
            yield "$.partial", "expected at least one ingredient, got none"
        yield from _empty_items("partial", self.partial)

    def impossible(self) -> Iterator[Problem]:
        """See TaskRequest."""
        yield from _list_limits("partial", self.partial)

    def canonical(self) -> IngredientsRequest:
        """See TaskRequest; the list is a set."""
        return IngredientsRequest(partial=sorted({fold(item) for item in self.partial}))


class NutritionRequest(TaskRequest, frozen=True):
    """Body of `POST /api/v1/ai/analyze-nutrition`."""

    ingredients: _SomeItems

    def missing(self) -> Iterator[Problem]:
        """See TaskRequest."""
        if not self.ingredients:
            yield "$.ingredients", "expected at least one ingredient, got none"
        yield from _empty_items("ingredients", self.ingredients)

    def impossible(self) -> Iterator[Problem]:
        """See TaskRequest."""
        yield from _list_limits("ingredients", self.ingredients)

    def canonical(self) -> NutritionRequest:
        """See TaskRequest; order does not matter, but "1 egg" twice is two eggs."""
        return NutritionRequest(ingredients=sorted(fold(item) for item in self.ingredients))


class Nutrition(msgspec.Struct, frozen=True):
    """Nutrients of the whole dish: calories in kcal, sodium in mg, the others in g."""

    calories: float
    protein: float
    carbs: float
    fat: float
    fiber: float
    sugar: float
    sodium: float


class RecipeIngredient(msgspec.Struct, frozen=True):
    """One ingredient of a recipe.

    Attributes:
        amount: In `unit`; 0 ("to taste") fails the check `amount`.
    """

    name: str
    amount: float
    unit: str


class Recipe(msgspec.Struct, frozen=True, omit_defaults=True):
    """A recipe.

    Attributes:
        confidence: From 0 to 1, computed from the answer.
    """

    title: str
    description: str
    ingredients: list[RecipeIngredient]
    instructions: list[str]
    tags: list[str]
    confidence: float
    nutrition: Nutrition | None = None


class Suggestions(msgspec.Struct, frozen=True):
    """Ingredients that go with the given ones."""

    suggestions: list[str]


class Finding(msgspec.Struct, frozen=True):
    """A check that the answer did not pass as the model wrote it.

    Attributes:
        check: Name of the check: `energy`, `sugar`, `fiber`, `sodium`, `mass`, `serving` or `amount`.
        field: JSON path in `data`.
        message: What is wrong, in a sentence.
        outcome: `repaired` (replaced by a value computed from the rest of the answer), `failed` (impossible, and left
            as the model wrote it), or `unverified`.
    """

    check: str
    field: str
    message: str
    outcome: Literal["repaired", "failed", "unverified"]


class Meta(msgspec.Struct, frozen=True, omit_defaults=True):
    """Origin and quality of an answer.

    Attributes:
        generated_at: RFC 3339, in UTC.
        confidence: From 0 to 1, computed from the answer.
        degraded: Whether a fallback wrote the answer, or it is a sample.
        degraded_reason: Each skipped provider with the reason; absent where no provider was skipped.
        warnings: Failed and repaired checks of the answer; absent where all checks passed.
    """

    provider: str
    model: str
    generated_at: str
    confidence: float
    degraded: bool
    degraded_reason: str = ""
    warnings: list[Finding] = []


class Envelope(msgspec.Struct, Generic[Data], frozen=True):
    """Body of every answer of a task."""

    success: bool
    data: Data
    message: str
    meta: Meta


class ErrorEnvelope(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of every error outside `/v1/`.

    Attributes:
        error: What is wrong, in a sentence.
        code: Stable word for programs.
        request_id: The same as in the header `X-Request-Id`.
        details: One object for each wrong field (`field`, `problem`) or skipped provider (`provider`, `problem`).
    """

    success: bool
    error: str
    code: str
    request_id: str
    details: list[dict[str, str]] | None = None
