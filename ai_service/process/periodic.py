"""Work that is done again and again in the background, whatever it raises."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

logger = logging.getLogger(__name__)


class Periodic:
    """Repeats work, with a pause after each time.

    Work that fails is logged and done again: once with its traceback, and once when it succeeds again.

    Args:
        name: Of the work, for the log.
        work: What is done.
        pause_s: Seconds between two times.
    """

    def __init__(self, name: str, work: Callable[[], Awaitable[None]], pause_s: float) -> None:
        self._name = name
        self._work = work
        self._pause_s = pause_s
        self._failed = False
        self._task: asyncio.Task[None] | None = None

    async def once(self) -> None:
        """Do it now."""
        try:
            await self._work()
        except Exception:
            if not self._failed:
                logger.exception("%s failed; it is tried again every %g s", self._name, self._pause_s)
            self._failed = True
        else:
            if self._failed:
                logger.warning("%s works again", self._name)
            self._failed = False

    def start(self) -> None:
        """Go on in the background, after a first pause."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End it, and what is under way of it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._pause_s)
            await self.once()
