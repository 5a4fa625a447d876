"""What a provider is: something that completes a prompt, and can be looked at without paying for an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ai_service.schemas import TaskRequest


class Prompt(msgspec.Struct, frozen=True):
    """A question to a model.

    Attributes:
        task: The task's name.
        messages: The conversation: `role` and `content` of each message.
        schema: JSON schema that the answer has to fit; an empty one asks for any JSON object, None for any text.
        max_tokens: Token budget of the answer.
        request: The canonical request behind the messages.
        options: What else shapes the answer, under the names that Ollama and OpenAI share: `temperature`, `top_p`,
            `seed`, `stop`, `frequency_penalty`, `presence_penalty`. What is absent is left to the server.
        may_be_cut: Whether an answer that the budget cut short is an answer, because the caller set the budget.
    """

    task: str
    messages: tuple[Mapping[str, str], ...]
    schema: Mapping[str, Any] | None
    max_tokens: int
    request: TaskRequest
    options: Mapping[str, Any]
    may_be_cut: bool = False

    @property
    def has_callers_schema(self) -> bool:
        """Whether the schema is the caller's, and not one of the service's own."""
        return self.may_be_cut and bool(self.schema)


class Completion(msgspec.Struct, frozen=True):
    """What a model wrote.

    Attributes:
        text: The answer.
        cut: Whether the budget cut it short; only where the prompt allows that, else it is a TruncatedAnswer.
        load_s: Seconds spent on loading the model first.
        prompt_tokens: Tokens read, 0 where the server does not say.
        completion_tokens: Tokens written, 0 where the server does not say.
    """

    text: str
    cut: bool = False
    load_s: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0


def unheard(_text: str) -> None:
    """Takes the text of those whom nobody listens to."""


class Inspection(msgspec.Struct, frozen=True):
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

    async def complete(self, prompt: Prompt, on_text: Callable[[str], None] = unheard) -> Completion:
        """Answers a prompt.

        Args:
            prompt: The question.
            on_text: Called with each piece of the answer as the model writes it; joined they are the answer's text.

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
