"""How often a key may ask.

This module alone imports `limits`, which takes a quarter of a second: the service loads it where keys are configured,
and nobody else pays for it.
"""

from __future__ import annotations

import math
import time
from functools import lru_cache
from typing import TYPE_CHECKING

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

if TYPE_CHECKING:
    from ai_service.access.keys import Key

_parse = lru_cache(1024)(parse)


class RateLimiter:
    """Counts each key's requests in a sliding window, in this process.

    A sliding window counter holds two numbers a key, whatever its rate, and lets no burst of twice the rate through
    where one window ends and the next begins. Workers do not count together, for that would put a round trip in front
    of every cached answer: who spreads requests over N workers may ask N times as often as the rate says.
    """

    def __init__(self) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def wait_s(self, key: Key) -> int:
        """Counts a request; takes some microseconds.

        Returns:
            0 where the key may ask, else the whole seconds after which it may again.
        """
        rate = _parse(key.rate)
        if self._limiter.hit(rate, key.name):
            return 0
        reset = self._limiter.get_window_stats(rate, key.name).reset_time
        return max(1, math.ceil(reset - time.time()))
