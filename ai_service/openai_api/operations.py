"""The routes of OpenAI's wire format, for the table of all routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ai_service.errors import ModelNotFound, NotCached
from ai_service.openai_api.chat import ChatCompletion
from ai_service.openai_api.errors import OpenAIErrorBody
from ai_service.openai_api.requests import ChatRequest
from ai_service.openapi import ANSWER_ERRORS, ANSWER_HEADERS, READ_ERRORS, REQUEST_ERRORS, Answer, Operation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ai_service.openai_api.chat import ChatTask
    from ai_service.openapi import Document

_TAG = "OpenAI's wire format"
_NAME: Document = {
    "name": "name",
    "in": "path",
    "required": True,
    "description": "As in the list of models.",
    "schema": {"type": "string", "minLength": 1},
}
_STREAM = "Chunks of OpenAI's wire format, then `[DONE]`; an error's body in place of what is missing."


class Model(msgspec.Struct, frozen=True):
    """A model. `created` is 0: nobody says when it was made."""

    id: str
    created: int
    owned_by: str
    object: str = "model"


class Models(msgspec.Struct, frozen=True):
    """All models, which is one."""

    data: list[Model]
    object: str = "list"


def describe_limits(document: Document, task: ChatTask) -> None:
    """Adds what depends on the settings: the model's name and the largest token budget."""
    fields = document["components"]["schemas"]["ChatRequest"]["properties"]
    fields["model"] = {"enum": [task.model]}
    for name in ("max_tokens", "max_completion_tokens"):
        fields[name] = {"anyOf": [{"type": "integer", "minimum": 1, "maximum": task.max_tokens}, {"type": "null"}]}


def openai_operations(cache_control: Document, request_id: Document) -> Iterator[Operation]:
    """The rows.

    Args:
        cache_control: The parameter that all answers from the cache have.
        request_id: The parameter that all routes have.
    """
    yield Operation(
        method="post",
        path="/v1/chat/completions",
        name="createChatCompletion",
        tag=_TAG,
        summary="Continue a conversation",
        description=(
            "Equal requests get the same answer while it is fresh, sampled ones too: the service is a cache."
            " `Cache-Control: no-store` gets another sample. An answer that the service's own budget cut short is not"
            " stored; text that the request's `max_tokens` cut is, since it is what was asked for. An answer fits the"
            " JSON schema that is asked for, or is an error; schemas are local, of at most 32 KiB, with patterns that"
            " RE2 knows. `think`, or `reasoning_effort`, is passed on to thinking models. Nothing is made up: where no"
            " model answers it is 503 or 504."
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
        summary="The model that is served",
        answers={200: Answer("One model.", Models, headers=())},
        error_body=OpenAIErrorBody,
        access="key",
    )
    yield Operation(
        method="get",
        path="/v1/models/{name}",
        name="retrieveModel",
        tag=_TAG,
        summary="The model that is served, by its name",
        parameters=(_NAME,),
        answers={200: Answer("It.", Model, headers=())},
        errors=(ModelNotFound,),
        error_body=OpenAIErrorBody,
        access="key",
    )
