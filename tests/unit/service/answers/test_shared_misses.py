"""Equal misses at a time, in one process and in several that share a store: one call of the model."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ai_service.cache.memory_store import MemoryStore
from tests.unit.service.fakes import FakeClock, ScriptedProvider
from tests.unit.service.use_case import DOWN, FRESH_S, service

if TYPE_CHECKING:
    from ai_service.cache.store import Lock


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


async def test_a_store_that_gives_no_locks_stops_nobody() -> None:
    """A full Redis refuses them."""

    class FullStore(MemoryStore):
        async def acquire(self, lock: Lock, ttl_s: float) -> bool | None:
            del lock, ttl_s
            return None

    clock = FakeClock()
    made = await service(ScriptedProvider(), clock=clock, store=FullStore(clock=clock))
    assert (await made.ask()).cache == "miss"


async def test_callers_do_not_wait_until_an_answer_is_stored() -> None:
    """This process's memory has it at once; others wait for the lock, which is held until the store has it."""

    class SlowStore(MemoryStore):
        """Takes answers when the test says so."""

        gate = asyncio.Event()

        async def set(self, key: str, value: bytes, ttl_s: float | None = None, *, if_absent: bool = False) -> bool:
            if len(value) > 200:
                await self.gate.wait()
            return await super().set(key, value, ttl_s, if_absent=if_absent)

    clock = FakeClock()
    store = SlowStore(clock=clock)
    provider = ScriptedProvider()
    made = [await service(provider, clock=clock, store=store) for _ in range(2)]
    first = await made[0].ask()
    assert (first.cache, first.detail) == ("miss", "stored")
    assert (await made[0].ask()).detail == "memory"
    other = asyncio.create_task(made[1].ask())
    await asyncio.sleep(0.05)
    assert not other.done()
    store.gate.set()
    assert (await other).entry.body == first.entry.body
    assert len(provider.prompts) == 1


async def test_an_answer_that_the_store_did_not_take_is_not_said_to_be_stored() -> None:
    """Where it gave no lock, its word is waited for."""

    class LostStore(MemoryStore):
        async def acquire(self, lock: Lock, ttl_s: float) -> bool | None:
            del lock, ttl_s
            return None

        async def set(self, key: str, value: bytes, ttl_s: float | None = None, *, if_absent: bool = False) -> bool:
            del key, value, ttl_s, if_absent
            return False

    clock = FakeClock()
    made = await service(ScriptedProvider(), clock=clock, store=LostStore(clock=clock))
    first = await made.ask()
    assert (first.cache, first.detail) == ("miss", "")
