"""Routes about models in Ollama's wire format: what is served is listed, what changes models is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from ai_service.errors import Forbidden, InvalidRequest
from ai_service.http.request_parts import read_json_body

if TYPE_CHECKING:
    from starlette.requests import Request

    from ai_service.health.observer import Observer
    from ai_service.openai.chat import ChatTask

CHANGING = ("/api/pull", "/api/push", "/api/create", "/api/copy")
UNKNOWN_VERSION = "0.0.0"
_encode = msgspec.json.Encoder().encode


class _ShowRequest(msgspec.Struct):
    model: str = ""
    name: str = ""


_decode_show = msgspec.json.Decoder(_ShowRequest).decode


def ollama_routes(task: ChatTask, observer: Observer) -> list[Route]:
    """Build the routes.

    Args:
        task: Knows names and aliases of models.
        observer: Knows what servers say of them.
    """

    async def version(_request: Request) -> Response:
        seen = observer.inspection_of("")
        return _json({"version": (seen.version if seen is not None else "") or UNKNOWN_VERSION})

    async def tags(_request: Request) -> Response:
        return _json({"models": _listed(task, observer, running=False)})

    async def running(_request: Request) -> Response:
        return _json({"models": _listed(task, observer, running=True)})

    async def show(request: Request) -> Response:
        body = await read_json_body(dict(request.scope["headers"]), request.receive, any_type=True)
        try:
            asked = _decode_show(body)
        except (msgspec.MsgspecError, RecursionError):
            raise InvalidRequest("Expected a JSON object with the field `model`.") from None
        return _json(_shown(task.resolve(asked.model or asked.name), observer))

    async def change(_request: Request) -> Response:
        raise Forbidden("Models are managed by the operator, with `alchemorsel pull` or Ansible.")

    return [
        Route("/api/version", version),
        Route("/api/tags", tags),
        Route("/api/ps", running),
        Route("/api/show", show, methods=["POST"]),
        *(Route(path, change, methods=["POST"]) for path in CHANGING),
        Route("/api/delete", change, methods=["DELETE"]),
    ]


def _listed(task: ChatTask, observer: Observer, *, running: bool) -> list[dict[str, Any]]:
    """Return what the servers list of the models that are served, and of their aliases."""
    found = []
    for name, model in task.names.items():
        seen = observer.inspection_of(model)
        entry = dict((seen.running if running else seen.listing) if seen is not None else {})
        if entry or not running:
            found.append({**entry, "name": name, "model": name})
    return found


def _shown(model: str, observer: Observer) -> dict[str, Any]:
    seen = observer.inspection_of(model)
    shown: dict[str, Any] = {"details": {}, "model_info": {}}
    if seen is not None:
        shown["details"] = seen.listing.get("details", {})
        family = str(shown["details"].get("family", "")) or "general"
        shown["model_info"] = {f"{family}.context_length": seen.context_length} if seen.context_length else {}
        if seen.capabilities is not None:
            shown["capabilities"] = list(seen.capabilities)
    return shown


def _json(value: object) -> Response:
    return Response(_encode(value), media_type="application/json")
