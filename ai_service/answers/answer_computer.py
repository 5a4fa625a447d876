"""Compute answers: equal ones once at a time in all processes, within the deadline, and into the cache."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from ai_service.answers.answer_entry import entry_of
from ai_service.answers.answer_result import AnswerResult
from ai_service.answers.current_keys import names_model
from ai_service.cache.keys import SHARED
from ai_service.errors import DeadlineExceeded
from ai_service.providers.transcript import LookedUp, Transcript
from ai_service.resilience.chain import ChainAnswer
from ai_service.skipped_providers import Skipped, details_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from ai_service.answers.caller import Caller
    from ai_service.answers.current_keys import CurrentKeys
    from ai_service.answers.single_flight import Deliver, SingleFlight
    from ai_service.answers.token_budgets import TokenBudgets
    from ai_service.answers.token_usage import TokenUsage
    from ai_service.cache.compute_lock import ComputeLock
    from ai_service.cache.entry import Entry
    from ai_service.cache.response_cache import ResponseCache
    from ai_service.http.cache_control import Directives
    from ai_service.observability.metrics import Metrics
    from ai_service.providers.transcript import Subscriber
    from ai_service.resilience.model_chains import ModelChains
    from ai_service.schemas import TaskRequest
    from ai_service.tasks import Task
    from ai_service.tasks.request_parser import ParsedRequest


class AnswerComputer:
    """Have providers compute answers.

    Args:
        cache: Stored answers.
        flights: Joins equal misses of this process.
        lock: Joins equal misses of all processes.
        chains: The providers, by model.
        keys: Of what is stored.
        metrics: Where confidences are noted.
        usage: Counts tokens by API key.
        budgets: Refuses to compute for a key whose token budget is used up.
        deadline_s: For a computation.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        cache: ResponseCache,
        flights: SingleFlight[AnswerResult],
        lock: ComputeLock,
        chains: ModelChains,
        keys: CurrentKeys,
        *,
        metrics: Metrics,
        usage: TokenUsage,
        budgets: TokenBudgets,
        deadline_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._cache = cache
        self._flights = flights
        self._lock = lock
        self._chains = chains
        self._keys = keys
        self._metrics = metrics
        self._usage = usage
        self._budgets = budgets
        self._deadline_s = deadline_s
        self._clock = clock

    async def compute(
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
        """Compute an answer: for this caller alone where the cache is bypassed, else for all who ask for it.

        Args:
            task: Which task.
            request: What is asked.
            key: Of the answer.
            directives: The caller's wishes about caching.
            lookup: What the cache said, for the subscriber and the metrics.
            subscriber: Gets the text as it is written.
            caller: Who asks and pays.

        Raises:
            DeadlineExceeded: The deadline passed.
            ServiceUnavailable: No provider answered.
            TokenBudgetExceeded: The caller's budget is used up.
        """
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
        key = self._keys.of(task, parsed, scope)

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
        current = names_model(key) and self._keys.is_current(key, task.name)
        timings = (("queue", answer.queue_s), ("load", answer.load_s), ("provider", answer.provider_s))
        result = AnswerResult(
            entry, cache, "", timings, found.skipped, answer.synthetic, completion_tokens=answer.completion_tokens
        )
        return result, answer.scored.storable and not answer.synthetic and current

    async def _store(self, key: str, result: AnswerResult) -> AnswerResult:
        """Store an answer; return it with what became of that."""
        stored = await self._cache.keep(key, result.entry, result.entry.created)
        return msgspec.structs.replace(result, detail="stored" if stored else "")
