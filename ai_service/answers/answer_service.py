"""The use case: key, cache, single flight, providers, cache again."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from ai_service.answers.answer_entry import entry_of
from ai_service.answers.answer_result import AnswerResult
from ai_service.answers.caller import ANONYMOUS
from ai_service.answers.disconnect import unless_disconnected
from ai_service.cache.freshness import is_due, may_serve_stale
from ai_service.cache.keys import SHARED, UNKNOWN_MODEL, answer_key, answers_of
from ai_service.errors import DeadlineExceeded, HTTPError, NotCached, TokenBudgetExceeded
from ai_service.providers.transcript import LookedUp, Transcript
from ai_service.resilience.chain import ChainAnswer
from ai_service.skipped_providers import Skipped, details_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.types import Receive

    from ai_service.answers.caller import Caller
    from ai_service.answers.single_flight import Deliver, SingleFlight
    from ai_service.answers.token_budgets import TokenBudgets
    from ai_service.answers.token_usage import TokenUsage
    from ai_service.cache.compute_lock import ComputeLock
    from ai_service.cache.entry import Entry
    from ai_service.cache.epochs import Epochs
    from ai_service.cache.hits import CacheHits
    from ai_service.cache.response_cache import ResponseCache
    from ai_service.health.observer import Observer
    from ai_service.http.cache_control import Directives
    from ai_service.observability.metrics import Metrics
    from ai_service.providers.transcript import Subscriber
    from ai_service.resilience.idle_queue import IdleQueue
    from ai_service.resilience.model_chains import ModelChains
    from ai_service.schemas import TaskRequest
    from ai_service.tasks import Task
    from ai_service.tasks.request_parser import ParsedRequest


class AnswerService:
    """Answer requests for tasks.

    Args:
        cache: Stored answers.
        flights: Joins equal misses of this process.
        chains: The providers, by model.
        observer: Knows the model's digest.
        metrics: Where confidences are noted.
        background: Takes refreshes.
        epochs: Part of every key.
        lock: Joins equal misses of all processes.
        usage: Counts tokens by API key.
        budgets: Refuses to compute for a key whose token budget is used up.
        hits: Counts answers from the cache.
        deadline_s: For a whole request.
        revalidate_s: Stale-while-revalidate window: seconds past its freshness in which an answer is served while it is
            refreshed.
        clock: Seconds since the epoch.
        draw: Random numbers from 0 to 1 for early refreshes.
    """

    def __init__(
        self,
        cache: ResponseCache,
        flights: SingleFlight[AnswerResult],
        chains: ModelChains,
        observer: Observer,
        metrics: Metrics,
        *,
        background: IdleQueue,
        epochs: Epochs,
        lock: ComputeLock,
        usage: TokenUsage,
        budgets: TokenBudgets,
        hits: CacheHits,
        deadline_s: float,
        revalidate_s: float,
        clock: Callable[[], float] = time.time,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._cache = cache
        self._flights = flights
        self._chains = chains
        self._observer = observer
        self._background = background
        self._epochs = epochs
        self._lock = lock
        self._usage = usage
        self._budgets = budgets
        self._hits = hits
        self._metrics = metrics
        self._deadline_s = deadline_s
        self._revalidate_s = revalidate_s
        self._clock = clock
        self._draw = draw

    async def answer(
        self,
        task: Task,
        parsed: ParsedRequest,
        directives: Directives,
        subscriber: Subscriber | None = None,
        *,
        receive: Receive | None = None,
        caller: Caller = ANONYMOUS,
    ) -> AnswerResult:
        """Answer from the cache, or have the answer computed.

        Args:
            task: Which task.
            parsed: What is asked.
            directives: The caller's wishes about caching.
            subscriber: Gets the text as it is written; nothing where the answer comes from the cache.
            receive: ASGI's, to notice while the answer is computed that the caller left; None for one that cannot.
            caller: Who asks.

        Raises:
            Disconnected: The caller left.
            NotCached: `only-if-cached`, and nothing fresh is stored.
            DeadlineExceeded: The deadline passed.
            ServiceUnavailable: No provider answered and nothing stale is stored.
            TokenBudgetExceeded: The caller's budget is used up and nothing stale is stored.
        """
        key = self._key(task, parsed, caller.scope)
        started = time.perf_counter()
        stored = None
        if not directives.bypass:
            stored = self._cache.at_hand(key) or await self._cache.find(key)
        if stored is not None:
            found = self._from_cache(task, parsed, stored, directives, started, caller=caller)
            if found is not None:
                self._hits.add(key)
                return found
        if directives.only_if_cached:
            raise NotCached("No fresh answer is cached, and the request accepts only cached answers.")
        looked_up = ("cache", time.perf_counter() - started)
        stale = stored[0] if stored is not None and stored[0].stale_until > self._clock() else None
        lookup = LookedUp("bypass" if directives.bypass else "expired" if stored else "miss", looked_up[1])
        try:
            computing = self._compute(
                task, parsed.request, key, directives, lookup, subscriber=subscriber, caller=caller
            )
            result = await (computing if receive is None else unless_disconnected(computing, receive))
        except HTTPError as error:
            if stale is not None and (error.status >= 500 or isinstance(error, TokenBudgetExceeded)):
                return AnswerResult(stale, "stale", "stale", (looked_up,), error.skipped)
            raise
        if stale is not None and result.synthetic:
            return AnswerResult(stale, "stale", "stale", (looked_up,), result.skipped)
        return msgspec.structs.replace(result, timings=(looked_up, *result.timings))

    async def refresh(
        self, task: Task, parsed: ParsedRequest, *, purpose: str, scope: str = SHARED, replaces: Entry | None = None
    ) -> bool:
        """Have the primary provider compute an answer for which no caller waits; a fallback's would not be better.

        Args:
            task: Which task.
            parsed: What is asked.
            purpose: Label of the metrics: `refresh` or `warmup`.
            scope: Whose answer.
            replaces: The entry that is too old; by default only a missing or expired one is.

        Returns:
            Whether there was anything to do: another process may have done it.

        Raises:
            ProviderError: There is no answer.
            TimeoutError: The deadline passed.
        """
        key = self._key(task, parsed, scope)

        def is_enough(entry: Entry) -> bool:
            return entry.created > replaces.created if replaces else self._is_fresh(entry)

        async with (
            asyncio.timeout(self._deadline_s),
            self._lock.hold(key, "refresh", wait_s=0.0, find=lambda: self._find(key, is_enough)) as lease,
        ):
            if lease.entry is not None or lease.held is False:
                return False
            primary = self._chains.of(task.model_of(parsed.request)).primary
            answer = await primary.answer(task, parsed.request, purpose=purpose)
            result, keepable = self._result(task, ChainAnswer(answer, ()), key, purpose)
            return keepable and await self._cache.keep(key, result.entry, result.entry.created)

    def _key(self, task: Task, parsed: ParsedRequest, scope: str) -> str:
        digest = self._observer.digest_of(task.model_of(parsed.request))
        return answer_key(self._epochs.current(task.name), scope, task.name, digest, parsed.digest)

    def _primary_usable(self, task: Task, parsed: ParsedRequest) -> bool:
        return self._observer.usable(self._chains.of(task.model_of(parsed.request)).primary)

    def _from_cache(
        self,
        task: Task,
        parsed: ParsedRequest,
        stored: tuple[Entry, str],
        directives: Directives,
        started: float,
        *,
        caller: Caller,
    ) -> AnswerResult | None:
        """Return what is stored, if it is good enough; refresh it in the background where it soon will not be."""
        entry, where = stored
        now = self._clock()
        if fresh := entry.fresh_until > now:
            due = is_due(entry, now, self._draw) or (entry.degraded and self._primary_usable(task, parsed))
        elif may_serve_stale(entry, now, revalidate_s=self._revalidate_s, max_stale_s=directives.max_stale_s):
            due = True
        else:
            return None
        if due and not directives.only_if_cached and not self._budgets.is_exceeded(caller):
            work = partial(self.refresh, task, parsed, purpose="refresh", scope=caller.scope, replaces=entry)
            self._background.offer(self._key(task, parsed, caller.scope), "refresh", task.name, work)
        timings = (("cache", time.perf_counter() - started),)
        return AnswerResult(entry, "hit", where, timings) if fresh else AnswerResult(entry, "stale", "stale", timings)

    async def _compute(
        self,
        task: Task,
        request: TaskRequest,
        key: str,
        directives: Directives,
        lookup: LookedUp,
        *,
        subscriber: Subscriber | None,
        caller: Caller,
    ) -> AnswerResult:
        """Compute an answer: for this caller alone where the cache is bypassed, else for all who ask for it."""
        if caller.token_budget and (directives.bypass or key not in self._flights):
            await self._budgets.check(caller)
        if joined := not directives.bypass and key in self._flights:
            lookup = LookedUp("coalesced", lookup.seconds)
        if subscriber is not None:
            subscriber.push(lookup)
        if not directives.bypass:
            result = await self._flights.run(
                key,
                lambda transcript, deliver: self._compute_once(
                    task, request, key, lookup.cache, transcript=transcript, deliver=deliver, caller=caller
                ),
                subscriber,
            )
            return msgspec.structs.replace(result, cache="coalesced") if joined else result
        transcript = Transcript(callers=int(subscriber is None))
        if subscriber is not None:
            transcript.attach(subscriber)
        async with self._deadline(transcript):
            found = await self._ask(task, request, transcript, caller)
            result, keepable = self._result(task, found, key, lookup.cache)
            return await self._store(key, result) if keepable and not directives.no_store else result

    async def _compute_once(
        self,
        task: Task,
        request: TaskRequest,
        key: str,
        cache: str,
        *,
        transcript: Transcript,
        deliver: Deliver[AnswerResult],
        caller: Caller,
    ) -> AnswerResult:
        """Compute an answer unless another process does; ends by itself, before any caller's deadline.

        Where the store just gave the lock, callers have the answer before the store has: this process's memory has it,
        and others wait for the lock.
        """
        async with (
            self._deadline(transcript),
            self._lock.hold(
                key, "request", wait_s=self._deadline_s / 2, find=lambda: self._find(key, self._is_fresh)
            ) as lease,
        ):
            if lease.entry is not None:
                return AnswerResult(lease.entry, "coalesced", "coalesced")
            found = await self._ask(task, request, transcript, caller)
            result, keepable = self._result(task, found, key, cache)
            if not keepable:
                return result
            if lease.held:
                self._cache.remember(key, result.entry)
                deliver(msgspec.structs.replace(result, detail="stored"))
            return await self._store(key, result)

    async def _ask(self, task: Task, request: TaskRequest, transcript: Transcript, caller: Caller) -> ChainAnswer:
        """Ask the providers; the caller whose request it was pays, also for attempts that failed."""
        answered = 0
        try:
            found = await self._chains.of(task.model_of(request)).answer(task, request, transcript)
            answered = 1
            return found
        finally:
            self._usage.add(
                caller,
                prompt_tokens=transcript.prompt_tokens,
                completion_tokens=transcript.completion_tokens,
                requests=answered,
            )

    @asynccontextmanager
    async def _deadline(self, transcript: Transcript) -> AsyncIterator[None]:
        """Bound a computation.

        Raises:
            DeadlineExceeded: Says which providers the time went to.
        """
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._deadline_s):
                yield
        except TimeoutError:
            skipped = list(transcript.skipped)
            if transcript.running and transcript.author is not None:
                spent = time.monotonic() - started - sum(each.seconds for each in skipped)
                skipped.append(Skipped(transcript.author.provider, "deadline", spent))
            raise DeadlineExceeded(
                f"No answer within {self._deadline_s:g} s.", details=details_of(skipped) or None, skipped=skipped
            ) from None

    async def _find(self, key: str, is_enough: Callable[[Entry], bool]) -> Entry | None:
        found = await self._cache.find(key)
        return found[0] if found is not None and is_enough(found[0]) else None

    def _is_fresh(self, entry: Entry) -> bool:
        return entry.fresh_until > self._clock()

    def _result(self, task: Task, found: ChainAnswer, key: str, cache: str) -> tuple[AnswerResult, bool]:
        """Make an entry of an answer; return it, and whether it may be stored.

        Args:
            task: Whose.
            found: The answer.
            key: Of the request.
            cache: Label of the metrics.
        """
        entry = entry_of(task, found, self._clock())
        self._metrics.answer(task.name, entry.confidence)
        answer = found.answer
        known = f":{UNKNOWN_MODEL}:" not in key
        purged = not key.startswith(answers_of(self._epochs.current(task.name)))
        timings = (("queue", answer.queue_s), ("load", answer.load_s), ("provider", answer.provider_s))
        result = AnswerResult(
            entry, cache, "", timings, found.skipped, answer.synthetic, completion_tokens=answer.completion_tokens
        )
        return result, answer.scored.storable and not answer.synthetic and known and not purged

    async def _store(self, key: str, result: AnswerResult) -> AnswerResult:
        """Store an answer; return it with what became of that."""
        stored = await self._cache.keep(key, result.entry, result.entry.created)
        return msgspec.structs.replace(result, detail="stored" if stored else "")
