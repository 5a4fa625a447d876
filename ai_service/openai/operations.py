"""The routes of OpenAI's wire format, for the table of all routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ai_service.errors import ModelNotFound, NotCached
from ai_service.http.openai_error import OpenAIErrorBody
from ai_service.openai.chat import ChatCompletion
from ai_service.openai.requests import ChatRequest
from ai_service.openapi.document import ANSWER_ERRORS, ANSWER_HEADERS, READ_ERRORS, REQUEST_ERRORS, Answer, Operation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ai_service.openai.chat import ChatTask
    from ai_service.openapi.document import Document

_TAG = "OpenAI's wire format"
_NAME: Document = {
    "name": "name",
    "in": "path",
    "required": True,
    "description": "ID of the model, as listed by `GET /v1/models`.",
    "schema": {"type": "string", "minLength": 1},
}
_STREAM = "Chunks in OpenAI's wire format, then `[DONE]`. An answer that fails midway ends with an error's body."


class Model(msgspec.Struct, frozen=True):
    """A model.

    Attributes:
        created: Always 0, since Ollama does not report it.
    """

    id: str
    created: int
    owned_by: str
    object: str = "model"


class Models(msgspec.Struct, frozen=True):
    """List of the models; it has one entry."""

    data: list[Model]
    object: str = "list"


def describe_limits(document: Document, task: ChatTask) -> None:
    """Add the limits from the settings to the document: the model's name and the largest token budget."""
    fields = document["components"]["schemas"]["ChatRequest"]["properties"]
    fields["model"] = {"enum": [task.model]}
    for name in ("max_tokens", "max_completion_tokens"):
        fields[name] = {"anyOf": [{"type": "integer", "minimum": 1, "maximum": task.max_tokens}, {"type": "null"}]}


def openai_operations(cache_control: Document, request_id: Document) -> Iterator[Operation]:
    """Yield the operations of the OpenAI-compatible API.

    Args:
        cache_control: The parameter that all answers from the cache have.
        request_id: The parameter that all routes have.
    """
    yield Operation(
        method="post",
        path="/v1/chat/completions",
        name="createChatCompletion",
        tag=_TAG,
        summary="Create a chat completion",
        description=(
            "Equal requests receive the same answer while it is fresh, whatever the temperature; `Cache-Control:"
            " no-store` returns a new sample. An answer that the service's own token budget truncates is not cached;"
            " one that the request's `max_tokens` truncates is. An answer that does not fit the requested JSON schema"
            " is an error. Schemas have local references only, at most 32 KiB, and patterns in RE2 syntax. `think` or"
            " `reasoning_effort` is passed on to thinking models. Without an answer of a model the status is 503 or"
            " 504; sample answers are never given."
        ),
        parameters=(cache_control, request_id),
        request=ChatRequest,
        answers={
            200: Answer(
                "The answer.", ChatCompletion, more_headers=ANSWER_HEADERS, more={"text/event-stream": _STREAM}
            ),
        },
        errors=(*READ_ERRORS, *REQUEST_ERRORS, ModelNotFound, *ANSWER_ERRORS, NotCached),
        error_body=OpenAIErrorBody,
        access="key",
    )
    yield Operation(
        method="get",
        path="/v1/models",
        name="listModels",
        tag=_TAG,
        summary="List models",
        answers={200: Answer("The list of models.", Models, headers=())},
        error_body=OpenAIErrorBody,
        access="key",
    )
    yield Operation(
        method="get",
        path="/v1/models/{name}",
        name="retrieveModel",
        tag=_TAG,
        summary="Retrieve a model",
        parameters=(_NAME,),
        answers={200: Answer("The model.", Model, headers=())},
        errors=(ModelNotFound,),
        error_body=OpenAIErrorBody,
        access="key",
    )
