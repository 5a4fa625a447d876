"""Equal misses at a time, in one process and in several that share a store: one call of the model."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ai_service.cache.keys import lock_key
from ai_service.cache.memory_store import MemoryStore
from ai_service.cache.store import Lock
from tests.unit.service.fakes import FakeClock, ScriptedProvider
from tests.unit.service.use_case import (
    DOWN,
    FRESH_S,
    service,
)

if TYPE_CHECKING:
    from ai_service.cache.store import Claim


async def test_equal_misses_at_a_time_are_one_call() -> None:
    """And all but one say so."""
    provider = ScriptedProvider()
    provider.gate.clear()
    made = await service(provider)
    asking = [asyncio.create_task(made.ask()) for _ in range(50)]
    await asyncio.sleep(0.01)
    provider.gate.set()
    outcomes = await asyncio.gather(*asking)
    assert len(provider.prompts) == 1
    assert sorted(outcome.cache for outcome in outcomes) == ["coalesced"] * 49 + ["miss"]


async def test_equal_misses_of_two_processes_are_one_call() -> None:
    """Whoever comes second finds the first one's answer in the store."""
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    provider = ScriptedProvider()
    provider.gate.clear()
    made = [await service(provider, clock=clock, store=store) for _ in range(2)]
    asking = [asyncio.create_task(process.ask()) for process in made]
    await asyncio.sleep(0.01)
    provider.gate.set()
    outcomes = await asyncio.gather(*asking)
    assert len(provider.prompts) == 1
    assert sorted(outcome.cache for outcome in outcomes) == ["coalesced", "miss"]
    assert len({outcome.entry.body for outcome in outcomes}) == 1


async def test_a_refresh_in_one_process_keeps_others_from_it() -> None:
    """One call of the model, however many processes see the answer age."""
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    provider = ScriptedProvider()
    made = [await service(provider, clock=clock, store=store) for _ in range(2)]
    await made[0].ask()
    clock.advance(FRESH_S + 1)
    assert [(await process.ask()).cache for process in made] == ["stale", "stale"]
    for process in made:
        await process.settle()
    assert len(provider.prompts) == 2


async def test_hits_go_on_in_a_new_process_while_the_provider_is_down() -> None:
    """The digest is remembered in the store."""
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    first = await (await service(ScriptedProvider(), clock=clock, store=store)).ask()
    restarted = await service(ScriptedProvider(DOWN, digest=DOWN), clock=clock, store=store)
    hit = await restarted.ask()
    assert (hit.cache, hit.entry.body) == ("hit", first.entry.body)


async def test_a_miss_looks_and_locks_in_one_step() -> None:
    """Each round trip to a store is time that the caller waits."""

    class CountingStore(MemoryStore):
        claims = 0

        async def claim(self, lock: Lock, ttl_s: float, *look: str) -> Claim | None:
            self.claims += 1
            return await super().claim(lock, ttl_s, *look)

    clock = FakeClock()
    store = CountingStore(clock=clock)
    made = await service(ScriptedProvider(), clock=clock, store=store)
    assert (await made.ask()).cache == "miss"
    assert store.claims == 1
    assert await store.get(lock_key(made.key, "request")) is None


async def test_a_lock_that_came_too_late_is_given_back_to_who_waits_for_it() -> None:
    """One request's computation may wait for a lock that another request of the process just got."""

    class HeldUpStore(MemoryStore):
        """Answers who seeks when the test says so."""

        def __init__(self, clock: FakeClock) -> None:
            super().__init__(clock=clock)
            self.gate = asyncio.Event()

        async def seek(self, key: str, generation: str, lock: Lock, ttl_s: float) -> bytes | Claim | None:
            found = await super().seek(key, generation, lock, ttl_s)
            await self.gate.wait()
            return found

    clock = FakeClock()
    store = HeldUpStore(clock)
    provider = ScriptedProvider()
    made = await service(provider, clock=clock, store=store)
    another_process = Lock(lock_key(made.key, "request"), b"another")
    await store.claim(another_process, 60)
    asking = [asyncio.create_task(made.ask())]
    await asyncio.sleep(0)
    await store.release(another_process)
    asking.append(asyncio.create_task(made.ask()))
    await asyncio.sleep(0)
    store.gate.set()
    outcomes = await asyncio.gather(*asking)
    assert sorted(outcome.cache for outcome in outcomes) == ["coalesced", "miss"]
    assert len(provider.prompts) == 1
    assert await store.get(another_process.key) is None


async def test_a_store_that_gives_no_locks_stops_nobody() -> None:
    """A full Redis refuses them."""

    class FullStore(MemoryStore):
        async def claim(self, lock: Lock, ttl_s: float, *look: str) -> Claim | None:
            del lock, ttl_s, look

    clock = FakeClock()
    made = await service(ScriptedProvider(), clock=clock, store=FullStore(clock=clock))
    assert (await made.ask()).cache == "miss"
