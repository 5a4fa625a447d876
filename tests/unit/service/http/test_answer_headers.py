"""Headers of answers at a time that the test says: age and what is left of freshness, whole and streamed alike."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from ai_service.answers.answer_result import AnswerResult
from ai_service.cache.entry import Entry
from ai_service.http.answer_headers import AnswerHeaders
from ai_service.http.event_stream import Progress

if TYPE_CHECKING:
    from ai_service.http.event_stream import Headers

ENTRY = Entry(b"body", 100.0, 200.0, 300.0, 0.5, "ollama", "m", 0.8, degraded=False)


def both(result: AnswerResult, now: float) -> list[dict[bytes, bytes]]:
    """Return the headers of an answer, whole and as a stream."""
    made = AnswerHeaders(lambda: now)
    started = time.perf_counter()
    found: list[Headers] = [made.whole(result, b"r1", started), made.stream([], started, Progress(), result)]
    return [dict(headers) for headers in found]


@pytest.mark.parametrize(
    ("now", "cache", "detail", "status", "age"),
    [
        (160.0, "hit", "memory", b"alchemorsel; hit; ttl=40; detail=memory", b"60"),
        (250.0, "stale", "stale", b"alchemorsel; hit; ttl=-50; detail=stale", b"150"),
        (99.0, "miss", "stored", b"alchemorsel; fwd=miss; stored", b"0"),
        (100.0, "expired", "", b"alchemorsel; fwd=stale", b"0"),
    ],
)
def test_cache_status_and_age_are_those_of_now(now: float, cache: str, detail: str, status: bytes, age: bytes) -> None:
    """A clock that is behind makes no negative age."""
    for headers in both(AnswerResult(ENTRY, cache, detail), now):
        assert (headers[b"cache-status"], headers[b"age"]) == (status, age)
        assert (headers[b"x-ai-provider"], headers[b"x-ai-model"]) == (b"ollama", b"m")
