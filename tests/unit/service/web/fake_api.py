"""An API whose health and metrics a test decides, and which notes what it is asked: real HTTP on loopback."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import httpx

from ai_service.web.api_client import ApiClient
from ai_service.web.app import create_app
from ai_service.web.settings import WebSettings
from tests.raw_server import RawRequest, RawServer

if TYPE_CHECKING:
    import asyncio
    from types import TracebackType

ANSWER_HEADERS = {
    "cache-status": "alchemorsel; hit; ttl=9; detail=memory",
    "server-timing": "cache;dur=0.1, total;dur=0.2",
    "x-request-id": "abc-1",
    "x-internal": "not for browsers",
}


class FakeApi(RawServer):
    """The API's side of what the page's server needs.

    Attributes:
        metrics: Text of `/metrics`.
        health_status: HTTP status of the health report.
        looks: Times that `/metrics` was read.
        asked: All other requests: headers and body.
        lines: Their request lines.
        status: Of a task's answer.
        headers: Of a task's answer.
        body: Of a task's answer, as JSON.
        down: Whether connections are refused.
        breaks_off: Whether an answer ends with its connection, in the middle.
    """

    def __init__(self) -> None:
        super().__init__()
        self.metrics = ""
        self.health_status = 200
        self.looks = 0
        self.asked: list[tuple[dict[str, str], bytes]] = []
        self.lines: list[str] = []
        self.status = 200
        self.headers = ANSWER_HEADERS
        self.body: dict[str, object] = {"success": True}
        self.down = False
        self.breaks_off = False
        self._clients: list[ApiClient] = []

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self._clients:
            await client.close()
        await super().__aexit__(kind, error, trace)

    def client(self) -> ApiClient:
        """Create a client of the API."""
        self._clients.append(ApiClient(self.url))
        return self._clients[-1]

    def page(self, key: str = "", *, peer: str = "127.0.0.1", **settings: str) -> httpx.AsyncClient:
        """Create a browser of the page that is served before this API.

        Args:
            key: The page's.
            peer: Address that the browser comes from.
            settings: Further ones of the page, without their prefix.
        """
        variables = {"API_URL": self.url, "HOSTS": "page.test", **settings}
        read = WebSettings.from_env({f"ALCHEMORSEL_WEB_{name}": value for name, value in variables.items()})
        app = create_app(dataclasses.replace(read, api_key=key))
        return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(peer, 9)), base_url="http://page.test")

    async def respond(self, request: RawRequest, writer: asyncio.StreamWriter) -> None:
        """Answers a request."""
        if self.down:
            writer.transport.abort()
        elif request.path == "/metrics":
            self.looks += 1
            _answer(writer, 200, {"content-type": "text/plain"}, self.metrics.encode())
        elif request.path == "/api/v1/ai/health":
            _answer_json(writer, self.health_status, {}, {"status": "healthy"})
        else:
            self._answer_task(request, writer)

    def _answer_task(self, request: RawRequest, writer: asyncio.StreamWriter) -> None:
        self.asked.append((request.headers, request.body))
        self.lines.append(request.line)
        if self.breaks_off:
            writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nd\r\nevent: delta\n\r\n")
            writer.close()
        else:
            _answer_json(writer, self.status, self.headers, self.body)


def _answer_json(writer: asyncio.StreamWriter, status: int, headers: dict[str, str], value: Any) -> None:
    _answer(writer, status, {"content-type": "application/json", **headers}, json.dumps(value).encode())


def _answer(writer: asyncio.StreamWriter, status: int, headers: dict[str, str], body: bytes) -> None:
    lines = [f"{name}: {value}\r\n" for name, value in {**headers, "content-length": str(len(body))}.items()]
    writer.write(f"HTTP/1.1 {status} -\r\n{''.join(lines)}\r\n".encode() + body)


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
