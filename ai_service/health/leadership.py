"""One process, among all that share a store, does the work that is to be done once: warm-up and probes."""

from __future__ import annotations

import logging
import os
import secrets
from typing import TYPE_CHECKING

from ai_service.cache.keys import LEADER_KEY
from ai_service.cache.store import Lock
from ai_service.process.periodic import Periodic

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
        self._lock = Lock(LEADER_KEY, secrets.token_bytes(16))
        self._held = False
        self._looking = Periodic("looking who leads", self.look, renew_s)
        self.leads = False

    async def start(self) -> None:
        """Acquire or renew the lease once, then continue in the background."""
        await self._looking.once()
        self._looking.start()

    async def stop(self) -> None:
        """Stop renewing, and release the lease so that another process can acquire it at once."""
        await self._looking.stop()
        if self._held:
            self._store.release(self._lock)
        self._held = self.leads = False

    async def look(self) -> None:
        """Extend the lease, or try to acquire it."""
        down = False
        if not (self._held and await self._store.extend(self._lock, self._lease_s)):
            held = await self._store.acquire(self._lock, self._lease_s)
            down = held is None
            self._held = held is True
        leads = self._held or down
        if leads != self.leads:
            self.leads = leads
            state = "leads" if leads else "follows"
            logger.info("this process %s: warm-up and probes", state, extra={"fields": {"pid": os.getpid()}})
