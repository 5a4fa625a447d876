"""The routes for operators and newcomers: health, metrics, documents; on Starlette, errors in the common envelope."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Route

from ai_service import __version__
from ai_service.errors import HTTPError, MethodNotAllowed, NotFound
from ai_service.http.error_response import error_response, internal_error
from ai_service.http.operator_request_log import OperationsLog
from ai_service.http.path_hint import path_hint
from ai_service.http.request_parts import request_id_of
from ai_service.openapi import docs_page

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from starlette.requests import Request

    from ai_service.health.observer import Observer
    from ai_service.http.admin_routes import AdminRoutes
    from ai_service.observability.metrics import Metrics
    from ai_service.observability.structured_log import AccessLog
    from ai_service.openapi.document import Document

logger = logging.getLogger(__name__)

LINKS = {
    "documentation": "/docs",
    "openapi": "/openapi.json",
    "health": "/api/v1/ai/health",
    "metrics": "/metrics",
}
"""What a newcomer looks for, and where it is."""
_ROOT_HEADERS = {"cache-control": "no-store", "vary": "Accept"}
_encode = msgspec.json.Encoder().encode


def build_operations(
    observer: Observer,
    metrics: Metrics,
    administration: AdminRoutes,
    lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]],
    *,
    document: Document,
    access_log: AccessLog,
    further: Sequence[Route] = (),
) -> Starlette:
    """Build the Starlette application behind the task router.

    Args:
        observer: Knows how things stand.
        metrics: What `/metrics` shows.
        administration: The administrator's routes.
        lifespan: Starts and ends what runs in the background.
        document: What `/openapi.json` and `/docs` show.
        access_log: Where requests are logged.
        further: Routes of others that are not in a hurry either.
    """

    async def live(_request: Request) -> Response:
        return _json({"status": "alive"})

    async def ready(_request: Request) -> Response:
        return _json({"ready": observer.ready}, 200 if observer.ready else 503)

    async def health(_request: Request) -> Response:
        return _json(observer.report(), 503 if observer.status == "critical" else 200)

    async def show_metrics(_request: Request) -> Response:
        return Response(await metrics.render(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def openapi(_request: Request) -> Response:
        return Response(_encode(document), media_type="application/json")

    async def docs(_request: Request) -> Response:
        headers = {"content-security-policy": docs_page.CONTENT_SECURITY_POLICY}
        return Response(docs_page.render(document), headers=headers, media_type="text/html")

    async def root(request: Request) -> Response:
        if "text/html" in request.headers.get("accept", ""):  # A browser; no client of the API asks for it.
            headers = {**_ROOT_HEADERS, "content-security-policy": docs_page.CONTENT_SECURITY_POLICY}
            return Response(docs_page.render_root(document, LINKS), headers=headers, media_type="text/html")
        about = {
            "service": "alchemorsel-ai",
            "version": __version__,
            "links": LINKS,
            "paths": sorted(document["paths"]),
        }
        return Response(_encode(about), headers=_ROOT_HEADERS, media_type="application/json")

    def not_found(request: Request, _error: Exception) -> Response:
        hint = path_hint(request.url.path, document["paths"].keys())
        meant = f" Use {hint}." if hint else " The document at /openapi.json lists all paths."
        return _envelope(request, NotFound(f"Unknown path: {request.url.path[:200]}.{meant}"))

    return Starlette(
        routes=[
            Route("/", root),
            Route("/health", health),
            Route("/health/live", live),
            Route("/health/ready", ready),
            Route("/api/v1/ai/health", health),
            Route("/metrics", show_metrics),
            Route("/openapi.json", openapi),
            Route("/docs", docs),
            *administration.routes(),
            *further,
        ],
        exception_handlers={
            404: not_found,
            405: _method_not_allowed,
            HTTPError: _expected,
            500: _unexpected,
        },
        middleware=[Middleware(OperationsLog, access_log=access_log)],
        lifespan=lifespan,
    )


def _json(value: object, status: int = 200) -> Response:
    return Response(_encode(value), status, {"cache-control": "no-store"}, "application/json")


def _method_not_allowed(request: Request, error: Exception) -> Response:
    allow = (getattr(error, "headers", None) or {}).get("Allow", "GET")
    return _envelope(
        request, MethodNotAllowed(f"{request.url.path} does not support {request.method[:16]}.", allow=allow)
    )


def _expected(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPError)
    return _envelope(request, error)


def _unexpected(request: Request, error: Exception) -> Response:
    logger.error("%s failed unexpectedly", request.url.path, exc_info=error)
    request_id = request_id_of(dict(request.scope["headers"]))
    return _envelope(request, internal_error(request_id), request_id)


def _envelope(request: Request, error: HTTPError, request_id: bytes | None = None) -> Response:
    request_id = request_id or request_id_of(dict(request.scope["headers"]))
    body, headers = error_response(error, request_id, request.url.path)
    response = Response(body, error.status)
    response.raw_headers = headers
    return response
