"""The routes of the three tasks, as raw ASGI: a cached answer costs tens of microseconds, most of them the server's.

Everything else (health, metrics, unknown routes) is not in a hurry and goes to the Starlette application behind.
"""

from __future__ import annotations

import logging
import time
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from ai_service.cache_control import Directives, parse_cache_control
from ai_service.content_encoding import CODING, accepts_zstd, may_pack
from ai_service.error_response import error_response
from ai_service.errors import Disconnected, HTTPError, MethodNotAllowed
from ai_service.request_parts import KEY_NAME, REQUEST_ID, read_json_body, request_id_of
from ai_service.server_timing import durations, server_timing
from ai_service.streaming import EVENT_STREAM, EventStream, Headers, TaskEvents
from ai_service.transcript import Author
from ai_service.validation import QuestionReader

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from starlette.types import ASGIApp, Receive, Scope, Send

    from ai_service.completion import Completions, Outcome
    from ai_service.metrics import Metrics
    from ai_service.streaming import Events
    from ai_service.structured_log import AccessLog
    from ai_service.tasks import Task
    from ai_service.transcript import Follower
    from ai_service.validation import Question

logger = logging.getLogger(__name__)

_NO_DIRECTIVES = Directives()
_JSON = (b"content-type", b"application/json")
_EVENT_STREAM = b"text/event-stream"
_IN_FLIGHT = {
    "miss": b"alchemorsel; fwd=miss",
    "expired": b"alchemorsel; fwd=stale",
    "coalesced": b"alchemorsel; fwd=miss; collapsed; detail=coalesced",
    "bypass": b"alchemorsel; fwd=bypass",
}
"""`Cache-Status` of a stream that begins before its answer is complete: whether it will be stored is not known."""
_VARY = (b"vary", b"accept-encoding")
_ZSTD = (b"content-encoding", CODING)


class Gateway:
    """The outermost application: tasks by their path, everything else to `rest`.

    Args:
        endpoints: One for each task.
        rest: The Starlette application; gets the lifespan too.
    """

    def __init__(self, endpoints: Iterable[TaskEndpoint], rest: ASGIApp) -> None:
        self._endpoints = {endpoint.task.path: endpoint for endpoint in endpoints}
        self._rest = rest

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """See the ASGI specification. No coroutine of its own, which every request would pass through."""
        endpoint = self._endpoints.get(scope["path"]) if scope["type"] == "http" else None
        return (self._rest if endpoint is None else endpoint)(scope, receive, send)


class TaskEndpoint:
    """`POST` on one task's route.

    Args:
        task: The task.
        completions: Answers it.
        metrics: Where requests are counted.
        access_log: Where they are logged.
        events: How its streams look.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        task: Task,
        completions: Completions,
        metrics: Metrics,
        access_log: AccessLog,
        *,
        events: Callable[[Question], Events] = lambda _question: TaskEvents(),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.task = task
        self._completions = completions
        self._metrics = metrics
        self._access_log = access_log
        self._clock = clock
        self._events = events
        self._reader = QuestionReader(task)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        started = time.perf_counter()
        headers = dict(scope["headers"])
        request_id = request_id_of(headers)
        status, cache, provider, code = 200, "none", "", ""
        passed_over: tuple[tuple[str, str], ...] = ()
        question: Question | None = None
        stream: EventStream | None = None
        try:
            question, directives = await self._read(scope["method"], headers, receive)
            if question.stream or _EVENT_STREAM in headers.get(b"accept", b""):
                begin = partial(self._stream_headers, request_id, started)
                stream = EventStream(self._events(question), begin, send, started=started)
                answer = partial(self._completions.answer, self.task, question, directives)
                outcome = await stream.run(answer, receive)
            else:
                outcome = await self._completions.answer(self.task, question, directives)
        except HTTPError as error:
            status, code = error.status, error.code
            passed_over = tuple(
                (each["provider"], each["problem"]) for each in error.details or () if "provider" in each
            )
            body, head = error_response(error, request_id, self.task.path)
        except Disconnected:
            status, body, head = 499, b"", None
        except Exception:
            logger.exception("request %s failed unexpectedly", request_id.decode())
            status, code = 500, HTTPError.code
            unexpected = HTTPError("Something went wrong here; it is logged.")
            body, head = error_response(unexpected, request_id, self.task.path)
        else:
            cache, provider, passed_over = outcome.cache, outcome.entry.provider, outcome.passed_over
            body, head = outcome.entry.body, None
            if stream is None:
                body, head = self._whole(outcome, headers, request_id, started)
        if stream is not None and stream.begun and status >= 500:
            await stream.fail(body)
        elif head is not None:
            await send({"type": "http.response.start", "status": status, "headers": head})
            await send({"type": "http.response.body", "body": body})
        seconds = time.perf_counter() - started
        self._metrics.request(self.task.name, cache, status, seconds)
        self._access_log.write(
            request_id.decode(),
            self.task.name,
            status=status,
            cache=cache,
            provider=provider,
            seconds=seconds,
            key=scope.get(KEY_NAME, ""),
            passed_over=passed_over,
            error=code,
            request=question.request if question else None,
        )

    async def _read(self, method: str, headers: dict[bytes, bytes], receive: Receive) -> tuple[Question, Directives]:
        if method != "POST":
            raise MethodNotAllowed(f"{self.task.path} expects POST, got {method[:16]}.", allow="POST")
        body = await read_json_body(headers, receive)
        question = self._reader.read(body)
        control = headers.get(b"cache-control")
        return question, _NO_DIRECTIVES if control is None else parse_cache_control(control)

    def _whole(
        self, outcome: Outcome, headers: dict[bytes, bytes], request_id: bytes, started: float
    ) -> tuple[bytes, Headers]:
        """The body, in the form that the client takes, and the headers."""
        body, head = outcome.entry.body, self._headers(outcome, request_id, started)
        if may_pack(body):
            head.append(_VARY)
            packed = outcome.entry.packed
            if packed is not None and accepts_zstd(headers.get(b"accept-encoding", b"")):
                body = packed
                head.append(_ZSTD)
        head.append((b"content-length", b"%d" % len(body)))
        return body, head

    def _headers(self, outcome: Outcome, request_id: bytes, started: float) -> Headers:
        entry = outcome.entry
        now = self._clock()
        timing = server_timing(outcome.timings, outcome.passed_over, time.perf_counter() - started)
        return [
            _JSON,
            (b"cache-status", _cache_status(outcome, now)),
            (b"age", b"%d" % max(0, int(now - entry.created))),
            (REQUEST_ID, request_id),
            *_author(entry.provider, entry.model),
            (b"server-timing", timing),
        ]

    def _stream_headers(
        self, request_id: bytes, started: float, follower: Follower, outcome: Outcome | None
    ) -> Headers:
        """What is known when a stream begins: all of it for an answer that is there, its author where text is."""
        headers = [*EVENT_STREAM, (REQUEST_ID, request_id)]
        author = follower.author
        if outcome is not None:
            now = self._clock()
            headers.append((b"cache-status", _cache_status(outcome, now)))
            headers.append((b"age", b"%d" % max(0, int(now - outcome.entry.created))))
            timing = server_timing(outcome.timings, outcome.passed_over, time.perf_counter() - started)
            headers.append((b"server-timing", timing))
            author = Author(outcome.entry.provider, outcome.entry.model, outcome.entry.degraded)
        elif follower.cache:
            headers.append((b"cache-status", _IN_FLIGHT[follower.cache]))
            headers.append((b"server-timing", durations(follower.timings.items())))
        if author is not None:
            headers += _author(author.provider, author.model)
        return headers


@lru_cache(64)
def _author(provider: str, model: str) -> Headers:
    return [(b"x-ai-provider", provider.encode()), (b"x-ai-model", model.encode())]


def _cache_status(outcome: Outcome, now: float) -> bytes:
    """RFC 9211."""
    if outcome.cache == "hit":
        return b"alchemorsel; hit; ttl=%d; detail=%s" % (outcome.entry.fresh_until - now, outcome.detail.encode())
    if outcome.cache == "stale":
        return b"alchemorsel; hit; ttl=%d; detail=stale" % (outcome.entry.fresh_until - now)
    if outcome.cache == "coalesced":
        return b"alchemorsel; fwd=miss; collapsed; detail=coalesced"
    stored = b"; stored" if outcome.detail == "stored" else b""
    forwarded = "stale" if outcome.cache == "expired" else outcome.cache
    return b"alchemorsel; fwd=%s%s" % (forwarded.encode(), stored)
