"""What a chat completion request may hold, and the form of it that equal requests share.

The names are OpenAI's, so every client knows them. What shapes the answer is either passed on to the model and part of
the key, or refused: nothing is dropped silently, save what concerns only who asks (`user`, `metadata` and the like).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from ai_service.json_schema.hint import hint_of
from ai_service.json_schema.rules import check_schema, find_fault
from ai_service.schemas import Problem, TaskRequest, documented

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ai_service.providers.base import Think

EFFORTS: dict[str, Think] = {"none": False, "minimal": "low", "low": "low", "medium": "medium", "high": "high"}
"""OpenAI's `reasoning_effort` in the words of Ollama's `think`."""
MAX_STOPS = 4
SEED_LIMIT = 2**31 - 1
"""The largest seed that every provider takes: llama.cpp's is a 32-bit number."""
RANGES = {
    "seed": (0, SEED_LIMIT),
    "temperature": (0, 2),
    "top_p": (0, 1),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
}
UNSUPPORTED = {
    "tools": "tools are not supported here",
    "tool_choice": "tools are not supported here",
    "functions": "functions are not supported here",
    "function_call": "functions are not supported here",
    "logprobs": "log probabilities are not supported here",
    "top_logprobs": "log probabilities are not supported here",
    "logit_bias": "a bias of tokens is not supported here",
    "store": "completions are not kept for later retrieval here",
}
"""Options of OpenAI's that would shape the answer, or promise something, and that are refused where they are used."""
_UNUSED: tuple[object, ...] = (None, False, 0, "none", [], {})
_Unsupported = Annotated[Any, documented(enum=list(_UNUSED))]
_Text = Annotated[str, documented(minLength=1)]
_Tokens = Annotated[int, documented(minimum=1)]
_Penalty = Annotated[float, documented(minimum=-2, maximum=2)]


class TextPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text part of a message; images and audio are not supported."""

    type: Literal["text"]
    text: _Text


class ChatMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One message. `developer` is OpenAI's newer name for `system`."""

    role: Literal["system", "developer", "user", "assistant"]
    content: _Text | Annotated[list[TextPart], documented(minItems=1)]

    def canonical(self) -> ChatMessage:
        """With its parts joined by line breaks. White space stays: in a conversation it means something."""
        role: Literal["system", "user", "assistant"] = "system" if self.role == "developer" else self.role
        return ChatMessage(role, self.text)

    @property
    def texts(self) -> list[str]:
        """The content's parts."""
        return [self.content] if isinstance(self.content, str) else [part.text for part in self.content]

    @property
    def text(self) -> str:
        """The whole content."""
        return "\n".join(self.texts)


class TextFormat(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="text"):
    """The answer is any text."""

    @property
    def hint(self) -> dict[str, Any] | None:
        """What a provider is shown of the answer's JSON schema: None for text, an empty one for any object."""
        return None


class JSONObjectFormat(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="json_object"):
    """The answer is any JSON object."""

    @property
    def hint(self) -> dict[str, Any] | None:
        """See TextFormat."""
        return {}


class NamedSchema(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """JSON schema of the answer. It is always enforced, whatever `strict` says."""

    name: str
    schema: Annotated[dict[str, Any], documented(minProperties=1)]
    description: str | None = None
    strict: bool | None = None


class JSONSchemaFormat(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="json_schema"):
    """The answer is JSON that fits a JSON schema."""

    json_schema: NamedSchema

    @property
    def hint(self) -> dict[str, Any] | None:
        """See TextFormat."""
        return hint_of(check_schema(self.json_schema.schema).schema)


ResponseFormat = TextFormat | JSONObjectFormat | JSONSchemaFormat


class StreamOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Options of a stream."""

    include_usage: bool = False
    include_obfuscation: bool = False


class ChatRequest(TaskRequest, frozen=True, kw_only=True):
    """Body of `POST /v1/chat/completions`. The model's own defaults apply to absent options."""

    model: str
    messages: Annotated[list[ChatMessage], documented(minItems=1)]
    temperature: Annotated[float, documented(minimum=0, maximum=2)] | None = None
    top_p: Annotated[float, documented(minimum=0, maximum=1)] | None = None
    frequency_penalty: _Penalty | None = None
    presence_penalty: _Penalty | None = None
    seed: Annotated[int, documented(minimum=0, maximum=SEED_LIMIT)] | None = None
    stop: _Text | Annotated[list[_Text], documented(maxItems=MAX_STOPS)] | None = None
    max_tokens: _Tokens | None = None
    max_completion_tokens: _Tokens | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high"] | None = None
    think: bool | Literal["low", "medium", "high"] | None = None
    n: Annotated[int, documented(minimum=1, maximum=1)] | None = None
    stream_options: StreamOptions | None = None
    user: str | None = None
    metadata: dict[str, str] | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    tools: _Unsupported = None
    tool_choice: _Unsupported = None
    functions: _Unsupported = None
    function_call: _Unsupported = None
    logprobs: _Unsupported = None
    top_logprobs: _Unsupported = None
    logit_bias: _Unsupported = None
    store: _Unsupported = None

    @property
    def include_usage(self) -> bool:
        """See TaskRequest."""
        return self.stream_options is not None and self.stream_options.include_usage

    @property
    def budget(self) -> int | None:
        """The token budget that is asked for; `max_completion_tokens` is OpenAI's newer name, and wins."""
        return self.max_tokens if self.max_completion_tokens is None else self.max_completion_tokens

    @property
    def stops(self) -> list[str]:
        """The texts that end the answer."""
        return [self.stop] if isinstance(self.stop, str) else sorted(set(self.stop or ()))

    def missing(self) -> Iterator[Problem]:
        """See TaskRequest."""
        if not self.messages:
            yield "$.messages", "expected at least one message, got none"
        for index, message in enumerate(self.messages):
            if not message.content or not all(message.texts):
                yield f"$.messages[{index}].content", "expected text, got none"
        if isinstance(self.response_format, JSONSchemaFormat) and not self.response_format.json_schema.schema:
            yield "$.response_format.json_schema.schema", "expected a schema, got an empty one"
        if isinstance(self.response_format, JSONSchemaFormat):
            fault = find_fault(self.response_format.json_schema.schema)
            if fault is not None:
                yield f"$.response_format.json_schema.schema{fault[0]}", f"no JSON schema: {fault[1]}"
        if self.think is not None and self.reasoning_effort is not None:
            yield "$.think", "expected either this or reasoning_effort, which ask for the same"
        if self.n not in {None, 1}:
            yield "$.n", "expected 1: one answer a request is given here"
        for name, problem in UNSUPPORTED.items():
            if getattr(self, name) not in _UNUSED:
                yield f"$.{name}", problem

    def impossible(self) -> Iterator[Problem]:
        """See TaskRequest."""
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                yield f"$.{name}", f"expected a number from {low} to {high}"
        for name in ("max_tokens", "max_completion_tokens"):
            value = getattr(self, name)
            if value is not None and value < 1:
                yield f"$.{name}", "expected a whole number above 0"
        if (isinstance(self.stop, list) and len(self.stop) > MAX_STOPS) or "" in self.stops:
            yield "$.stop", f"expected at most {MAX_STOPS} texts that are not empty"

    def canonical(self) -> ChatRequest:
        """See TaskRequest; what does not shape the answer is left out."""
        form = self.response_format
        return ChatRequest(
            model=self.model.removesuffix(":latest"),
            messages=[message.canonical() for message in self.messages],
            temperature=self.temperature,
            top_p=self.top_p,
            frequency_penalty=self.frequency_penalty or None,
            presence_penalty=self.presence_penalty or None,
            seed=self.seed,
            stop=self.stops or None,
            max_tokens=self.budget,
            think=self.think if self.reasoning_effort is None else EFFORTS[self.reasoning_effort],
            response_format=None if form is None or isinstance(form, TextFormat) else _canonical_format(form),
        )


def _canonical_format(form: ResponseFormat) -> ResponseFormat:
    """Without the schema's name and description, which no provider is told."""
    if isinstance(form, JSONSchemaFormat):
        return JSONSchemaFormat(NamedSchema("", form.json_schema.schema))
    return form
