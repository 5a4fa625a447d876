"""A fake AI service: real HTTP on loopback, the three answers that the self-test looks at."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class FakeAIService:
    """Answers as a healthy service does, until a test says otherwise.

    Attributes:
        health: Answers of `/health`, in order; the last one stays.
        health_status: HTTP status of `/health`.
        status: HTTP status of a suggestion.
        meta: What a suggestion says of its making.
        hits: A repeated request is answered from the cache.
        cold: So many repeated requests miss before the cache answers.
        forgets: A cached answer differs from the first.
        key: Callers need it; None where they need none.
        cache_controls: The header of each request for a suggestion; None where there was none.
    """

    def __init__(self) -> None:
        self.health: list[dict[str, Any]] = [{"ready": True, "cache": {"store": "redis", "available": True}}]
        self.health_status = 200
        self.status = 200
        self.meta: dict[str, Any] = {"provider": "ollama", "degraded": False}
        self.hits = True
        self.cold = 0
        self.forgets = False
        self.key: str | None = None
        self.cache_controls: list[str | None] = []
        fake = self

        class Handler(_Handler):
            service = fake

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        """Address of the service."""
        return f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


class _Handler(BaseHTTPRequestHandler):
    service: FakeAIService

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""

    def do_GET(self) -> None:
        """Answer `/health`."""
        waiting = self.service.health
        self._answer(self.service.health_status, waiting.pop(0) if len(waiting) > 1 else waiting[0], {})

    def do_POST(self) -> None:
        """Answer a suggestion."""
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.service.key and self.headers.get("Authorization") != f"Bearer {self.service.key}":
            self._answer(401, {"success": False, "code": "unauthorized"}, {})
            return
        control = self.headers.get("Cache-Control")
        self.service.cache_controls.append(control)
        hit = control is None and self.service.hits and not self.service.cold
        if control is None and self.service.cold:
            self.service.cold -= 1
        suggestions = ["thyme"] if hit and self.service.forgets else ["oregano"]
        body = {"success": True, "data": {"suggestions": suggestions}, "meta": self.service.meta}
        cache_status = "alchemorsel; hit; ttl=60" if hit else "alchemorsel; fwd=bypass"
        self._answer(self.service.status, body, {"Cache-Status": cache_status, "Server-Timing": "provider;dur=7"})

    def _answer(self, status: int, value: dict[str, Any], headers: dict[str, str]) -> None:
        payload = json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"Content-Length": str(len(payload)), **headers}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(payload)
