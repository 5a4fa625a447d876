"""A store in Redis, shared by all processes that use it."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.maint_notifications import MaintNotificationsConfig

from ai_service.cache.redis_health import COOL_OFF_S, RedisHealth
from ai_service.cache.redis_tls import share_trust
from ai_service.cache.store import BATCH_S

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence

    from redis.asyncio import ConnectionPool

    from ai_service.cache.store import Lock

TIMEOUT_S = 0.05
CONNECT_ATTEMPTS = 5
CONNECT_PAUSE_S = 0.1
MAX_CONNECTIONS = 8
"""A burst opens no more than these within its deadline, TLS included; who comes later waits for one of them."""
LATE_S = 5.0
"""So long a reply that nobody waits for may still come; a lock that it tells of has run out by then."""
SCAN_STEP = 500
RECORD = b"record"
"""Field of a stream's entry."""
EXTEND = "return redis.call('get', KEYS[1]) == ARGV[1] and redis.call('pexpire', KEYS[1], ARGV[2]) or 0"
RELEASE = "return redis.call('get', KEYS[1]) == ARGV[1] and redis.call('del', KEYS[1]) or 0"
"""Compare and act in one step: a lock that expired may be another's by now."""
ADD = """
if redis.call('exists', KEYS[2]) == 0 then
  for place = 3, #ARGV, 2 do redis.call('hincrby', KEYS[1], ARGV[place], ARGV[place + 1]) end
  redis.call('pexpire', KEYS[1], ARGV[1])
  redis.call('set', KEYS[2], '', 'px', ARGV[2])
end
return 1
"""
"""All amounts in one step, and none of a batch that is there already."""
FAILURES = (RedisError, OSError, TimeoutError, ValueError, RecursionError)
"""What calls raise; the last two where something else than a Redis answers."""


class RedisStore:
    """A Redis server. Every operation has a deadline; when it fails, all of them pause for a second.

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
        pool = BlockingConnectionPool.from_url(
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
        share_trust(pool, authorities)
        self._redis = Redis.from_pool(pool)
        self._health = RedisHealth(on_failure, self._leave_alone, clock)
        self._timeout_s = timeout_s
        self._clock = clock
        self._behind: set[asyncio.Task[None]] = set()

    @property
    def available(self) -> bool:
        """See Store."""
        return self._health.available

    @property
    def connection_pool(self) -> ConnectionPool:
        """For others who use the same Redis, by way of `attempt`."""
        return self._redis.connection_pool

    async def connect(self, patience_s: float) -> bool:
        """See Store. A process that has just started is late itself, so that 50 ms would say little about Redis."""
        give_up = self._clock() + patience_s
        while True:
            begun = self._clock()
            try:
                async with asyncio.timeout(patience_s / CONNECT_ATTEMPTS):
                    # All connections at once: none is left to be opened within an operation's deadline.
                    await asyncio.gather(*(self._redis.ping() for _ in range(MAX_CONNECTIONS)))
            except (RedisError, OSError, TimeoutError) as error:
                self._health.failed("connect", error, begun)
                is_late = isinstance(error, TimeoutError | RedisTimeoutError | BusyLoadingError)
                if not is_late or self._clock() >= give_up:
                    return False
                await asyncio.sleep(CONNECT_PAUSE_S)
            else:
                self._health.succeeded("connect")
                return True

    async def get(self, key: str) -> bytes | None:
        """See Store."""
        found = await self.attempt("get", lambda: self._redis.get(key))
        return found if isinstance(found, bytes) else None

    async def set(self, key: str, value: bytes, ttl_s: float | None = None, *, if_absent: bool = False) -> bool:
        """See Store."""
        px = None if ttl_s is None else _milliseconds(ttl_s)
        return await self.attempt("set", lambda: self._redis.set(key, value, px=px, nx=if_absent)) is True

    async def acquire(self, lock: Lock, ttl_s: float) -> bool | None:
        """See Store."""
        taking: asyncio.Future[Any] | None = None

        async def take() -> Any:
            nonlocal taking
            taking = asyncio.ensure_future(self._redis.set(lock.key, lock.token, px=_milliseconds(ttl_s), nx=True))
            reply = await asyncio.shield(taking)
            return reply is True if reply is True or reply is None else None

        held: bool | None = None
        try:
            held = await self.attempt("acquire", take)
        finally:
            if held is None and taking is not None and _may_hold(taking):
                self._behind_it(self._let_go(lock, taking))
        return held

    async def extend(self, lock: Lock, ttl_s: float) -> bool:
        """See Store."""
        arguments = (lock.token, _milliseconds(ttl_s))
        return bool(await self.attempt("extend", lambda: self._redis.eval(EXTEND, 1, lock.key, *arguments)))

    def release(self, lock: Lock) -> None:
        """See Store."""
        self._behind_it(self._let_go(lock))

    async def add(self, key: str, amounts: Mapping[str, int], ttl_s: float, *, batch: str) -> bool:
        """See Store."""
        fields = [part for field, amount in amounts.items() for part in (field, amount)]
        arguments = (_milliseconds(ttl_s), _milliseconds(BATCH_S), *fields)
        added = await self.attempt("add", lambda: self._redis.eval(ADD, 2, key, f"{key}:{batch}", *arguments))
        return added is not None

    async def amounts(self, key: str) -> dict[str, int] | None:
        """See Store."""
        found = await self.attempt("amounts", lambda: self._redis.hgetall(key))
        return {field.decode(): int(amount) for field, amount in found.items()} if isinstance(found, dict) else None

    async def append(self, key: str, records: Sequence[bytes], limit: int) -> bool:
        """See Store. A stream, whose oldest records go with the newest ones' coming."""

        async def append() -> Any:
            async with self._redis.pipeline(transaction=False) as pipe:
                for record in records[-limit:]:
                    pipe.xadd(key, {RECORD: record}, maxlen=limit, approximate=False)
                return await pipe.execute()

        return await self.attempt("append", append) is not None

    async def latest(self, key: str, count: int) -> list[bytes] | None:
        """See Store."""
        found = await self.attempt("latest", lambda: self._redis.xrevrange(key, count=count))
        return None if found is None else [fields[RECORD] for _, fields in found if RECORD in fields]

    async def count(self, prefix: str) -> int | None:
        """See Store."""
        return await self._over(prefix, _ignore)

    async def keys(self, prefix: str, most: int) -> list[str] | None:
        """See Store."""
        found: dict[str, None] = {}  # A scan may return a key twice.

        async def collect(keys: list[bytes]) -> bool:
            found.update((key.decode(), None) for key in keys)
            return len(found) < most

        return None if await self._over(prefix, collect) is None else list(found)[:most]

    async def purge(self, prefix: str) -> int | None:
        """See Store."""

        async def remove(keys: list[bytes]) -> bool | None:
            return True if await self.attempt("unlink", partial(self._redis.unlink, *keys)) is not None else None

        return await self._over(prefix, remove)

    async def ping(self) -> bool:
        """See Store."""
        return bool(await self.attempt("ping", self._redis.ping))

    async def close(self) -> None:
        """See Store."""
        await asyncio.sleep(0)  # Who was cancelled while taking a lock just now is told, and frees it.
        if self._behind:
            _, late = await asyncio.wait(self._behind, timeout=2 * self._timeout_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._redis.aclose()

    async def _over(self, prefix: str, visit: Callable[[list[bytes]], Awaitable[bool | None]]) -> int | None:
        """Scan step by step, so that no step keeps Redis from others for long.

        Args:
            prefix: How the keys begin.
            visit: Gets the keys of each step that has some; returns whether to go on, None where the store is down.

        Returns:
            The number of keys; None where the store is down.
        """
        cursor, seen = 0, 0
        while True:
            step = partial(self._redis.scan, cursor, match=f"{prefix}*", count=SCAN_STEP)
            found = await self.attempt("scan", step)
            if found is None:
                return None
            cursor, keys = found
            seen += len(keys)
            goes_on = await visit(keys) if keys else True
            if goes_on is None:
                return None
            if cursor == 0 or not goes_on:
                return seen

    async def attempt(self, operation: str, call: Callable[[], Awaitable[Any]]) -> Any:
        """Run one Redis call and return its value, or None after a failure and during the cooldown.

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
        except FAILURES as error:
            self._health.failed(operation, error, begun)
            return None
        self._health.succeeded(operation)
        return value

    async def _let_go(self, lock: Lock, taking: asyncio.Future[Any] | None = None) -> None:
        """Free a lock that may have been taken, as soon as Redis answers; after a while it has run out by itself."""
        release = partial(self._redis.eval, RELEASE, 1, lock.key, lock.token)
        give_up = self._clock() + LATE_S
        if taking is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.gather(taking, return_exceptions=True), LATE_S)
        while await self.attempt("release", release) is None and self._clock() < give_up:  # noqa: ASYNC110 - no event
            await asyncio.sleep(COOL_OFF_S)

    def _behind_it(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._behind.add(task)
        task.add_done_callback(self._behind.discard)

    def _leave_alone(self) -> None:
        """Redis is down: nothing more is expected of the connections there are."""
        self._behind_it(self._redis.connection_pool.disconnect(inuse_connections=False))


async def _ignore(_keys: list[bytes]) -> bool:
    return True


def _may_hold(taking: asyncio.Future[Any]) -> bool:
    """Return whether Redis may have taken a lock; not where it refused, or another holds it."""
    if not taking.done() or taking.cancelled():
        return True
    error = taking.exception()
    return taking.result() is True if error is None else not isinstance(error, ResponseError)


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
