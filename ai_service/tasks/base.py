"""What a task is, and the pieces of its JSON schema.

Prompts end with an example and a place to go on writing: models of any size, chat-tuned or not, then answer in compact
JSON instead of spending their budget on white space. All of it goes into one user message, because templates of models
without a system role drop that role silently. Schemas bound every list and text, so that generation ends.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Union

import msgspec

from ai_service.providers.base import Prompt
from ai_service.providers.errors import InvalidAnswer
from ai_service.schemas import Envelope
from ai_service.tasks.preview import Preview

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ai_service.providers.base import Completion, FinishReason, ToolCall
    from ai_service.schemas import Finding, Meta, Nutrition, Recipe, Suggestions, TaskRequest
    from ai_service.tasks.preview import Field

Schema = dict[str, Any]


class ChatAnswer(msgspec.Struct, frozen=True):
    """What a conversation was answered; see Completion."""

    text: str
    reasoning: str
    refusal: str
    finish_reason: FinishReason
    prompt_tokens: int
    completion_tokens: int
    tool_calls: tuple[ToolCall, ...] = ()


Data = Union["Recipe", "Suggestions", "Nutrition", ChatAnswer]


class Scored(NamedTuple):
    """A checked answer.

    Attributes:
        data: The answer's data.
        confidence: From 0 to 1.
        findings: What its checks found.
        storable: Whether it may be kept.
    """

    data: Data
    confidence: float
    findings: Sequence[Finding] = ()
    storable: bool = True


TEMPERATURE = 0.3
"""Of the three tasks: low, since an answer that fits the schema matters more than a surprising one."""

_encode = msgspec.json.Encoder().encode


def text(least: int, most: int) -> Schema:
    """Return the schema of a text with a minimum and maximum number of characters."""
    return {"type": "string", "minLength": least, "maxLength": most}


def array(items: Schema, least: int, most: int) -> Schema:
    """Return the schema of a list with a minimum and maximum number of items."""
    return {"type": "array", "minItems": least, "maxItems": most, "items": items}


def obj(**properties: Schema) -> Schema:
    """Return the schema of an object with these fields, all required, in this order."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


class Task(ABC):
    """One kind of request.

    Attributes:
        name: The name in keys, metrics and settings.
        path: Route that answers it.
        request_type: Struct of its requests.
        prompt_version: Raised whenever prompt, schema or rule change, so that older answers are not found any more.
        has_samples: Whether a provider may make an answer up.
        shows_reasoning: Whether callers get what a thinking model writes before its answer.
        max_body_bytes: Largest body of a request.
        model: Name of the model that answers; "" for the default one.
        num_ctx: Context length in tokens.
        ttl_s: Base time in seconds that an answer stays fresh.
        max_tokens: Token budget of an answer.
    """

    name: ClassVar[str]
    path: ClassVar[str]
    request_type: type[TaskRequest]
    prompt_version: ClassVar[int] = 1
    has_samples: ClassVar[bool] = False
    shows_reasoning: ClassVar[bool] = False
    max_body_bytes: int = 64 * 1024

    def __init__(self, *, ttl_s: float, max_tokens: int, num_ctx: int, model: str = "") -> None:
        self.model = model
        self.num_ctx = num_ctx
        self.ttl_s = ttl_s
        self.max_tokens = max_tokens
        self._fingerprint = blake2b(f"{self.prompt_version}:{max_tokens}:{num_ctx}:".encode(), digest_size=16)

    def digest(self, canonical: TaskRequest) -> str:
        """BLAKE2b-128 of a canonical request and of all that shapes its answer, in hexadecimal."""
        state = self._fingerprint.copy()
        state.update(_encode(canonical))
        return state.hexdigest()

    def judge(self, completion: Completion, request: TaskRequest) -> Scored:
        """Parse a model's completion into data and its confidence.

        Raises:
            InvalidAnswer: The text does not fit the schema, or says nothing.
        """
        try:
            scored = self._judge(completion, request)
        except (ValueError, RecursionError) as error:
            raise InvalidAnswer(f"{self.name}: {error}") from error
        return scored if completion.storable else scored._replace(storable=False)

    def check(self, request: TaskRequest) -> None:
        """Check a well-formed request.

        Raises:
            RequestError: This task cannot answer it.
        """
        del request

    def admit(self, canonical: TaskRequest) -> tuple[TaskRequest, str]:
        """Return a canonical request within the service's own limits, and what was clamped, as a header says it."""
        return canonical, ""

    def model_of(self, canonical: TaskRequest) -> str:
        """Return the name of the model that answers a canonical request; "" for the default one."""
        del canonical
        return self.model

    @abstractmethod
    def ask(self, request: TaskRequest) -> Prompt:
        """Return the prompt for a canonical request."""

    def preview(self) -> Preview | None:
        """Return what makes an answer readable while it is being written; None where its text is that already."""
        return None

    @abstractmethod
    def body(self, data: Data, meta: Meta) -> bytes:
        """Encode the answer as sent and stored."""

    @abstractmethod
    def _judge(self, completion: Completion, request: TaskRequest) -> Scored: ...


class SchemaTask(Task):
    """A task whose answer has the shape of a JSON schema, and travels in the envelope.

    Attributes:
        message: The envelope's message.
        fields: Of the answer, as callers get them while it is being written.
        schema: JSON schema of what the model writes.
    """

    has_samples = True
    message: ClassVar[str]
    fields: ClassVar[Mapping[str, Field]]

    def __init__(self, *, ttl_s: float, max_tokens: int, num_ctx: int, model: str = "") -> None:
        super().__init__(ttl_s=ttl_s, max_tokens=max_tokens, num_ctx=num_ctx, model=model)
        self.schema = self._schema()

    def ask(self, request: TaskRequest) -> Prompt:
        """See Task."""
        message = {"role": "user", "content": self.prompt(request)}
        options = {"temperature": TEMPERATURE}
        return Prompt(self.name, (message,), self.schema, self.max_tokens, request, options, think=False)

    def preview(self) -> Preview:
        """See Task."""
        return Preview(self.fields)

    def body(self, data: Data, meta: Meta) -> bytes:
        """See Task."""
        return _encode(Envelope(success=True, data=data, message=self.message, meta=meta))

    @abstractmethod
    def prompt(self, request: TaskRequest) -> str:
        """Return the whole text of the prompt for a canonical request."""

    @abstractmethod
    def _schema(self) -> Schema: ...
