"""Memory layer and store together."""

import msgspec

from ai_service.cache.compression import pack
from ai_service.cache.entry import Entry
from ai_service.cache.memory_layer import MemoryLayer
from ai_service.cache.memory_store import MemoryStore
from ai_service.cache.response_cache import ResponseCache
from tests.unit.service.fakes import FakeClock

ENTRY = Entry(b"body", 100.0, 200.0, 300.0, 0.5, "ollama", "m", 0.8, degraded=False)


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
    assert await cache.keep("k", ENTRY, now=100.0)
    assert cache.at_hand("k") == (ENTRY, "memory")
    clock.advance(5)
    assert cache.at_hand("k") is None
    assert await cache.find("k") == (ENTRY, "redis")
    assert cache.at_hand("k") == (ENTRY, "memory")


async def test_an_entry_gone_from_the_store_is_gone_from_memory() -> None:
    """A purge reaches every process when its trust ends."""
    clock, store = FakeClock(), SwitchedStore()
    cache = ResponseCache(store, MemoryLayer(clock=clock))
    await cache.keep("k", ENTRY, now=100.0)
    clock.advance(5)
    await store.close()
    assert await cache.find("k") is None
    store.available = False
    assert await cache.find("k") is None


async def test_memory_serves_while_the_store_is_down() -> None:
    """A lost Redis loses no answer that this process still has."""
    clock, store = FakeClock(), SwitchedStore()
    cache = ResponseCache(store, MemoryLayer(clock=clock))
    await cache.keep("k", ENTRY, now=100.0)
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
        async def set(self, key: str, value: bytes, ttl_s: float | None = None, *, if_absent: bool = False) -> bool:
            del key, value, ttl_s, if_absent
            return False

    clock = FakeClock()
    cache = ResponseCache(FullStore(), MemoryLayer(clock=clock))
    assert not await cache.keep("k", ENTRY, now=100.0)
    clock.advance(59)
    assert cache.at_hand("k") == (ENTRY, "memory")
    clock.advance(2)
    assert cache.at_hand("k") is None


async def test_a_long_answer_is_kept_in_both_forms() -> None:
    """By memory and store alike."""
    store = SwitchedStore()
    cache = ResponseCache(store, MemoryLayer())
    long = msgspec.structs.replace(ENTRY, body=b"body" * 1000)
    await cache.keep("k", long, now=100.0)
    stored = msgspec.structs.replace(long, packed=pack(long.body))
    assert stored.packed is not None
    assert (cache.at_hand("k"), await cache.find("k")) == ((stored, "memory"), (stored, "redis"))
