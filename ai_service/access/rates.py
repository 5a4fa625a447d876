"""How often a key may ask.

This module alone imports `limits`, which takes a quarter of a second: the service loads it where keys are configured,
and nobody else pays for it.

A sliding window counter holds two numbers a key, whatever its rate, and lets no burst of twice the rate through where
one window ends and the next begins.
"""

from __future__ import annotations

import math
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from limits import aio, parse
from limits.aio.storage import RedisStorage
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from ai_service.cache.keys import RATES, scope_of

if TYPE_CHECKING:
    from limits import RateLimitItem

    from ai_service.access.keys import Key
    from ai_service.cache.redis_client import RedisClient

_parse = lru_cache(1024)(parse)
_counter_of = lru_cache(1024)(scope_of)
"""The hash of a key's name: no key of Redis shows a name."""


class Rates(Protocol):
    """Counts each key's requests."""

    async def wait_s(self, key: Key) -> int:
        """Count a request against the key's rate limit.

        Returns:
            0 where the key may ask, else the whole seconds after which it may again.
        """


class ProcessRates:
    """Counts in this process; takes some microseconds."""

    def __init__(self) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def wait_s(self, key: Key) -> int:
        """See Rates."""
        rate = _parse(key.rate)
        if self._limiter.hit(rate, key.name):
            return 0
        return _until(self._limiter.get_window_stats(rate, key.name).reset_time)


class SharedRates:
    """Counts in Redis, for all processes and hosts together: one round trip a request of a key that has a rate.

    Where Redis is down, too slow or refuses, each process counts for itself until it is back: who spreads requests over
    N processes may ask N times as often meanwhile, and nobody gets an error.

    Args:
        client: Its connections, its deadline and its pauses are shared.
    """

    def __init__(self, client: RedisClient) -> None:
        self._client = client
        storage = RedisStorage(
            "async+redis://",
            implementation="redispy",
            key_prefix=RATES,
            connection_pool=client.redis.connection_pool,  # type: ignore[arg-type] # as documented, if not as annotated
        )
        self._limiter = aio.strategies.SlidingWindowCounterRateLimiter(storage)
        self._alone = ProcessRates()

    async def wait_s(self, key: Key) -> int:
        """See Rates."""
        rate = _parse(key.rate)
        wait_s: int | None = await self._client.attempt("rate", lambda: self._count(rate, _counter_of(key.name)))
        return await self._alone.wait_s(key) if wait_s is None else wait_s

    async def _count(self, rate: RateLimitItem, counter: str) -> int:
        if await self._limiter.hit(rate, counter):
            return 0
        return _until((await self._limiter.get_window_stats(rate, counter)).reset_time)


def _until(reset_time: float) -> int:
    return max(1, math.ceil(reset_time - time.time()))
