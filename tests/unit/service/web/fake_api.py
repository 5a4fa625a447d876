"""An API whose health and metrics a test decides, and which notes what it is asked: real HTTP on loopback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from aiohttp import web
from aiohttp.test_utils import TestServer

from ai_service.web.api_client import ApiClient

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

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
        looks: Times that `/metrics` was read.
        asked: The requests for tasks: headers and body.
        status: Of a task's answer.
        headers: Of a task's answer.
        body: Of a task's answer, as JSON.
        down: Whether connections are refused.
        breaks_off: Whether an answer ends with its connection, in the middle.
    """

    def __init__(self) -> None:
        self.metrics = ""
        self.health_status = 200
        self.looks = 0
        self.asked: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        self.headers = ANSWER_HEADERS
        self.body: dict[str, object] = {"success": True}
        self.down = False
        self.breaks_off = False
        app = web.Application(middlewares=[self._refuse])
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/api/v1/ai/health", self._health)
        app.router.add_post("/api/v1/ai/{task}", self._ask)
        self._server = TestServer(app)
        self._clients: list[ApiClient] = []

    async def __aenter__(self) -> Self:
        await self._server.start_server()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self._clients:
            await client.close()
        await self._server.close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return str(self._server.make_url("")).rstrip("/")

    def client(self, key: str = "") -> ApiClient:
        """A client of it."""
        self._clients.append(ApiClient(self.url, key=key))
        return self._clients[-1]

    @web.middleware
    async def _refuse(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if self.down:
            assert request.transport
            request.transport.abort()
        return await handler(request)

    async def _metrics(self, _request: web.Request) -> web.Response:
        self.looks += 1
        return web.Response(text=self.metrics)

    async def _health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "healthy"}, status=self.health_status)

    async def _ask(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(({name.lower(): value for name, value in request.headers.items()}, await request.read()))
        if not self.breaks_off:
            return web.json_response(self.body, status=self.status, headers=self.headers)
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(b"event: delta\n")
        assert request.transport
        request.transport.abort()
        return response


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
