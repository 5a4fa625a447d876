"""The routes of the three tasks, as raw ASGI: a cached answer costs tens of microseconds, most of them the server's.

Everything else (health, metrics, unknown routes) is not in a hurry and goes to the Starlette application behind.
"""

from __future__ import annotations

import logging
import time
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from ai_service.answers.caller import ANONYMOUS
from ai_service.cache.compression import CODING, accepts_zstd, may_pack
from ai_service.errors import Disconnected, HTTPError, MethodNotAllowed
from ai_service.http.accept import prefers_event_stream
from ai_service.http.cache_control import Directives, parse_cache_control
from ai_service.http.error_response import error_response, internal_error
from ai_service.http.event_stream import EventStream, Headers
from ai_service.http.request_parts import CALLER, REQUEST_ID, has_body, join_lists, read_json_body, request_id_of
from ai_service.http.server_timing import server_timing
from ai_service.http.wire_format import TaskFormat
from ai_service.skipped_providers import reasons_of
from ai_service.tasks.request_parser import RequestParser

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.applications import Starlette
    from starlette.types import ASGIApp, Receive, Scope, Send

    from ai_service.answers.answer_result import AnswerResult
    from ai_service.answers.answer_service import AnswerService
    from ai_service.answers.caller import Caller
    from ai_service.http.event_stream import Progress
    from ai_service.http.wire_format import WireFormat
    from ai_service.observability.metrics import Metrics
    from ai_service.observability.structured_log import AccessLog
    from ai_service.skipped_providers import Skipped
    from ai_service.tasks import Task
    from ai_service.tasks.request_parser import ParsedRequest

logger = logging.getLogger(__name__)

_NO_DIRECTIVES = Directives()
_JSON = (b"content-type", b"application/json")
_IN_FLIGHT = {
    "miss": b"alchemorsel; fwd=miss",
    "expired": b"alchemorsel; fwd=stale",
    "coalesced": b"alchemorsel; fwd=miss; collapsed; detail=coalesced",
    "bypass": b"alchemorsel; fwd=bypass",
}
"""`Cache-Status` of a stream that begins before its answer is complete: whether it will be stored is not known."""
_PLAIN = frozenset({b"*/*", b"application/json"})
"""What `Accept` mostly is; read no further."""
_VARY = (b"vary", b"accept-encoding")
_ZSTD = (b"content-encoding", CODING)


class TaskRouter:
    """The outermost application: tasks by their path, everything else to `rest`.

    Args:
        endpoints: By path.
        rest: The Starlette application; gets the lifespan too.

    Attributes:
        endpoints: See above.
        rest: See above.
    """

    def __init__(self, endpoints: Mapping[str, ASGIApp], rest: Starlette) -> None:
        self.endpoints = dict(endpoints)
        self.rest = rest

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """See the ASGI specification. No coroutine of its own, which every request would pass through."""
        endpoint = self.endpoints.get(scope["path"]) if scope["type"] == "http" else None
        if endpoint is None and scope["type"] == "http" and len(path := scope["path"]) > 1 and path.endswith("/"):
            scope = {**scope, "path": path.rstrip("/") or "/"}  # As many clients join paths.
            endpoint = self.endpoints.get(scope["path"])
        return (self.rest if endpoint is None else endpoint)(scope, receive, send)


class TaskEndpoint:
    """`POST` on one task's route.

    Args:
        task: The task.
        answers: Answers it.
        metrics: Where requests are counted.
        access_log: Where they are logged.
        wire_format: How its answers look.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        task: Task,
        answers: AnswerService,
        metrics: Metrics,
        access_log: AccessLog,
        *,
        wire_format: WireFormat | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.task = task
        self._answers = answers
        self._metrics = metrics
        self._access_log = access_log
        self._clock = clock
        self._format = wire_format or TaskFormat(task)
        self._reader = RequestParser(task)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        started = time.perf_counter()
        headers = dict(lines := scope["headers"])
        if len(headers) != len(lines):
            headers = join_lists(lines)
        request_id = request_id_of(headers)
        caller: Caller = scope.get(CALLER, ANONYMOUS)
        status, cache, provider, code = 200, "none", "", ""
        skipped: tuple[Skipped, ...] = ()
        sent: bytes | None = None
        parsed: ParsedRequest | None = None
        stream: EventStream | None = None
        try:
            sent = await self._read(scope["method"], headers, receive)
            parsed = self._reader.read(sent)
            control = headers.get(b"cache-control")
            directives = _NO_DIRECTIVES if control is None else parse_cache_control(control)
            if self._wants_stream(headers.get(b"accept")) if parsed.stream is None else parsed.stream:
                events = self._format.events(parsed)
                first = [*_stream_start(events.media_type), (REQUEST_ID, request_id), *_clamped(parsed.clamped)]
                stream = EventStream(events, partial(self._stream_headers, first, started), send, started=started)
                answer = partial(self._answers.answer, self.task, parsed, directives, caller=caller)
                result = await stream.run(answer, receive)
            else:
                result = await self._answers.answer(self.task, parsed, directives, receive=receive, caller=caller)
        except HTTPError as error:
            status, code = error.status, error.code
            skipped = error.skipped
            unread = sent is None and has_body(headers)
            body, head = error_response(error, request_id, self.task.path, unread=unread)
        except Disconnected:
            status, body, head = 499, b"", None
        except Exception:
            logger.exception("request %s failed unexpectedly", request_id.decode())
            status, code = 500, HTTPError.code
            body, head = error_response(internal_error(request_id), request_id, self.task.path)
        else:
            cache, provider, skipped = result.cache, result.entry.provider, result.skipped
            body, head = result.entry.body, None
            if stream is None:
                body, head = self._whole(parsed, result, headers, request_id=request_id, started=started)
        if stream is not None and stream.begun and head is not None:
            await stream.fail(body)
        elif head is not None:
            await send({"type": "http.response.start", "status": status, "headers": head})
            await send({"type": "http.response.body", "body": body})
        seconds = time.perf_counter() - started
        self._count(cache, status, seconds, stream)
        self._access_log.write(
            request_id.decode(),
            self.task.name,
            status=status,
            cache=cache,
            provider=provider,
            seconds=seconds,
            key=caller.name,
            skipped=skipped,
            error=code,
            request=parsed.request if parsed else None,
        )

    def _count(self, cache: str, status: int, seconds: float, stream: EventStream | None) -> None:
        self._metrics.request(self.task.name, cache, status, seconds)
        if stream is not None and stream.first_part_s is not None:
            self._metrics.first_part(self.task.name, cache, stream.first_part_s)

    async def _read(self, method: str, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        if method != "POST":
            raise MethodNotAllowed(f"{self.task.path} expects POST, got {method[:16]}.", allow="POST")
        return await read_json_body(
            headers, receive, limit=self.task.max_body_bytes, any_type=self._format.reads_any_type
        )

    def _whole(
        self,
        parsed: ParsedRequest,
        result: AnswerResult,
        headers: dict[bytes, bytes],
        *,
        request_id: bytes,
        started: float,
    ) -> tuple[bytes, Headers]:
        """Return the body, in an encoding accepted by the client, and the headers."""
        body, head = result.entry.body, self._headers(result, request_id, started)
        if parsed.clamped:
            head += _clamped(parsed.clamped)
        if self._format.renders:
            body = self._format.render(result, time.perf_counter() - started)
        elif may_pack(body):
            head.append(_VARY)
            packed = result.entry.packed
            if packed is not None and accepts_zstd(headers.get(b"accept-encoding", b"")):
                body = packed
                head.append(_ZSTD)
        head.append((b"content-length", b"%d" % len(body)))
        return body, head

    def _headers(self, result: AnswerResult, request_id: bytes, started: float) -> Headers:
        entry = result.entry
        now = self._clock()
        timing = server_timing(result.timings, result.skipped, time.perf_counter() - started)
        return [
            _JSON,
            (b"cache-status", _cache_status(result, now)),
            (b"age", b"%d" % max(0, int(now - entry.created))),
            (REQUEST_ID, request_id),
            *_author(entry.provider, entry.model),
            (b"server-timing", timing),
            *(_degraded(result) if entry.degraded or result.skipped else ()),
        ]

    def _wants_stream(self, accept: bytes | None) -> bool:
        if self._format.streams_by_default:
            return True
        return accept is not None and accept not in _PLAIN and prefers_event_stream(accept)

    def _stream_headers(
        self, first: Headers, started: float, progress: Progress, result: AnswerResult | None
    ) -> Headers:
        """Return the headers known when a stream begins: all for a complete answer, the author's once there is text."""
        headers = [*first]
        author = progress.author
        if result is not None:
            now = self._clock()
            headers.append((b"cache-status", _cache_status(result, now)))
            headers.append((b"age", b"%d" % max(0, int(now - result.entry.created))))
            timing = server_timing(result.timings, result.skipped, time.perf_counter() - started)
            headers.append((b"server-timing", timing))
            headers += [*_author(result.entry.provider, result.entry.model), *_degraded(result)]
            return headers
        if progress.cache:
            headers.append((b"cache-status", _IN_FLIGHT[progress.cache]))
            headers.append((b"server-timing", server_timing(progress.timings.items(), progress.skipped)))
        if author is not None:
            headers += _author(author.provider, author.model)
            if author.degraded:
                headers.append(_degraded_header("fallback", author.degraded_reason))
        return headers


def _clamped(clamped: str) -> Headers:
    return [(b"x-ai-clamped", clamped.encode())] if clamped else []


@lru_cache(8)
def _stream_start(media_type: bytes) -> Headers:
    return [
        (b"content-type", media_type),
        (b"cache-control", b"no-store"),
        (b"x-accel-buffering", b"no"),  # nginx would collect events otherwise.
    ]


@lru_cache(64)
def _author(provider: str, model: str) -> Headers:
    return [(b"x-ai-provider", provider.encode()), (b"x-ai-model", model.encode())]


def _degraded(result: AnswerResult) -> Headers:
    """Tell of an answer that is not what the primary provider says now."""
    if result.cache == "stale" and result.skipped:
        return [_degraded_header("stale", reasons_of(result.skipped))]
    if not result.entry.degraded:
        return []
    return [_degraded_header("sample" if result.synthetic else "fallback", result.entry.degraded_reason)]


def _degraded_header(kind: str, reason: str) -> tuple[bytes, bytes]:
    """Return a structured field (RFC 8941): what stands in, and why."""
    shown = reason.encode("ascii", "replace").replace(b"\\", b"/").replace(b'"', b"'")
    return b"x-ai-degraded", b'%b;reason="%b"' % (kind.encode(), shown)


def _cache_status(result: AnswerResult, now: float) -> bytes:
    """RFC 9211."""
    if result.cache == "hit":
        return b"alchemorsel; hit; ttl=%d; detail=%s" % (result.entry.fresh_until - now, result.detail.encode())
    if result.cache == "stale":
        return b"alchemorsel; hit; ttl=%d; detail=stale" % (result.entry.fresh_until - now)
    if result.cache == "coalesced":
        return b"alchemorsel; fwd=miss; collapsed; detail=coalesced"
    stored = b"; stored" if result.detail == "stored" else b""
    forwarded = "stale" if result.cache == "expired" else result.cache
    return b"alchemorsel; fwd=%s%s" % (forwarded.encode(), stored)
