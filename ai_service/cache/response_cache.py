"""Reads and writes answers through the memory layer and the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ai_service.cache.entry import decode, encode, packed

if TYPE_CHECKING:
    from ai_service.cache.entry import Entry
    from ai_service.cache.memory_layer import MemoryLayer
    from ai_service.cache.store import Store

REFUSED_TRUST_S = 60.0
"""Time for which an answer that a full store refused is served from memory without asking the store, which lacks it."""


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
        """Return the entry, if the store need not be asked."""
        entry = self._memory.trusted(key)
        return None if entry is None else (entry, "memory")

    async def find(self, key: str) -> tuple[Entry, str] | None:
        """Return the store's entry, fresh or stale, and where it was found: `memory` while the store is down."""
        raw = await self._store.get(key)
        if raw is None and not self._store.available:
            entry = self._memory.kept(key)
            return (entry, "memory") if entry is not None else None
        entry = decode(raw, key) if raw is not None else None
        if entry is None:
            self._memory.drop(key)
            return None
        self._memory.put(key, entry)
        return entry, self._store.name

    def remember(self, key: str, entry: Entry) -> None:
        """Put an entry into memory that the store gets next."""
        self._memory.put(key, entry)

    async def keep(self, key: str, entry: Entry, now: float) -> bool:
        """Store an entry until it is too stale for any use; memory has it in any case.

        Args:
            key: Where to.
            entry: What.
            now: Seconds since the epoch.

        Returns:
            Whether the store has it.
        """
        entry = packed(entry)
        stored = await self._store.set(key, encode(entry, key), entry.stale_until - now)
        refused = not stored and self._store.available
        self._memory.put(key, entry, trust_s=REFUSED_TRUST_S if refused else None)
        return stored
