"""Where entries live: Redis, or this process's memory where no Redis is configured.

No method of a store raises because the store is down: a lost cache is a slower service, not a broken one.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.maint_notifications import MaintNotificationsConfig

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from redis.asyncio import ConnectionPool

logger = logging.getLogger(__name__)

TIMEOUT_S = 0.05
COOL_OFF_S = 1.0
TIMEOUTS_IN_A_ROW = 2
MAX_CONNECTIONS = 64
SCAN_STEP = 500


_CLAIM = """
local held = redis.call('set', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2])
return {held and 1 or 0, redis.call('get', KEYS[1])}
"""
_EXTEND = """
return redis.call('get', KEYS[1]) == ARGV[1] and redis.call('pexpire', KEYS[1], ARGV[2]) or 0
"""
_RELEASE = """
return redis.call('get', KEYS[1]) == ARGV[1] and redis.call('del', KEYS[1]) or 0
"""
"""Compare and act in one step: a lock that ran out may be another's by now."""


class Claim(NamedTuple):
    """An attempt at a lock.

    Attributes:
        held: Whether the lock is the caller's now.
        value: What is stored under the key that the lock is for.
    """

    held: bool
    value: bytes | None


class Store(Protocol):
    """Bytes by key, each with a time to live.

    Attributes:
        name: Word for `Cache-Status`, metrics and health.
    """

    name: str

    @property
    def available(self) -> bool:
        """Whether the last operation reached it."""

    async def get(self, key: str) -> bytes | None:
        """The value, or None where there is none or the store is down."""

    async def set(self, key: str, value: bytes, ttl_s: float) -> bool:
        """Stores a value for `ttl_s` seconds; False where the store is down."""

    async def claim(self, key: str, lock: str, token: bytes, ttl_s: float) -> Claim | None:
        """Tries to take a lock, and looks at what it is for; None where the store is down.

        Args:
            key: Of the value that is looked at.
            lock: Key of the lock.
            token: Nobody else's; who knows it may extend and release the lock.
            ttl_s: Seconds after which the lock is free again by itself.
        """

    async def extend(self, lock: str, token: bytes, ttl_s: float) -> bool:
        """Lets a held lock last `ttl_s` seconds from now; False where it is not held with this token (any more)."""

    async def release(self, lock: str, token: bytes) -> bool:
        """Frees a held lock; False where it is not held with this token (any more)."""

    async def count(self, prefix: str) -> int | None:
        """How many keys begin so; None where the store is down. Looks at every key: for administrators."""

    async def purge(self, prefix: str) -> int | None:
        """Removes the keys that begin so, and says how many; None where the store is down, or went down meanwhile."""

    async def ping(self) -> bool:
        """Whether the store answers."""

    async def close(self) -> None:
        """Gives connections back."""


class RedisStore:
    """A Redis server. Every operation takes at most 50 ms; when it fails, all of them pause for a second.

    A refused connection is a failure at once. A time-out is one when the next operation times out too: a single one
    may come from this process being late to read the answer.

    Args:
        url: `redis://host:port/db`, without a password.
        username: ACL user; empty for none.
        password: Its password; empty for none.
        on_failure: Called with the operation's name for each failure.
        clock: Monotonic seconds.
    """

    name = "redis"

    def __init__(
        self,
        url: str,
        *,
        username: str = "",
        password: str = "",
        on_failure: Callable[[str], None] = lambda _operation: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = Redis.from_url(
            url,
            username=username or None,
            password=password or None,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
            max_connections=MAX_CONNECTIONS,
            driver_info=None,  # Neither this nor the next needs rights that the ACL user does not have.
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
        )
        self._on_failure = on_failure
        self._clock = clock
        self._paused_until = 0.0
        self._timeouts = 0
        self._down = False
        self._refused: set[str] = set()
        self.available = True

    @property
    def connection_pool(self) -> ConnectionPool:
        """For others who use the same Redis, by way of `attempt`."""
        return self._redis.connection_pool

    async def get(self, key: str) -> bytes | None:
        """See Store."""
        value: bytes | None = await self.attempt("get", lambda: self._redis.get(key))
        return value

    async def set(self, key: str, value: bytes, ttl_s: float) -> bool:
        """See Store."""
        return bool(await self.attempt("set", lambda: self._redis.set(key, value, px=_milliseconds(ttl_s))))

    async def claim(self, key: str, lock: str, token: bytes, ttl_s: float) -> Claim | None:
        """See Store."""
        found = await self._run("claim", _CLAIM, (key, lock), token, _milliseconds(ttl_s))
        return None if found is None else Claim(bool(found[0]), found[1])

    async def extend(self, lock: str, token: bytes, ttl_s: float) -> bool:
        """See Store."""
        return bool(await self._run("extend", _EXTEND, (lock,), token, _milliseconds(ttl_s)))

    async def release(self, lock: str, token: bytes) -> bool:
        """See Store."""
        return bool(await self._run("release", _RELEASE, (lock,), token))

    async def count(self, prefix: str) -> int | None:
        """See Store."""
        return await self._scan(prefix, remove=False)

    async def purge(self, prefix: str) -> int | None:
        """See Store."""
        return await self._scan(prefix, remove=True)

    async def ping(self) -> bool:
        """See Store."""
        return bool(await self.attempt("ping", self._redis.ping))

    async def close(self) -> None:
        """See Store."""
        await self._redis.aclose()

    async def _scan(self, prefix: str, *, remove: bool) -> int | None:
        """Step by step, so that no step keeps Redis from others for long."""
        cursor, seen = 0, 0
        while True:
            step = partial(self._redis.scan, cursor, match=f"{prefix}*", count=SCAN_STEP)
            found = await self.attempt("scan", step)
            if found is None:
                return None
            cursor, keys = found
            if remove and keys and await self.attempt("unlink", partial(self._redis.unlink, *keys)) is None:
                return None
            seen += len(keys)
            if cursor == 0:
                return seen

    async def _run(self, operation: str, script: str, keys: tuple[str, ...], *arguments: bytes | int) -> Any:
        return await self.attempt(operation, lambda: self._redis.eval(script, len(keys), *keys, *arguments))

    async def attempt(self, operation: str, call: Callable[[], Awaitable[Any]]) -> Any:
        """Makes one call of Redis; None where it failed or where the store is being left alone.

        Args:
            operation: Word for log and metrics.
            call: Raises what Redis clients raise.
        """
        if self._clock() < self._paused_until:
            return None
        try:
            value = await call()
        except ResponseError as error:  # Redis answers, but refuses: full, read-only, not permitted.
            self._on_failure(operation)
            if operation not in self._refused:
                self._refused.add(operation)
                logger.error("Redis refuses %s: %s", operation, error)  # noqa: TRY400 - expected, no traceback
            return None
        except (RedisError, OSError, TimeoutError) as error:
            self._on_failure(operation)
            self.available = False
            self._timeouts += 1
            if isinstance(error, RedisTimeoutError) and self._timeouts < TIMEOUTS_IN_A_ROW:
                return None
            self._paused_until = self._clock() + COOL_OFF_S
            if not self._down:
                self._down = True
                reason = error or type(error).__name__
                logger.error("Redis does not answer (%s)", reason)  # noqa: TRY400 - expected, no traceback
            return None
        self._refused.discard(operation)
        self._timeouts = 0
        self.available = True
        if self._down:
            self._down = False
            logger.warning("Redis answers again")
        return value


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))


class MemoryStore:
    """The in-memory twin: one process, bounded in bytes, least recently used out first.

    Args:
        max_bytes: Bound on the sum of keys and values.
        clock: Monotonic seconds.
    """

    name = "memory"
    available = True

    def __init__(self, *, max_bytes: int = 64 * 1024 * 1024, clock: Callable[[], float] = time.monotonic) -> None:
        self._values: OrderedDict[str, tuple[bytes, float]] = OrderedDict()
        self._max_bytes = max_bytes
        self._bytes = 0
        self._clock = clock

    async def get(self, key: str) -> bytes | None:
        """See Store."""
        held = self._values.get(key)
        if held is None:
            return None
        if held[1] <= self._clock():
            self._drop(key)
            return None
        self._values.move_to_end(key)
        return held[0]

    async def set(self, key: str, value: bytes, ttl_s: float) -> bool:
        """See Store."""
        self._drop(key)
        self._values[key] = (value, self._clock() + ttl_s)
        self._bytes += len(key) + len(value)
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._values)))
        return True

    async def claim(self, key: str, lock: str, token: bytes, ttl_s: float) -> Claim | None:
        """See Store."""
        free = await self.get(lock) is None
        if free:
            await self.set(lock, token, ttl_s)
        return Claim(free, await self.get(key))

    async def extend(self, lock: str, token: bytes, ttl_s: float) -> bool:
        """See Store."""
        return await self.get(lock) == token and await self.set(lock, token, ttl_s)

    async def release(self, lock: str, token: bytes) -> bool:
        """See Store."""
        held = await self.get(lock) == token
        if held:
            self._drop(lock)
        return held

    async def count(self, prefix: str) -> int | None:
        """See Store."""
        now = self._clock()
        return sum(key.startswith(prefix) and ends > now for key, (_, ends) in self._values.items())

    async def purge(self, prefix: str) -> int | None:
        """See Store."""
        removed = await self.count(prefix)
        for key in [key for key in self._values if key.startswith(prefix)]:
            self._drop(key)
        return removed

    async def ping(self) -> bool:
        """See Store."""
        return True

    async def close(self) -> None:
        """See Store."""
        self._values.clear()
        self._bytes = 0

    def _drop(self, key: str) -> None:
        held = self._values.pop(key, None)
        if held is not None:
            self._bytes -= len(key) + len(held[0])
