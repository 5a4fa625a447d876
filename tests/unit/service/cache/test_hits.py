"""How often cached answers are served, in a store that may be down."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from ai_service.cache.hits import BATCH, MOST_WAITING, CacheHits
from ai_service.cache.memory_store import MemoryStore
from tests.unit.service.fakes import FakeClock

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY, OTHER = "ai:v2:e:shared:recipe:d:1", "ai:v2:e:shared:recipe:d:2"


class Store(MemoryStore):
    """One that can go down."""

    def __init__(self) -> None:
        super().__init__()
        self.available = True

    async def add(self, key: str, amounts: Mapping[str, int], ttl_s: float, *, batch: str) -> bool:
        """See Store."""
        return self.available and await super().add(key, amounts, ttl_s, batch=batch)

    async def amounts(self, key: str) -> dict[str, int] | None:
        """See Store."""
        return await super().amounts(key) if self.available else None


@pytest.fixture
def store() -> Store:
    """Up."""
    return Store()


async def test_hits_are_counted_for_all_who_share_the_store(store: Store) -> None:
    """Those that are not written yet, too; an answer that was not served has none."""
    first, second = CacheHits(store), CacheHits(store)
    first.add(KEY)
    first.add(KEY)
    second.add(KEY)
    await second.close()
    assert await first.of([KEY, OTHER]) == {KEY: 3, OTHER: 0}
    await first.close()
    assert await second.of([KEY]) == {KEY: 3}


async def test_they_are_written_by_themselves(store: Store) -> None:
    """Some seconds later."""
    hits = CacheHits(store, delay_s=0.001)
    hits.add(KEY)
    reader = CacheHits(store)
    while await reader.of([KEY]) == {KEY: 0}:  # noqa: ASYNC110 - stores tell nobody
        await asyncio.sleep(0.001)
    assert await reader.of([KEY]) == {KEY: 1}


async def test_many_answers_are_written_in_steps(store: Store) -> None:
    """All of them."""
    keys = [f"{KEY}{number}" for number in range(20 * BATCH)]
    hits = CacheHits(store)
    for key in keys:
        hits.add(key)
    await hits.close()
    assert await CacheHits(store).of(keys) == dict.fromkeys(keys, 1)


async def test_what_a_store_that_is_down_did_not_take_waits(store: Store) -> None:
    """Bounded; nothing is known meanwhile."""
    hits = CacheHits(store)
    store.available = False
    for number in range(MOST_WAITING + 9):
        hits.add(f"{KEY}{number}")
    hits.add(f"{KEY}0")
    await hits.close()
    assert await hits.of([KEY]) is None
    store.available = True
    assert await hits.of([f"{KEY}0", f"{KEY}{MOST_WAITING + 1}"]) == {f"{KEY}0": 2, f"{KEY}{MOST_WAITING + 1}": 0}
    await hits.close()


async def test_a_day_begins_with_none(store: Store) -> None:
    """In UTC."""
    clock = FakeClock(86_400.0 - 1)
    hits = CacheHits(store, clock=clock)
    hits.add(KEY)
    await hits.close()
    assert await hits.of([KEY]) == {KEY: 1}
    clock.now += 2
    assert await hits.of([KEY]) == {KEY: 0}
