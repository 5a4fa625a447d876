"""The routes of the operator's page: each asks for the administrator's key, most go on to the API with it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from ai_service.web.api_client import ApiUnreachableError
from ai_service.web.error_response import error_response
from ai_service.web.operator_access import presented_key
from ai_service.web.prometheus import PrometheusError
from ai_service.web.secure_channel import REFUSAL, is_private

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from ai_service.web.api_client import ApiClient
    from ai_service.web.edge_report import EdgeReport
    from ai_service.web.operator_access import OperatorAccess
    from ai_service.web.pages import Pages
    from ai_service.web.prometheus import Prometheus
    from ai_service.web.status_panel import StatusPanel

SPANS_S = {"5m": 300, "1h": 3600, "6h": 21_600, "24h": 86_400, "7d": 604_800}
OWN_SPANS = ("5m", "1h")
"""Time ranges that the page's own samples reach."""
MAX_QUERY_CHARACTERS = 256
PAGE = "operator.html"
_FORWARDED = {
    "/operator/requests": ("GET", "/api/v1/ai/requests"),
    "/operator/cache/stats": ("GET", "/api/v1/ai/cache/stats"),
    "/operator/cache/entries": ("GET", "/api/v1/ai/cache/entries"),
    "/operator/cache": ("DELETE", "/api/v1/ai/cache"),
}
"""Routes of the page, and what each is at the API."""


class OperatorRoutes:
    """Answer the operator's page.

    Args:
        access: Says who may see it.
        api: The API.
        pages: The page's files.
        panel: Health and own samples.
        prometheus: The site's; None for none.
        edge: The edges.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        access: OperatorAccess,
        api: ApiClient,
        pages: Pages,
        panel: StatusPanel,
        *,
        prometheus: Prometheus | None,
        edge: EdgeReport,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._access = access
        self._api = api
        self._pages = pages
        self._panel = panel
        self._prometheus = prometheus
        self._edge = edge
        self._clock = clock

    def routes(self) -> list[Route]:
        """Return the routes for the Starlette application."""
        guarded = {"/operator/overview": ("GET", self._overview), "/operator/requests/{id}": ("GET", self._request)}
        forwarded = {path: (method, self._forward) for path, (method, _) in _FORWARDED.items()}
        return [
            Route("/operator", self._page),
            *(
                Route(path, self._guarded(answer), methods=[method])
                for path, (method, answer) in {**forwarded, **guarded}.items()
            ),
        ]

    async def _page(self, request: Request) -> Response:
        if is_private(request.scope):
            return self._pages.respond(request, PAGE)
        return Response(f"{REFUSAL}\n", 403, media_type="text/plain")

    def _guarded(self, answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            return await self._access.refuse(request) or await answer(request)

        return guarded

    async def _forward(self, request: Request) -> Response:
        method, path = _FORWARDED[request.url.path]
        query = request.url.query
        if len(query) > MAX_QUERY_CHARACTERS:
            return error_response(
                400, "invalid_request", f"The query is longer than {MAX_QUERY_CHARACTERS} characters."
            )
        return await self._send(method, f"{path}?{query}" if query else path, request)

    async def _request(self, request: Request) -> Response:
        return await self._send("GET", f"/api/v1/ai/requests/{quote(request.path_params['id'][:64], safe='')}", request)

    async def _send(self, method: str, path: str, request: Request) -> Response:
        try:
            answer = await self._api.forward(method, path, admin_key=presented_key(request))
        except ApiUnreachableError as error:
            return error_response(502, "api_unreachable", str(error))
        return answer.response(answer.body())

    async def _overview(self, request: Request) -> Response:
        span = request.query_params.get("range", OWN_SPANS[0])
        spans = tuple(SPANS_S) if self._prometheus is not None else OWN_SPANS
        if span not in spans:
            return error_response(400, "invalid_request", f"Unknown range; expected one of {', '.join(spans)}.")
        now, edge = await asyncio.gather(self._panel.snapshot(SPANS_S[span]), self._edge.read())
        course = await self._course(span)
        body = msgspec.json.encode({"range": span, "ranges": spans, "source": "samples", **now, **course, "edge": edge})
        return Response(body, media_type="application/json", headers={"cache-control": "no-store"})

    async def _course(self, span: str) -> dict[str, Any]:
        """Return what Prometheus knows of a time range; why it says nothing; nothing without one."""
        if self._prometheus is None:
            return {}
        try:
            points, step_s = await self._prometheus.course(SPANS_S[span], self._clock())
        except PrometheusError as error:
            return {"course_problem": str(error)}
        return {"points": points, "step_s": step_s, "source": "prometheus"}
