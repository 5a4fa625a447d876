"""Requests in Ollama's wire format, each with the chat request in OpenAI's that it stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import msgspec

from ai_service.json_schema.rules import find_fault
from ai_service.ollama_api.options import Options, option_problems, request_options
from ai_service.openai.messages import CalledFunction, ChatMessage, MessageToolCall
from ai_service.openai.requests import ChatRequest, JSONObjectFormat, JSONSchemaFormat, NamedSchema, ResponseFormat
from ai_service.openai.tools import Tool, tool_problems
from ai_service.schemas import Problem, TaskRequest, documented

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_encode = msgspec.json.Encoder().encode
_Ignored = Any
_UNUSED: tuple[object, ...] = (None, False, "", [], {})
_Refused = Annotated[Any, documented(enum=list(_UNUSED))]


class OllamaFunction(msgspec.Struct, frozen=True):
    """A called function; the arguments are an object."""

    name: str
    arguments: dict[str, Any] = {}


class OllamaToolCall(msgspec.Struct, frozen=True):
    """A tool call of an earlier answer."""

    function: OllamaFunction
    id: str | None = None


class OllamaMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One message of a conversation.

    Attributes:
        tool_name: Of a message of the role `tool`: the function that it is the result of.
    """

    role: Literal["system", "user", "assistant", "tool"]
    content: str | None = None
    tool_calls: list[OllamaToolCall] | None = None
    tool_name: str | None = None
    tool_call_id: str | None = None
    images: _Refused = None
    thinking: _Ignored = None


class OllamaRequest(TaskRequest, frozen=True, kw_only=True):
    """What requests for text have in common. `keep_alive` is the service's own, whatever a request names."""

    model: str
    format: Literal["", "json"] | dict[str, Any] | None = None
    options: Options | None = None
    think: bool | Literal["low", "medium", "high"] | None = None
    keep_alive: str | float | None = None
    truncate: _Ignored = None
    shift: _Ignored = None
    logprobs: _Refused = None
    top_logprobs: _Refused = None

    drops_unsupported: ClassVar[bool] = False

    @property
    def unloads(self) -> bool:
        """Whether the request is one to unload the model."""
        return str(self.keep_alive) in {"0", "0.0", "0s", "0m", "0h"}

    def missing(self) -> Iterator[Problem]:
        """See TaskRequest."""
        yield from option_problems(self.options or {}, drops_unsupported=self.drops_unsupported)
        fault = find_fault(self.format) if isinstance(self.format, dict) and self.format else None
        if fault is not None:
            yield f"$.format{fault[0]}", f"no JSON schema: {fault[1]}"
        if self.logprobs or self.top_logprobs:
            yield "$.logprobs", "log probabilities are not supported here"

    def impossible(self) -> Iterator[Problem]:
        """See TaskRequest."""
        return iter(())

    def chat_request(self, messages: list[ChatMessage], **fields: Any) -> ChatRequest:
        """Return the chat request that this one stands for.

        Args:
            messages: In OpenAI's wire format.
            **fields: Further fields.
        """
        return ChatRequest(
            model=self.model,
            messages=messages,
            response_format=self._response_format(),
            think=self.think,
            **request_options(self.options or {}),
            **fields,
        )

    def _response_format(self) -> ResponseFormat | None:
        if isinstance(self.format, dict):
            return JSONSchemaFormat(NamedSchema("", self.format)) if self.format else JSONObjectFormat()
        return JSONObjectFormat() if self.format == "json" else None


class OllamaChatRequest(OllamaRequest, frozen=True, kw_only=True):
    """Body of `POST /api/chat`."""

    messages: Annotated[list[OllamaMessage], documented(minItems=1)]
    tools: list[Tool] | None = None

    def missing(self) -> Iterator[Problem]:
        """See TaskRequest."""
        yield from super().missing()
        if not self.messages:
            yield "$.messages", "expected at least one message: models are loaded by the operator"
        for index, message in enumerate(self.messages):
            if message.images:
                yield f"$.messages[{index}].images", "images are not supported here"
        yield from tool_problems(self.tools or (), None)

    def canonical(self) -> ChatRequest:
        """See TaskRequest."""
        return self.chat_request(list(_messages(self.messages)), tools=self.tools).canonical()


class OllamaGenerateRequest(OllamaRequest, frozen=True, kw_only=True):
    """Body of `POST /api/generate`."""

    prompt: Annotated[str, documented(minLength=1)]
    system: str | None = None
    images: _Refused = None
    suffix: _Refused = None
    template: _Refused = None
    context: _Refused = None
    raw: _Refused = None

    def missing(self) -> Iterator[Problem]:
        """See TaskRequest."""
        yield from super().missing()
        if not self.prompt:
            yield "$.prompt", "expected text: models are loaded by the operator"
        for name in ("images", "suffix", "template", "context", "raw"):
            if getattr(self, name):
                yield f"$.{name}", "not supported here; leave it out"

    def canonical(self) -> ChatRequest:
        """See TaskRequest."""
        system = [ChatMessage("system", self.system)] if self.system else []
        return self.chat_request([*system, ChatMessage("user", self.prompt)]).canonical()


class LenientOllamaMessage(OllamaMessage, frozen=True, forbid_unknown_fields=False):
    """A message whose unknown fields are dropped."""


class LenientOllamaChatRequest(OllamaChatRequest, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """A request whose unknown parameters are dropped."""

    messages: Annotated[list[LenientOllamaMessage], documented(minItems=1)]  # type: ignore[assignment]

    drops_unsupported: ClassVar[bool] = True


class LenientOllamaGenerateRequest(OllamaGenerateRequest, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """A request whose unknown parameters are dropped."""

    drops_unsupported: ClassVar[bool] = True


def _messages(messages: Iterable[OllamaMessage]) -> Iterator[ChatMessage]:
    """Yield messages in OpenAI's wire format: a result names its call there, which is the oldest without one."""
    pending: list[tuple[str, str]] = []
    made = 0
    for message in messages:
        calls = []
        for call in message.tool_calls or ():
            named = call.id or f"made_{made}"
            made += 1
            pending.append((named, call.function.name))
            arguments = _encode(call.function.arguments).decode()
            calls.append(MessageToolCall(CalledFunction(call.function.name, arguments), named))
        answered = None
        if message.role == "tool":
            answered = message.tool_call_id or _oldest(pending, message.tool_name)
            pending = [each for each in pending if each[0] != answered]
        yield ChatMessage(message.role, message.content or "", calls or None, answered or None)


def _oldest(pending: list[tuple[str, str]], name: str | None) -> str:
    """Return the ID of the oldest call of a function that has no result; "" where there is none."""
    return next((each for each, function in pending if name in {None, "", function}), "")
