"""The small question that shows whether the model answers."""

from __future__ import annotations

import asyncio

from ai_service.cache.memory_store import MemoryStore
from ai_service.config.settings import Settings
from ai_service.health.leadership import Leadership
from ai_service.health.observer import Observer
from ai_service.health.probe import InferenceProbe
from ai_service.observability.metrics import Metrics
from ai_service.providers.base import Inspection
from ai_service.providers.errors import ProviderTimeout
from ai_service.resilience.admission import AdmissionQueue
from ai_service.resilience.chain import ProviderChain
from ai_service.resilience.circuit_breaker import CircuitBreaker
from ai_service.resilience.guarded import GuardedProvider
from ai_service.resilience.idle_queue import IdleQueue
from ai_service.resilience.model_chains import ModelChains
from ai_service.tasks import build_tasks
from tests.unit.service.fakes import FakeClock, ScriptedProvider

INTERVAL_S = 600.0


class UnloadedProvider(ScriptedProvider):
    """Has its model on disk only."""

    async def inspect(self) -> Inspection:
        """Says so."""
        return Inspection(digest="0123456789ab", loaded=False)


class Process:
    """One process of those that share a store."""

    def __init__(self, store: MemoryStore, clock: FakeClock, provider: ScriptedProvider | None = None) -> None:
        metrics = Metrics()
        self.provider = provider or ScriptedProvider()
        link = GuardedProvider(self.provider, CircuitBreaker(), AdmissionQueue(concurrency=1, limit=1), metrics)
        self.observer = Observer(ModelChains(ProviderChain([link], metrics)), store, clock=clock)
        self.leadership = Leadership(store)
        self.background = IdleQueue(lambda: link.queue.idle, metrics)
        task = next(task for task in build_tasks(Settings.from_env({})) if task.name == "ingredients")
        self.probe = InferenceProbe(
            link,
            task,
            store,
            background=self.background,
            leadership=self.leadership,
            observer=self.observer,
            interval_s=INTERVAL_S,
            clock=clock,
        )

    async def look(self) -> object:
        """Inspect everything, wait for the probe, and return its entry in the health report."""
        await self.observer.look()
        await self.leadership.look()
        await self.probe.look()
        while self.background.busy:  # noqa: ASYNC110 - it tells nobody when it is done
            await asyncio.sleep(0)
        return self.observer.report()["probe"]


async def test_the_leader_probes_when_it_is_due_and_all_know() -> None:
    """Once, not once a process."""
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    leader, follower = Process(store, clock), Process(store, clock)
    assert await leader.look() is None
    clock.advance(INTERVAL_S)
    await leader.leadership.look()
    assert await follower.look() is None
    await leader.look()
    clock.advance(5)
    for process in (follower, leader):
        report = await process.look()
        assert isinstance(report, dict)
        assert (report["outcome"], report["age_s"]) == ("ok", 5.0)
    assert (len(leader.provider.prompts), len(follower.provider.prompts)) == (1, 0)


async def test_a_model_that_does_not_answer_is_seen() -> None:
    """Its server may look well all the time."""
    clock = FakeClock()
    process = Process(MemoryStore(clock=clock), clock, ScriptedProvider(ProviderTimeout("slow")))
    clock.advance(INTERVAL_S)
    report = await process.look()
    assert isinstance(report, dict)
    assert report["outcome"] == "timeout"


async def test_a_model_that_is_not_loaded_is_left_in_peace() -> None:
    """A probe that loads it would keep it in memory for ever."""
    clock = FakeClock()
    process = Process(MemoryStore(clock=clock), clock, UnloadedProvider())
    clock.advance(INTERVAL_S)
    assert await process.look() is None
    assert process.provider.prompts == []
