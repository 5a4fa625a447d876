"""A service that speaks the real contract over real HTTP, with latencies, stalls and lies on order."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from types import TracebackType

    from starlette.requests import Request

TASKS = {"generate-recipe": "recipe", "suggest-ingredients": "ingredients", "analyze-nutrition": "nutrition"}


@dataclass(slots=True)
class Behaviour:
    """What the fake does.

    Attributes:
        miss_seconds: How long a computed answer takes.
        hit_seconds: How long a cached answer takes.
        stall_seconds: One stall of all answers, this long.
        stall_after: The stall begins with the hit of this number, counted from 1; 0 for no stall.
        claims_hits: Says "hit" of every answer, but goes on computing each: the lie the evidence must catch.
        provider: Who the answers say they are from.
        fails_every: Every so many-th hit is answered with 503 at once; 0 for never.
        names_failures: Whether a refusal has a request id.
        failure_status: Status of a refused hit.
        failing_misses: Every so many-th computation of a task, the first included, is answered with 500; 0 for none.
        changes_bodies: Whether every answer has another body.
        refuses_all: Status that every request is answered with; 0 for none.
        exposes_counters: Whether /metrics has the two counters.
        ready: Whether /health/ready says so.
    """

    miss_seconds: float = 0.05
    hit_seconds: float = 0.0
    stall_seconds: float = 0.0
    stall_after: int = 0
    claims_hits: bool = False
    provider: str = "ollama"
    fails_every: int = 0
    names_failures: bool = True
    failure_status: int = 503
    failing_misses: int = 0
    changes_bodies: bool = False
    refuses_all: int = 0
    exposes_counters: bool = True
    ready: bool = True


@dataclass(slots=True)
class FakeTarget:
    """Runs on a free loopback port in a thread of its own while used as a context manager.

    Attributes:
        behaviour: What it does.
        requests: Requests by (task, cache label, status), as its /metrics shows them.
        calls: Provider calls by task, likewise.
    """

    behaviour: Behaviour = field(default_factory=Behaviour)
    requests: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    url: str = ""
    _cached: set[tuple[str, bytes]] = field(default_factory=set)
    _hits: int = 0
    _stalled_until: float = 0.0
    _server: uvicorn.Server | None = None
    _thread: threading.Thread | None = None
    _socket: socket.socket | None = None

    def __enter__(self) -> Self:
        app = Starlette(
            routes=[
                Route("/api/v1/ai/{name}", self._answer, methods=["POST"]),
                Route("/health/ready", self._readiness),
                Route("/health", self._health),
                Route("/metrics", self._metrics),
            ]
        )
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, ws="none"))
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server
        assert self._thread
        assert self._socket
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    async def _answer(self, request: Request) -> Response:
        task = TASKS[request.path_params["name"]]
        if self.behaviour.refuses_all:
            return PlainTextResponse("no", self.behaviour.refuses_all)
        key = (task, await request.body())
        hit = key in self._cached
        if hit:
            refusal = await self._serve_hit(task)
            if refusal is not None:
                return refusal
        if not hit or self.behaviour.claims_hits:
            self.calls[task] += 1
            await _sleep_at_least(self.behaviour.miss_seconds)
            if self.behaviour.failing_misses and self._fails_to_compute(task):
                self.requests[task, "none", 500] += 1
                return PlainTextResponse("broken", 500)
            self._cached.add(key)
        label = "hit" if hit or self.behaviour.claims_hits else "miss"
        self.requests[task, label, 200] += 1
        body = {
            "success": True,
            "data": {"answer": uuid.uuid4().hex} if self.behaviour.changes_bodies else {},
            "message": "done",
            "meta": {
                "provider": self.behaviour.provider,
                "model": "fake:1b",
                "degraded": self.behaviour.provider == "mock",
            },
        }
        cache = "alchemorsel; hit; ttl=60; detail=memory" if label == "hit" else "alchemorsel; fwd=miss"
        headers = {"Cache-Status": cache, "X-Request-Id": uuid.uuid4().hex, "Server-Timing": "total;dur=1"}
        return Response(json.dumps(body), headers=headers, media_type="application/json")

    async def _serve_hit(self, task: str) -> Response | None:
        self._hits += 1
        if self.behaviour.fails_every and self._hits % self.behaviour.fails_every == 0:
            status = self.behaviour.failure_status
            self.requests[task, "none", status] += 1
            headers = {"X-Request-Id": uuid.uuid4().hex} if self.behaviour.names_failures else {}
            return PlainTextResponse("full", status, headers)
        if self._hits == self.behaviour.stall_after:
            self._stalled_until = time.monotonic() + self.behaviour.stall_seconds
        await _sleep_at_least(max(self.behaviour.hit_seconds, self._stalled_until - time.monotonic()))
        return None

    def _fails_to_compute(self, task: str) -> bool:
        # The first of ingredients is the warm-up.
        return (self.calls[task] - (task == "ingredients")) % self.behaviour.failing_misses == 1

    async def _readiness(self, _request: Request) -> Response:
        return PlainTextResponse(
            "ready" if self.behaviour.ready else "no provider", 200 if self.behaviour.ready else 503
        )

    async def _health(self, _request: Request) -> Response:
        return Response(json.dumps({"status": "healthy", "version": "9.9.9"}), media_type="application/json")

    async def _metrics(self, _request: Request) -> Response:
        lines: list[str] = []
        if self.behaviour.exposes_counters:
            lines += ["# TYPE alchemorsel_ai_requests_total counter"]
            lines += [
                f'alchemorsel_ai_requests_total{{task="{task}",cache="{cache}",status="{status}"}} {count}'
                for (task, cache, status), count in self.requests.items()
            ]
            lines += ["# TYPE alchemorsel_ai_provider_calls_total counter"]
            lines += [
                f'alchemorsel_ai_provider_calls_total{{provider="ollama",task="{task}",outcome="success"}} {count}'
                for task, count in self.calls.items()
            ]
        return PlainTextResponse("\n".join(lines) + "\n")


async def _sleep_at_least(seconds: float) -> None:
    """Sleep so long and not less: uvloop counts whole milliseconds, so its timers may end one too early."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:  # noqa: ASYNC110 - it is time that is waited for
        await asyncio.sleep(left)
