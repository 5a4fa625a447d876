"""A purge puts out of reach what was stored before, in every process, and nothing brings it back."""

from __future__ import annotations

import asyncio

import pytest

from ai_service.cache.entry import Entry
from ai_service.cache.epochs import Epochs
from ai_service.cache.keys import SHARED, answer_key, epoch_key, scope_of
from ai_service.cache.memory_layer import MemoryLayer
from ai_service.cache.memory_store import MemoryStore
from ai_service.cache.response_cache import ResponseCache
from tests.unit.service.fakes import FakeClock

ENTRY = Entry(b"body", 100.0, 200.0, 300.0, 0.5, "ollama", "m", 0.8, degraded=False)
TASKS = ("recipe", "nutrition")
MODEL = "0123456789ab"


class SharedStore(MemoryStore):
    """A store that others share, and that can go down, or be full.

    Attributes:
        full: Whether it takes nothing new.
    """

    name = "redis"
    remote = True

    def __init__(self) -> None:
        super().__init__()
        self.available = True
        self.full = False

    async def get(self, key: str) -> bytes | None:
        """See Store."""
        return await super().get(key) if self.available else None

    async def set(self, key: str, value: bytes, ttl_s: float | None = None, *, if_absent: bool = False) -> bool:
        """See Store."""
        if not self.available or self.full:
            return False
        return await super().set(key, value, ttl_s, if_absent=if_absent)

    async def purge(self, prefix: str) -> int | None:
        """See Store."""
        return await super().purge(prefix) if self.available else None


class Process:
    """One process that shares a store."""

    def __init__(self, store: SharedStore, clock: FakeClock | None = None) -> None:
        self.memory = MemoryLayer(trust_s=0.0)
        self.cache = ResponseCache(store, self.memory)
        self.epochs = Epochs(store, self.memory, TASKS, interval_s=3600.0, clock=clock or FakeClock())

    async def __aenter__(self) -> Process:
        await self.epochs.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.epochs.stop()

    def key(self, task: str = "recipe", scope: str = SHARED) -> str:
        """Return the key of an answer."""
        return answer_key(self.epochs.current(task), scope, task, MODEL, "x")

    async def keep(self, task: str = "recipe", scope: str = SHARED) -> None:
        """Store an answer."""
        await self.cache.keep(self.key(task, scope), ENTRY, now=100.0)

    async def has(self, task: str = "recipe", scope: str = SHARED) -> bool:
        """Return whether the answer is found."""
        return await self.cache.find(self.key(task, scope)) is not None


async def test_other_processes_follow_a_purge_at_their_next_read() -> None:
    """Even what they keep for the time in which the store is down; other tasks' answers stay."""
    store = SharedStore()
    async with Process(store) as first, Process(store) as second:
        for task in TASKS:
            await first.keep(task)
            assert await second.has(task)
        assert await first.epochs.purge("recipe") == 1
        await second.epochs.read()
        for process in (first, second):
            assert [await process.has(task) for task in TASKS] == [False, True]
            assert len(process.memory) == 1


async def test_what_was_computed_before_a_purge_is_out_of_reach() -> None:
    """It is stored under the key under which it was asked for."""
    store = SharedStore()
    async with Process(store) as first, Process(store) as second:
        keys = [process.key() for process in (first, second)]
        await first.epochs.purge("recipe")
        await second.epochs.read()
        for process, key in zip((first, second), keys, strict=True):
            await process.cache.keep(key, ENTRY, now=100.0)
        assert [await process.has() for process in (first, second)] == [False, False]


async def test_a_new_process_takes_over_the_epochs_there_are() -> None:
    """It finds what others stored; one that started while the store was down does too, once it is back."""
    store = SharedStore()
    async with Process(store) as first:
        await first.keep()
        async with Process(store) as second:
            assert await second.has()
        store.available = False
        async with Process(store) as third:
            assert third.epochs.current("recipe") != first.epochs.current("recipe")
            store.available = True
            await third.epochs.read()
            assert await third.has()
        await first.epochs.read()
        assert await first.has()


async def test_processes_that_start_together_agree() -> None:
    """Whoever stores first decides."""
    store = SharedStore()
    processes = [Process(store) for _ in range(5)]
    await asyncio.gather(*(process.epochs.start() for process in processes))
    assert len({process.key() for process in processes}) == 1
    for process in processes:
        await process.epochs.stop()


async def test_an_epoch_that_the_store_lost_is_never_used_again() -> None:
    """Evicted, while the answers stayed: somebody may have purged in between."""
    store = SharedStore()
    async with Process(store) as first, Process(store) as second:
        await first.keep()
        before = first.epochs.current("recipe")
        await store.purge(epoch_key("recipe"))
        await first.epochs.read()
        await second.epochs.read()
        assert first.epochs.current("recipe") == second.epochs.current("recipe") != before
        assert not await first.has()


@pytest.mark.parametrize("restarted", [False, True])
async def test_an_old_dump_brings_back_only_what_nobody_saw_purged(restarted: bool) -> None:
    """Under processes that run it is put right; where none runs that saw the purge, it is all there is."""
    store = SharedStore()
    async with Process(store) as purger:
        await purger.keep()
        key, old = purger.key(), await store.get(epoch_key("recipe"))
        assert old is not None
        await purger.epochs.purge("recipe")
        first = Process(store) if restarted else purger
        await store.set(epoch_key("recipe"), old)  # The dump: the old epoch, and an answer stored under it.
        async with Process(store) as dump_reader:
            await dump_reader.cache.keep(key, ENTRY, now=100.0)
            await first.epochs.read()
            assert await first.has() is restarted
            await dump_reader.epochs.read()
            assert await dump_reader.has() is restarted


async def test_a_restored_backup_is_found_by_a_site_that_was_set_up_anew() -> None:
    """Its processes hold a newer epoch, but never saw the old one replaced."""
    lost, anew = SharedStore(), SharedStore()
    async with Process(lost) as before:
        await before.keep()
        key, epoch = before.key(), before.epochs.current("recipe")
    clock = FakeClock()
    clock.advance(3600)
    async with Process(anew, clock) as process:
        assert process.epochs.current("recipe") > epoch
        await anew.set(epoch_key("recipe"), epoch.encode())
        await process.cache.keep(key, ENTRY, now=100.0)
        await process.epochs.read()
        assert await process.has()


async def test_a_purge_counts_from_a_host_whose_clock_is_behind() -> None:
    """Its epoch sorts after the one that it replaces."""
    store = SharedStore()
    ahead = FakeClock()
    ahead.advance(3600)
    async with Process(store, ahead) as first, Process(store) as second:
        before = first.epochs.current("recipe")
        await second.epochs.purge("recipe")
        await first.epochs.read()
        assert first.epochs.current("recipe") == second.epochs.current("recipe") > before


@pytest.mark.parametrize("foreign", [b"", b"1", b"\xff" * 20, b"0123456789ABCDEF0123"])
async def test_what_is_no_epoch_is_replaced(foreign: bytes) -> None:
    """By another program, or damaged."""
    store = SharedStore()
    async with Process(store) as first:
        await store.set(epoch_key("recipe"), foreign)
        await first.epochs.read()
        assert await store.get(epoch_key("recipe")) == first.epochs.current("recipe").encode()


@pytest.mark.parametrize("trouble", ["down", "full"])
async def test_a_purge_that_the_store_did_not_take_is_told_and_made_up_for(trouble: str) -> None:
    """This process forgets at once; the others once the store is well."""
    store = SharedStore()
    async with Process(store) as first, Process(store) as second:
        await first.keep()
        assert await second.has()
        store.available, store.full = trouble == "full", trouble == "full"
        assert await first.epochs.purge("recipe") is None
        assert not await first.has()
        store.available, store.full = True, False
        await first.epochs.read()
        await second.epochs.read()
        assert [await process.has() for process in (first, second)] == [False, False]


async def test_without_a_shared_store_a_purge_reaches_this_process() -> None:
    """And says so."""
    memory = MemoryLayer()
    assert Epochs(MemoryStore(), memory, TASKS).reach == "service"
    assert Epochs(SharedStore(), memory, TASKS).reach == "store"


async def test_a_purge_counts_what_is_stored_now() -> None:
    """Also where another process purged, and answers were stored, since this one read the epochs."""
    store = SharedStore()
    async with Process(store) as first, Process(store) as second:
        await first.epochs.purge("recipe")
        await first.keep()
        assert await second.epochs.purge("recipe") == 1
        await first.epochs.read()
        assert not await first.has()


async def test_a_purge_reaches_and_counts_the_answers_of_all_scopes() -> None:
    """Whichever API key they belong to; in memory too."""
    store = SharedStore()
    scopes = (SHARED, scope_of("web"), scope_of("job"))
    async with Process(store) as first, Process(store) as second:
        for scope in scopes:
            await first.keep(scope=scope)
            assert await second.has(scope=scope)
        assert await first.epochs.purge("recipe") == len(scopes)
        await second.epochs.read()
        assert [await process.has(scope=scope) for process in (first, second) for scope in scopes] == [False] * 6
        assert [len(process.memory) for process in (first, second)] == [0, 0]


async def test_an_epoch_that_was_left_for_an_older_one_may_come_back() -> None:
    """A backup was restored, then the later state: processes follow, and none writes against another for ever."""
    store = SharedStore()
    async with Process(store) as first:
        later = first.epochs.current("recipe")
        older = f"{int(later[:12], 16) - 1000:012x}{later[12:]}"
        for epoch in (older, later):
            await store.set(epoch_key("recipe"), epoch.encode())
            await first.epochs.read()
            assert first.epochs.current("recipe") == epoch
            assert await store.get(epoch_key("recipe")) == epoch.encode()
