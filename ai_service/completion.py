"""The use case: key, cache, single flight, providers, cache again."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from ai_service.cache.entry import Entry
from ai_service.cache.freshness import STALE_IF_ERROR_S, is_due, may_serve_stale
from ai_service.cache.keys import UNKNOWN_MODEL, answer_key
from ai_service.cache.shared_flight import Turn
from ai_service.content_encoding import pack
from ai_service.errors import DeadlineExceeded, HTTPError, NotCached
from ai_service.providers.chain import ChainAnswer
from ai_service.schemas import Meta, Recipe
from ai_service.transcript import Transcript

if TYPE_CHECKING:
    from collections.abc import Callable

    from ai_service.background import Background
    from ai_service.cache.response_cache import ResponseCache
    from ai_service.cache.shared_flight import SharedFlight
    from ai_service.cache.single_flight import SingleFlight
    from ai_service.health import Observer
    from ai_service.metrics import Metrics
    from ai_service.providers.chain import ProviderChain
    from ai_service.schemas import TaskRequest
    from ai_service.tasks import Task
    from ai_service.transcript import Follower
    from ai_service.validation import Question

FALLBACK_TTL_S = 60.0
"""A fallback's answer is fresh for so long: the primary is to be asked again soon."""


@dataclass(frozen=True, slots=True)
class Directives:
    """What a request's `Cache-Control` asks for (RFC 9111, section 5.2.1).

    Attributes:
        no_cache: Compute anew, whatever is stored; the new answer may be stored.
        no_store: Compute anew, and store nothing.
        only_if_cached: Answer from the cache or not at all.
        max_stale_s: So many seconds past its freshness an answer is still welcome; infinite for `max-stale` alone.
    """

    no_cache: bool = False
    no_store: bool = False
    only_if_cached: bool = False
    max_stale_s: float = 0.0


class Outcome(msgspec.Struct, frozen=True):
    """An answer and how it came about.

    Attributes:
        entry: The answer.
        cache: Label of the metrics: `hit`, `miss`, `expired` (too old, so computed anew), `stale`, `bypass` or
            `coalesced`.
        detail: Where a hit was found, or whether a miss was stored.
        timings: Name and seconds, for `Server-Timing`.
        passed_over: Provider and reason for each fallback.
        fabricated: Whether the answer is made up, so that even a stale one would be better.
    """

    entry: Entry
    cache: str
    detail: str
    timings: tuple[tuple[str, float], ...] = ()
    passed_over: tuple[tuple[str, str], ...] = ()
    fabricated: bool = False


class Completions:
    """Answers requests for tasks.

    Args:
        cache: Stored answers.
        flights: Joins equal misses of this process.
        chain: The providers.
        observer: Knows the model's digest.
        metrics: Where confidences are noted.
        background: Takes refreshes.
        shared: Joins equal misses of all processes.
        deadline_s: For a whole request.
        revalidate_s: Stale-while-revalidate: so long past its freshness an answer is served while it is refreshed.
        clock: Seconds since the epoch.
        draw: Random numbers from 0 to 1 for early refreshes.
    """

    def __init__(
        self,
        cache: ResponseCache,
        flights: SingleFlight[Outcome],
        chain: ProviderChain,
        observer: Observer,
        metrics: Metrics,
        *,
        background: Background,
        shared: SharedFlight,
        deadline_s: float,
        revalidate_s: float,
        clock: Callable[[], float] = time.time,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._cache = cache
        self._flights = flights
        self._chain = chain
        self._observer = observer
        self._background = background
        self._shared = shared
        self._metrics = metrics
        self._deadline_s = deadline_s
        self._revalidate_s = revalidate_s
        self._clock = clock
        self._draw = draw

    async def answer(
        self, task: Task, question: Question, directives: Directives, follower: Follower | None = None
    ) -> Outcome:
        """Answers from the cache, or has the answer computed.

        Args:
            task: Which task.
            question: What is asked.
            directives: The caller's wishes about caching.
            follower: Gets the text as it is written; nothing where the answer comes from the cache.

        Raises:
            NotCached: `only-if-cached`, and nothing fresh is stored.
            DeadlineExceeded: The deadline passed.
            ServiceUnavailable: No provider answered and nothing stale is stored.
        """
        key = answer_key(task.name, self._observer.model_digest, question.digest)
        started = time.perf_counter()
        stored = None
        if not (directives.no_store or directives.no_cache):
            stored = self._cache.at_hand(key) or await self._cache.find(key)
        if stored is not None:
            found = self._from_cache(task, question, stored, directives, started)
            if found is not None:
                return found
        if directives.only_if_cached:
            raise NotCached("No answer that is fresh enough is stored, and the request allows no other.")
        looked_up = ("cache", time.perf_counter() - started)
        if follower is not None:
            follower.timings.update([looked_up])
        stale = stored[0] if stored is not None and stored[0].stale_until > self._clock() else None
        try:
            async with asyncio.timeout(self._deadline_s):
                cache = "expired" if stored else "miss"
                outcome = await self._miss(task, question.request, key, directives, cache, follower=follower)
        except (HTTPError, TimeoutError) as error:
            if stale is not None:
                return Outcome(stale, "stale", "stale", (looked_up,))
            if isinstance(error, TimeoutError):
                raise DeadlineExceeded(f"No answer within {self._deadline_s:g} s.") from None
            raise
        if stale is not None and outcome.fabricated:
            return Outcome(stale, "stale", "stale", (looked_up,))
        return msgspec.structs.replace(outcome, timings=(looked_up, *outcome.timings))

    async def refresh(self, task: Task, question: Question, *, purpose: str, replaces: Entry | None = None) -> bool:
        """Has the primary provider compute an answer that nobody waits for; a fallback's would not be better.

        Args:
            task: Which task.
            question: What is asked.
            purpose: Label of the metrics: `refresh` or `warmup`.
            replaces: The entry that is too old; by default only a missing or expired one is.

        Returns:
            Whether there was anything to do: another process may have done it.

        Raises:
            ProviderError: There is no answer.
            TimeoutError: The deadline passed.
        """
        key = answer_key(task.name, self._observer.model_digest, question.digest)

        def is_enough(entry: Entry) -> bool:
            return entry.created > replaces.created if replaces else self._is_fresh(entry)

        async with (
            asyncio.timeout(self._deadline_s),
            self._shared.turn(
                key, "refresh", self._cache.generation(task.name), wait_s=0.0, is_enough=is_enough
            ) as turn,
        ):
            if turn.entry is not None or turn.elsewhere:
                return False
            answer = await self._chain.primary.answer(task, question.request, purpose=purpose)
            outcome = await self._keep(task, ChainAnswer(answer, ()), key, purpose, turn)
        return outcome.detail == "stored"

    def _from_cache(
        self, task: Task, question: Question, stored: tuple[Entry, str], directives: Directives, started: float
    ) -> Outcome | None:
        """What is stored, if it is good enough; it is refreshed in the background where it will not be for long."""
        entry, where = stored
        now = self._clock()
        if fresh := entry.fresh_until > now:
            due = is_due(entry, now, self._draw) or (entry.degraded and self._observer.primary_usable)
        elif may_serve_stale(entry, now, revalidate_s=self._revalidate_s, max_stale_s=directives.max_stale_s):
            due = True
        else:
            return None
        if due and not directives.only_if_cached:
            key = answer_key(task.name, self._observer.model_digest, question.digest)
            work = partial(self.refresh, task, question, purpose="refresh", replaces=entry)
            self._background.offer(key, "refresh", task.name, work)
        timings = (("cache", time.perf_counter() - started),)
        return Outcome(entry, "hit", where, timings) if fresh else Outcome(entry, "stale", "stale", timings)

    async def _miss(
        self,
        task: Task,
        request: TaskRequest,
        key: str,
        directives: Directives,
        cache: str,
        *,
        follower: Follower | None,
    ) -> Outcome:
        bypass = directives.no_store or directives.no_cache
        if follower is not None:
            follower.cache = "bypass" if bypass else cache
        if bypass:
            transcript = Transcript(kept=follower is None)
            if follower is not None:
                transcript.attach(follower)
            turn = None if directives.no_store else Turn(await self._cache.current_generation(task.name))
            found = await self._chain.answer(task, request, transcript)
            return await self._keep(task, found, key, "bypass", turn)
        outcome, joined = await self._flights.run(
            key, lambda transcript: self._bounded(task, request, key, cache, transcript), follower
        )
        return msgspec.structs.replace(outcome, cache="coalesced") if joined else outcome

    async def _bounded(self, task: Task, request: TaskRequest, key: str, cache: str, transcript: Transcript) -> Outcome:
        """A shared computation ends by itself, whoever still waits for it."""
        async with (
            asyncio.timeout(self._deadline_s),
            self._shared.turn(
                key,
                "request",
                self._cache.generation(task.name),
                wait_s=self._deadline_s / 2,
                is_enough=self._is_fresh,
            ) as turn,
        ):
            if turn.entry is not None:
                return Outcome(turn.entry, "coalesced", "coalesced")
            found = await self._chain.answer(task, request, transcript)
            return await self._keep(task, found, key, cache, turn, soon=True)

    def _is_fresh(self, entry: Entry) -> bool:
        return entry.fresh_until > self._clock()

    async def _keep(
        self, task: Task, found: ChainAnswer, key: str, cache: str, turn: Turn | None, *, soon: bool = False
    ) -> Outcome:
        """Makes an entry of an answer and keeps it.

        Args:
            task: Whose.
            found: The answer.
            key: Where to.
            cache: Label of the metrics.
            turn: In which it was computed; None where it is not to be stored.
            soon: Whether a caller waits, so that what can follow the answer does.
        """
        now = self._clock()
        entry = self._entry(task, found, now)
        self._metrics.answer(task.name, entry.confidence)
        keepable = task.storable(found.answer.judged[0]) and not found.answer.fabricated
        stored = False
        if turn is not None and keepable and self._observer.model_digest != UNKNOWN_MODEL:
            stored = await self._cache.keep(
                key, entry, now=now, generation=turn.generation, lock=turn.hand_over(), soon=soon
            )
        timings = (
            ("queue", found.answer.queue_s),
            ("load", found.answer.load_s),
            ("provider", found.answer.provider_s),
        )
        return Outcome(entry, cache, "stored" if stored else "", timings, found.passed_over, found.answer.fabricated)

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
        body = task.body(data, meta)
        return Entry(
            body=body,
            created=now,
            fresh_until=now + ttl_s,
            stale_until=now + ttl_s + STALE_IF_ERROR_S,
            compute_s=answer.load_s + answer.provider_s,
            provider=answer.provider,
            model=answer.model,
            confidence=confidence,
            degraded=found.degraded,
            packed=pack(body),
        )
