"""What a provider is: something that completes a prompt, and can be inspected without paying for an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec

from ai_service.providers.errors import InvalidAnswer, OnlyThoughts, TruncatedAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ai_service.providers.embedding import Embedding
    from ai_service.schemas import TaskRequest

Think = bool | Literal["low", "medium", "high"] | None
"""Whether a thinking model shall reason, or how much; None leaves it to the model."""
FinishReason = Literal["stop", "length", "content_filter", "tool_calls"]
MAX_CHARACTERS_PER_TOKEN = 256
"""Above the longest tokens there are, which are runs of spaces: a server that writes past its budget is given up."""
MAX_TOKENS = 2**31 - 1


class Prompt(msgspec.Struct, frozen=True):
    """A question to a model.

    Attributes:
        task: The task's name.
        messages: The conversation in OpenAI's wire format: `role` and `content`, a text, of each message;
            `tool_calls` and `tool_call_id` where there are such.
        schema: JSON schema that the provider shall keep the answer to; an empty one asks for any JSON object, None for
            any text.
        max_tokens: Token budget of the answer.
        request: The canonical request behind the messages.
        options: What else shapes the answer, under the names that Ollama and OpenAI share: `temperature`, `top_p`,
            `top_k`, `min_p`, `seed`, `stop`, `frequency_penalty`, `presence_penalty`. What is absent is left to the
            server.
        callers_own: Whether the caller chose messages, schema, options and budget. Then an answer that the budget cut
            short is an answer, as are white space and a refusal; and what the provider cannot do is the caller's error.
        think: Whether a thinking model shall reason.
        tools: Functions that the model may call, in OpenAI's wire format.
        must_call: Whether an answer without a tool call is none.
        calls_once: Whether only the first tool call of an answer counts.
    """

    task: str
    messages: tuple[Mapping[str, Any], ...]
    schema: Mapping[str, Any] | None
    max_tokens: int
    request: TaskRequest
    options: Mapping[str, Any]
    callers_own: bool = False
    think: Think = None
    tools: tuple[Mapping[str, Any], ...] = ()
    must_call: bool = False
    calls_once: bool = False

    @property
    def max_characters(self) -> int:
        """The most that the token budget can come to."""
        return self.max_tokens * MAX_CHARACTERS_PER_TOKEN

    @property
    def has_callers_format(self) -> bool:
        """Whether the caller wants JSON, of some schema or of any, or has tools."""
        return self.callers_own and (self.schema is not None or bool(self.tools))


class ToolCall(msgspec.Struct, frozen=True):
    """A call of a function, which the caller has to run.

    Attributes:
        name: The function's name.
        arguments: Text of a JSON object.
    """

    name: str
    arguments: str


class Completion(msgspec.Struct, frozen=True):
    """What a model wrote.

    Attributes:
        text: The answer.
        reasoning: What a thinking model wrote before it.
        finish_reason: Why it ended; other than `stop` only where the prompt is the caller's own.
        refusal: Why the model refuses to answer; "" where it does not.
        load_s: Seconds spent on loading the model first.
        prompt_tokens: Tokens read, 0 where the server does not say.
        completion_tokens: Tokens written, 0 where the server does not say.
        storable: False where the server may have cut the prompt, or the beginning of the context while it wrote.
        tool_calls: What the model calls, in place of an answer or beside it.
    """

    text: str
    reasoning: str = ""
    finish_reason: FinishReason = "stop"
    refusal: str = ""
    load_s: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    storable: bool = True
    tool_calls: tuple[ToolCall, ...] = ()

    @property
    def only_thoughts(self) -> bool:
        """Whether the model reasoned to its end and answered nothing."""
        return bool(self.reasoning) and not self.text.strip() and self.finish_reason == "stop"


def ignore(_text: str) -> None:
    """Take text that nobody reads."""


def check_completion(prompt: Prompt, completion: Completion) -> Completion:
    """Return a completion that answers a prompt.

    Raises:
        TruncatedAnswer: It was cut short, by a budget that the caller did not set.
        OnlyThoughts: The model reasoned, and answered nothing.
        InvalidAnswer: It is empty, or a refusal.
    """
    if prompt.callers_own:
        return completion
    if completion.finish_reason == "length":
        raise TruncatedAnswer(f"cut short after {prompt.max_tokens} tokens")
    if completion.refusal or completion.finish_reason == "content_filter":
        raise InvalidAnswer(completion.refusal or "the answer was filtered")
    if completion.only_thoughts:
        raise OnlyThoughts("the model returned reasoning but no answer")
    if not completion.text.strip():
        raise InvalidAnswer("the answer is empty")
    return completion


def count_of(tokens: int | None) -> int:
    """Return a number of tokens as the server states it, or 0 where that cannot be one."""
    return tokens if tokens is not None and 0 <= tokens <= MAX_TOKENS else 0


class Inspection(msgspec.Struct, frozen=True):
    """What a provider says of itself without inference.

    Attributes:
        digest: First 12 hexadecimal digits of the model's digest; "" where the model is missing.
        loaded: Whether the model is in memory; None where the server does not say.
        context_length: Tokens that fit into the context; 0 where that is unknown.
        capabilities: What the model can do, in Ollama's words (`completion`, `tools`, `thinking`, `embedding`); None
            where the server does not say.
        listing: What the server lists of the model, and of the running one: digest, size, details and the like.
        version: The server's version; "" where it has none.
    """

    digest: str
    loaded: bool | None = None
    context_length: int = 0
    capabilities: tuple[str, ...] | None = None
    listing: Mapping[str, Any] = {}
    running: Mapping[str, Any] = {}
    version: str = ""


class Provider(Protocol):
    """One server, one model.

    Attributes:
        name: Word for the envelope, metrics and settings.
        model: The model's name.
        synthetic: Whether its answers are made up: they are labelled, never stored, and for the three tasks only.
        context_tokens: Tokens that fit into the model's context; 0 where that is unknown.
    """

    name: str
    model: str
    synthetic: bool

    @property
    def context_tokens(self) -> int:
        """See Provider."""

    async def complete(
        self, prompt: Prompt, on_text: Callable[[str], None] = ignore, on_reasoning: Callable[[str], None] = ignore
    ) -> Completion:
        """Answer a prompt.

        Args:
            prompt: The question.
            on_text: Called with each piece of the answer as the model writes it; joined they are the answer's text.
            on_reasoning: Called with each piece of what a thinking model writes before it.

        Raises:
            ProviderError: One of its subclasses, saying why there is no answer.
            ContextLengthExceeded: The prompt is longer than the context.
        """

    async def embed(self, texts: Sequence[str], *, dimensions: int | None, truncates: bool) -> Embedding:
        """Return the vectors of texts.

        Args:
            texts: At least one.
            dimensions: Length of the vectors; None for the model's own.
            truncates: Whether a text longer than the context is cut.

        Raises:
            ProviderError: One of its subclasses, saying why there is no answer.
            ContextLengthExceeded: A text is longer than the context.
        """

    async def inspect(self) -> Inspection:
        """Inspect server and model; takes two seconds at most.

        Raises:
            ProviderError: The server cannot be asked.
        """

    async def close(self) -> None:
        """Give connections back."""
