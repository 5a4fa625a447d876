"""Answers without any model: the same for equal requests, labelled, and saying so in their text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ai_service.providers.base import Completion, Inspection, Prompt, unheard
from ai_service.providers.sample import sample_of
from ai_service.schemas import IngredientsRequest, NutritionRequest, RecipeRequest, TaskRequest

if TYPE_CHECKING:
    from collections.abc import Callable

_PIECE_CHARACTERS = 16
_SAMPLED = (RecipeRequest, IngredientsRequest, NutritionRequest)
_TEXT = "This is a fixed sample answer: no model could be reached."
_PANTRY = ("olive oil", "garlic", "onion", "lemon", "black pepper", "parsley")


class MockProvider:
    """Stands in where no model can be reached; its answers are never stored."""

    name = "mock"
    model = "mock"
    fabricated = True

    async def complete(self, prompt: Prompt, on_text: Callable[[str], None] = unheard) -> Completion:
        """See Provider."""
        text = _text_for(prompt)
        for at in range(0, len(text), _PIECE_CHARACTERS):
            on_text(text[at : at + _PIECE_CHARACTERS])
        return Completion(text=text)

    async def inspect(self) -> Inspection:
        """See Provider."""
        return Inspection(digest="mock00000000", loaded=True)

    async def close(self) -> None:
        """See Provider."""


def _text_for(prompt: Prompt) -> str:
    if isinstance(prompt.request, _SAMPLED):
        return msgspec.json.encode(_sample(prompt.request)).decode()
    if prompt.schema is None:
        return _TEXT
    return msgspec.json.encode(sample_of(prompt.schema)).decode()


def _sample(request: TaskRequest) -> dict[str, object]:
    if isinstance(request, RecipeRequest):
        return {
            "title": f"Sample: {request.prompt[:50]}",
            "description": "A fixed sample answer: no model could be reached.",
            "ingredients": [
                {"name": "pasta", "amount": 200, "unit": "g"},
                {"name": "olive oil", "amount": 2, "unit": "tbsp"},
                {"name": "garlic", "amount": 2, "unit": "clove"},
                {"name": "salt", "amount": 1, "unit": "pinch"},
            ],
            "instructions": [
                "Boil the pasta in salted water.",
                "Warm the sliced garlic in the oil.",
                "Toss the pasta in the oil.",
                "Season and serve.",
            ],
            "tags": ["sample"],
        }
    if isinstance(request, IngredientsRequest):
        given = {item.casefold() for item in request.partial}
        return {"suggestions": [item for item in _PANTRY if item not in given] or ["salt"]}
    return {"calories": 400, "protein": 15, "carbs": 55, "fat": 13, "fiber": 5, "sugar": 6, "sodium": 500}
