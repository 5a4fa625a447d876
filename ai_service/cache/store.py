"""Where entries live, as its users see it: Redis, or this process's memory where no Redis is configured.

No method of a store raises because the store is down: a lost cache is a slower service, not a broken one.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple, Protocol


class Lock(NamedTuple):
    """A lock.

    Attributes:
        key: Where it is.
        token: Nobody else's; who knows it may extend and release the lock.
    """

    key: str
    token: bytes


class Claim(NamedTuple):
    """An attempt at a lock.

    Attributes:
        held: Whether the lock is the caller's now.
        seen: The values of the keys that were looked at in the same step; None for those that there are not.
    """

    held: bool
    seen: tuple[bytes | None, ...] = ()


class Generation(NamedTuple):
    """What an answer is computed under. A purge begins another, and what was computed under an old one is not kept.

    Attributes:
        key: The store's key that holds the present one.
        value: As it was when the computing began; b"" where the store had none, or could not say.
        purges: How often this process had forgotten answers by then.
    """

    key: str
    value: bytes = b""
    purges: int = 0


class Kept(Enum):
    """What became of a value that was to be kept."""

    STORED = "stored"
    REFUSED = "refused"
    """The store is full or down."""
    OUTDATED = "outdated"
    """A purge came between."""


class Store(Protocol):
    """Bytes by key, each with a time to live.

    Attributes:
        name: Word for `Cache-Status`, metrics and health.
        remote: Whether it is a round trip away.
    """

    name: str
    remote: bool

    @property
    def available(self) -> bool:
        """Whether the last operation reached it."""

    async def get(self, key: str) -> bytes | None:
        """The value, or None where there is none or the store is down."""

    async def set(self, key: str, value: bytes, ttl_s: float) -> bool:
        """Stores a value for `ttl_s` seconds; False where the store is down."""

    async def keep(
        self, key: str, value: bytes, ttl_s: float, generation: Generation, lock: Lock | None = None
    ) -> Kept:
        """Stores a value unless its generation is over, and frees the lock whatever comes of it, in one step.

        Args:
            key: Where to.
            value: What.
            ttl_s: For how long, in seconds.
            generation: What it was computed under.
            lock: Is freed, if it is still held with its token; None for none.
        """

    async def claim(self, lock: Lock, ttl_s: float, *look: str) -> Claim | None:
        """Tries to take a lock, and looks at what it is for; None where the store is down.

        Args:
            lock: The lock.
            ttl_s: Seconds after which it is free again by itself.
            look: Keys of the values that are looked at.
        """

    async def seek(self, key: str, generation: str, lock: Lock, ttl_s: float) -> bytes | Claim | None:
        """The value, or else an attempt at the lock under which it is computed, in one step.

        Args:
            key: The value's.
            generation: Key of the generation that it is computed under.
            lock: Is freed again where whoever asked is gone by then.
            ttl_s: Seconds after which the lock is free again by itself.

        Returns:
            The value; where there is none, what `claim` gives for the lock, the key and the generation; None where the
            store is down, or takes no locks because it is full.
        """

    async def extend(self, lock: Lock, ttl_s: float) -> bool:
        """Lets a held lock last `ttl_s` seconds from now; False where it is not held with its token (any more)."""

    async def release(self, lock: Lock) -> bool:
        """Frees a held lock; False where it is not held with its token (any more)."""

    async def count(self, prefix: str) -> int | None:
        """How many keys begin so; None where the store is down. Looks at every key: for administrators."""

    async def purge(self, prefix: str) -> int | None:
        """Removes the keys that begin so, and says how many; None where the store is down, or went down meanwhile."""

    async def ping(self) -> bool:
        """Whether the store answers."""

    async def close(self) -> None:
        """Gives connections back."""
