"""Writing of what was collected, in the background, until nothing waits."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class WriteBehind:
    """Write what waits, some time after it came.

    Args:
        flush: Writes; returns whether it was taken.
        waits: Whether anything is left to be written.
        delay_s: Seconds for which is collected before each write.
        retry_s: Seconds more after a write that was not taken.
    """

    def __init__(
        self, flush: Callable[[], Awaitable[bool]], waits: Callable[[], bool], *, delay_s: float, retry_s: float
    ) -> None:
        self._flush = flush
        self._waits = waits
        self._delay_s = delay_s
        self._retry_s = retry_s
        self._writing: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Have written what waits now; nothing where that is under way."""
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    async def close(self) -> None:
        """Write what waits at once, up to the first write that is not taken."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        while self._waits() and await self._flush():
            pass

    async def _write(self) -> None:
        while self._waits():
            await asyncio.sleep(self._delay_s)
            if not await self._flush():
                await asyncio.sleep(self._retry_s)
