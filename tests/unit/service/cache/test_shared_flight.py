"""Locks across processes that share a store."""

from __future__ import annotations

import asyncio

import pytest

from ai_service.cache.entry import Entry, encode
from ai_service.cache.keys import lock_key
from ai_service.cache.memory_store import MemoryStore
from ai_service.cache.shared_flight import SharedFlight
from ai_service.cache.store import Claim, Generation, Lock

KEY = "ai:v1:recipe:0123456789ab:x"
ENTRY = Entry(b"body", 100.0, 200.0, 300.0, 0.5, "ollama", "m", 0.8, degraded=False)
GENERATION = Generation("ai:v1:generation:recipe", purges=3)


class LostStore(MemoryStore):
    """A store that is down."""

    async def claim(self, lock: Lock, ttl_s: float, *look: str) -> Claim | None:
        """No answer."""
        del lock, ttl_s, look


def flight(store: MemoryStore, lease_s: float = 5.0) -> SharedFlight:
    """One process's."""
    return SharedFlight(store, lease_s=lease_s, poll_s=0.001)


def anything(_entry: Entry) -> bool:
    """Every entry is enough."""
    return True


async def test_the_lock_is_held_for_the_turn_and_free_after_it() -> None:
    """Also where the work fails."""
    store = MemoryStore()
    lock = lock_key(KEY, "request")

    async def work() -> None:
        async with flight(store).turn(KEY, "request", GENERATION, wait_s=1, is_enough=anything) as turn:
            assert (turn.entry, turn.elsewhere) == (None, False)
            assert await store.get(lock) is not None
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await work()
    assert await store.get(lock) is None


async def test_who_waits_gets_what_the_other_computed() -> None:
    """Without a turn of its own."""
    store = MemoryStore()
    async with flight(store).turn(KEY, "request", GENERATION, wait_s=1, is_enough=anything):
        waiting = asyncio.create_task(entry_of(flight(store)))
        await asyncio.sleep(0.01)
        await store.set(KEY, encode(ENTRY), 60)
    assert await waiting == ENTRY


async def test_who_waits_takes_over_where_the_other_failed() -> None:
    """A released lock without an answer is the next one's."""
    store = MemoryStore()
    async with flight(store).turn(KEY, "request", GENERATION, wait_s=1, is_enough=anything):
        waiting = asyncio.create_task(entry_of(flight(store)))
        await asyncio.sleep(0.01)
    assert await waiting is None


async def test_the_wait_is_bounded() -> None:
    """After it the answer is computed twice rather than never."""
    store = MemoryStore()
    async with (
        flight(store).turn(KEY, "request", GENERATION, wait_s=1, is_enough=anything),
        flight(store).turn(KEY, "request", GENERATION, wait_s=0.01, is_enough=anything) as turn,
    ):
        assert (turn.entry, turn.elsewhere) == (None, True)


async def test_a_lock_is_extended_while_its_holder_lives() -> None:
    """A slow model is no dead process."""
    store = MemoryStore()
    async with flight(store, lease_s=0.3).turn(KEY, "request", GENERATION, wait_s=1, is_enough=anything):
        for _ in range(10):
            await asyncio.sleep(0.05)
            assert await store.get(lock_key(KEY, "request")) is not None


async def test_a_lock_of_a_dead_process_runs_out() -> None:
    """Nobody is left to release it."""
    store = MemoryStore()
    await store.claim(Lock(lock_key(KEY, "request"), b"dead"), 0.02)
    async with flight(store).turn(KEY, "request", GENERATION, wait_s=10, is_enough=anything) as turn:
        assert (turn.entry, turn.elsewhere) == (None, False)


async def test_purposes_do_not_wait_for_each_other() -> None:
    """A caller does not wait for a refresh, which may itself wait for callers."""
    store = MemoryStore()
    async with (
        flight(store).turn(KEY, "refresh", GENERATION, wait_s=0, is_enough=anything),
        flight(store).turn(KEY, "request", GENERATION, wait_s=1, is_enough=anything) as turn,
    ):
        assert not turn.elsewhere


async def test_an_entry_that_is_not_enough_is_no_reason_to_skip() -> None:
    """The expired answer is still there while its successor is computed."""
    store = MemoryStore()
    await store.set(KEY, encode(ENTRY), 60)
    async with flight(store).turn(KEY, "request", GENERATION, wait_s=1, is_enough=lambda _entry: False) as turn:
        assert turn.entry is None
    async with flight(store).turn(KEY, "request", GENERATION, wait_s=1, is_enough=anything) as turn:
        assert turn.entry == ENTRY


async def test_the_generation_is_looked_up_with_the_lock() -> None:
    """What this process knows of it stays as it was."""
    store = MemoryStore()
    await store.set(GENERATION.key, b"second", 60)
    async with flight(store).turn(KEY, "request", GENERATION, wait_s=1, is_enough=anything) as turn:
        assert turn.generation == GENERATION._replace(value=b"second")


async def test_a_lock_that_was_handed_over_is_not_freed_at_the_end() -> None:
    """Whoever stores the answer frees it, so that nobody finds neither."""
    store = MemoryStore()
    async with flight(store).turn(KEY, "request", GENERATION, wait_s=1, is_enough=anything) as turn:
        lock = turn.hand_over()
    assert lock is not None
    assert await store.get(lock_key(KEY, "request")) == lock.token


async def test_without_a_store_it_is_everybodys_turn() -> None:
    """A lost Redis is never an error."""
    async with flight(LostStore()).turn(KEY, "request", GENERATION, wait_s=1, is_enough=anything) as turn:
        assert (turn.entry, turn.elsewhere) == (None, False)


async def entry_of(shared: SharedFlight) -> Entry | None:
    """What a process finds when its turn has come."""
    async with shared.turn(KEY, "request", GENERATION, wait_s=10, is_enough=anything) as turn:
        return turn.entry
