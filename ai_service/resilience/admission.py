"""A bounded queue in front of a provider: Ollama's own is unbounded for a loaded model."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
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
        self._concurrency = concurrency
        self._held = 0
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._limit = limit
        self._clock = clock
        self._mean_s = 1.0
        self._background: set[asyncio.Timeout] = set()
        self.running = 0
        self.waiting = 0

    @property
    def idle(self) -> bool:
        """Whether a further call would have to wait for nobody, and nobody for it."""
        return self.waiting == 0 and not self._full

    @property
    def concurrency(self) -> int:
        """Calls at a time."""
        return self._concurrency

    def resize(self, concurrency: int) -> None:
        """Let more or fewer calls through at a time; those under way go on."""
        self._concurrency = concurrency
        self._admit()

    @property
    def _full(self) -> bool:
        return self._held >= self._concurrency

    async def _acquire(self) -> None:
        """Take a slot, in the order of arrival."""
        if not self._full and not self._waiters:
            self._held += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._release()  # The slot was given in the same moment.
            raise

    def _release(self) -> None:
        self._held -= 1
        self._admit()

    def _admit(self) -> None:
        """Give free slots to those who wait."""
        while self._waiters and not self._full:
            turn = self._waiters.popleft()
            if not turn.done():
                self._held += 1
                turn.set_result(None)

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
        if self._background and self._full:
            self._background.pop().reschedule(0.0)  # Long over: its slot is free as soon as it has noticed.
        elif self._full and self.waiting >= self._limit:
            ahead = (self.waiting + 1) / self._concurrency
            raise QueueFull(
                f"the queue is full: {self.waiting} calls are waiting", retry_after_s=math.ceil(self._mean_s * ahead)
            )
        arrived = self._clock()
        self.waiting += 1
        try:
            await self._acquire()
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
            self._release()
            self._mean_s += _SMOOTHING * (self._clock() - started - self._mean_s)
