"""The task `chat`: a conversation goes on, in OpenAI's wire format."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ai_service.errors import ModelNotFound, UnsupportedRequest
from ai_service.json_schema.rules import check_schema
from ai_service.openai.messages import prompt_messages
from ai_service.openai.requests import ChatRequest, JSONSchemaFormat, LenientChatRequest, ResponseFormat, TextFormat
from ai_service.openai.tool_calls import checked_calls
from ai_service.openai.tools import prompt_tools
from ai_service.providers.base import (
    Completion,
    FinishReason,
    Prompt,
)
from ai_service.tasks.base import ChatAnswer, Data, Scored, Task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ai_service.schemas import Meta, TaskRequest

CONFIDENCE = 0.5
"""Nothing can be said about free text; with a half it stays fresh for exactly the base time."""
_OPTIONS = ("temperature", "top_p", "top_k", "min_p", "frequency_penalty", "presence_penalty", "seed")

_encode = msgspec.json.Encoder().encode


class Function(msgspec.Struct, frozen=True):
    """A called function; the arguments are the text of a JSON object."""

    name: str
    arguments: str


class AnswerToolCall(msgspec.Struct, frozen=True):
    """A tool call of an answer, which the caller runs."""

    id: str
    function: Function
    type: Literal["function"] = "function"


class Message(msgspec.Struct, frozen=True):
    """Message of an answer.

    Attributes:
        content: The text; null where the model refuses to answer, or calls tools and writes nothing.
        refusal: Why the model refuses; otherwise null.
        reasoning_content: What a thinking model wrote before its answer; absent where it wrote nothing.
        tool_calls: Absent where the model calls no tools.
    """

    content: str | None
    role: str = "assistant"
    refusal: str | None = None
    reasoning_content: str | msgspec.UnsetType = msgspec.UNSET
    tool_calls: list[AnswerToolCall] | msgspec.UnsetType = msgspec.UNSET


class Choice(msgspec.Struct, frozen=True):
    """The only choice of an answer.

    Attributes:
        finish_reason: `length` where the token budget truncated the answer, `content_filter` where the provider did,
            `tool_calls` where the model calls tools.
    """

    message: Message
    finish_reason: FinishReason
    index: int = 0
    logprobs: None = None


class Usage(msgspec.Struct, frozen=True):
    """Number of tokens, as counted by the provider."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletion(msgspec.Struct, frozen=True):
    """Body of a chat completion. `provider` and `degraded` are extensions of OpenAI's wire format.

    Attributes:
        provider: Name of the provider that wrote the answer.
        degraded: Whether a fallback wrote the answer, or it is a sample.
        usage: Null where the provider does not count tokens.
        system_fingerprint: Always null.
    """

    id: str
    created: int
    model: str
    choices: list[Choice]
    usage: Usage | None
    provider: str
    degraded: bool
    object: str = "chat.completion"
    system_fingerprint: None = None


class ChatTask(Task):
    """`chat`: whatever the conversation asks for, by one of the models that are served.

    Args:
        models: Their names, the default one first.
        aliases: Other names of models, which requests may use.
        ttl_s: Time in seconds that an answer stays fresh.
        max_tokens: Token budget where a request names none; a larger one is clamped to it.
        num_ctx: Context length in tokens.
        max_body_bytes: Largest body of a request.
        drops_unsupported: Whether unknown and unsupported parameters are dropped, instead of refused by name.
    """

    name = "chat"
    path = "/v1/chat/completions"
    prompt_version = 2
    shows_reasoning = True

    def __init__(
        self,
        *,
        models: Sequence[str],
        aliases: Mapping[str, str] | None = None,
        ttl_s: float,
        max_tokens: int,
        num_ctx: int,
        max_body_bytes: int = 1024 * 1024,
        drops_unsupported: bool = False,
    ) -> None:
        super().__init__(ttl_s=ttl_s, max_tokens=max_tokens, num_ctx=num_ctx, model=models[0])
        self.models = tuple(models)
        self.aliases = dict(aliases or {})
        self.names = {**{name: name for name in self.models}, **self.aliases}
        self._untagged = {name.removesuffix(":latest"): name for name in self.models}
        self.max_body_bytes = max_body_bytes
        self.drops_unsupported = drops_unsupported
        self.request_type = LenientChatRequest if drops_unsupported else ChatRequest

    def check(self, request: TaskRequest) -> None:
        """See Task."""
        assert isinstance(request, ChatRequest)
        self.resolve(request.model)

    def resolve(self, name: str) -> str:
        """Return the name of the model that a name or an alias stands for.

        Raises:
            ModelNotFound: None does.
        """
        model = self._untagged.get(self.aliases.get(name, name).removesuffix(":latest"))
        if model is None:
            served = ", ".join(self.names)
            raise ModelNotFound(f"The model {name[:128]!r} is not served here; expected one of: {served}.")
        return model

    def model_of(self, canonical: TaskRequest) -> str:
        """See Task."""
        assert isinstance(canonical, ChatRequest)
        return canonical.model

    def admit(self, canonical: TaskRequest) -> tuple[TaskRequest, str]:
        """See Task. A budget above the service's is the service's, as if none were named; an alias is its model."""
        assert isinstance(canonical, ChatRequest)
        canonical = msgspec.structs.replace(canonical, model=self.resolve(canonical.model))
        if canonical.max_tokens is None or canonical.max_tokens <= self.max_tokens:
            return canonical, ""
        return msgspec.structs.replace(canonical, max_tokens=None), f"max_tokens={self.max_tokens}"

    def ask(self, request: TaskRequest) -> Prompt:
        """See Task. A budget that the caller set may cut the answer; the service's own may too, as OpenAI's does."""
        assert isinstance(request, ChatRequest)
        options: dict[str, Any] = {name: value for name in _OPTIONS if (value := getattr(request, name)) is not None}
        if request.stops:
            options["stop"] = request.stops
        return Prompt(
            self.name,
            tuple(prompt_messages(request.messages)),
            request.response_format.hint if request.response_format is not None else None,
            request.budget or self.max_tokens,
            request,
            options,
            callers_own=True,
            think=request.think,
            tools=prompt_tools(request.tools or ()),
            must_call=request.tool_choice == "required",
            calls_once=request.parallel_tool_calls is False,
        )

    def body(self, data: Data, meta: Meta) -> bytes:
        """See Task."""
        assert isinstance(data, ChatAnswer)
        counted = data.prompt_tokens > 0 and data.completion_tokens > 0
        total = data.prompt_tokens + data.completion_tokens
        calls = [
            AnswerToolCall(f"call_{secrets.token_hex(12)}", Function(call.name, call.arguments))
            for call in data.tool_calls
        ]
        message = Message(
            content=None if (data.refusal or calls) and not data.text else data.text,
            refusal=data.refusal or None,
            reasoning_content=data.reasoning or msgspec.UNSET,
            tool_calls=calls or msgspec.UNSET,
        )
        return _encode(
            ChatCompletion(
                id=new_id(),
                created=int(datetime.fromisoformat(meta.generated_at).timestamp()),
                model=meta.model,
                choices=[Choice(message, data.finish_reason)],
                usage=Usage(data.prompt_tokens, data.completion_tokens, total) if counted else None,
                provider=meta.provider,
                degraded=meta.degraded,
            )
        )

    def _judge(self, completion: Completion, request: TaskRequest) -> Scored:
        assert isinstance(request, ChatRequest)
        whole = completion.finish_reason in {"stop", "tool_calls"} and not completion.refusal
        calls = checked_calls(completion, request) if whole else ()
        if request.response_format is not None and whole and not calls:
            _check_format(completion.text, request.response_format)
        answer = ChatAnswer(
            text=completion.text,
            reasoning=completion.reasoning,
            refusal=completion.refusal,
            finish_reason="tool_calls" if calls else completion.finish_reason,
            prompt_tokens=completion.prompt_tokens,
            completion_tokens=completion.completion_tokens,
            tool_calls=calls,
        )
        good = whole or (completion.finish_reason == "length" and _is_callers_cut(completion, request))
        return Scored(answer, CONFIDENCE, storable=good and bool(completion.text.strip() or calls))


def _check_format(text: str, form: ResponseFormat) -> None:
    """Check that an answer has the format that was asked for.

    Raises:
        ValueError: It has not. Says nothing of the answer: what is said is in no log.
        UnsupportedRequest: Nobody can tell in time.
    """
    if isinstance(form, TextFormat):
        return
    try:
        value = msgspec.json.decode(text, type=Any if isinstance(form, JSONSchemaFormat) else dict)
    except (ValueError, RecursionError):
        raise ValueError("not JSON of the requested type") from None
    if not isinstance(form, JSONSchemaFormat):
        return
    from ai_service.json_schema import checker  # noqa: PLC0415 - slow to import, of use only to callers with schemas

    try:
        violated = checker.find_violation(check_schema(form.json_schema.schema).schema, value)
    except checker.SchemaTooCostlyError:
        raise UnsupportedRequest("Checking an answer against the JSON schema takes too long.") from None
    if violated is not None:
        raise ValueError(f"does not fit the schema: {violated[:32]}")


def _is_callers_cut(completion: Completion, request: ChatRequest) -> bool:
    """Return whether an answer that was cut short is what was asked for: text, up to the caller's own budget."""
    if request.budget is None or request.response_format is not None:
        return False
    return not 0 < completion.completion_tokens < request.budget


def new_id() -> str:
    """Generate an identifier in OpenAI's format; an answer from the cache keeps its original one."""
    return f"chatcmpl-{secrets.token_hex(12)}"
