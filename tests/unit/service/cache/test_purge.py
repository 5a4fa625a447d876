"""A purge in one process reaches the memory of the others."""

from __future__ import annotations

import mmap

from ai_service.cache.entry import Entry, encode
from ai_service.cache.memory import MemoryLayer
from ai_service.cache.purge import MARK_BYTES, Mark, Purge, SharedMemoryMark, StoreMark
from ai_service.cache.store import MemoryStore

ENTRY = Entry(b"body", 100.0, 200.0, 300.0, 0.5, "ollama", "m", 0.8, degraded=False)
KEY = "ai:v1:recipe:0123456789ab:x"


class LostStore(MemoryStore):
    """A store that is down."""

    async def purge(self, prefix: str) -> int | None:
        """No answer."""
        del prefix


async def process(store: MemoryStore, mark: Mark | None = None) -> tuple[Purge, MemoryLayer]:
    """One process that has an answer in memory."""
    memory = MemoryLayer()
    memory.put(KEY, ENTRY)
    purge = Purge(store, memory, mark or StoreMark(store), interval_s=60.0)
    await purge.start()
    return purge, memory


async def test_other_processes_forget_at_their_next_look() -> None:
    """Even what they keep for the time in which the store is down."""
    store = MemoryStore()
    await store.set(KEY, encode(ENTRY), 60)
    (purge, _), (other, memory) = [await process(store) for _ in range(2)]
    assert await purge.purge("recipe") == 1
    assert memory.kept(KEY) == ENTRY
    await other.look()
    assert memory.kept(KEY) is None
    for watching in (purge, other):
        await watching.stop()


async def test_an_old_mark_empties_nothing() -> None:
    """Neither at the start nor later, nor where it has run out."""
    store = MemoryStore()
    first, _ = await process(store)
    await first.purge("recipe")
    second, memory = await process(store)
    await second.look()
    assert memory.kept(KEY) == ENTRY
    await store.close()
    await second.look()
    assert memory.kept(KEY) == ENTRY
    for watching in (first, second):
        await watching.stop()


async def test_where_the_store_is_down_only_this_process_forgets_and_says_so() -> None:
    """The administrator has to ask again."""
    purge, memory = await process(LostStore())
    assert await purge.purge("recipe") is None
    assert memory.kept(KEY) is None
    await purge.stop()


async def test_workers_with_stores_of_their_own_forget_too() -> None:
    """They see the mark in memory that they share."""
    shared = mmap.mmap(-1, MARK_BYTES)
    stores = [MemoryStore() for _ in range(2)]
    for store in stores:
        await store.set(KEY, encode(ENTRY), 60)
    (purge, _), (other, memory) = [await process(store, SharedMemoryMark(shared)) for store in stores]
    assert await purge.purge("recipe") == 1
    assert await stores[1].get(KEY) is not None
    await other.look()
    assert (memory.kept(KEY), await stores[1].get(KEY)) == (None, None)
    for watching in (purge, other):
        await watching.stop()
