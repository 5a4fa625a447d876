"""One process, among all that share a store, does the work that is to be done once: warm-up and probes."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from typing import TYPE_CHECKING

from ai_service.cache.keys import LEADER_KEY
from ai_service.cache.store import Lock

if TYPE_CHECKING:
    from ai_service.cache.store import Store

logger = logging.getLogger(__name__)

LEASE_S = 10.0
RENEW_S = 3.0
"""A leader that is killed is followed within lease and one look: 13 s."""


class Leadership:
    """A lease in the store, extended while its holder lives.

    Without a shared store, or while it is down, every process leads itself: what is done twice costs time, what is
    never done would not be noticed.

    Args:
        store: Shared by the processes.
        lease_s: Seconds that the lease lasts without being extended.
        renew_s: Seconds between two looks at it.

    Attributes:
        leads: Whether it is this process.
    """

    def __init__(self, store: Store, *, lease_s: float = LEASE_S, renew_s: float = RENEW_S) -> None:
        self._store = store
        self._lease_s = lease_s
        self._renew_s = renew_s
        self._lock = Lock(LEADER_KEY, secrets.token_bytes(16))
        self._held = False
        self._task: asyncio.Task[None] | None = None
        self.leads = False

    async def start(self) -> None:
        """Looks once, then goes on in the background."""
        await self.look()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Ends, and makes way for another at once."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._held:
            await self._store.release(self._lock)
        self._held = self.leads = False

    async def look(self) -> None:
        """Extends the lease, or tries to get it."""
        down = False
        if not (self._held and await self._store.extend(self._lock, self._lease_s)):
            claim = await self._store.claim(self._lock, self._lease_s)
            down = claim is None
            self._held = claim is not None and claim.held
        leads = self._held or down
        if leads != self.leads:
            self.leads = leads
            state = "leads" if leads else "follows"
            logger.info("this process %s: warm-up and probes", state, extra={"fields": {"pid": os.getpid()}})

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._renew_s)
            await self.look()
