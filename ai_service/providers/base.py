"""What a provider is: something that completes a prompt, and can be looked at without paying for an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ai_service.schemas import TaskRequest


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question to a model.

    Attributes:
        task: The task's name.
        text: The whole prompt, sent as one user message.
        schema: JSON schema that the answer has to fit.
        max_tokens: Token budget of the answer.
        request: The canonical request behind the text.
    """

    task: str
    text: str
    schema: dict[str, Any]
    max_tokens: int
    request: TaskRequest


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model wrote.

    Attributes:
        text: The answer, complete: a provider raises TruncatedAnswer for less.
        load_s: Seconds spent on loading the model first.
        prompt_tokens: Tokens read, 0 where the server does not say.
        completion_tokens: Tokens written, 0 where the server does not say.
    """

    text: str
    load_s: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a provider says of itself without inference.

    Attributes:
        digest: First 12 hexadecimal digits of the model's digest; "" where the model is missing.
        loaded: Whether the model is in memory; None where the server does not say.
    """

    digest: str
    loaded: bool | None = None


class Provider(Protocol):
    """One server, one model.

    Attributes:
        name: Word for the envelope, metrics and settings.
        model: The model's name.
        fabricated: Whether its answers are made up: they are labelled, and never stored.
    """

    name: str
    model: str
    fabricated: bool

    async def complete(self, prompt: Prompt) -> Completion:
        """Answers a prompt.

        Raises:
            ProviderError: One of its subclasses, saying why there is no answer.
        """

    async def inspect(self) -> Inspection:
        """Looks at server and model; takes two seconds at most.

        Raises:
            ProviderError: The server cannot be asked.
        """

    async def close(self) -> None:
        """Gives connections back."""
