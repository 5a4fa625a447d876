"""A store in Redis, shared by all processes that use it."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.maint_notifications import MaintNotificationsConfig

from ai_service.cache import redis_scripts as scripts
from ai_service.cache.batch import Batch
from ai_service.cache.redis_connections import RedisConnections
from ai_service.cache.redis_tls import share_trust
from ai_service.cache.store import Claim, Kept

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from redis.asyncio import ConnectionPool

    from ai_service.cache.store import Generation, Lock

logger = logging.getLogger(__name__)

TIMEOUT_S = 0.05
COOL_OFF_S = 1.0
TIMEOUTS_IN_A_ROW = 2
MAX_CONNECTIONS = 64
SCAN_STEP = 500


class _Sought(NamedTuple):
    """One `seek`."""

    key: str
    generation: str
    lock: Lock
    ttl_s: float


class RedisStore:
    """A Redis server. Every operation has a deadline; when it fails, all of them pause for a second.

    A refused connection is a failure at once. A time-out is one when the next operation times out too: a single one
    may come from this process being late to read the answer.

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
        self._connections = RedisConnections(self._redis.connection_pool)
        self._on_failure = on_failure
        self._timeout_s = timeout_s
        self._clock = clock
        self._paused_until = 0.0
        self._timeouts = 0
        self._down = False
        self._refused: set[str] = set()
        self._gets: Batch[str, bytes] = Batch(self._get_all)
        self._seeks: Batch[_Sought, bytes | Claim] = Batch(self._seek_all, self._give_up)
        self.available = True

    @property
    def connection_pool(self) -> ConnectionPool:
        """For others who use the same Redis, by way of `attempt`."""
        return self._redis.connection_pool

    async def get(self, key: str) -> bytes | None:
        """See Store."""
        if self._clock() < self._paused_until:
            return None
        return await self._gets.get(key)

    async def set(self, key: str, value: bytes, ttl_s: float) -> bool:
        """See Store."""
        return bool(await self.attempt("set", lambda: self._redis.set(key, value, px=_milliseconds(ttl_s))))

    async def keep(
        self, key: str, value: bytes, ttl_s: float, generation: Generation, lock: Lock | None = None
    ) -> Kept:
        """See Store."""
        locks = () if lock is None else (lock.key,)
        arguments = (generation.value, value, _milliseconds(ttl_s), b"" if lock is None else lock.token)
        kept = await self._run("set", scripts.KEEP, (key, generation.key, *locks), *arguments)
        return Kept.REFUSED if kept is None else Kept.STORED if kept else Kept.OUTDATED

    async def claim(self, lock: Lock, ttl_s: float, *look: str) -> Claim | None:
        """See Store."""
        found = await self._run("claim", scripts.CLAIM, (lock.key, *look), lock.token, _milliseconds(ttl_s))
        return None if found is None else Claim(bool(found[0]), tuple(found[1:]))

    async def seek(self, key: str, generation: str, lock: Lock, ttl_s: float) -> bytes | Claim | None:
        """See Store."""
        if self._clock() < self._paused_until:
            return None
        return await self._seeks.get(_Sought(key, generation, lock, ttl_s))

    async def extend(self, lock: Lock, ttl_s: float) -> bool:
        """See Store."""
        return bool(await self._run("extend", scripts.EXTEND, (lock.key,), lock.token, _milliseconds(ttl_s)))

    async def release(self, lock: Lock) -> bool:
        """See Store."""
        return bool(await self._run("release", scripts.RELEASE, (lock.key,), lock.token))

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
        await self._gets.drain()
        await self._seeks.drain()
        await self._redis.aclose()

    async def _get_all(self, keys: Sequence[str]) -> list[bytes | None] | None:
        found: list[bytes | None] | None = await self.attempt("get", lambda: self._connections.command("MGET", *keys))
        return found

    async def _seek_all(self, sought: Sequence[_Sought]) -> list[bytes | Claim | None] | None:
        keys = [key for each in sought for key in (each.key, each.lock.key, each.generation)]
        arguments = [value for each in sought for value in (each.lock.token, _milliseconds(each.ttl_s))]
        found = await self._run("seek", scripts.SEEK, keys, *arguments)
        return None if found is None else [_claim(value) if isinstance(value, list) else value for value in found]

    async def _give_up(self, sought: _Sought, found: bytes | Claim) -> None:
        if isinstance(found, Claim) and found.held:
            await self.release(sought.lock)

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

    async def _run(self, operation: str, script: str, keys: Sequence[str], *arguments: bytes | int) -> Any:
        return await self.attempt(
            operation, lambda: self._connections.command("EVAL", script, len(keys), *keys, *arguments)
        )

    async def attempt(self, operation: str, call: Callable[[], Awaitable[Any]]) -> Any:
        """Makes one call of Redis; None where it failed or where the store is being left alone.

        Args:
            operation: Word for log and metrics.
            call: Raises what Redis clients raise.
        """
        if self._clock() < self._paused_until:
            return None
        try:
            async with asyncio.timeout(self._timeout_s):
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
            if isinstance(error, (TimeoutError, RedisTimeoutError)) and self._timeouts < TIMEOUTS_IN_A_ROW:
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


def _claim(found: list[Any]) -> Claim | None:
    held, generation = found
    return None if held < 0 else Claim(bool(held), (None, generation))


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
