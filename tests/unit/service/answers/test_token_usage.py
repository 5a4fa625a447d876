"""What is counted for API keys, in a store that may be away."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from ai_service.answers.caller import ANONYMOUS, Caller
from ai_service.answers.token_usage import DAYS, DayUsage, KeyUsage, TokenUsage
from ai_service.cache.memory_store import MemoryStore
from tests.unit.service.fakes import FakeClock

if TYPE_CHECKING:
    from collections.abc import Mapping

DAY_S = 86_400.0
NOON = 20_000 * DAY_S + DAY_S / 2
TODAY, YESTERDAY = "2024-10-04", "2024-10-03"
WEB, JOB = Caller("web"), Caller("job")


class SharedStore(MemoryStore):
    """A store that others share, and that can go down, or refuse to count.

    Attributes:
        lost: Number of replies that get lost: the amounts are added, and nobody learns it.
        refuses: Whether it refuses to count.
    """

    name = "redis"
    remote = True

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock=clock)
        self.available = True
        self.refuses = False
        self.lost = 0

    async def add(self, key: str, amounts: Mapping[str, int], ttl_s: float, *, batch: str) -> bool:
        """See Store."""
        if not self.available or self.refuses:
            return False
        added = await super().add(key, amounts, ttl_s, batch=batch)
        self.lost -= (lost := self.lost > 0)
        return added and not lost

    async def amounts(self, key: str) -> dict[str, int] | None:
        """See Store."""
        return await super().amounts(key) if self.available and not self.refuses else None


@pytest.fixture
def clock() -> FakeClock:
    """Noon of some day."""
    return FakeClock(NOON)


@pytest.fixture
def store(clock: FakeClock) -> SharedStore:
    """Be well."""
    return SharedStore(clock)


def usage(store: MemoryStore, clock: FakeClock) -> TokenUsage:
    """Count as one process does, without pauses."""
    return TokenUsage(store, clock=clock, delay_s=0.0, retry_s=0.0)


async def settle() -> None:
    """Let the background write."""
    for _ in range(20):
        await asyncio.sleep(0)


async def day_of(counted: TokenUsage, day: str = TODAY) -> dict[str, KeyUsage]:
    """Return what was counted on a day, by the key's name."""
    days, _ = await counted.days()
    return next(each for each in days if each.day == day).keys


async def test_tokens_and_requests_add_up_by_key_and_day(store: SharedStore, clock: FakeClock) -> None:
    """The last days are shown, today first, those without usage too."""
    counted = usage(store, clock)
    clock.advance(-DAY_S)
    counted.add(WEB, prompt_tokens=1, completion_tokens=2)
    clock.advance(DAY_S)
    for caller in (WEB, WEB, JOB):
        counted.add(caller, prompt_tokens=10, completion_tokens=20)
    await settle()
    days, shared = await counted.days()
    assert shared
    assert days[:3] == [
        DayUsage(TODAY, {"job": KeyUsage(10, 20, 1), "web": KeyUsage(20, 40, 2)}),
        DayUsage(YESTERDAY, {"web": KeyUsage(1, 2, 1)}),
        DayUsage("2024-10-02", {}),
    ]
    assert len(days) == DAYS
    assert await counted.spent(WEB) == 60
    clock.advance(DAY_S / 2)
    assert await counted.spent(WEB) == 0


async def test_without_a_key_nothing_is_counted(store: SharedStore, clock: FakeClock) -> None:
    """Nobody could be told what."""
    counted = usage(store, clock)
    counted.add(ANONYMOUS, prompt_tokens=10, completion_tokens=20)
    counted.add(WEB, prompt_tokens=0, completion_tokens=0, requests=0)
    await settle()
    assert await day_of(counted) == {}


async def test_processes_count_together(store: SharedStore, clock: FakeClock) -> None:
    """And each knows at once what it counted itself."""
    first, second = usage(store, clock), usage(store, clock)
    first.add(WEB, prompt_tokens=10, completion_tokens=20)
    assert await first.spent(WEB) == 30
    await settle()
    second.add(WEB, prompt_tokens=1, completion_tokens=2)
    assert await second.spent(WEB) == 33
    await settle()
    assert [await each.spent(WEB) for each in (first, second)] == [33, 33]


async def test_while_the_store_is_down_each_process_counts_for_itself(store: SharedStore, clock: FakeClock) -> None:
    """From where the store stood, and says so; later the store gets what it missed, once."""
    counted, other = usage(store, clock), usage(store, clock)
    other.add(WEB, prompt_tokens=100, completion_tokens=0)
    await settle()
    assert await counted.spent(WEB) == 100
    assert not counted.per_process
    store.available = False
    counted.add(WEB, prompt_tokens=10, completion_tokens=20)
    other.add(WEB, prompt_tokens=1, completion_tokens=0)
    await settle()
    assert counted.per_process
    assert await counted.spent(WEB) == 130
    assert await counted.days() == ([DayUsage(TODAY, {"web": KeyUsage(110, 20, 2)})], False)
    store.available = True
    await settle()
    assert not counted.per_process
    assert await counted.spent(WEB) == 131
    assert await day_of(counted) == {"web": KeyUsage(111, 20, 3)}


async def test_a_lost_reply_does_not_count_twice(store: SharedStore, clock: FakeClock) -> None:
    """Nor does what is counted meanwhile get lost."""
    counted = usage(store, clock)
    store.lost = 2
    counted.add(WEB, prompt_tokens=10, completion_tokens=20)
    await asyncio.sleep(0)
    counted.add(WEB, prompt_tokens=1, completion_tokens=2)
    await settle()
    assert await day_of(counted) == {"web": KeyUsage(11, 22, 2)}


async def test_a_store_that_refuses_to_count_is_like_one_that_is_down(store: SharedStore, clock: FakeClock) -> None:
    """As one whose users are of an older release: it answers, and budgets count per process."""
    counted = usage(store, clock)
    store.refuses = True
    counted.add(WEB, prompt_tokens=10, completion_tokens=20)
    await settle()
    assert counted.per_process
    assert await counted.spent(WEB) == 30
    store.refuses = False
    await settle()
    assert not counted.per_process


async def test_without_a_shared_store_usage_is_this_process_s(clock: FakeClock) -> None:
    """And says so."""
    counted = usage(MemoryStore(clock=clock), clock)
    counted.add(WEB, prompt_tokens=10, completion_tokens=20)
    await settle()
    assert counted.per_process
    days, shared = await counted.days()
    assert (days[0], shared) == (DayUsage(TODAY, {"web": KeyUsage(10, 20, 1)}), False)


async def test_what_was_counted_last_is_stored_at_the_end(store: SharedStore, clock: FakeClock) -> None:
    """A restart loses nothing; a store that is down stops nobody from ending."""
    counted = TokenUsage(store, clock=clock)
    counted.add(WEB, prompt_tokens=10, completion_tokens=20)
    await counted.close()
    assert await usage(store, clock).spent(WEB) == 30
    store.available = False
    counted.add(WEB, prompt_tokens=10, completion_tokens=20)
    await counted.close()


async def test_cached_answers_evict_no_counts(clock: FakeClock) -> None:
    """Where both are in this process's memory."""
    store = MemoryStore(max_bytes=1000, clock=clock)
    counted = usage(store, clock)
    counted.add(WEB, prompt_tokens=10, completion_tokens=20)
    await settle()
    for number in range(100):
        await store.set(f"answer {number}", bytes(100), 60)
    assert await counted.spent(WEB) == 30
