"""The use case: key, cache, single flight, providers, cache again."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from ai_service.cache.entry import Entry
from ai_service.cache.keys import UNKNOWN_MODEL, answer_key
from ai_service.errors import DeadlineExceeded, HTTPError, NotCached
from ai_service.schemas import Envelope, Meta, Recipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from ai_service.cache.response_cache import ResponseCache
    from ai_service.cache.single_flight import SingleFlight
    from ai_service.health import Observer
    from ai_service.metrics import Metrics
    from ai_service.providers.chain import ChainAnswer, ProviderChain
    from ai_service.schemas import TaskRequest
    from ai_service.tasks import Task
    from ai_service.validation import Question

FALLBACK_TTL_S = 60.0
"""A fallback's answer is fresh for so long: the primary is to be asked again soon."""
STALE_IF_ERROR_S = 24 * 3600.0

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Directives:
    """What a request's `Cache-Control` asks for (RFC 9111, section 5.2.1)."""

    no_cache: bool = False
    no_store: bool = False
    only_if_cached: bool = False


class Outcome(msgspec.Struct, frozen=True):
    """An answer and how it came about.

    Attributes:
        entry: The answer.
        cache: Label of the metrics: `hit`, `miss`, `stale`, `bypass` or `coalesced`.
        detail: Where a hit was found, or whether a miss was stored.
        timings: Name and seconds, for `Server-Timing`.
        passed_over: Provider and reason for each fallback.
    """

    entry: Entry
    cache: str
    detail: str
    timings: tuple[tuple[str, float], ...] = ()
    passed_over: tuple[tuple[str, str], ...] = ()


class Completions:
    """Answers requests for tasks.

    Args:
        cache: Stored answers.
        flights: Joins equal misses.
        chain: The providers.
        observer: Knows the model's digest.
        metrics: Where confidences are noted.
        deadline_s: For a whole request.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        cache: ResponseCache,
        flights: SingleFlight[Outcome],
        chain: ProviderChain,
        observer: Observer,
        metrics: Metrics,
        *,
        deadline_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._cache = cache
        self._flights = flights
        self._chain = chain
        self._observer = observer
        self._metrics = metrics
        self._deadline_s = deadline_s
        self._clock = clock

    async def answer(self, task: Task, question: Question, directives: Directives) -> Outcome:
        """Answers from the cache, or has the answer computed.

        Args:
            task: Which task.
            question: What is asked.
            directives: The caller's wishes about caching.

        Raises:
            NotCached: `only-if-cached`, and nothing fresh is stored.
            DeadlineExceeded: The deadline passed.
            ServiceUnavailable: No provider answered and nothing stale is stored.
        """
        key = answer_key(task.name, self._observer.model_digest, question.digest)
        started = time.perf_counter()
        stored = None if directives.no_store or directives.no_cache else await self._cache.find(key)
        if stored is not None and stored[0].fresh_until > self._clock():
            return Outcome(stored[0], "hit", stored[1], (("cache", time.perf_counter() - started),))
        if directives.only_if_cached:
            raise NotCached("No fresh answer is stored, and the request allows no other.")
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self._miss(task, question.request, key, directives)
        except (HTTPError, TimeoutError) as error:
            if stored is not None and stored[0].stale_until > self._clock():
                return Outcome(stored[0], "stale", stored[1])
            if isinstance(error, TimeoutError):
                raise DeadlineExceeded(f"No answer within {self._deadline_s:g} s.") from None
            raise

    async def _miss(self, task: Task, request: TaskRequest, key: str, directives: Directives) -> Outcome:
        if directives.no_store or directives.no_cache:
            return await self._compute(task, request, key, "bypass", store=not directives.no_store)
        outcome, joined = await self._flights.run(key, lambda: self._bounded(task, request, key))
        return msgspec.structs.replace(outcome, cache="coalesced") if joined else outcome

    async def _bounded(self, task: Task, request: TaskRequest, key: str) -> Outcome:
        """A shared computation ends by itself, whoever still waits for it."""
        async with asyncio.timeout(self._deadline_s):
            return await self._compute(task, request, key, "miss", store=True)

    async def _compute(self, task: Task, request: TaskRequest, key: str, cache: str, *, store: bool) -> Outcome:
        found = await self._chain.answer(task, request)
        now = self._clock()
        entry = self._entry(task, found, now)
        self._metrics.answer(task.name, entry.confidence)
        storable = store and not found.answer.fabricated and self._observer.model_digest != UNKNOWN_MODEL
        stored = storable and await self._cache.keep(key, entry, now=now)
        timings = (
            ("queue", found.answer.queue_s),
            ("load", found.answer.load_s),
            ("provider", found.answer.provider_s),
        )
        return Outcome(entry, cache, "stored" if stored else "", timings, found.passed_over)

    def _entry(self, task: Task, found: ChainAnswer, now: float) -> Entry:
        answer = found.answer
        data, confidence = answer.judged
        if answer.fabricated:  # The rule rates the text; nobody thought about it.
            confidence = 0.0
            data = msgspec.structs.replace(data, confidence=confidence) if isinstance(data, Recipe) else data
        ttl_s = FALLBACK_TTL_S if found.degraded else task.ttl_s * (0.5 + confidence)
        meta = Meta(
            provider=answer.provider,
            model=answer.model,
            generated_at=datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            confidence=confidence,
            degraded=found.degraded,
        )
        return Entry(
            body=_encode(Envelope(success=True, data=data, message=task.message, meta=meta)),
            created=now,
            fresh_until=now + ttl_s,
            stale_until=now + ttl_s + STALE_IF_ERROR_S,
            compute_s=answer.load_s + answer.provider_s,
            provider=answer.provider,
            model=answer.model,
            confidence=confidence,
            degraded=found.degraded,
        )
