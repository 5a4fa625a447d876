"""The last requests, in a store that may be away."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from ai_service.cache.keys import RECENT
from ai_service.cache.memory_store import MemoryStore
from ai_service.http.request_history import LIMIT, RequestHistory
from ai_service.observability.structured_log import Access

if TYPE_CHECKING:
    from collections.abc import Sequence

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


class SharedStore(MemoryStore):
    """A store that others share, and that can go down."""

    name = "redis"
    remote = True

    def __init__(self) -> None:
        super().__init__()
        self.available = True

    async def append(self, key: str, records: Sequence[bytes], limit: int) -> bool:
        """See Store."""
        return self.available and await super().append(key, records, limit)

    async def latest(self, key: str, count: int) -> list[bytes] | None:
        """See Store."""
        return await super().latest(key, count) if self.available else None


@pytest.fixture
def store() -> SharedStore:
    """Shared, and up."""
    return SharedStore()


def line(number: int, **fields: object) -> Access:
    """Return what is logged of a request, a second after the one before it."""
    return Access(
        time=NOON + timedelta(seconds=number),
        level="info",
        logger="ai_service.access",
        message="request",
        request_id=f"id-{number}",
        task="recipe",
        status=200,
        cache="hit",
        provider="ollama",
        key="web",
        duration_ms=0.4,
        **fields,  # type: ignore[arg-type]
    )


def history(store: MemoryStore, instance: str = "1") -> RequestHistory:
    """Return one that does not wait."""
    return RequestHistory(store, instance=instance, delay_s=0.0, retry_s=0.01)


async def written(store: SharedStore, count: int) -> None:
    """Wait until the store has so many."""
    while len(await MemoryStore.latest(store, RECENT, LIMIT) or []) < count:  # noqa: ASYNC110 - stores tell nobody
        await asyncio.sleep(0.005)


async def test_requests_of_all_instances_are_one_list_by_time(store: SharedStore) -> None:
    """Newest first, whoever wrote later."""
    first, second = history(store, "1"), history(store, "2")
    second.record([line(2), line(4)])
    await written(store, 2)
    first.record([line(1), line(3)])
    await written(store, 4)
    requests, shared = await first.latest()
    assert shared
    assert [(each.id, each.instance) for each in requests] == [
        ("id-4", "2"),
        ("id-3", "1"),
        ("id-2", "2"),
        ("id-1", "1"),
    ]
    assert (await second.latest(1)).requests == requests[:1]
    await first.close()
    await second.close()


async def test_a_request_that_waits_to_be_written_is_listed_once(store: SharedStore) -> None:
    """By the instance that knows it, before it is in the store and after."""
    own = RequestHistory(store, instance="1", delay_s=60)
    own.record([line(1)])
    assert [each.id for each in (await own.latest()).requests] == ["id-1"]
    await own.close()
    assert [each.id for each in (await own.latest()).requests] == ["id-1"]


async def test_only_the_last_ones_are_kept(store: SharedStore) -> None:
    """In the store, and in memory while it is down."""
    own = history(store)
    own.record([line(number) for number in range(LIMIT + 50)])
    await written(store, LIMIT)
    newest = [f"id-{number}" for number in reversed(range(50, LIMIT + 50))]
    assert [each.id for each in (await own.latest()).requests] == newest
    store.available = False
    requests, shared = await own.latest()
    assert ([each.id for each in requests], shared) == (newest, False)
    await own.close()


async def test_what_a_store_that_was_down_missed_is_written_when_it_is_back(store: SharedStore) -> None:
    """Nothing is asked of callers for it."""
    store.available = False
    own = history(store)
    own.record([line(1)])
    await asyncio.sleep(0.05)
    own.record([line(2)])
    store.available = True
    await written(store, 2)
    assert [each.id for each in (await history(store, "2").latest()).requests] == ["id-2", "id-1"]
    await own.close()


async def test_what_another_release_wrote_is_passed_over(store: SharedStore) -> None:
    """And what somebody else did."""
    await store.append(RECENT, [b"{}", b"\xff"], LIMIT)
    own = history(store)
    own.record([line(1)])
    await own.close()
    assert [each.id for each in (await own.latest()).requests] == ["id-1"]


async def test_a_request_is_found_by_its_id(store: SharedStore) -> None:
    """The newest one, where several have the same."""
    own = history(store)
    own.record([line(1), line(1, error="unavailable"), line(2)])
    await own.close()
    found = await own.find("id-1")
    assert found is not None
    assert found.error == "unavailable"
    assert await own.find("id-9") is None


async def test_without_a_shared_store_each_instance_lists_its_own() -> None:
    """Nothing is stored."""
    store = MemoryStore()
    own = history(store)
    own.record([line(1)])
    requests, shared = await own.latest()
    assert ([each.id for each in requests], shared) == (["id-1"], False)
    assert await store.latest(RECENT, LIMIT) == []
    await own.close()
