"""One computation of an answer at a time, across all processes that share a store."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

from ai_service.cache.keys import lock_key
from ai_service.cache.store import Lock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from ai_service.cache.entry import Entry
    from ai_service.cache.store import Store

logger = logging.getLogger(__name__)

LEASE_S = 5.0
"""Time for which a lock outlives a process that was killed."""
POLL_S = 0.03


class Lease(NamedTuple):
    """What came of waiting for a lock.

    Attributes:
        entry: The answer, where it is there by now; None where it has to be computed.
        held: Whether this process has the lock; None where the store gives none.
    """

    entry: Entry | None
    held: bool | None


class ComputeLock:
    """Locks in the store, extended while their holder lives.

    A lock saves work and guards nothing: where the store is down, or a holder takes too long, the answer is computed
    without it.

    Args:
        store: Shared by the processes.
        lease_s: Seconds until a lock expires that is not extended.
        poll_s: Seconds between two attempts at another's lock.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        store: Store,
        *,
        lease_s: float = LEASE_S,
        poll_s: float = POLL_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._lease_s = lease_s
        self._poll_s = poll_s
        self._clock = clock

    @asynccontextmanager
    async def hold(
        self, key: str, purpose: str, *, wait_s: float, find: Callable[[], Awaitable[Entry | None]]
    ) -> AsyncIterator[Lease]:
        """Wait for the lock of an answer, or for the answer, and hold the lock until the end.

        Args:
            key: The answer's.
            purpose: Equal purposes exclude each other.
            wait_s: Seconds to wait for another process at most.
            find: Returns the answer, if it is stored by now.
        """
        lock = Lock(lock_key(key, purpose), secrets.token_bytes(16))
        give_up = self._clock() + wait_s
        held: bool | None = None
        extending: asyncio.Task[None] | None = None
        try:
            while True:
                held = await self._store.acquire(lock, self._lease_s)
                entry = await find() if held is not None else None
                if held is not False or entry is not None or self._clock() >= give_up:
                    break
                await asyncio.sleep(self._poll_s)
            if held:
                extending = asyncio.create_task(self._extend(lock))
            yield Lease(entry, held)
        finally:
            if extending is not None:
                extending.cancel()
            if held:
                self._store.release(lock)

    async def _extend(self, lock: Lock) -> None:
        while True:
            await asyncio.sleep(self._lease_s / 3)
            try:
                await self._store.extend(lock, self._lease_s)
            except Exception:
                logger.exception("extending the lock %s failed unexpectedly", lock.key)
