"""`GET /v1/models`: the one model that is served here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from ai_service.errors import ModelNotFound
from ai_service.http.error_response import error_response
from ai_service.http.request_parts import request_id_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from ai_service.openai.chat import ChatTask

_encode = msgspec.json.Encoder().encode


def model_routes(task: ChatTask, provider: str) -> list[Route]:
    """Build the routes of the model list.

    Args:
        task: Knows the model's name.
        provider: Who runs it; `owned_by` of OpenAI's wire format.
    """
    # `created` has to be a number, and nobody says when the model was made: 0 is honest.
    model = {"id": task.model, "object": "model", "created": 0, "owned_by": provider}

    async def listing(_request: Request) -> Response:
        return _json({"object": "list", "data": [model]})

    async def one(request: Request) -> Response:
        name = request.path_params["name"]
        if name != task.model:
            error = ModelNotFound(f"The model {name[:128]!r} is not served here; expected {task.model!r}.")
            body, headers = error_response(error, request_id_of(dict(request.scope["headers"])), request.url.path)
            response = Response(body, error.status)
            response.raw_headers = headers
            return response
        return _json(model)

    return [Route("/v1/models", listing), Route("/v1/models/{name:path}", one)]


def _json(value: object) -> Response:
    return Response(_encode(value), media_type="application/json")
