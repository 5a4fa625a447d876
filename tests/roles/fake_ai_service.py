"""A fake AI service: real HTTP on loopback, the three answers that the self-test looks at."""

from __future__ import annotations

from typing import Any

from tests.http_fake import FakeHandler, HTTPFake


class _Handler(FakeHandler):
    fake: FakeAIService

    def do_GET(self) -> None:
        """Answer `/health`."""
        waiting = self.fake.health
        self.answer(self.fake.health_status, waiting.pop(0) if len(waiting) > 1 else waiting[0])

    def do_POST(self) -> None:
        """Answer a suggestion."""
        self.body()
        if self.fake.key and self.headers.get("Authorization") != f"Bearer {self.fake.key}":
            self.answer(401, {"success": False, "code": "unauthorized"})
            return
        control = self.headers.get("Cache-Control")
        self.fake.cache_controls.append(control)
        hit = control is None and self.fake.hits and not self.fake.cold
        if control is None and self.fake.cold:
            self.fake.cold -= 1
        suggestions = ["thyme"] if hit and self.fake.forgets else ["oregano"]
        body = {"success": True, "data": {"suggestions": suggestions}, "meta": self.fake.meta}
        cache_status = "alchemorsel; hit; ttl=60" if hit else "alchemorsel; fwd=bypass"
        self.answer(self.fake.status, body, {"Cache-Status": cache_status, "Server-Timing": "provider;dur=7"})


class FakeAIService(HTTPFake):
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

    handler = _Handler

    def __init__(self) -> None:
        super().__init__()
        self.health: list[dict[str, Any]] = [{"ready": True, "cache": {"store": "redis", "available": True}}]
        self.health_status = 200
        self.status = 200
        self.meta: dict[str, Any] = {"provider": "ollama", "degraded": False}
        self.hits = True
        self.cold = 0
        self.forgets = False
        self.key: str | None = None
        self.cache_controls: list[str | None] = []
