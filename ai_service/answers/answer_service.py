"""Answer requests for tasks: from the cache where it holds a good answer, else by having one computed."""

from __future__ import annotations

import random
import time
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from ai_service.answers.answer_result import AnswerResult
from ai_service.answers.caller import ANONYMOUS
from ai_service.answers.disconnect import unless_disconnected
from ai_service.cache.freshness import is_due, may_serve_stale
from ai_service.errors import HTTPError, NotCached, TokenBudgetExceeded
from ai_service.providers.transcript import LookedUp

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive

    from ai_service.answers.answer_computer import AnswerComputer
    from ai_service.answers.caller import Caller
    from ai_service.answers.current_keys import CurrentKeys
    from ai_service.answers.token_budgets import TokenBudgets
    from ai_service.cache.entry import Entry
    from ai_service.cache.hits import CacheHits
    from ai_service.cache.response_cache import ResponseCache
    from ai_service.health.observer import Observer
    from ai_service.http.cache_control import Directives
    from ai_service.providers.transcript import Subscriber
    from ai_service.resilience.idle_queue import IdleQueue
    from ai_service.resilience.model_chains import ModelChains
    from ai_service.tasks import Task
    from ai_service.tasks.request_parser import ParsedRequest


class AnswerService:
    """Answer requests for tasks.

    Args:
        cache: Stored answers.
        computer: Computes what is not stored.
        keys: Of what is stored.
        chains: The providers, by model.
        observer: Knows which providers can be asked.
        background: Takes refreshes.
        budgets: Keeps a key whose token budget is used up from refreshes.
        hits: Counts answers from the cache.
        revalidate_s: Stale-while-revalidate window: seconds past its freshness in which an answer is served while it is
            refreshed.
        clock: Seconds since the epoch.
        draw: Random numbers from 0 to 1 for early refreshes.
    """

    def __init__(
        self,
        cache: ResponseCache,
        computer: AnswerComputer,
        keys: CurrentKeys,
        chains: ModelChains,
        observer: Observer,
        *,
        background: IdleQueue,
        budgets: TokenBudgets,
        hits: CacheHits,
        revalidate_s: float,
        clock: Callable[[], float] = time.time,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._cache = cache
        self._computer = computer
        self._keys = keys
        self._chains = chains
        self._observer = observer
        self._background = background
        self._budgets = budgets
        self._hits = hits
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
        key = self._keys.of(task, parsed, caller.scope)
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
            computing = self._computer.compute(
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
            work = partial(self._computer.refresh, task, parsed, purpose="refresh", scope=caller.scope, replaces=entry)
            self._background.offer(self._keys.of(task, parsed, caller.scope), "refresh", task.name, work)
        timings = (("cache", time.perf_counter() - started),)
        return AnswerResult(entry, "hit", where, timings) if fresh else AnswerResult(entry, "stale", "stale", timings)
