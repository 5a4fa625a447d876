"""Stand-ins for time and for providers; injected where the real ones would be."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ai_service.providers.base import Completion, Inspection, check_completion, ignore
from ai_service.providers.embedding import Embedding

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ai_service.providers.base import FinishReason, Prompt
    from ai_service.providers.errors import ProviderError

RECIPE: dict[str, Any] = {
    "title": "Tomato Pasta",
    "description": "A quick pasta with fresh tomatoes.",
    "ingredients": [
        {"name": "pasta", "amount": 200, "unit": "g"},
        {"name": "tomato", "amount": 3, "unit": "piece"},
        {"name": "olive oil", "amount": 2, "unit": "tbsp"},
        {"name": "salt", "amount": 1, "unit": "pinch"},
    ],
    "instructions": ["Boil the pasta.", "Chop the tomatoes.", "Warm them in the oil.", "Toss and serve."],
    "tags": ["pasta", "quick"],
    "confidence": 80,
}
SUGGESTIONS = {"suggestions": ["basil", "garlic", "mozzarella", "black pepper"]}
NUTRITION = {"calories": 437, "protein": 7, "carbs": 80, "fat": 9, "fiber": 1, "sugar": 0, "sodium": 85}
ANSWERS: dict[str, dict[str, Any]] = {"recipe": RECIPE, "ingredients": SUGGESTIONS, "nutrition": NUTRITION}

BODIES: dict[str, dict[str, Any]] = {
    "/api/v1/ai/generate-recipe": {"prompt": "tomato pasta"},
    "/api/v1/ai/suggest-ingredients": {"partial": ["tomato"]},
    "/api/v1/ai/analyze-nutrition": {"ingredients": ["100 g rice", "10 g butter"]},
}


CHAT_ANSWER = "Pesto is a sauce of basil, pine nuts, garlic, cheese and olive oil."
PIECE_CHARACTERS = 40


class FakeClock:
    """Seconds that pass only when told to."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the current time, in seconds."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Lets time pass."""
        self.now += seconds


@dataclass(frozen=True)
class BreakOff:
    """An answer that fails after some text."""

    text: str
    error: ProviderError


class ScriptedProvider:
    """Answers well, unless the script says otherwise; counts its calls.

    Attributes:
        script: What the next calls do, in order: raise the exception, write the text, or give the completion; a
            `BreakOff` writes and raises.
        digest: What it says its model's digest is; an exception is raised instead.
        gate: Calls wait for it, so that a test can hold them.
        cut: Whether it says of its texts that the budget cut them short.
        midway: Calls wait for it too, after the first piece of their text.
        context_tokens: See Provider.
    """

    def __init__(
        self,
        *script: str | Exception | BreakOff | Completion,
        name: str = "ollama",
        digest: str | Exception = "0123456789ab",
        synthetic: bool = False,
    ) -> None:
        self.name = name
        self.model = f"{name}-model"
        self.synthetic = synthetic
        self.script = list(script)
        self.digest = digest
        self.prompts: list[Prompt] = []
        self.embedded: list[list[str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.midway = asyncio.Event()
        self.midway.set()
        self.cut = False
        self.closed = False
        self.context_tokens = 0

    async def complete(
        self, prompt: Prompt, on_text: Callable[[str], None] = ignore, on_reasoning: Callable[[str], None] = ignore
    ) -> Completion:
        """Perform the next step of the script."""
        self.prompts.append(prompt)
        await self.gate.wait()
        good = json.dumps(ANSWERS[prompt.task]) if prompt.task in ANSWERS else CHAT_ANSWER
        step = self.script.pop(0) if self.script else good
        if isinstance(step, Exception):
            raise step
        completion = step if isinstance(step, Completion) else self._completion(step)
        text = completion.text
        if completion.reasoning:
            on_reasoning(completion.reasoning)
        for at in range(0, len(text), PIECE_CHARACTERS):
            on_text(text[at : at + PIECE_CHARACTERS])
            await self.midway.wait()
        if isinstance(step, BreakOff):
            raise step.error
        return check_completion(prompt, completion)

    def _completion(self, step: str | BreakOff) -> Completion:
        text = step.text if isinstance(step, BreakOff) else step
        reason: FinishReason = "length" if self.cut else "stop"
        return Completion(text, finish_reason=reason, prompt_tokens=10, completion_tokens=20)

    async def embed(self, texts: Sequence[str], *, dimensions: int | None, truncates: bool) -> Embedding:
        """Return vectors of the texts' lengths; an exception of the script is raised instead."""
        del dimensions, truncates
        self.embedded.append(list(texts))
        await self.gate.wait()
        if self.script and isinstance(step := self.script.pop(0), Exception):
            raise step
        return Embedding(tuple(b"[%d.0,0.5]" % len(text) for text in texts), len(texts))

    async def inspect(self) -> Inspection:
        """Says the digest."""
        if isinstance(self.digest, Exception):
            raise self.digest
        return Inspection(digest=self.digest, loaded=True)

    async def close(self) -> None:
        """Remembers it."""
        self.closed = True
