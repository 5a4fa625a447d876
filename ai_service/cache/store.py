"""Where entries live, as its users see it: Redis, or this process's memory where no Redis is configured.

No method of a store raises because the store is down: a lost cache is a slower service, not a broken one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BATCH_S = 60.0
"""Time for which the name of an addition is remembered."""


class Lock(NamedTuple):
    """A lock.

    Attributes:
        key: Where it is stored.
        token: Unique; with it the lock can be extended and released.
    """

    key: str
    token: bytes


class Store(Protocol):
    """Bytes by key, each with a time to live.

    Attributes:
        name: Word for `Cache-Status`, metrics and health.
        remote: Whether it is a round trip away, and shared with other processes.
    """

    name: str
    remote: bool

    @property
    def available(self) -> bool:
        """Whether the last operation reached it."""

    async def connect(self, patience_s: float) -> bool:
        """Connect before the first request, by several patient attempts.

        Args:
            patience_s: Seconds that they take at most, where the store neither answers nor refuses.

        Returns:
            Whether the store answers; False where it is known to be down.
        """

    async def get(self, key: str) -> bytes | None:
        """Return the value; None where there is none or the store is down."""

    async def set(self, key: str, value: bytes, ttl_s: float | None = None, *, if_absent: bool = False) -> bool:
        """Store a value.

        Args:
            key: Where to.
            value: What.
            ttl_s: Seconds until it expires; None for never.
            if_absent: Whether a value that is there stays.

        Returns:
            Whether it is stored; False also where the store is full or down.
        """

    async def acquire(self, lock: Lock, ttl_s: float) -> bool | None:
        """Try to take a lock.

        Args:
            lock: The lock.
            ttl_s: Seconds until it expires unless it is extended.

        Returns:
            Whether it is held now; None where the store is down, or takes no locks because it is full. A reply that
            comes too late leaves no lock behind.
        """

    async def extend(self, lock: Lock, ttl_s: float) -> bool:
        """Have a held lock expire in `ttl_s` seconds; return False where it is not held with its token any more."""

    def release(self, lock: Lock) -> None:
        """Free a lock, if it is still held with its token; whoever calls this does not wait for it."""

    async def add(self, key: str, amounts: Mapping[str, int], ttl_s: float, *, batch: str) -> bool:
        """Add to the amounts kept under a key.

        Args:
            key: Where they are.
            amounts: What to add, by field.
            ttl_s: Seconds from now until all amounts of the key expire.
            batch: Unique name of this addition: sent again within a minute, as after a lost reply, it counts once.

        Returns:
            Whether they are added; False where the store is down or refuses, and where nobody knows.
        """

    async def amounts(self, key: str) -> dict[str, int] | None:
        """Return the amounts kept under a key by field, none where there are none; None where the store is down."""

    async def append(self, key: str, records: Sequence[bytes], limit: int) -> bool:
        """Append records to the list kept under a key, of which the newest `limit` stay.

        Returns:
            Whether they are appended; False where the store is down or refuses.
        """

    async def latest(self, key: str, count: int) -> list[bytes] | None:
        """Return the newest records kept under a key, newest first; None where the store is down."""

    async def count(self, prefix: str) -> int | None:
        """Count the keys that begin so; None where the store is down. Scans every key: for administrators."""

    async def keys(self, prefix: str, most: int) -> list[str] | None:
        """Return keys that begin so, any `most` of them where there are more; None where the store is down."""

    async def purge(self, prefix: str) -> int | None:
        """Remove the keys that begin so and count them; None where the store is down, or went down meanwhile."""

    async def ping(self) -> bool:
        """Return whether the store answers."""

    async def close(self) -> None:
        """Close connections."""
