"""The use case of the service as its tests build it: a store in memory, scripted providers, a clock that is told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ai_service.answers.answer_computer import AnswerComputer
from ai_service.answers.answer_service import AnswerService
from ai_service.answers.caller import ANONYMOUS
from ai_service.answers.current_keys import CurrentKeys
from ai_service.answers.embedding_service import TASK as EMBEDDINGS
from ai_service.answers.embedding_service import EmbeddingService
from ai_service.answers.single_flight import SingleFlight
from ai_service.answers.token_budgets import TokenBudgets
from ai_service.answers.token_usage import TokenUsage
from ai_service.cache.compute_lock import ComputeLock
from ai_service.cache.epochs import Epochs
from ai_service.cache.hits import CacheHits
from ai_service.cache.keys import SHARED, answer_key
from ai_service.cache.memory_layer import MemoryLayer
from ai_service.cache.memory_store import MemoryStore
from ai_service.cache.response_cache import ResponseCache
from ai_service.config.settings import Settings
from ai_service.health.observer import Observer
from ai_service.http.cache_control import Directives
from ai_service.observability.metrics import Metrics
from ai_service.providers.errors import ProviderUnreachable
from ai_service.resilience.admission import AdmissionQueue
from ai_service.resilience.chain import ProviderChain
from ai_service.resilience.circuit_breaker import CircuitBreaker
from ai_service.resilience.guarded import GuardedProvider
from ai_service.resilience.idle_queue import IdleQueue
from ai_service.resilience.model_chains import ModelChains
from ai_service.tasks import build_tasks
from ai_service.tasks.request_parser import RequestParser
from tests.unit.service.fakes import FakeClock, ScriptedProvider

if TYPE_CHECKING:
    from ai_service.answers.answer_result import AnswerResult
    from ai_service.answers.caller import Caller
    from ai_service.cache.entry import Entry

TASK = build_tasks(Settings.from_env({}))[0]
QUESTION = RequestParser(TASK).read(b'{"prompt":"tomato pasta"}')
PLAIN = Directives()
DOWN = ProviderUnreachable("down")
FRESH_S = 7200 * (0.5 + 0.94)
"""How long the answer to `QUESTION` is fresh: the recipe's base time by its confidence."""
REVALIDATE_S = 600.0
LONG_GONE_S = FRESH_S + REVALIDATE_S


@dataclass
class Service:
    """The use case and what is around it."""

    answers: AnswerService
    computer: AnswerComputer
    embeddings: EmbeddingService
    usage: TokenUsage
    observer: Observer
    clock: FakeClock
    store: MemoryStore
    background: IdleQueue
    epochs: Epochs
    cache: ResponseCache
    draws: list[float]

    @property
    def key(self) -> str:
        """Of `QUESTION`."""
        return answer_key(
            self.epochs.current(TASK.name), SHARED, TASK.name, self.observer.model_digest, QUESTION.digest
        )

    async def cached(self) -> Entry:
        """Return the question's stored entry."""
        found = await self.cache.find(self.key)
        assert found is not None
        return found[0]

    async def settle(self) -> None:
        """Lets the background do what it has to do."""
        while self.background.busy:  # noqa: ASYNC110 - the background tells nobody
            await asyncio.sleep(0)

    async def ask(self, directives: Directives = PLAIN, caller: Caller = ANONYMOUS) -> AnswerResult:
        """Asks `QUESTION`."""
        return await self.answers.answer(TASK, QUESTION, directives, caller=caller)


async def service(
    *providers: ScriptedProvider,
    deadline_s: float = 10.0,
    clock: FakeClock | None = None,
    store: MemoryStore | None = None,
) -> Service:
    """Build the answer service around providers."""
    clock = clock or FakeClock()
    store = store or MemoryStore(clock=clock)
    metrics = Metrics()
    links = [
        GuardedProvider(
            provider, CircuitBreaker(failures=99, clock=clock), AdmissionQueue(concurrency=99, limit=99), metrics
        )
        for provider in providers
    ]
    chain = ProviderChain(links, metrics)
    chains = ModelChains(chain)
    observer = Observer(chains, store, clock=clock)
    await observer.look()
    memory = MemoryLayer(clock=clock)
    cache = ResponseCache(store, memory)
    epochs = Epochs(store, memory, [TASK.name, EMBEDDINGS])
    await epochs.start()
    flights: SingleFlight[AnswerResult] = SingleFlight()
    background = IdleQueue(lambda: chain.primary.queue.idle, metrics, clock=clock)
    draws: list[float] = []
    usage = TokenUsage(store, clock=clock)
    budgets = TokenBudgets(usage, metrics, clock=clock)
    keys = CurrentKeys(epochs, observer)
    computer = AnswerComputer(
        cache,
        flights,
        ComputeLock(store, poll_s=0.001),
        chains,
        keys,
        metrics=metrics,
        usage=usage,
        budgets=budgets,
        deadline_s=deadline_s,
        clock=clock,
    )
    answers = AnswerService(
        cache,
        computer,
        keys,
        chains,
        observer,
        background=background,
        budgets=budgets,
        hits=CacheHits(store, clock=clock),
        revalidate_s=REVALIDATE_S,
        clock=clock,
        draw=lambda: draws.pop(0) if draws else 0.0,
    )
    embeddings = EmbeddingService(
        cache,
        SingleFlight(),
        chains,
        keys,
        usage=usage,
        budgets=budgets,
        deadline_s=deadline_s,
        ttl_s=FRESH_S,
        clock=clock,
    )
    return Service(answers, computer, embeddings, usage, observer, clock, store, background, epochs, cache, draws)
