"""A store in Redis, shared by all processes that use it."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.maint_notifications import MaintNotificationsConfig

from ai_service.cache import redis_scripts as scripts
from ai_service.cache.redis_address import RedisAddress
from ai_service.cache.redis_connection import RedisConnection
from ai_service.cache.redis_health import RedisHealth
from ai_service.cache.redis_tls import share_trust
from ai_service.cache.store import Claim, Kept

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from redis.asyncio import ConnectionPool

    from ai_service.cache.store import Generation, Lock

TIMEOUT_S = 0.05
MAX_CONNECTIONS = 64
SCAN_STEP = 500


class RedisStore:
    """A Redis server. Every operation has a deadline; when it fails, all of them pause for a second.

    What requests wait for goes over a connection of our own (`docs/decisions/0016`), the rest over the library's.

    Args:
        url: `redis://host:port/db`, without a password; `rediss://` is TLS.
        username: ACL user; empty for none.
        password: Its password; empty for none.
        authorities: Certificates in PEM format, one of which has to vouch for a `rediss://` server; empty for those
            that the system trusts.
        on_failure: Called with the operation's name for each failure.
        timeout_s: Deadline of an operation in seconds, a new connection included.
        clock: Monotonic seconds.
    """

    name = "redis"
    remote = True

    def __init__(
        self,
        url: str,
        *,
        username: str = "",
        password: str = "",
        authorities: str = "",
        on_failure: Callable[[str], None] = lambda _operation: None,
        timeout_s: float = TIMEOUT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = Redis.from_url(
            url,
            username=username or None,
            password=password or None,
            socket_timeout=None,  # `attempt` has a deadline for the whole; one a read and a write costs a task each.
            socket_connect_timeout=None,
            retry=Retry(NoBackoff(), 0),
            max_connections=MAX_CONNECTIONS,
            driver_info=None,  # Neither this nor the next needs rights that the ACL user does not have.
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
        )
        share_trust(self._redis.connection_pool, authorities)
        self._health = RedisHealth(on_failure, self._abort, clock)
        self._address = RedisAddress(self._redis.connection_pool)
        self._connection: RedisConnection | None = None
        self._timeout_s = timeout_s
        self._releasing: set[asyncio.Task[bool]] = set()

    @property
    def available(self) -> bool:
        """See Store."""
        return self._health.available

    @property
    def connection_pool(self) -> ConnectionPool:
        """For others who use the same Redis, by way of `attempt`."""
        return self._redis.connection_pool

    async def get(self, key: str) -> bytes | None:
        """See Store."""
        found: bytes | None = await self._command("get", "GET", key)
        return found

    async def set(self, key: str, value: bytes, ttl_s: float) -> bool:
        """See Store."""
        return bool(await self.attempt("set", lambda: self._redis.set(key, value, px=_milliseconds(ttl_s))))

    async def keep(
        self, key: str, value: bytes, ttl_s: float, generation: Generation, lock: Lock | None = None
    ) -> Kept:
        """See Store."""
        keys = (key, generation.key) if lock is None else (key, generation.key, lock.key)
        arguments = (generation.value, value, _milliseconds(ttl_s), b"" if lock is None else lock.token)
        kept = await self._command("set", "EVAL", scripts.KEEP, len(keys), *keys, *arguments)
        return Kept.REFUSED if kept is None else Kept.STORED if kept else Kept.OUTDATED

    async def claim(self, lock: Lock, ttl_s: float, *look: str) -> Claim | None:
        """See Store."""
        keys = (lock.key, *look)
        found = await self._command("claim", "EVAL", scripts.CLAIM, len(keys), *keys, lock.token, _milliseconds(ttl_s))
        return None if found is None else Claim(bool(found[0]), tuple(found[1:]))

    async def seek(self, key: str, generation: str, lock: Lock, ttl_s: float) -> bytes | Claim | None:
        """See Store."""
        try:
            found = await self._command(
                "seek", "EVAL", scripts.SEEK, 3, key, lock.key, generation, lock.token, _milliseconds(ttl_s)
            )
        except asyncio.CancelledError:  # The lock may be this seeker's by now, who is gone.
            releasing = asyncio.create_task(self.release(lock))
            self._releasing.add(releasing)
            releasing.add_done_callback(self._releasing.discard)
            raise
        return _claim(found) if isinstance(found, list) else found

    async def extend(self, lock: Lock, ttl_s: float) -> bool:
        """See Store."""
        return bool(
            await self._command("extend", "EVAL", scripts.EXTEND, 1, lock.key, lock.token, _milliseconds(ttl_s))
        )

    async def release(self, lock: Lock) -> bool:
        """See Store."""
        return bool(await self._command("release", "EVAL", scripts.RELEASE, 1, lock.key, lock.token))

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
        await asyncio.sleep(0)  # Seekers who were cancelled just now are told, and free their locks.
        await asyncio.gather(*self._releasing)
        if self._connection is not None:
            await self._connection.close()
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

    async def _command(self, operation: str, *arguments: str | bytes | int) -> Any:
        """Gives one command to the connection; see `attempt`."""
        begun = self._health.begin()
        if begun is None:
            return None
        connection = self._connection
        if connection is None or connection.ended:
            connection = self._connection = RedisConnection(self._address, self._timeout_s)
        try:
            value = await connection.command(*arguments)
        except RedisError as error:
            self._health.failed(operation, error, begun)
            return None
        self._health.succeeded(operation)
        return value

    async def attempt(self, operation: str, call: Callable[[], Awaitable[Any]]) -> Any:
        """Makes one call of Redis; None where it failed or where the store is being left alone.

        Args:
            operation: Word for log and metrics.
            call: Raises what Redis clients raise.
        """
        begun = self._health.begin()
        if begun is None:
            return None
        try:
            async with asyncio.timeout(self._timeout_s):
                value = await call()
        except (RedisError, OSError, TimeoutError) as error:
            self._health.failed(operation, error, begun)
            return None
        self._health.succeeded(operation)
        return value

    def _abort(self) -> None:
        """Redis is down: nothing more is expected of the connection."""
        if self._connection is not None:
            self._connection.abort(RedisConnectionError("Redis is left alone"))


def _claim(found: list[Any]) -> Claim | None:
    held, generation = found
    return None if held < 0 else Claim(bool(held), (None, generation))


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
