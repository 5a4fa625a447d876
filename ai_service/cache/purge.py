"""Forgetting answers: in the store, in this process, and soon after in every other one."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Protocol

from ai_service.cache.keys import PREFIX, PURGE_KEY, answers_of

if TYPE_CHECKING:
    import mmap

    from ai_service.cache.memory import MemoryLayer
    from ai_service.cache.store import Store

INTERVAL_S = 1.0
MARK_TTL_S = 3600.0
"""Far longer than any process needs to see the mark."""


MARK_BYTES = 8


class Mark(Protocol):
    """Changes with each purge, for every process to see.

    Attributes:
        store_is_shared: Whether the processes that see it have one store, from which one of them removes for all.
    """

    store_is_shared: bool

    async def read(self) -> bytes | None:
        """The mark of now; None where it says nothing."""

    async def change(self) -> bytes | None:
        """Sets a new mark; None where that failed."""


class StoreMark:
    """A mark in the store.

    Args:
        store: Shared by the processes.
    """

    store_is_shared = True

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self) -> bytes | None:
        """See Mark."""
        return await self._store.get(PURGE_KEY)

    async def change(self) -> bytes | None:
        """See Mark."""
        mark = secrets.token_bytes(MARK_BYTES)
        return mark if await self._store.set(PURGE_KEY, mark, MARK_TTL_S) else None


class SharedMemoryMark:
    """A mark in memory that the workers of one service share, where each has a store of its own.

    Args:
        shared: Of `MARK_BYTES`, mapped before the workers were forked.
    """

    store_is_shared = False

    def __init__(self, shared: mmap.mmap) -> None:
        self._shared = shared

    async def read(self) -> bytes | None:
        """See Mark."""
        return self._shared[:MARK_BYTES]

    async def change(self) -> bytes | None:
        """See Mark."""
        self._shared[:MARK_BYTES] = mark = secrets.token_bytes(MARK_BYTES)
        return mark


class Purge:
    """Purges, and notices the purges of other processes.

    A purge ends with a new mark. Each process looks at it every second and forgets all that it holds by itself when it
    has changed: half the time within which a purged answer has to be gone everywhere, and gone for good, even where the
    store is lost right after.

    Args:
        store: The store.
        memory: The layer in front of it.
        mark: What the processes see.
        interval_s: Seconds between two looks.
    """

    def __init__(self, store: Store, memory: MemoryLayer, mark: Mark, *, interval_s: float = INTERVAL_S) -> None:
        self._store = store
        self._memory = memory
        self._interval_s = interval_s
        self._mark = mark
        self._seen: bytes | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Remembers today's mark, and watches it from now on."""
        self._seen = await self._mark.read()
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Ends the watching."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def purge(self, task: str) -> int | None:
        """Forgets the answers of a task.

        Args:
            task: Its name.

        Returns:
            How many the store held; None where it is down, so that only this process has forgotten them.
        """
        prefix = answers_of(task)
        removed = await self._store.purge(prefix)
        self._memory.drop_all(prefix)
        if removed is None:
            return None
        mark = await self._mark.change()
        self._seen = mark or self._seen
        return removed if mark else None

    async def look(self) -> None:
        """Looks at the mark once; a mark that ran out says nothing."""
        mark = await self._mark.read()
        if mark is None or mark == self._seen:
            return
        self._seen = mark
        self._memory.drop_all("")
        if not self._mark.store_is_shared:
            await self._store.purge(PREFIX)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            await self.look()
