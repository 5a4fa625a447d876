"""Answers without any model: the same for equal requests, labelled, and saying so in their text."""

from __future__ import annotations

import msgspec

from ai_service.providers.base import Completion, Inspection, Prompt
from ai_service.schemas import IngredientsRequest, RecipeRequest, TaskRequest

_PANTRY = ("olive oil", "garlic", "onion", "lemon", "black pepper", "parsley")


class MockProvider:
    """Stands in where no model can be reached; its answers are never stored."""

    name = "mock"
    model = "mock"
    fabricated = True

    async def complete(self, prompt: Prompt) -> Completion:
        """See Provider."""
        return Completion(text=msgspec.json.encode(_sample(prompt.request)).decode())

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
    return {"calories": 400, "protein": 15, "carbs": 55, "fat": 13, "fiber": 5, "sugar": 6, "sodium": 500}
