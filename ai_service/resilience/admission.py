"""A bounded queue in front of a provider: Ollama's own is unbounded for a loaded model."""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from ai_service.providers.errors import Preempted, QueueFull

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

_SMOOTHING = 0.2


class AdmissionQueue:
    """Lets so many calls through at a time, so many wait, and refuses the rest at once.

    Background calls never keep a caller waiting: they are refused while all slots are taken, and a caller that finds
    none ends one of them.

    Args:
        concurrency: Calls at a time.
        limit: Calls that may wait.
        clock: Monotonic seconds.
    """

    def __init__(self, *, concurrency: int, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._slots = asyncio.Semaphore(concurrency)
        self._concurrency = concurrency
        self._limit = limit
        self._clock = clock
        self._mean_s = 1.0
        self._background: set[asyncio.Timeout] = set()
        self.running = 0
        self.waiting = 0

    @property
    def idle(self) -> bool:
        """Whether a further call would have to wait for nobody, and nobody for it."""
        return self.waiting == 0 and not self._slots.locked()

    @asynccontextmanager
    async def slot(self, *, background: bool = False) -> AsyncIterator[float]:
        """Hold a slot; give the seconds that were spent waiting for it.

        Args:
            background: Whether no caller waits for this call.

        Raises:
            QueueFull: With the time after which a slot is likely free.
            Preempted: A caller came while the call was under way in the background.
        """
        if background and not self.idle:
            raise QueueFull("callers have priority", retry_after_s=math.ceil(self._mean_s))
        if self._background and self._slots.locked():
            self._background.pop().reschedule(0.0)  # Long over: its slot is free as soon as it has noticed.
        elif self._slots.locked() and self.waiting >= self._limit:
            ahead = (self.waiting + 1) / self._concurrency
            raise QueueFull(
                f"the queue is full: {self.waiting} calls are waiting", retry_after_s=math.ceil(self._mean_s * ahead)
            )
        arrived = self._clock()
        self.waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self.waiting -= 1
        started = self._clock()
        self.running += 1
        scope = asyncio.timeout(None)
        try:
            async with scope:
                if background:
                    self._background.add(scope)
                yield started - arrived
        except TimeoutError:
            if scope.expired():
                raise Preempted("preempted by a caller") from None
            raise
        finally:
            self._background.discard(scope)
            self.running -= 1
            self._slots.release()
            self._mean_s += _SMOOTHING * (self._clock() - started - self._mean_s)
