"""How often each cached answer was served today, counted in the store for all processes that share it."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

from ai_service.cache.keys import hits_key, scope_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from ai_service.cache.store import Store

KEPT_S = 2 * 86_400.0
DELAY_S = 5.0
"""Time for which hits are collected before they are written."""
RETRY_S = 5.0
BATCH = 500
"""Answers whose hits are written in one step, within the store's deadline."""
PARTS = range(16)
"""Of a day's counts: each is read and written in one step."""
MOST_WAITING = 10_000
"""Answers whose hits wait while the store is down; those of others are not counted."""


class CacheHits:
    """Count hits by answer and UTC day.

    Args:
        store: Where counts are kept.
        clock: Seconds since the epoch.
        delay_s: Seconds for which hits are collected before they are written.
        retry_s: Seconds after which a store that did not take them is tried again.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], float] = time.time,
        delay_s: float = DELAY_S,
        retry_s: float = RETRY_S,
    ) -> None:
        self._store = store
        self._clock = clock
        self._delay_s = delay_s
        self._retry_s = retry_s
        self._waiting: Counter[str] = Counter()
        self._writing: asyncio.Task[None] | None = None

    def add(self, key: str) -> None:
        """Count a hit of the answer that is stored under a key; the store gets it in the background."""
        if key not in self._waiting and len(self._waiting) >= MOST_WAITING:
            return
        self._waiting[key] += 1
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    async def of(self, keys: Collection[str]) -> dict[str, int] | None:
        """Return today's hits of the answers under some keys; None where the store is down."""
        stored: dict[str, int] = {}
        for part in sorted({_part(key) for key in keys}):
            amounts = await self._store.amounts(hits_key(self._day(), part))
            if amounts is None:
                return None
            stored |= amounts
        return {key: stored.get(scope_of(key), 0) + self._waiting[key] for key in keys}

    async def close(self) -> None:
        """Write what is counted, unless the store is down."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        while self._waiting and await self._flush():
            pass

    async def _write(self) -> None:
        while self._waiting:
            await asyncio.sleep(self._delay_s)
            for _ in PARTS:
                if self._waiting and not await self._flush():
                    await asyncio.sleep(self._retry_s)

    async def _flush(self) -> bool:
        """Write the hits of some answers; return whether the store has them. A lost reply may count them twice."""
        part = _part(next(iter(self._waiting)))
        batch = dict(islice(((key, amount) for key, amount in self._waiting.items() if _part(key) == part), BATCH))
        amounts = {scope_of(key): amount for key, amount in batch.items()}
        if not await self._store.add(hits_key(self._day(), part), amounts, KEPT_S, batch=secrets.token_hex(8)):
            return False
        for key, amount in batch.items():  # More may have come meanwhile.
            self._waiting[key] -= amount
            if not self._waiting[key]:
                del self._waiting[key]
        return True

    def _day(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).date().isoformat()


def _part(key: str) -> str:
    """Return the part of a day's counts that an answer's are in, a hexadecimal digit."""
    return scope_of(key)[0]
