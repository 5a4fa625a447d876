"""A store in Redis, shared by all processes that use it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError

from ai_service.cache.redis_health import COOL_OFF_S
from ai_service.cache.store import BATCH_S

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from ai_service.cache.redis_client import RedisClient
    from ai_service.cache.store import Lock

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


class RedisStore:
    """Keep answers, locks and counts in Redis; while it is down, nothing is found, and nothing kept.

    Args:
        client: Reaches the server.

    Attributes:
        client: See above; others who use the same Redis share its connections, deadline and pauses.
    """

    name = "redis"
    remote = True

    def __init__(self, client: RedisClient) -> None:
        self.client = client
        self._redis = client.redis

    @property
    def available(self) -> bool:
        """See Store."""
        return self.client.available

    async def connect(self, patience_s: float) -> bool:
        """See Store."""
        return await self.client.connect(patience_s)

    async def get(self, key: str) -> bytes | None:
        """See Store."""
        found = await self.client.attempt("get", lambda: self._redis.get(key))
        return found if isinstance(found, bytes) else None

    async def set(self, key: str, value: bytes, ttl_s: float | None = None, *, if_absent: bool = False) -> bool:
        """See Store."""
        px = None if ttl_s is None else _milliseconds(ttl_s)
        return await self.client.attempt("set", lambda: self._redis.set(key, value, px=px, nx=if_absent)) is True

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
            held = await self.client.attempt("acquire", take)
        finally:
            if held is None and taking is not None and _may_hold(taking):
                self.client.background.start(self._let_go(lock, taking))
        return held

    async def extend(self, lock: Lock, ttl_s: float) -> bool:
        """See Store."""
        arguments = (lock.token, _milliseconds(ttl_s))
        return bool(await self.client.attempt("extend", lambda: self._redis.eval(EXTEND, 1, lock.key, *arguments)))

    def release(self, lock: Lock) -> None:
        """See Store."""
        self.client.background.start(self._let_go(lock))

    async def add(self, key: str, amounts: Mapping[str, int], ttl_s: float, *, batch: str) -> bool:
        """See Store."""
        fields = [part for field, amount in amounts.items() for part in (field, amount)]
        arguments = (_milliseconds(ttl_s), _milliseconds(BATCH_S), *fields)
        added = await self.client.attempt("add", lambda: self._redis.eval(ADD, 2, key, f"{key}:{batch}", *arguments))
        return added is not None

    async def amounts(self, key: str) -> dict[str, int] | None:
        """See Store."""
        found = await self.client.attempt("amounts", lambda: self._redis.hgetall(key))
        return {field.decode(): int(amount) for field, amount in found.items()} if isinstance(found, dict) else None

    async def append(self, key: str, records: Sequence[bytes], limit: int) -> bool:
        """See Store. A stream, whose oldest records go with the newest ones' coming."""

        async def append() -> Any:
            async with self._redis.pipeline(transaction=False) as pipe:
                for record in records[-limit:]:
                    pipe.xadd(key, {RECORD: record}, maxlen=limit, approximate=False)
                return await pipe.execute()

        return await self.client.attempt("append", append) is not None

    async def latest(self, key: str, count: int) -> list[bytes] | None:
        """See Store."""
        found = await self.client.attempt("latest", lambda: self._redis.xrevrange(key, count=count))
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
            return True if await self.client.attempt("unlink", partial(self._redis.unlink, *keys)) is not None else None

        return await self._over(prefix, remove)

    async def ping(self) -> bool:
        """See Store."""
        return bool(await self.client.attempt("ping", self._redis.ping))

    async def close(self) -> None:
        """See Store."""
        await asyncio.sleep(0)  # Who was cancelled while taking a lock just now is told, and frees it.
        await self.client.close()

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
            found = await self.client.attempt("scan", step)
            if found is None:
                return None
            cursor, keys = found
            seen += len(keys)
            goes_on = await visit(keys) if keys else True
            if goes_on is None:
                return None
            if cursor == 0 or not goes_on:
                return seen

    async def _let_go(self, lock: Lock, taking: asyncio.Future[Any] | None = None) -> None:
        """Free a lock that may have been taken, as soon as Redis answers; after a while it has run out by itself."""
        release = partial(self._redis.eval, RELEASE, 1, lock.key, lock.token)
        give_up = self.client.clock() + LATE_S
        if taking is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.gather(taking, return_exceptions=True), LATE_S)
        while await self.client.attempt("release", release) is None and self.client.clock() < give_up:  # noqa: ASYNC110 - no event
            await asyncio.sleep(COOL_OFF_S)


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
