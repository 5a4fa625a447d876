"""An API whose health and metrics a test decides, and which notes what it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from ai_service.web.api_client import ApiClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

ANSWER_HEADERS = {
    "cache-status": "alchemorsel; hit; ttl=9; detail=memory",
    "server-timing": "cache;dur=0.1, total;dur=0.2",
    "x-request-id": "abc-1",
    "x-internal": "not for browsers",
}


class FakeApi:
    """The API's side of what the page's server needs.

    Attributes:
        metrics: Text of `/metrics`.
        health_status: HTTP status of the health report.
        asked: The requests for tasks: path, headers, body.
        answer: What a task answers.
        down: Whether connections are refused.
        breaks_off: Whether an answer ends with its connection, in the middle.
    """

    def __init__(self) -> None:
        self.metrics = ""
        self.health_status = 200
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.answer: Response = JSONResponse({"success": True}, headers=ANSWER_HEADERS)
        self.looks = 0
        self.down = False
        self.breaks_off = False
        self._app = Starlette(
            routes=[
                Route("/metrics", self._metrics),
                Route("/api/v1/ai/health", self._health),
                Route("/api/v1/ai/{task}", self._ask, methods=["POST"]),
            ]
        )

    def client(self, key: str = "") -> ApiClient:
        """A client of it."""
        return ApiClient("http://api.test", key=key, transport=_Line(self, httpx.ASGITransport(self._app)))

    async def _metrics(self, _request: Request) -> Response:
        self.looks += 1
        return PlainTextResponse(self.metrics)

    async def _health(self, _request: Request) -> Response:
        return JSONResponse({"status": "healthy"}, self.health_status)

    async def _ask(self, request: Request) -> Response:
        self.asked.append((request.url.path, dict(request.headers), await request.body()))
        return self.answer


class _Line(httpx.AsyncBaseTransport):
    """The wire to it, which may be cut."""

    def __init__(self, api: FakeApi, transport: httpx.ASGITransport) -> None:
        self._api = api
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._api.down:
            raise httpx.ConnectError("refused", request=request)
        if self._api.breaks_off:
            return httpx.Response(200, stream=_Broken(), request=request)
        return await self._transport.handle_async_request(request)


class _Broken(httpx.AsyncByteStream):
    """A body that ends in the middle."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"event: delta\n"
        raise httpx.ReadError("gone")


def metrics(*, hits: int = 0, misses: int = 0, fallbacks: int = 0) -> str:
    """Metrics of so many answers: hits within 1 ms, misses within 2 s."""
    lines = []
    for cache, count, within in (("hit", hits, "0.001"), ("miss", misses, "2.0")):
        labels = f'task="recipe",cache="{cache}"'
        lines.append(f'alchemorsel_ai_requests_total{{{labels},status="200"}} {count}')
        for bound in ("0.0005", "0.001", "1.0", "2.0", "+Inf"):
            reached = count if float(bound) >= float(within) else 0
            lines.append(f'alchemorsel_ai_request_duration_seconds_bucket{{{labels},le="{bound}"}} {reached}')
    lines.append(f'alchemorsel_ai_fallbacks_total{{provider="ollama",task="recipe",reason="timeout"}} {fallbacks}')
    return "\n".join(lines) + "\n"
