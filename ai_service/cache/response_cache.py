"""Reads and writes answers through the memory layer and the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ai_service.cache.entry import decode, encode

if TYPE_CHECKING:
    from ai_service.cache.entry import Entry
    from ai_service.cache.memory import MemoryLayer
    from ai_service.cache.store import Store


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

    def at_hand(self, key: str) -> tuple[Entry, str] | None:
        """The entry, if the store need not be asked."""
        entry = self._memory.trusted(key)
        return None if entry is None else (entry, "memory")

    async def find(self, key: str) -> tuple[Entry, str] | None:
        """The store's entry, fresh or stale, and where it was found: there, or in `memory` while the store is down."""
        raw = await self._store.get(key)
        if raw is None and not self._store.available:
            entry = self._memory.kept(key)
            return (entry, "memory") if entry is not None else None
        entry = decode(raw) if raw is not None else None
        if entry is None:
            self._memory.drop(key)
            return None
        self._memory.put(key, entry)
        return entry, self._store.name

    async def reread(self, key: str) -> Entry | None:
        """The store's entry, whatever this process remembers; where the store is down, what it remembers."""
        raw = await self._store.get(key)
        if raw is None and not self._store.available:
            return self._memory.kept(key)
        return decode(raw) if raw is not None else None

    async def keep(self, key: str, entry: Entry, *, now: float) -> bool:
        """Stores an entry until it is too stale for any use.

        Args:
            key: Where to.
            entry: What.
            now: Seconds since the epoch.

        Returns:
            Whether the store took it; this process's memory has it in any case.
        """
        self._memory.put(key, entry)
        stored = await self._store.set(key, encode(entry), entry.stale_until - now)
        if not stored and self._store.available:
            self._memory.put(key, entry, trust_s=REFUSED_TRUST_S)
        return stored
