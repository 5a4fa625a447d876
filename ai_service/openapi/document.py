"""Makes the OpenAPI 3.1 document from a table of operations and the structs that travel over the wire."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from ai_service import __version__
from ai_service.errors import (
    AnswerInterrupted,
    ContextLengthExceeded,
    DeadlineExceeded,
    Forbidden,
    HTTPError,
    InvalidRequest,
    PayloadTooLarge,
    RequestTimeout,
    ServiceUnavailable,
    TokenBudgetExceeded,
    TooManyRequests,
    Unauthorized,
    UnprocessableRequest,
    UnsupportedMediaType,
    UnsupportedRequest,
)
from ai_service.schemas import ErrorEnvelope

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Document = dict[str, Any]

JSON = "application/json"
READ_ERRORS: tuple[type[HTTPError], ...] = (
    InvalidRequest,
    RequestTimeout,
    PayloadTooLarge,
    UnsupportedMediaType,
    UnprocessableRequest,
)
"""What reading a body may end with."""
REQUEST_ERRORS: tuple[type[HTTPError], ...] = (ContextLengthExceeded, UnsupportedRequest)
"""What a provider may find in a request that the caller has to change."""
ANSWER_ERRORS: tuple[type[HTTPError], ...] = (
    TokenBudgetExceeded,
    AnswerInterrupted,
    ServiceUnavailable,
    DeadlineExceeded,
)
"""What asking the providers may end with."""
KEY_ERRORS: tuple[type[HTTPError], ...] = (Unauthorized, TooManyRequests)
_REF = "#/components/schemas/{name}"
_FIELD = re.compile(r"^    (\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)
"""One of the fields that a docstring lists."""

_EVENT: Document = {"type": "object", "properties": {"event": {"type": "string"}, "data": {"type": "string"}}}
"""One server-sent event, as a parser of streams gives it."""

HEADERS: dict[str, tuple[str, Document]] = {
    "X-Request-Id": ("ID of the request in logs: the caller's own if valid, otherwise a new one.", {"type": "string"}),
    "Cache-Status": (
        "RFC 9211: `alchemorsel; hit; ttl=..; detail=memory|redis|stale`, or `alchemorsel; fwd=miss|bypass|stale`.",
        {"type": "string"},
    ),
    "Age": ("Seconds since the answer was computed.", {"type": "string", "pattern": "^[0-9]+$"}),
    "Server-Timing": (
        "Milliseconds for cache, queue, load, provider, total, and each provider that gave no answer, with the reason.",
        {"type": "string"},
    ),
    "X-AI-Provider": ("Name of the provider that wrote the answer.", {"type": "string"}),
    "X-AI-Model": ("Name of the model that wrote the answer.", {"type": "string"}),
    "X-AI-Degraded": (
        "Why the answer is not the primary provider's current one: `fallback`, `sample` or `stale`, with the reason.",
        {"type": "string"},
    ),
    "Content-Encoding": (
        "`zstd`, where the answer is stored compressed and the caller accepts it.",
        {"type": "string"},
    ),
    "Vary": (
        "`Accept-Encoding`, where the content coding depends on it; `Accept`, where browsers get a page.",
        {"type": "string"},
    ),
    "Retry-After": ("Seconds to wait before the next request.", {"type": "string", "pattern": "^[1-9][0-9]*$"}),
    "X-AI-Clamped": (
        "What the service clamped to its own limits, such as `max_tokens=1024`; absent where nothing was.",
        {"type": "string"},
    ),
    "WWW-Authenticate": ("How to send a key (RFC 6750).", {"type": "string"}),
}
ANSWER_HEADERS = (
    "Cache-Status",
    "Age",
    "Server-Timing",
    "X-AI-Provider",
    "X-AI-Model",
    "X-AI-Degraded",
    "Content-Encoding",
    "Vary",
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a status stands for.

    Attributes:
        meaning: In a sentence.
        body: Type of the body; None where it is text.
        media_type: Of the body.
        headers: Names from `HEADERS` of those that are always there.
        more_headers: Names of those that may be.
        more: Media types of streams, such as `text/event-stream`, and what their events mean.
    """

    meaning: str
    body: Any = None
    media_type: str = JSON
    headers: Sequence[str] = ("X-Request-Id",)
    more_headers: Sequence[str] = ()
    more: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one route: a row of the table that the document is made from.

    Attributes:
        method: In lower case.
        path: The route.
        name: Its `operationId`.
        tag: The group it is shown in.
        summary: In a few words.
        answers: By status, without errors in the common envelope.
        errors: What else it may answer, each with its own status, in the common envelope.
        error_body: Type of the errors' body.
        request: Type of the body; None where there is none.
        description: In some sentences.
        parameters: OpenAPI parameter objects.
        access: `open`, `key`, or `admin` for an administrator's key.
    """

    method: str
    path: str
    name: str
    tag: str
    summary: str
    answers: dict[int, Answer]
    errors: Sequence[type[HTTPError]] = ()
    error_body: Any = ErrorEnvelope
    request: Any = None
    description: str = ""
    parameters: Sequence[Document] = ()
    access: str = "open"

    def types(self) -> Iterable[Any]:
        """Every type that it sends or takes."""
        yield from (answer.body for answer in self.answers.values() if answer.body is not None)
        if self.request is not None:
            yield self.request
        if self.errors or self.access != "open":
            yield self.error_body


def build_document(operations: Sequence[Operation], *, keys: bool) -> Document:
    """Build the OpenAPI document.

    Args:
        operations: The table.
        keys: Whether API keys are configured; where not, nothing is said of them.
    """
    types = list(dict.fromkeys(each for operation in operations for each in operation.types()))
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    schema_of = dict(zip(types, schemas, strict=True))
    paths: dict[str, Document] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation, schema_of, keys=keys)
    for component in components.values():
        _describe_fields(component)
    document: Document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Alchemorsel AI service",
            "version": __version__,
            "description": "Recipes, ingredient suggestions and nutrition analyses by a language model, with a cache.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": components},
    }
    if keys:
        document["components"]["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        }
    return document


def _describe_fields(component: Document) -> None:
    """Split the docstring of a struct into the descriptions of the type and of its fields."""
    # Python 3.13 dedents docstrings, earlier ones do not.
    text, _, fields = inspect.cleandoc(component["description"]).partition("\n\nAttributes:\n")
    component["description"] = text
    for name, meaning in _FIELD.findall(fields):
        component["properties"][name]["description"] = " ".join(meaning.split())


def _operation(operation: Operation, schema_of: dict[Any, Document], *, keys: bool) -> Document:
    guarded = keys and operation.access != "open"
    described: Document = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "responses": {str(status): _answer(answer, schema_of) for status, answer in sorted(operation.answers.items())},
    }
    if operation.description:
        described["description"] = operation.description
    if operation.parameters:
        described["parameters"] = list(operation.parameters)
    if operation.request is not None:
        described["requestBody"] = {"required": True, "content": {JSON: {"schema": schema_of[operation.request]}}}
    if guarded:
        described["security"] = [{"bearer": []}, {"header": []}]
    if operation.access == "admin":
        described["x-access"] = "admin"
    errors = [error for error in operation.errors if guarded or not issubclass(error, TooManyRequests)]
    errors += KEY_ERRORS if guarded else ()
    if operation.access == "admin":
        errors += [Unauthorized, Forbidden]
    for status, meanings in _meanings(dict.fromkeys(errors)).items():
        described["responses"][str(status)] = _answer(
            Answer(" Or: ".join(meanings), operation.error_body, headers=_error_headers(status)), schema_of
        )
    return described


def _answer(answer: Answer, schema_of: dict[Any, Document]) -> Document:
    schema = {"type": "string"} if answer.body is None else schema_of[answer.body]
    content: Document = {answer.media_type: {"schema": schema}}
    for media_type, meaning in answer.more.items():
        content[media_type] = {"schema": {**_EVENT, "description": meaning}}
    described: Document = {"description": answer.meaning, "content": content}
    for name in (*answer.headers, *answer.more_headers):
        meaning, schema = HEADERS[name]
        header = {"description": meaning, "schema": schema, "required": name in answer.headers}
        described.setdefault("headers", {})[name] = header
    return described


def _meanings(errors: Iterable[type[HTTPError]]) -> dict[int, list[str]]:
    """Return the meanings of each status, in the words of the exceptions behind it."""
    meanings: dict[int, list[str]] = {}
    for error in sorted(errors, key=lambda each: each.status):
        sentence = (error.__doc__ or HTTPStatus(error.status).phrase).partition("\n")[0]
        meanings.setdefault(error.status, []).append(f"`{error.code}`: {sentence}")
    return meanings


def _error_headers(status: int) -> list[str]:
    headers = ["X-Request-Id"]
    if status in {429, 503}:
        headers.append("Retry-After")
    if status == 401:
        headers.append("WWW-Authenticate")
    return headers
