"""The routes of Ollama's wire format, for the table of all routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ai_service.errors import Forbidden, InvalidRequest, ModelNotFound, NotCached
from ai_service.ollama_api.embeddings import EmbeddingsRequest, EmbedRequest
from ai_service.ollama_api.requests import OllamaChatRequest, OllamaGenerateRequest
from ai_service.openapi.document import ANSWER_ERRORS, ANSWER_HEADERS, READ_ERRORS, REQUEST_ERRORS, Answer, Operation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ai_service.openapi.document import Document

_TAG = "Ollama's wire format"
_STREAM = "Lines of JSON, the last one with `done`. An answer that fails midway ends with a line `error`."


class OllamaError(msgspec.Struct, frozen=True):
    """Body of every error under `/api/`."""

    error: str


class OllamaChatAnswer(msgspec.Struct, frozen=True):
    """Answer of `/api/chat`. Durations are in ns; `eval_duration` is the computation's, cached or not."""

    model: str
    created_at: str
    message: dict[str, Any]
    done: bool
    done_reason: str
    total_duration: int
    load_duration: int
    eval_duration: int
    prompt_eval_count: int | msgspec.UnsetType = msgspec.UNSET
    eval_count: int | msgspec.UnsetType = msgspec.UNSET


class OllamaGenerateAnswer(msgspec.Struct, frozen=True):
    """Answer of `/api/generate`; see `OllamaChatAnswer`."""

    model: str
    created_at: str
    response: str
    done: bool
    done_reason: str
    total_duration: int
    load_duration: int
    eval_duration: int
    prompt_eval_count: int | msgspec.UnsetType = msgspec.UNSET
    eval_count: int | msgspec.UnsetType = msgspec.UNSET


class OllamaEmbedAnswer(msgspec.Struct, frozen=True):
    """Answer of `/api/embed`."""

    model: str
    embeddings: list[list[float]]
    total_duration: int
    load_duration: int
    prompt_eval_count: int


class OllamaEmbeddingsAnswer(msgspec.Struct, frozen=True):
    """Answer of `/api/embeddings`."""

    embedding: list[float]


class OllamaVersion(msgspec.Struct, frozen=True):
    """Version of the Ollama server; `0.0.0` while it is unknown."""

    version: str


class OllamaModels(msgspec.Struct, frozen=True):
    """Models as Ollama lists them, and their aliases."""

    models: list[dict[str, Any]]


class OllamaShowRequest(msgspec.Struct, frozen=True):
    """Body of `POST /api/show`."""

    model: str


class OllamaModel(msgspec.Struct, frozen=True):
    """Details of a model."""

    details: dict[str, Any]
    model_info: dict[str, Any]
    capabilities: list[str] | msgspec.UnsetType = msgspec.UNSET


def ollama_operations(cache_control: Document, request_id: Document) -> Iterator[Operation]:
    """Yield the operations of the Ollama-compatible API.

    Args:
        cache_control: The parameter that all answers from the cache have.
        request_id: The parameter that all routes have.
    """
    yield from _texts(cache_control, request_id)
    yield from _embeddings(cache_control, request_id)
    for path, name, summary, body in (
        ("/api/tags", "ollamaListModels", "List the models that are served", OllamaModels),
        ("/api/ps", "ollamaListRunningModels", "List the models in memory", OllamaModels),
        ("/api/version", "ollamaVersion", "Show the version of the Ollama server", OllamaVersion),
    ):
        yield Operation(
            method="get",
            path=path,
            name=name,
            tag=_TAG,
            summary=summary,
            answers={200: Answer("As Ollama answers.", body, headers=())},
            error_body=OllamaError,
            access="open" if path == "/api/version" else "key",
        )
    yield Operation(
        method="post",
        path="/api/show",
        name="ollamaShowModel",
        tag=_TAG,
        summary="Show details of a model",
        request=OllamaShowRequest,
        answers={200: Answer("The details.", OllamaModel, headers=())},
        errors=(InvalidRequest, *READ_ERRORS[1:4], ModelNotFound),
        error_body=OllamaError,
        access="key",
    )
    for method, path, name in (
        ("post", "/api/pull", "ollamaPull"),
        ("post", "/api/push", "ollamaPush"),
        ("post", "/api/create", "ollamaCreate"),
        ("post", "/api/copy", "ollamaCopy"),
        ("delete", "/api/delete", "ollamaDelete"),
    ):
        yield Operation(
            method=method,
            path=path,
            name=name,
            tag=_TAG,
            summary="Refused: models are managed by the operator",
            answers={},
            errors=(Forbidden,),
            error_body=OllamaError,
            access="key",
        )


def _texts(cache_control: Document, request_id: Document) -> Iterator[Operation]:
    for path, name, summary, request, body in (
        ("/api/chat", "ollamaChat", "Continue a conversation", OllamaChatRequest, OllamaChatAnswer),
        ("/api/generate", "ollamaGenerate", "Complete a prompt", OllamaGenerateRequest, OllamaGenerateAnswer),
    ):
        yield Operation(
            method="post",
            path=path,
            name=name,
            tag=_TAG,
            summary=summary,
            description=(
                "Shares answers with `/v1/chat/completions`. Streams unless `stream` is false. Options of the runner,"
                " such as `num_ctx`, are 400; `keep_alive` is the service's own, and 0 is 403."
            ),
            parameters=(cache_control, request_id),
            request=request,
            answers={
                200: Answer(
                    "The answer.",
                    body,
                    more_headers=(*ANSWER_HEADERS, "X-AI-Clamped"),
                    more={"application/x-ndjson": _STREAM},
                ),
            },
            errors=(*READ_ERRORS, *REQUEST_ERRORS, ModelNotFound, Forbidden, *ANSWER_ERRORS, NotCached),
            error_body=OllamaError,
            access="key",
        )


def _embeddings(cache_control: Document, request_id: Document) -> Iterator[Operation]:
    for path, name, request, body in (
        ("/api/embed", "ollamaEmbed", EmbedRequest, OllamaEmbedAnswer),
        ("/api/embeddings", "ollamaEmbeddings", EmbeddingsRequest, OllamaEmbeddingsAnswer),
    ):
        yield Operation(
            method="post",
            path=path,
            name=name,
            tag=_TAG,
            summary="Create embeddings",
            description="Each text is cached by itself, also for `/v1/embeddings`.",
            parameters=(cache_control, request_id),
            request=request,
            answers={
                200: Answer("The vectors.", body, more_headers=("Cache-Status", "X-AI-Provider", "X-AI-Model")),
            },
            errors=(*READ_ERRORS, *REQUEST_ERRORS, ModelNotFound, *ANSWER_ERRORS, NotCached),
            error_body=OllamaError,
            access="key",
        )
