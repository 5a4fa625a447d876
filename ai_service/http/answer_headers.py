"""The headers of answers: where each came from, how old it is, who wrote it, and what took the time."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING

from ai_service.http.request_parts import REQUEST_ID
from ai_service.http.server_timing import server_timing
from ai_service.skipped_providers import reasons_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ai_service.answers.answer_result import AnswerResult
    from ai_service.http.event_stream import Headers, Progress

_JSON = (b"content-type", b"application/json")
_IN_FLIGHT = {
    "miss": b"alchemorsel; fwd=miss",
    "expired": b"alchemorsel; fwd=stale",
    "coalesced": b"alchemorsel; fwd=miss; collapsed; detail=coalesced",
    "bypass": b"alchemorsel; fwd=bypass",
}
"""`Cache-Status` of a stream that begins before its answer is complete: whether it will be stored is not known."""


class AnswerHeaders:
    """Make the headers of answers.

    Args:
        clock: Seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock

    def whole(self, result: AnswerResult, request_id: bytes, started: float) -> Headers:
        """Return the headers of a whole answer, without those of its body.

        Args:
            result: The answer.
            request_id: Of the request.
            started: `time.perf_counter()` when the request came.
        """
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

    def stream(self, first: Headers, started: float, progress: Progress, result: AnswerResult | None) -> Headers:
        """Return the headers known when a stream begins: all for a complete answer, the author's once there is text.

        Args:
            first: Those that are known before.
            started: `time.perf_counter()` when the request came.
            progress: What is known of an answer that is being written.
            result: The complete answer; None while there is none.
        """
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


def clamped_header(clamped: str) -> Headers:
    """Return the header that tells of a budget that was clamped; none where nothing was."""
    return [(b"x-ai-clamped", clamped.encode())] if clamped else []


@lru_cache(8)
def stream_start(media_type: bytes) -> Headers:
    """Return the headers of every stream."""
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
