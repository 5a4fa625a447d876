"""The page's server: files, the status panel, what visitors ask, and the operator's page."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from ai_service.web.api_client import ASKED_PATHS, MODELS_PATH, ApiClient, ApiUnreachableError
from ai_service.web.api_links import LINKED_PATHS, ApiLinks
from ai_service.web.edge_report import EdgeReport
from ai_service.web.error_response import error_response
from ai_service.web.operator_access import OperatorAccess
from ai_service.web.operator_routes import OperatorRoutes
from ai_service.web.origin_check import OriginCheck
from ai_service.web.pages import SECURITY_HEADERS, Pages
from ai_service.web.prometheus import Prometheus
from ai_service.web.status_panel import StatusPanel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from ai_service.web.settings import WebSettings

MAX_BYTES = 64 * 1024
"""Of a request's body: the API's own limit."""


def create_app(settings: WebSettings) -> ASGIApp:
    """Build the ASGI application.

    Args:
        settings: What the operator decides.
    """
    api = ApiClient(settings.api_url, key=settings.api_key, authorities=settings.api_ca)
    pages, panel, links = Pages(), StatusPanel(api), ApiLinks(settings.api_url, settings.api_public_url)
    prometheus = Prometheus(settings.prometheus_url) if settings.prometheus_url else None
    edge = EdgeReport(prometheus, settings.edge_metrics_url)
    operator = OperatorRoutes(OperatorAccess(api), api, pages, panel, prometheus=prometheus, edge=edge)

    async def show(request: Request) -> Response:
        return pages.respond(request)

    async def show_status(_request: Request) -> Response:
        body = msgspec.json.encode(await panel.snapshot())
        return Response(body, media_type="application/json", headers={"cache-control": "no-store"})

    async def live(_request: Request) -> Response:
        return Response(b'{"status":"live"}', media_type="application/json")

    async def ask(request: Request) -> Response:
        return await _ask(request, api)

    async def models(_request: Request) -> Response:
        try:
            answer = await api.forward("GET", MODELS_PATH)
        except ApiUnreachableError as error:
            return error_response(502, "api_unreachable", str(error))
        return answer.response(answer.body())

    async def link(request: Request) -> Response:
        return links.respond(request)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await asyncio.gather(api.close(), edge.close(), *([prometheus.close()] if prometheus is not None else []))

    app = Starlette(
        routes=[
            Route("/", show),
            Route("/assets/{name}", show),
            Route("/status", show_status),
            Route("/board", show_status),  # Its former name, until 0.3.0.
            Route("/health/live", live),
            *(Route(path, link) for path in LINKED_PATHS),
            *(Route(path, ask, methods=["POST"]) for path in ASKED_PATHS),
            Route(MODELS_PATH, models),
            *operator.routes(),
        ],
        lifespan=lifespan,
    )
    return _Secured(OriginCheck(app, settings.hosts))


async def _ask(request: Request, api: ApiClient) -> Response:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            return error_response(413, "body_too_large", f"The request is longer than {MAX_BYTES} bytes.")
    try:
        answer = await api.ask(request.url.path, bytes(body), request.headers)
    except ApiUnreachableError as error:
        return error_response(502, "api_unreachable", str(error))
    return answer.response(answer.body())


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
