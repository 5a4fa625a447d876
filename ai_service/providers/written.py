"""What a model writes, put together from its pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ai_service.providers.errors import ProviderFailed
from ai_service.providers.thoughts import ThoughtSplitter

if TYPE_CHECKING:
    from collections.abc import Callable


class Written:
    """Answer and reasoning, handed on as they come.

    Args:
        max_characters: Of both together.
        on_text: Called with each piece of the answer.
        on_reasoning: Called with each piece of the reasoning.
        on_progress: Called whenever the model wrote something.
    """

    def __init__(
        self,
        max_characters: int,
        on_text: Callable[[str], None],
        on_reasoning: Callable[[str], None],
        on_progress: Callable[[], None],
    ) -> None:
        self._max_characters = max_characters
        self._on_text = on_text
        self._on_reasoning = on_reasoning
        self._on_progress = on_progress
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._characters = 0
        self._splitter = ThoughtSplitter(self._keep_text, self._keep_reasoning)

    def write(self, piece: str) -> None:
        """Take a piece of the answer; it may hold reasoning between tags.

        Raises:
            ProviderFailed: There is no end of it.
        """
        if piece:
            self._count(piece)
            self._splitter.feed(piece)

    def reason(self, piece: str) -> None:
        """Take a piece of the reasoning.

        Raises:
            ProviderFailed: There is no end of it.
        """
        if piece:
            self._count(piece)
            self._keep_reasoning(piece)

    def advance(self, piece: str) -> None:
        """Count a piece of a tool call, which is no text.

        Raises:
            ProviderFailed: There is no end of it.
        """
        if piece:
            self._count(piece)

    def end(self) -> tuple[str, str]:
        """Return the whole answer, and the whole reasoning."""
        self._splitter.end()
        return "".join(self._text), "".join(self._reasoning)

    def _count(self, piece: str) -> None:
        self._on_progress()
        self._characters += len(piece)
        if self._characters > self._max_characters:
            raise ProviderFailed(f"the answer is longer than its budget: {self._max_characters} characters")

    def _keep_text(self, piece: str) -> None:
        self._text.append(piece)
        self._on_text(piece)

    def _keep_reasoning(self, piece: str) -> None:
        self._reasoning.append(piece)
        self._on_reasoning(piece)
