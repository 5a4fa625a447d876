"""Memory layer and store together."""

import msgspec

from ai_service.cache.entry import Entry
from ai_service.cache.memory import MemoryLayer
from ai_service.cache.memory_store import MemoryStore
from ai_service.cache.response_cache import ResponseCache
from ai_service.cache.store import Generation, Lock
from ai_service.content_encoding import pack
from tests.unit.service.fakes import FakeClock

ENTRY = Entry(b"body", 100.0, 200.0, 300.0, 0.5, "ollama", "m", 0.8, degraded=False)
GENERATION = Generation("generation")


class SwitchedStore(MemoryStore):
    """A store that can go down."""

    name = "redis"
    remote = True
    available = True

    async def get(self, key: str) -> bytes | None:
        """Nothing, while it is down."""
        return await super().get(key) if self.available else None


async def test_an_entry_is_found_in_memory_first_and_in_the_store_after() -> None:
    """The store is asked again when the memory's trust ended."""
    clock, store = FakeClock(), SwitchedStore()
    cache = ResponseCache(store, MemoryLayer(clock=clock))
    assert await cache.keep("k", ENTRY, now=100.0, generation=GENERATION)
    assert cache.at_hand("k") == (ENTRY, "memory")
    clock.advance(5)
    assert cache.at_hand("k") is None
    assert await cache.find("k") == (ENTRY, "redis")
    assert cache.at_hand("k") == (ENTRY, "memory")


async def test_an_entry_gone_from_the_store_is_gone_from_memory() -> None:
    """A purge reaches every process when its trust ends."""
    clock, store = FakeClock(), SwitchedStore()
    cache = ResponseCache(store, MemoryLayer(clock=clock))
    await cache.keep("k", ENTRY, now=100.0, generation=GENERATION)
    clock.advance(5)
    await store.close()
    assert await cache.find("k") is None
    store.available = False
    assert await cache.find("k") is None


async def test_memory_serves_while_the_store_is_down() -> None:
    """A lost Redis loses no answer that this process still has."""
    clock, store = FakeClock(), SwitchedStore()
    cache = ResponseCache(store, MemoryLayer(clock=clock))
    await cache.keep("k", ENTRY, now=100.0, generation=GENERATION)
    clock.advance(3600)
    store.available = False
    assert await cache.find("k") == (ENTRY, "memory")


async def test_a_damaged_entry_is_a_miss() -> None:
    """Nobody gets half an answer."""
    store = SwitchedStore()
    await store.set("k", b"damaged", 10)
    assert await ResponseCache(store, MemoryLayer()).find("k") is None


async def test_an_answer_that_a_full_store_refused_is_served_from_memory() -> None:
    """Else it would be computed again every two seconds."""

    class FullStore(MemoryStore):
        async def set(self, key: str, value: bytes, ttl_s: float) -> bool:
            del key, value, ttl_s
            return False

    clock = FakeClock()
    cache = ResponseCache(FullStore(), MemoryLayer(clock=clock))
    assert not await cache.keep("k", ENTRY, now=100.0, generation=GENERATION)
    clock.advance(59)
    assert cache.at_hand("k") == (ENTRY, "memory")
    clock.advance(2)
    assert cache.at_hand("k") is None


async def test_an_answer_that_is_stored_soon_is_at_hand_at_once_and_its_lock_held_until_it_is_stored() -> None:
    """So nobody computes it a second time in between."""
    store = SwitchedStore()
    cache = ResponseCache(store, MemoryLayer())
    lock = Lock("lock", b"token")
    await store.claim(lock, 60)
    assert await cache.keep("k", ENTRY, now=100.0, generation=GENERATION, lock=lock, soon=True)
    assert cache.at_hand("k") == (ENTRY, "memory")
    assert (await store.get("k"), await store.get("lock")) == (None, b"token")
    await cache.drain()
    assert (await store.get("k") is not None, await store.get("lock")) == (True, None)


async def test_an_answer_is_packed_where_it_is_stored_and_not_while_somebody_waits_for_it() -> None:
    """Then both, memory and store, have it in both forms."""
    store = SwitchedStore()
    cache = ResponseCache(store, MemoryLayer())
    lock = Lock("lock", b"token")
    await store.claim(lock, 60)
    long = msgspec.structs.replace(ENTRY, body=b"body" * 1000)
    await cache.keep("k", long, now=100.0, generation=GENERATION, lock=lock, soon=True)
    assert cache.at_hand("k") == (long, "memory")
    await cache.drain()
    stored = msgspec.structs.replace(long, packed=pack(long.body))
    assert stored.packed is not None
    assert (cache.at_hand("k"), await cache.find("k")) == ((stored, "memory"), (stored, "redis"))


async def test_what_was_purged_before_it_is_stored_does_not_come_back() -> None:
    """Not into memory either, while the store is asked."""
    store, memory = SwitchedStore(), MemoryLayer()
    cache = ResponseCache(store, memory)
    lock = Lock("lock", b"token")
    await store.claim(lock, 60)
    await cache.keep("k", ENTRY, now=100.0, generation=GENERATION, lock=lock, soon=True)
    memory.drop_all("")
    await cache.drain()
    assert cache.at_hand("k") is None
