"""`GET /v1/models`: the models that are served here, and their aliases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

    from ai_service.health.observer import Observer
    from ai_service.openai.chat import ChatTask
    from ai_service.resilience.model_chains import ModelChains

_encode = msgspec.json.Encoder().encode


def model_routes(task: ChatTask, chains: ModelChains, observer: Observer) -> list[Route]:
    """Build the routes of the model list.

    Args:
        task: Knows names and aliases.
        chains: Know who runs each model; `owned_by` of OpenAI's wire format.
        observer: Knows context length and capabilities.
    """

    def describe(name: str, model: str) -> dict[str, Any]:
        seen = observer.inspection_of(model)
        # `created` has to be a number, and nobody says when the model was made: 0 is honest.
        described: dict[str, Any] = {
            "id": name,
            "object": "model",
            "created": 0,
            "owned_by": chains.of(model).primary.provider.name,
            "context_length": (seen.context_length if seen is not None else 0) or None,
            "capabilities": list(seen.capabilities) if seen is not None and seen.capabilities is not None else None,
        }
        return described if name == model else {**described, "root": model}

    async def listing(_request: Request) -> Response:
        return _json({"object": "list", "data": [describe(name, model) for name, model in task.names.items()]})

    async def one(request: Request) -> Response:
        name = request.path_params["name"]
        model = task.resolve(name)
        return _json(describe(name if name in task.aliases else model, model))

    return [Route("/v1/models", listing), Route("/v1/models/{name:path}", one)]


def _json(value: object) -> Response:
    return Response(_encode(value), media_type="application/json")
