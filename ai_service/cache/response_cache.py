"""Reads and writes answers through the memory layer and the store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ai_service.cache.entry import decode, encode, packed
from ai_service.cache.keys import generation_key
from ai_service.cache.store import Generation, Kept

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from ai_service.cache.entry import Entry
    from ai_service.cache.memory import MemoryLayer
    from ai_service.cache.store import Lock, Store


SOON_S = 0.001
"""Time enough for an answer to be on its way before it is stored."""
REFUSED_TRUST_S = 60.0
"""So long an answer that a full store refused is served from memory without asking the store, which lacks it."""


class ResponseCache:
    """Answers by key.

    Args:
        store: Shared by all processes.
        memory: Of this process.
    """

    def __init__(self, store: Store, memory: MemoryLayer) -> None:
        self._store = store
        self._memory = memory
        self._due: list[Coroutine[Any, Any, bool]] = []
        self._keeping: set[asyncio.Task[bool]] = set()

    def at_hand(self, key: str) -> tuple[Entry, str] | None:
        """The entry, if the store need not be asked."""
        entry = self._memory.trusted(key)
        return None if entry is None else (entry, "memory")

    async def find(self, key: str) -> tuple[Entry, str] | None:
        """The store's entry, fresh or stale, and where it was found: there, or in `memory` while the store is down."""
        purges = self._memory.purges
        return self.take(key, await self._store.get(key), purges)

    def take(self, key: str, raw: bytes | None, purges: int) -> tuple[Entry, str] | None:
        """What `find` gives, of a value that the store gave, or of None where it gave none.

        Args:
            key: The value's.
            raw: The value.
            purges: How often this process had forgotten answers when the store was asked.
        """
        if raw is None and not self._store.available:
            entry = self._memory.kept(key)
            return (entry, "memory") if entry is not None else None
        entry = decode(raw) if raw is not None else None
        if entry is None:
            self._memory.drop(key)
            return None
        if purges == self._memory.purges:
            self._memory.put(key, entry)
        return entry, self._store.name

    def forget(self, key: str) -> None:
        """Nothing is stored under this key any more."""
        self._memory.drop(key)

    async def reread(self, key: str) -> Entry | None:
        """The store's entry, whatever this process remembers; where the store is down, what it remembers."""
        raw = await self._store.get(key)
        if raw is None and not self._store.available:
            return self._memory.kept(key)
        return decode(raw) if raw is not None else None

    def generation(self, task: str) -> Generation:
        """What an answer is computed under from now on, as far as this process knows."""
        return Generation(generation_key(task), purges=self._memory.purges)

    async def current_generation(self, task: str) -> Generation:
        """The same, as the store has it; of use where no lock is claimed, which would tell it too."""
        generation = self.generation(task)
        return generation._replace(value=await self._store.get(generation.key) or b"")

    async def keep(
        self,
        key: str,
        entry: Entry,
        *,
        now: float,
        generation: Generation,
        lock: Lock | None = None,
        soon: bool = False,
    ) -> bool:
        """Stores an entry until it is too stale for any use, and frees the lock under which it was computed.

        Args:
            key: Where to.
            entry: What.
            now: Seconds since the epoch.
            generation: What it was computed under.
            lock: None for none.
            soon: Whether a caller waits for the answer. Then this process's memory has it at once as it is, and a store
                that is a round trip away has it packed a moment later. Nobody finds out: the lock is held until then,
                so that other processes wait for the answer. Without a lock it is stored at once.

        Returns:
            Whether it is stored. Memory has it in any case but one: a purge came between.
        """
        if self._memory.purges != generation.purges:
            if lock is not None:
                await self._store.release(lock)
            return False
        work = self._write(key, entry, now, generation, lock)
        if not soon or lock is None or not self._store.remote:
            return await work
        self._memory.put(key, entry)
        if not self._due:
            asyncio.get_running_loop().call_later(SOON_S, self._begin)
        self._due.append(work)
        return True

    async def drain(self) -> None:
        """Waits until everything is stored that is to be."""
        self._begin()
        await asyncio.gather(*self._keeping)

    def _begin(self) -> None:
        """Stores what is due."""
        due, self._due = self._due, []
        for work in due:
            task = asyncio.create_task(work)
            self._keeping.add(task)
            task.add_done_callback(self._keeping.discard)

    async def _write(self, key: str, entry: Entry, now: float, generation: Generation, lock: Lock | None) -> bool:
        entry = packed(entry)
        if self._memory.purges == generation.purges:
            self._memory.put(key, entry)
        kept = await self._store.keep(key, encode(entry), entry.stale_until - now, generation, lock)
        if kept is Kept.OUTDATED:
            self._memory.drop(key)
        elif kept is Kept.REFUSED and self._store.available and self._memory.purges == generation.purges:
            self._memory.put(key, entry, trust_s=REFUSED_TRUST_S)
        return kept is Kept.STORED
