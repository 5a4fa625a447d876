"""The store's in-memory twin, for one process."""

from __future__ import annotations

import math
import time
from collections import Counter, OrderedDict, deque
from typing import TYPE_CHECKING

from ai_service.cache.store import BATCH_S

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ai_service.cache.store import Lock


class MemoryStore:
    """One process's values, bounded in bytes, least recently used out first.

    Args:
        max_bytes: Bound on the sum of keys and values.
        clock: Monotonic seconds.
    """

    name = "memory"
    remote = False
    available = True

    def __init__(self, *, max_bytes: int = 64 * 1024 * 1024, clock: Callable[[], float] = time.monotonic) -> None:
        self._values: OrderedDict[str, tuple[bytes, float]] = OrderedDict()
        self._amounts: dict[str, tuple[Counter[str], float]] = {}
        self._records: dict[str, deque[bytes]] = {}
        self._max_bytes = max_bytes
        self._bytes = 0
        self._clock = clock

    async def connect(self, patience_s: float) -> bool:
        """See Store."""
        del patience_s
        return True

    async def get(self, key: str) -> bytes | None:
        """See Store."""
        held = self._values.get(key)
        if held is None:
            return None
        if held[1] <= self._clock():
            self._drop(key)
            return None
        self._values.move_to_end(key)
        return held[0]

    async def set(self, key: str, value: bytes, ttl_s: float | None = None, *, if_absent: bool = False) -> bool:
        """See Store."""
        if if_absent and await self.get(key) is not None:
            return False
        self._drop(key)
        self._values[key] = (value, math.inf if ttl_s is None else self._clock() + ttl_s)
        self._bytes += len(key) + len(value)
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._values)))
        return True

    async def acquire(self, lock: Lock, ttl_s: float) -> bool | None:
        """See Store."""
        return await self.set(lock.key, lock.token, ttl_s, if_absent=True)

    async def extend(self, lock: Lock, ttl_s: float) -> bool:
        """See Store."""
        return await self.get(lock.key) == lock.token and await self.set(lock.key, lock.token, ttl_s)

    def release(self, lock: Lock) -> None:
        """See Store."""
        if self._values.get(lock.key, (b"",))[0] == lock.token:
            self._drop(lock.key)

    async def add(self, key: str, amounts: Mapping[str, int], ttl_s: float, *, batch: str) -> bool:
        """See Store. Amounts are few, and not among what is evicted."""
        if await self.set(f"{key}:{batch}", b"", BATCH_S, if_absent=True):
            now = self._clock()
            self._amounts = {each: held for each, held in self._amounts.items() if held[1] > now}
            total = self._amounts.get(key, (Counter(), 0.0))[0]
            total.update(amounts)
            self._amounts[key] = (total, now + ttl_s)
        return True

    async def amounts(self, key: str) -> dict[str, int] | None:
        """See Store."""
        held, ends = self._amounts.get(key, (Counter(), 0.0))
        return dict(held) if ends > self._clock() else {}

    async def append(self, key: str, records: Sequence[bytes], limit: int) -> bool:
        """See Store. Records are few, and not among what is evicted."""
        held = deque(self._records.get(key, ()), maxlen=limit)
        held.extend(records)
        self._records[key] = held
        return True

    async def latest(self, key: str, count: int) -> list[bytes] | None:
        """See Store."""
        return list(reversed(self._records.get(key, ())))[:count]

    async def count(self, prefix: str) -> int | None:
        """See Store."""
        return len(self._living(prefix))

    async def keys(self, prefix: str, most: int) -> list[str] | None:
        """See Store."""
        return self._living(prefix)[:most]

    async def purge(self, prefix: str) -> int | None:
        """See Store."""
        removed = await self.count(prefix)
        for key in [key for key in self._values if key.startswith(prefix)]:
            self._drop(key)
        return removed

    async def ping(self) -> bool:
        """See Store."""
        return True

    async def close(self) -> None:
        """See Store."""
        self._values.clear()
        self._bytes = 0

    def _living(self, prefix: str) -> list[str]:
        now = self._clock()
        return [key for key, (_, ends) in self._values.items() if key.startswith(prefix) and ends > now]

    def _drop(self, key: str) -> None:
        held = self._values.pop(key, None)
        if held is not None:
            self._bytes -= len(key) + len(held[0])
