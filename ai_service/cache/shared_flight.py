"""One computation a key at a time across all processes that share a store."""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING

import msgspec

from ai_service.cache.entry import decode
from ai_service.cache.keys import lock_key
from ai_service.cache.store import Claim, Lock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from ai_service.cache.entry import Entry
    from ai_service.cache.store import Generation, Store

LEASE_S = 5.0
"""So long a lock outlives a process that was killed."""
POLL_S = 0.03


class Turn(msgspec.Struct):
    """Whose turn it is.

    Attributes:
        generation: What the answer is computed under.
        entry: The answer, where another process computed it meanwhile.
        elsewhere: Whether another process is still at it.
        lock: Held for this turn, and freed at its end; None where there is none, or it was handed over.
    """

    generation: Generation
    entry: Entry | None = None
    elsewhere: bool = False
    lock: Lock | None = None

    def hand_over(self) -> Lock | None:
        """The lock, for somebody else to free: together with storing the answer."""
        lock, self.lock = self.lock, None
        return lock


class Bid(msgspec.Struct, frozen=True):
    """An attempt at a lock that was made while the answer was looked for, and not found: it saves a round trip.

    Attributes:
        lock: The lock.
        claim: What came of it.
        generation: What this process knew of the present one before.
    """

    lock: Lock
    claim: Claim
    generation: Generation


class SharedFlight:
    """Locks in the store, extended while their holder lives.

    A lock saves work and guards nothing: where the store is down, or a holder takes too long, the answer is computed
    without it.

    Args:
        store: Shared by the processes.
        lease_s: Seconds that a lock lasts without being extended.
        poll_s: Seconds between two looks at another's lock.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        store: Store,
        *,
        lease_s: float = LEASE_S,
        poll_s: float = POLL_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._lease_s = lease_s
        self._poll_s = poll_s
        self._clock = clock
        self._name = secrets.token_bytes(16)
        self._numbers = count(1)

    async def seek(self, key: str, purpose: str, generation: Generation) -> bytes | Bid | None:
        """Looks for an answer; where the store has none, this is a bid for computing it.

        Args:
            key: The answer's.
            purpose: Of the computation.
            generation: What this process knows of the present one.

        Returns:
            The stored value, or the bid; None where the store is down. A bid is for `turn`, or to be withdrawn.
        """
        lock = self._new_lock(key, purpose)
        found = await self._store.seek(key, generation.key, lock, self._lease_s)
        return Bid(lock, found, generation) if isinstance(found, Claim) else found

    async def withdraw(self, bid: Bid) -> None:
        """Frees a bid's lock for others."""
        if bid.claim.held:
            await self._store.release(bid.lock)

    @asynccontextmanager
    async def turn(
        self,
        key: str,
        purpose: str,
        generation: Generation,
        *,
        wait_s: float,
        is_enough: Callable[[Entry], bool],
        bid: Bid | None = None,
    ) -> AsyncIterator[Turn]:
        """Waits until it is this process's turn to compute an answer, or until the answer is there.

        Args:
            key: The answer's.
            purpose: Equal purposes exclude each other.
            generation: What this process knows of the present one; the store's part is looked up with the lock.
            wait_s: Seconds to wait for another process at most.
            is_enough: Whether a stored entry is what would be computed.
            bid: The attempt at the lock that was made already; None for none.
        """
        lock = self._new_lock(key, purpose) if bid is None else bid.lock
        give_up = self._clock() + wait_s
        claim = await self._store.claim(lock, self._lease_s, key, generation.key) if bid is None else bid.claim
        turn = _turn(claim, lock, generation, is_enough)
        while turn.entry is None and turn.elsewhere and self._clock() < give_up:
            await asyncio.sleep(self._poll_s)
            claim = await self._store.claim(lock, self._lease_s, key, generation.key)
            turn = _turn(claim, lock, generation, is_enough)
        if turn.lock is None:
            yield turn
            return
        lease = _Lease(self._store, lock, self._lease_s)
        try:
            yield turn
        finally:
            lease.end()
            if turn.lock is not None:
                await self._store.release(lock)

    def _new_lock(self, key: str, purpose: str) -> Lock:
        """A lock with a token that nobody else has: a random name, taken once, and a number."""
        return Lock(lock_key(key, purpose), b"%b-%d" % (self._name, next(self._numbers)))


def _turn(claim: Claim | None, lock: Lock, generation: Generation, is_enough: Callable[[Entry], bool]) -> Turn:
    """Whose turn it is by a claim; without a store it is everybody's."""
    if claim is None:
        return Turn(generation)
    value, begun = claim.seen
    entry = decode(value) if value is not None else None
    return Turn(
        generation._replace(value=begun or b""),
        entry=entry if entry is not None and is_enough(entry) else None,
        elsewhere=not claim.held,
        lock=lock if claim.held else None,
    )


class _Lease:
    """Extends a lock for as long as it is held. Most are freed before that is due, so its task begins only then."""

    def __init__(self, store: Store, lock: Lock, lease_s: float) -> None:
        self._store = store
        self._lock = lock
        self._lease_s = lease_s
        self._task: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(lease_s / 3, self._begin)

    def end(self) -> None:
        """Lets the lock run out, or be freed."""
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _begin(self) -> None:
        self._task = asyncio.create_task(self._extend())

    async def _extend(self) -> None:
        while True:
            await self._store.extend(self._lock, self._lease_s)
            await asyncio.sleep(self._lease_s / 3)
