"""Who does what is to be done once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ai_service.cache.memory_store import MemoryStore
from ai_service.health.leadership import LEASE_S, RENEW_S, Leadership
from tests.unit.service.fakes import FakeClock

if TYPE_CHECKING:
    from ai_service.cache.store import Lock


class SwitchedStore(MemoryStore):
    """A shared store that can go down."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock=clock)
        self.up = True

    async def acquire(self, lock: Lock, ttl_s: float) -> bool | None:
        """See Store."""
        return await super().acquire(lock, ttl_s) if self.up else None

    async def extend(self, lock: Lock, ttl_s: float) -> bool:
        """See Store."""
        return self.up and await super().extend(lock, ttl_s)


async def look(*processes: Leadership) -> list[bool]:
    """Who leads after each has looked."""
    for process in processes:
        await process.look()
    return [process.leads for process in processes]


async def test_one_leads_as_long_as_it_lives() -> None:
    """However long that is."""
    clock = FakeClock()
    store = SwitchedStore(clock)
    first, second = Leadership(store), Leadership(store)
    for _ in range(20):
        assert await look(first, second) == [True, False]
        clock.advance(RENEW_S)


async def test_a_dead_leader_is_followed_within_15_seconds() -> None:
    """Lease and one look."""
    clock = FakeClock()
    store = SwitchedStore(clock)
    first, second = Leadership(store), Leadership(store)
    await look(first, second)
    waited = 0.0
    while not (await look(second))[0]:
        clock.advance(RENEW_S)
        waited += RENEW_S
    assert waited <= LEASE_S + RENEW_S < 15
    assert await look(first, second) == [False, True]


async def test_a_leader_that_stops_makes_way_at_once() -> None:
    """A restart leaves no gap."""
    store = SwitchedStore(FakeClock())
    first, second = Leadership(store), Leadership(store)
    await first.start()
    assert await look(second) == [False]
    await first.stop()
    assert await look(second) == [True]
    assert not first.leads


async def test_without_the_store_everybody_leads_itself() -> None:
    """And one of them again, when it is back."""
    clock = FakeClock()
    store = SwitchedStore(clock)
    first, second = Leadership(store), Leadership(store)
    await look(first, second)
    store.up = False
    assert await look(first, second) == [True, True]
    store.up = True
    clock.advance(LEASE_S)
    assert await look(first, second) == [True, False]
