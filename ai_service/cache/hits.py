"""How often each cached answer was served today, counted in the store for all processes that share it."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from typing import TYPE_CHECKING

from ai_service.cache.keys import day_of, hits_key, scope_of
from ai_service.process.write_behind import WriteBehind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from ai_service.cache.store import Store

KEPT_S = 2 * 86_400.0
DELAY_S = 5.0
"""Time for which hits are collected before they are written."""
RETRY_S = 5.0
BATCH = 500
"""Answers whose hits are written in one step, within the store's deadline."""
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
        self._waiting: Counter[str] = Counter()
        self._writer = WriteBehind(self._flush, lambda: bool(self._waiting), delay_s=delay_s, retry_s=retry_s)

    def add(self, key: str) -> None:
        """Count a hit of the answer that is stored under a key; the store gets it in the background."""
        if key not in self._waiting and len(self._waiting) >= MOST_WAITING:
            return
        self._waiting[key] += 1
        self._writer.wake()

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
        await self._writer.close()

    async def _flush(self) -> bool:
        """Write the hits of all answers; return whether the store has them."""
        parts: dict[str, list[str]] = {}
        for key in self._waiting:
            parts.setdefault(_part(key), []).append(key)
        for part, keys in parts.items():
            for start in range(0, len(keys), BATCH):
                if not await self._write(part, keys[start : start + BATCH]):
                    return False
        return True

    async def _write(self, part: str, keys: Sequence[str]) -> bool:
        """Write the hits of some answers; return whether the store has them. A lost reply may count them twice."""
        batch = {key: self._waiting[key] for key in keys}
        amounts = {scope_of(key): amount for key, amount in batch.items()}
        if not await self._store.add(hits_key(self._day(), part), amounts, KEPT_S, batch=secrets.token_hex(8)):
            return False
        for key, amount in batch.items():  # More may have come meanwhile.
            self._waiting[key] -= amount
            if not self._waiting[key]:
                del self._waiting[key]
        return True

    def _day(self) -> str:
        return day_of(self._clock())


def _part(key: str) -> str:
    """Return the part of a day's counts that an answer's are in, a hexadecimal digit."""
    return scope_of(key)[0]
