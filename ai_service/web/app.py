"""The page's server: files, the status panel, and the three tasks forwarded to the API."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec
from starlette.applications import Starlette
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from ai_service.web.api_client import TASK_PATHS, ApiUnreachableError
from ai_service.web.error_response import error_response
from ai_service.web.origin_check import OriginCheck
from ai_service.web.pages import SECURITY_HEADERS, Pages
from ai_service.web.status_panel import StatusPanel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from ai_service.web.api_client import ApiClient

MAX_BYTES = 64 * 1024
"""Of a request's body: the API's own limit."""


def create_app(api: ApiClient, hosts: Collection[str] = ()) -> ASGIApp:
    """Build the ASGI application.

    Args:
        api: The API that tasks are sent on to.
        hosts: Host names that the page is served under, beside addresses and localhost.
    """
    pages = Pages()
    panel = StatusPanel(api)

    async def show(request: Request) -> Response:
        return pages.respond(request)

    async def show_status(_request: Request) -> Response:
        body = msgspec.json.encode(await panel.snapshot())
        return Response(body, media_type="application/json", headers={"cache-control": "no-store"})

    async def live(_request: Request) -> Response:
        return Response(b'{"status":"live"}', media_type="application/json")

    async def ask(request: Request) -> Response:
        return await _send_on(request, api)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await api.close()

    app = Starlette(
        routes=[
            Route("/", show),
            Route("/assets/{name}", show),
            Route("/status", show_status),
            Route("/board", show_status),  # Its former name, until 0.3.0.
            Route("/health/live", live),
            *(Route(path, ask, methods=["POST"]) for path in TASK_PATHS),
        ],
        lifespan=lifespan,
    )
    return _Secured(OriginCheck(app, hosts))


async def _send_on(request: Request, api: ApiClient) -> Response:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            return error_response(413, "body_too_large", f"The request is longer than {MAX_BYTES} bytes.")
    try:
        answer = await api.ask(request.url.path, bytes(body), request.headers)
    except ApiUnreachableError as error:
        return error_response(502, "api_unreachable", str(error))
    return StreamingResponse(answer.body(), answer.status, {**answer.headers, "cache-control": "no-store"})


class _Secured:
    """Adds the security headers to every response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._headers = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *self._headers]}
            await send(message)

        await self._app(scope, receive, send_secured)
