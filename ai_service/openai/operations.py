"""The routes of OpenAI's wire format, for the table of all routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ai_service.errors import ModelNotFound, NotCached
from ai_service.http.openai_error import OpenAIErrorBody
from ai_service.openai.chat import ChatCompletion
from ai_service.openai.embeddings import EmbeddingList, OpenAIEmbeddingRequest
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
        context_length: Context length in tokens; null where it is unknown.
        capabilities: In Ollama's words: `completion`, `tools`, `thinking`, `embedding`; null where they are unknown.
        root: Of an alias: the model that it stands for.
    """

    id: str
    created: int
    owned_by: str
    context_length: int | None
    capabilities: list[str] | None
    root: str | msgspec.UnsetType = msgspec.UNSET
    object: str = "model"


class Models(msgspec.Struct, frozen=True):
    """List of the models and their aliases."""

    data: list[Model]
    object: str = "list"


def describe_limits(document: Document, task: ChatTask) -> None:
    """Add the limits from the settings to the document: the models' names."""
    document["components"]["schemas"]["ChatRequest"]["properties"]["model"] = {"enum": list(task.names)}


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
            " `reasoning_effort` is passed on to thinking models. Tools are functions that the caller runs; a model"
            " without support for tools is 400. A token budget above the service's is clamped, which the header"
            " `X-AI-Clamped` tells. Null and default values are accepted for every parameter of OpenAI's; other values"
            " of unsupported ones are 400 by name. Without an answer of a model the status is 503 or 504; samples"
            " are never given."
        ),
        parameters=(cache_control, request_id),
        request=ChatRequest,
        answers={
            200: Answer(
                "The answer.",
                ChatCompletion,
                more_headers=(*ANSWER_HEADERS, "X-AI-Clamped"),
                more={"text/event-stream": _STREAM},
            ),
        },
        errors=(*READ_ERRORS, *REQUEST_ERRORS, ModelNotFound, *ANSWER_ERRORS, NotCached),
        error_body=OpenAIErrorBody,
        access="key",
    )
    yield Operation(
        method="post",
        path="/v1/embeddings",
        name="createEmbedding",
        tag=_TAG,
        summary="Create embeddings",
        description=(
            "Each text is cached by itself: a batch computes only what is missing. The vectors are those of the named"
            " model; no other one stands in for it. A text longer than the context is 400."
        ),
        parameters=(cache_control, request_id),
        request=OpenAIEmbeddingRequest,
        answers={
            200: Answer("The vectors.", EmbeddingList, more_headers=("Cache-Status", "X-AI-Provider", "X-AI-Model")),
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
