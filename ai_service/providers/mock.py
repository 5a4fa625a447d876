"""Answers without any model: the same for equal requests, labelled, and saying so in their text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ai_service.providers.base import Completion, Inspection, Prompt, ignore
from ai_service.providers.errors import InvalidAnswer
from ai_service.schemas import IngredientsRequest, NutritionRequest, RecipeRequest, TaskRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ai_service.providers.embedding import Embedding

_PIECE_CHARACTERS = 16
_PANTRY = ("olive oil", "garlic", "onion", "lemon", "black pepper", "parsley")


class MockProvider:
    """Stands in where no model can be reached, for the three tasks only; its answers are never stored."""

    name = "mock"
    model = "mock"
    synthetic = True
    context_tokens = 0

    async def complete(
        self, prompt: Prompt, on_text: Callable[[str], None] = ignore, on_reasoning: Callable[[str], None] = ignore
    ) -> Completion:
        """See Provider.

        Raises:
            InvalidAnswer: The request is for none of the three tasks.
        """
        del on_reasoning
        text = msgspec.json.encode(_sample(prompt.request)).decode()
        for at in range(0, len(text), _PIECE_CHARACTERS):
            on_text(text[at : at + _PIECE_CHARACTERS])
        return Completion(text=text)

    async def embed(self, texts: Sequence[str], *, dimensions: int | None, truncates: bool) -> Embedding:
        """See Provider.

        Raises:
            InvalidAnswer: Always: there are no sample vectors.
        """
        del texts, dimensions, truncates
        raise InvalidAnswer("there are no sample vectors")

    async def inspect(self) -> Inspection:
        """See Provider."""
        return Inspection(digest="mock00000000", loaded=True)

    async def close(self) -> None:
        """See Provider."""


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
    if isinstance(request, NutritionRequest):
        return {"calories": 400, "protein": 15, "carbs": 55, "fat": 13, "fiber": 5, "sugar": 6, "sodium": 500}
    raise InvalidAnswer("there are no sample answers for a conversation")
