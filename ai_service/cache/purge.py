"""Forgetting answers: in the store, in this process, and soon after in every other one."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

from ai_service.cache.keys import PURGE_KEY, answers_of

if TYPE_CHECKING:
    from ai_service.cache.memory import MemoryLayer
    from ai_service.cache.store import Store

INTERVAL_S = 1.0
MARK_TTL_S = 3600.0
"""Far longer than any process needs to see the mark."""


class Purge:
    """Purges, and notices the purges of other processes.

    A purge ends with a new mark in the store. Each process looks at the mark every second and empties its memory layer
    when it has changed: half the time within which a purged answer has to be gone everywhere, and gone for good, even
    where the store is lost right after.

    Args:
        store: Shared by the processes.
        memory: Of this process.
        interval_s: Seconds between two looks.
    """

    def __init__(self, store: Store, memory: MemoryLayer, *, interval_s: float = INTERVAL_S) -> None:
        self._store = store
        self._memory = memory
        self._interval_s = interval_s
        self._mark: bytes | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Remembers today's mark, and watches it from now on."""
        self._mark = await self._store.get(PURGE_KEY)
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
        self._mark = secrets.token_bytes(8)
        return removed if await self._store.set(PURGE_KEY, self._mark, MARK_TTL_S) else None

    async def look(self) -> None:
        """Looks at the mark once; a mark that ran out says nothing."""
        mark = await self._store.get(PURGE_KEY)
        if mark is not None and mark != self._mark:
            self._mark = mark
            self._memory.drop_all("")

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            await self.look()
