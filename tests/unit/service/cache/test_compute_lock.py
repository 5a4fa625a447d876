"""Locks across processes that share a store."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager  # noqa: TC003 - the return type of a function

import pytest

from ai_service.cache.compute_lock import ComputeLock, Lease
from ai_service.cache.entry import Entry, encode
from ai_service.cache.keys import lock_key
from ai_service.cache.memory_layer import MemoryLayer
from ai_service.cache.memory_store import MemoryStore
from ai_service.cache.response_cache import ResponseCache
from ai_service.cache.store import Lock

KEY = "ai:v2:epoch:shared:recipe:0123456789ab:x"
ENTRY = Entry(b"body", 100.0, 200.0, 300.0, 0.5, "ollama", "m", 0.8, degraded=False)
LOCK = lock_key(KEY, "request")


class LostStore(MemoryStore):
    """A store that is down."""

    available = False

    async def acquire(self, lock: Lock, ttl_s: float) -> bool | None:
        """See Store."""
        del lock, ttl_s
        return None


def hold(
    store: MemoryStore, *, purpose: str = "request", wait_s: float = 1.0, lease_s: float = 5.0, enough: bool = True
) -> AbstractAsyncContextManager[Lease]:
    """Hold the lock in a process of its own."""
    cache = ResponseCache(store, MemoryLayer())

    async def find() -> Entry | None:
        found = await cache.find(KEY)
        return found[0] if found is not None and enough else None

    return ComputeLock(store, lease_s=lease_s, poll_s=0.001).hold(KEY, purpose, wait_s=wait_s, find=find)


async def lease_of(store: MemoryStore) -> Lease:
    """Return what a process gets once it need not wait any more."""
    async with hold(store, wait_s=10) as lease:
        return lease


COMPUTE = Lease(None, held=True)


async def test_the_lock_is_held_and_free_after_it() -> None:
    """Also where the work fails."""
    store = MemoryStore()

    async def work() -> None:
        async with hold(store) as lease:
            assert lease == COMPUTE
            assert await store.get(LOCK) is not None
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await work()
    assert await store.get(LOCK) is None


async def test_the_lock_is_free_where_the_look_at_the_answer_fails_or_is_cancelled() -> None:
    """The next caller would wait for its end."""
    store = MemoryStore()

    async def fail() -> Entry | None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        async with ComputeLock(store).hold(KEY, "request", wait_s=1, find=fail):
            raise AssertionError
    assert await store.get(LOCK) is None


async def test_who_waits_gets_what_the_other_computed() -> None:
    """Without computing it again."""
    store = MemoryStore()
    async with hold(store):
        waiting = asyncio.create_task(lease_of(store))
        await asyncio.sleep(0.01)
        await store.set(KEY, encode(ENTRY, KEY), 60)
        assert (await waiting).entry == ENTRY
        assert await store.get(LOCK) is not None


async def test_who_waits_takes_over_where_the_other_failed() -> None:
    """A released lock without an answer is the next one's."""
    store = MemoryStore()
    async with hold(store):
        waiting = asyncio.create_task(lease_of(store))
        await asyncio.sleep(0.01)
    assert await waiting == COMPUTE


async def test_the_wait_is_bounded() -> None:
    """After it the answer is computed twice rather than never."""
    store = MemoryStore()
    async with hold(store), hold(store, wait_s=0.01) as lease:
        assert lease == Lease(None, held=False)


async def test_a_lock_is_extended_while_its_holder_lives() -> None:
    """A slow model is no dead process."""
    store = MemoryStore()
    async with hold(store, lease_s=0.3):
        for _ in range(10):
            await asyncio.sleep(0.05)
            assert await store.get(LOCK) is not None


async def test_a_lock_of_a_dead_process_expires() -> None:
    """Nobody is left to release it."""
    store = MemoryStore()
    await store.acquire(Lock(LOCK, b"dead"), 0.02)
    async with hold(store, wait_s=10) as lease:
        assert lease == COMPUTE


async def test_purposes_do_not_wait_for_each_other() -> None:
    """A caller does not wait for a refresh, which may itself wait for callers."""
    store = MemoryStore()
    async with hold(store, purpose="refresh", wait_s=0), hold(store) as lease:
        assert lease == COMPUTE


async def test_the_answer_is_looked_up_again_under_the_lock() -> None:
    """Another process may have stored it since; one that is not enough is no reason to skip."""
    store = MemoryStore()
    await store.set(KEY, encode(ENTRY, KEY), 60)
    async with hold(store, enough=False) as lease:
        assert lease == COMPUTE
    async with hold(store) as lease:
        assert lease.entry == ENTRY


async def test_without_a_store_everybody_computes() -> None:
    """A lost Redis is never an error, and nobody waits for it."""
    async with hold(LostStore()) as lease:
        assert lease == Lease(None, held=None)
