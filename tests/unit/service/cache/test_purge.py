"""A purge in one process reaches the others, and what is being computed."""

from __future__ import annotations

import mmap

import pytest

from ai_service.cache.entry import Entry, encode
from ai_service.cache.keys import PREFIX, generation_key, lock_key
from ai_service.cache.memory import MemoryLayer
from ai_service.cache.memory_store import MemoryStore
from ai_service.cache.purge import SHARED_BYTES, Purge, Reach
from ai_service.cache.response_cache import ResponseCache
from ai_service.cache.store import Lock

ENTRY = Entry(b"body", 100.0, 200.0, 300.0, 0.5, "ollama", "m", 0.8, degraded=False)
KEY = f"{PREFIX}recipe:0123456789ab:x"
OTHER = f"{PREFIX}nutrition:0123456789ab:x"
TASKS = ("recipe", "nutrition")


class LostStore(MemoryStore):
    """A store that is down."""

    name = "redis"
    available = False

    async def get(self, key: str) -> bytes | None:
        """No answer."""
        del key

    async def set(self, key: str, value: bytes, ttl_s: float) -> bool:
        """No answer."""
        del key, value, ttl_s
        return False

    async def purge(self, prefix: str) -> int | None:
        """No answer."""
        del prefix


class RemoteStore(MemoryStore):
    """A store that is a round trip away."""

    remote = True


class LateStore(MemoryStore):
    """A store whose answer is overtaken by a purge.

    Attributes:
        before_the_answer_arrives: Purges recipes then, once.
    """

    before_the_answer_arrives: Purge | None = None

    async def get(self, key: str) -> bytes | None:
        """The value as it was when it was asked for."""
        value = await super().get(key)
        purge, self.before_the_answer_arrives = self.before_the_answer_arrives, None
        if purge is not None:
            await purge.purge("recipe")
        return value


async def claimed(store: MemoryStore) -> Lock:
    """The lock under which a recipe is computed."""
    lock = Lock(lock_key(KEY, "request"), b"token")
    await store.claim(lock, 60)
    return lock


class Process:
    """One process that has an answer of each of two tasks in memory and in its store."""

    def __init__(self, store: MemoryStore, *, reach: Reach = "store", shared: mmap.mmap | None = None) -> None:
        self.store = store
        self.memory = MemoryLayer()
        self.cache = ResponseCache(store, self.memory)
        self.purge = Purge(store, self.memory, TASKS, reach=reach, shared=shared, interval_s=60.0)

    async def __aenter__(self) -> Process:
        for key in (KEY, OTHER):
            self.memory.put(key, ENTRY)
            await self.store.set(key, encode(ENTRY), 60)
        await self.purge.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.purge.stop()

    async def has(self, key: str) -> tuple[bool, bool]:
        """Whether it is in memory, and in the store."""
        return self.memory.kept(key) is not None, await self.store.get(key) is not None


async def test_other_processes_forget_at_their_next_look() -> None:
    """Even what they keep for the time in which the store is down; other tasks' answers stay."""
    store = MemoryStore()
    async with Process(store) as first, Process(store) as second:
        assert await first.purge.purge("recipe") == 1
        assert second.memory.kept(KEY) == ENTRY
        await second.purge.look()
        assert await second.has(KEY) == (False, False)
        assert await second.has(OTHER) == (True, True)


async def test_an_old_mark_empties_nothing() -> None:
    """Neither at the start nor later, nor where it has run out."""
    store = MemoryStore()
    async with Process(store) as first:
        await first.purge.purge("recipe")
        async with Process(store) as second:
            await second.purge.look()
            assert second.memory.kept(KEY) == ENTRY
            await store.close()
            await second.purge.look()
            assert second.memory.kept(KEY) == ENTRY


@pytest.mark.parametrize("soon", [True, False])
async def test_what_was_being_computed_is_not_kept(*, soon: bool) -> None:
    """Neither in the process that purged nor in another, before its look and after it."""
    store = RemoteStore()
    async with Process(store) as first, Process(store) as second, Process(store) as third:
        begun = {each: await each.cache.current_generation("recipe") for each in (first, second, third)}
        await first.purge.purge("recipe")
        await third.purge.look()
        for each, generation in begun.items():
            if soon:
                lock = await claimed(store)
                await each.cache.keep(KEY, ENTRY, now=100.0, generation=generation, lock=lock, soon=True)
                await each.cache.drain()
                assert await store.get(lock.key) is None
            else:
                assert not await each.cache.keep(KEY, ENTRY, now=100.0, generation=generation)
            assert await each.has(KEY) == (False, False)
        after = await second.cache.current_generation("recipe")
        assert await second.cache.keep(KEY, ENTRY, now=100.0, generation=after)


async def test_what_was_being_read_is_not_remembered() -> None:
    """The store gave it before the purge, and the answer of the store was late."""
    store = LateStore()
    async with Process(store) as process:
        store.before_the_answer_arrives = process.purge
        assert await process.cache.find(KEY) == (ENTRY, "memory")
        assert await process.has(KEY) == (False, False)


async def test_where_the_store_is_down_the_workers_of_this_service_forget_and_the_caller_is_told() -> None:
    """Also what they are computing; the administrator has to ask again, since the store keeps its answers."""
    shared = mmap.mmap(-1, SHARED_BYTES)
    async with Process(LostStore(), shared=shared) as first, Process(LostStore(), shared=shared) as second:
        begun = first.cache.generation("recipe")
        assert await first.purge.purge("recipe") is None
        await second.purge.look()
        await first.cache.keep(KEY, ENTRY, now=100.0, generation=begun)
        for each in (first, second):
            assert each.memory.kept(KEY) is None
            assert each.memory.kept(OTHER) == ENTRY


async def test_workers_with_stores_of_their_own_forget_the_task_too() -> None:
    """They see the mark in memory that they share; what they are computing is not kept after that."""
    shared = mmap.mmap(-1, SHARED_BYTES)
    async with (
        Process(MemoryStore(), reach="service", shared=shared) as first,
        Process(MemoryStore(), reach="service", shared=shared) as second,
    ):
        begun = await second.cache.current_generation("recipe")
        assert await first.purge.purge("recipe") == 1
        assert await second.has(KEY) == (True, True)
        await second.purge.look()
        assert not await second.cache.keep(KEY, ENTRY, now=100.0, generation=begun)
        assert await second.has(KEY) == (False, False)
        assert await second.has(OTHER) == (True, True)


async def test_a_full_store_is_purged() -> None:
    """It takes no new mark, but that is no reason to keep the answers; that others were not told is said."""

    class FullStore(MemoryStore):
        async def set(self, key: str, value: bytes, ttl_s: float) -> bool:
            return key != generation_key("recipe") and await super().set(key, value, ttl_s)

    async with Process(FullStore()) as process:
        assert await process.purge.purge("recipe") is None
        assert await process.has(KEY) == (False, False)
