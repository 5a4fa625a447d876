"""The task `chat`: a conversation goes on, in OpenAI's wire format."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ai_service.errors import ModelNotFound, UnprocessableRequest
from ai_service.openai_api.requests import ChatRequest, JSONObjectFormat
from ai_service.providers.base import Completion, Prompt
from ai_service.tasks.base import ChatAnswer, Data, Judged, Task

if TYPE_CHECKING:
    from ai_service.schemas import Meta, TaskRequest

CONFIDENCE = 0.5
"""Nothing can be said about free text; with a half it stays fresh for exactly the base time."""
_OPTIONS = ("temperature", "top_p", "frequency_penalty", "presence_penalty", "seed")

_encode = msgspec.json.Encoder().encode


class Message(msgspec.Struct, frozen=True):
    """An answer's message."""

    content: str
    role: str = "assistant"
    refusal: None = None


class Choice(msgspec.Struct, frozen=True):
    """The only choice; `length` where the budget cut it short."""

    message: Message
    finish_reason: Literal["stop", "length"]
    index: int = 0
    logprobs: None = None


class Usage(msgspec.Struct, frozen=True):
    """Tokens as the provider counted them."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletion(msgspec.Struct, frozen=True):
    """Body of an answer. `provider` and `degraded` are ours: who wrote it, and whether in place of the primary.

    `usage` is null where the provider did not count, `system_fingerprint` always: nothing here is invented.
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
    """`chat`: whatever the conversation asks for, by the one model that is served here.

    Args:
        model: The model's name, which requests have to name too.
        ttl_s: Time in seconds that an answer stays fresh.
        max_tokens: Token budget where a request names none, and the most that one may name.
        num_ctx: Context length in tokens.
    """

    name = "chat"
    path = "/v1/chat/completions"
    request_type = ChatRequest

    def __init__(self, *, model: str, ttl_s: float, max_tokens: int, num_ctx: int) -> None:
        super().__init__(ttl_s=ttl_s, max_tokens=max_tokens, num_ctx=num_ctx)
        self.model = model

    def check(self, request: TaskRequest) -> None:
        """See Task."""
        assert isinstance(request, ChatRequest)
        if request.model.removesuffix(":latest") != self.model.removesuffix(":latest"):
            raise ModelNotFound(f"The model {request.model[:128]!r} is not served here; expected {self.model!r}.")
        problem = f"expected at most {self.max_tokens}"
        for name in ("max_tokens", "max_completion_tokens"):
            if (getattr(request, name) or 0) > self.max_tokens:
                details = [{"field": f"$.{name}", "problem": problem}]
                raise UnprocessableRequest(f"$.{name}: {problem}.", details=details)

    def ask(self, request: TaskRequest) -> Prompt:
        """See Task. A budget that the caller set may cut the answer; the service's own may too, as OpenAI's does."""
        assert isinstance(request, ChatRequest)
        options: dict[str, Any] = {name: value for name in _OPTIONS if (value := getattr(request, name)) is not None}
        if request.stops:
            options["stop"] = request.stops
        return Prompt(
            self.name,
            tuple({"role": message.role, "content": message.text} for message in request.messages),
            request.response_format.wanted if request.response_format is not None else None,
            request.budget or self.max_tokens,
            request,
            options,
            may_be_cut=True,
        )

    def body(self, data: Data, meta: Meta) -> bytes:
        """See Task."""
        assert isinstance(data, ChatAnswer)
        counted = data.prompt_tokens > 0 and data.completion_tokens > 0
        total = data.prompt_tokens + data.completion_tokens
        return _encode(
            ChatCompletion(
                id=new_id(),
                created=int(datetime.fromisoformat(meta.generated_at).timestamp()),
                model=meta.model,
                choices=[Choice(Message(data.text), "length" if data.cut else "stop")],
                usage=Usage(data.prompt_tokens, data.completion_tokens, total) if counted else None,
                provider=meta.provider,
                degraded=meta.degraded,
            )
        )

    def storable(self, data: Data) -> bool:
        """See Task."""
        assert isinstance(data, ChatAnswer)
        return data.storable

    def _judge(self, completion: Completion, request: TaskRequest) -> Judged:
        """An answer that the budget cut short is kept where it is what was asked for: text, in the caller's budget."""
        assert isinstance(request, ChatRequest)
        if request.response_format is not None and not completion.cut:
            kind = dict if isinstance(request.response_format, JSONObjectFormat) else Any
            msgspec.json.decode(completion.text, type=kind)
        answer = ChatAnswer(
            text=completion.text,
            cut=completion.cut,
            storable=not completion.cut or (request.budget is not None and request.response_format is None),
            prompt_tokens=completion.prompt_tokens,
            completion_tokens=completion.completion_tokens,
        )
        return answer, CONFIDENCE


def new_id() -> str:
    """An identifier as OpenAI's look; an answer from the cache keeps the one that it was computed under."""
    return f"chatcmpl-{secrets.token_hex(12)}"
