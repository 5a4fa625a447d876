"""The use case: key, cache, single flight, providers, cache again."""

from __future__ import annotations

import asyncio
import random
import time
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from ai_service.answer_entry import entry_of
from ai_service.cache.entry import Entry  # noqa: TC001 - msgspec reads the type of the field
from ai_service.cache.freshness import is_due, may_serve_stale
from ai_service.cache.keys import UNKNOWN_MODEL, answer_key
from ai_service.cache.shared_flight import Bid, Turn
from ai_service.errors import DeadlineExceeded, HTTPError, NotCached
from ai_service.providers.chain import ChainAnswer
from ai_service.transcript import Transcript

if TYPE_CHECKING:
    from collections.abc import Callable

    from ai_service.background import Background
    from ai_service.cache.response_cache import ResponseCache
    from ai_service.cache.shared_flight import SharedFlight
    from ai_service.cache.single_flight import SingleFlight
    from ai_service.cache_control import Directives
    from ai_service.health import Observer
    from ai_service.metrics import Metrics
    from ai_service.providers.chain import ProviderChain
    from ai_service.schemas import TaskRequest
    from ai_service.tasks import Task
    from ai_service.transcript import Follower
    from ai_service.validation import Question


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
        stored, bid = None, None
        if not directives.bypass:
            stored = self._cache.at_hand(key)
            if stored is None:
                stored, bid = await self._look(task, key, directives)
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
            cache = "expired" if stored else "miss"
            outcome = await self._miss(task, question.request, key, directives, cache, bid=bid, follower=follower)
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

    async def _look(self, task: Task, key: str, directives: Directives) -> tuple[tuple[Entry, str] | None, Bid | None]:
        """What the store has, or a bid for computing it; the latter only where this request would compute it itself."""
        if directives.only_if_cached or key in self._flights:
            return await self._cache.find(key), None
        generation = self._cache.generation(task.name)
        found = await self._shared.seek(key, "request", generation)
        if isinstance(found, Bid):
            self._cache.forget(key)
            return None, found
        return self._cache.take(key, found, generation.purges), None

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
        bid: Bid | None,
        follower: Follower | None,
    ) -> Outcome:
        if follower is not None:
            follower.cache = "bypass" if directives.bypass else cache
        if directives.bypass:
            transcript = Transcript(kept=follower is None)
            if follower is not None:
                transcript.attach(follower)
            async with asyncio.timeout(self._deadline_s):
                turn = None if directives.no_store else Turn(await self._cache.current_generation(task.name))
                found = await self._chain.answer(task, request, transcript)
                return await self._keep(task, found, key, "bypass", turn)
        if bid is not None and key in self._flights:  # Whose computation may be waiting for the very lock.
            await self._shared.withdraw(bid)
            bid = None
        outcome, joined = await self._flights.run(
            key,
            lambda transcript: self._bounded(task, request, key, cache, transcript=transcript, bid=bid),
            follower,
        )
        return msgspec.structs.replace(outcome, cache="coalesced") if joined else outcome

    async def _bounded(
        self, task: Task, request: TaskRequest, key: str, cache: str, *, transcript: Transcript, bid: Bid | None
    ) -> Outcome:
        """A shared computation ends by itself, whoever waits for it; its deadline comes before any caller's."""
        async with (
            asyncio.timeout(self._deadline_s),
            self._shared.turn(
                key,
                "request",
                self._cache.generation(task.name) if bid is None else bid.generation,
                wait_s=self._deadline_s / 2,
                is_enough=self._is_fresh,
                bid=bid,
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
        entry = entry_of(task, found, now)
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
