"""What a chat completion request may hold, and the form of it that equal requests share.

The names are OpenAI's, so every client knows them. What shapes the answer is either passed on to the model and part of
the key, or refused by name: nothing is dropped silently, save what concerns only who asks (`user`, `metadata` and the
like). Null and the format's own defaults always pass. Where `ALCHEMORSEL_UNSUPPORTED_PARAMETERS` is `drop`, what would
be refused as unknown or unsupported is dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import msgspec

from ai_service.json_schema.hint import hint_of
from ai_service.json_schema.rules import check_schema, find_fault
from ai_service.openai.messages import ChatMessage, canonical_messages
from ai_service.openai.tools import MAX_TOOLS, Tool, ToolChoice, canonical_tools, tool_problems
from ai_service.schemas import Problem, TaskRequest, documented

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ai_service.providers.base import Think

EFFORTS: dict[str, Think] = {
    "none": False,
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
}
"""OpenAI's `reasoning_effort` in the words of Ollama's `think`."""
MAX_STOPS = 256
SEED_LIMIT = 2**31 - 1
"""The largest seed that every provider takes: llama.cpp's is a 32-bit number. Others are folded into it."""
MAX_TOP_K = 100_000
NO_BUDGET = -1
"""Number of tokens by which some clients ask for as many as there may be."""
RANGES = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "min_p": (0, 1),
    "top_k": (0, MAX_TOP_K),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
}
UNSUPPORTED: dict[str, tuple[str, tuple[object, ...]]] = {
    "functions": ("functions are not supported here; use tools", ()),
    "function_call": ("functions are not supported here; use tools", ("none", "auto")),
    "logprobs": ("log probabilities are not supported here", ()),
    "top_logprobs": ("log probabilities are not supported here", ()),
    "logit_bias": ("a bias of tokens is not supported here", ()),
    "store": ("completions are not kept for later retrieval here", ()),
    "audio": ("audio is not supported here", ()),
    "modalities": ("text is the only modality here", (["text"],)),
    "prediction": ("predicted outputs are not supported here", ()),
    "service_tier": ("service tiers are not supported here", ("auto", "default")),
    "verbosity": ("a verbosity is not supported here", ("medium",)),
    "web_search_options": ("a web search is not supported here", ()),
}
"""Options of OpenAI's that would shape the answer or cost money: why they are refused, and values that do not."""
_UNUSED: tuple[object, ...] = (None, False, 0, "", [], {})
_Ignored = Any


def _unused(name: str) -> msgspec.Meta:
    """Return the values of an unsupported parameter that change nothing, for the document."""
    return documented(enum=[*_UNUSED, *UNSUPPORTED[name][1]])


_Text = Annotated[str, documented(minLength=1)]
_Tokens = Annotated[int, documented(minimum=1)]
_Penalty = Annotated[float, documented(minimum=-2, maximum=2)]


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

    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class ChatRequest(TaskRequest, frozen=True, kw_only=True):
    """Body of `POST /v1/chat/completions`. The model's own defaults apply to absent options."""

    model: str
    messages: Annotated[list[ChatMessage], documented(minItems=1)]
    temperature: Annotated[float, documented(minimum=0, maximum=2)] | None = None
    top_p: Annotated[float, documented(minimum=0, maximum=1)] | None = None
    top_k: Annotated[int, documented(minimum=0, maximum=MAX_TOP_K)] | None = None
    min_p: Annotated[float, documented(minimum=0, maximum=1)] | None = None
    frequency_penalty: _Penalty | None = None
    presence_penalty: _Penalty | None = None
    seed: int | None = None
    stop: _Text | Annotated[list[_Text], documented(maxItems=MAX_STOPS)] | None = None
    max_tokens: _Tokens | None = None
    max_completion_tokens: _Tokens | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    think: bool | Literal["low", "medium", "high"] | None = None
    tools: Annotated[list[Tool], documented(maxItems=MAX_TOOLS)] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    n: Annotated[int, documented(minimum=1, maximum=1)] | None = None
    stream_options: StreamOptions | None = None
    user: _Ignored = None
    metadata: _Ignored = None
    safety_identifier: _Ignored = None
    prompt_cache_key: _Ignored = None
    prompt_cache_retention: _Ignored = None
    functions: Annotated[Any, _unused("functions")] = None
    function_call: Annotated[Any, _unused("function_call")] = None
    logprobs: Annotated[Any, _unused("logprobs")] = None
    top_logprobs: Annotated[Any, _unused("top_logprobs")] = None
    logit_bias: Annotated[Any, _unused("logit_bias")] = None
    store: Annotated[Any, _unused("store")] = None
    audio: Annotated[Any, _unused("audio")] = None
    modalities: Annotated[Any, _unused("modalities")] = None
    prediction: Annotated[Any, _unused("prediction")] = None
    service_tier: Annotated[Any, _unused("service_tier")] = None
    verbosity: Annotated[Any, _unused("verbosity")] = None
    web_search_options: Annotated[Any, _unused("web_search_options")] = None

    drops_unsupported: ClassVar[bool] = False

    @property
    def include_usage(self) -> bool:
        """See TaskRequest."""
        return self.stream_options is not None and bool(self.stream_options.include_usage)

    @property
    def budget(self) -> int | None:
        """The token budget that is asked for; `max_completion_tokens` is OpenAI's newer name, and wins."""
        asked = self.max_tokens if self.max_completion_tokens is None else self.max_completion_tokens
        return None if asked == NO_BUDGET else asked

    @property
    def stops(self) -> list[str]:
        """The texts that end the answer."""
        return [self.stop] if isinstance(self.stop, str) else sorted(set(self.stop or ()))

    def missing(self) -> Iterator[Problem]:
        """See TaskRequest."""
        if not self.messages:
            yield "$.messages", "expected at least one message, got none"
        for index, message in enumerate(self.messages):
            yield from message.problems(f"$.messages[{index}]")
        yield from tool_problems(self.tools or (), self.tool_choice)
        if isinstance(self.response_format, JSONSchemaFormat):
            path, schema = "$.response_format.json_schema.schema", self.response_format.json_schema.schema
            fault = find_fault(schema)
            if not schema:
                yield path, "expected a schema, got an empty one"
            elif fault is not None:
                yield f"{path}{fault[0]}", f"no JSON schema: {fault[1]}"
        if self.think is not None and self.reasoning_effort is not None:
            yield "$.think", "expected either this or reasoning_effort, which ask for the same"
        if self.n not in {None, 1}:
            yield "$.n", "expected 1: one answer a request is given here"
        for name, (problem, harmless) in () if self.drops_unsupported else UNSUPPORTED.items():
            value = getattr(self, name)
            if value not in _UNUSED and value not in harmless:
                yield f"$.{name}", problem

    def impossible(self) -> Iterator[Problem]:
        """See TaskRequest."""
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                yield f"$.{name}", f"expected a number from {low} to {high}"
        for name in ("max_tokens", "max_completion_tokens"):
            value = getattr(self, name)
            if value is not None and value < 1 and value != NO_BUDGET:
                yield f"$.{name}", "expected a whole number above 0"
        if (isinstance(self.stop, list) and len(self.stop) > MAX_STOPS) or "" in self.stops:
            yield "$.stop", f"expected at most {MAX_STOPS} texts that are not empty"
        if len(self.tools or ()) > MAX_TOOLS:
            yield "$.tools", f"expected at most {MAX_TOOLS} tools"

    def canonical(self) -> ChatRequest:
        """See TaskRequest; what does not shape the answer is left out."""
        form = self.response_format
        tools = canonical_tools(self.tools or (), self.tool_choice)
        must_call = tools is not None and self.tool_choice not in {None, "auto"}
        return ChatRequest(
            model=self.model.removesuffix(":latest"),
            messages=canonical_messages(self.messages),
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            min_p=self.min_p,
            frequency_penalty=self.frequency_penalty or None,
            presence_penalty=self.presence_penalty or None,
            seed=None if self.seed is None else self.seed & SEED_LIMIT,
            stop=self.stops or None,
            max_tokens=self.budget,
            think=self.think if self.reasoning_effort is None else EFFORTS[self.reasoning_effort],
            response_format=None if form is None or isinstance(form, TextFormat) else _canonical_format(form),
            tools=tools,
            tool_choice="required" if must_call else None,
            parallel_tool_calls=False if tools and self.parallel_tool_calls is False else None,
        )


class LenientChatMessage(ChatMessage, frozen=True, forbid_unknown_fields=False):
    """A message whose unknown fields are dropped."""


class LenientChatRequest(ChatRequest, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """A request whose unknown and unsupported parameters are dropped."""

    messages: Annotated[list[LenientChatMessage], documented(minItems=1)]  # type: ignore[assignment]

    drops_unsupported: ClassVar[bool] = True


def _canonical_format(form: ResponseFormat) -> ResponseFormat:
    """Without the schema's name and description, which no provider is told."""
    if isinstance(form, JSONSchemaFormat):
        return JSONSchemaFormat(NamedSchema("", form.json_schema.schema))
    return form
