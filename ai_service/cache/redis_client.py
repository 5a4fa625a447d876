"""The connections to a Redis server, with one deadline and one pause for all who use them."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.maint_notifications import MaintNotificationsConfig

from ai_service.cache.redis_health import RedisHealth
from ai_service.cache.redis_tls import share_trust
from ai_service.process.background_tasks import BackgroundTasks

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

TIMEOUT_S = 0.05
CONNECT_ATTEMPTS = 5
CONNECT_PAUSE_S = 0.1
MAX_CONNECTIONS = 8
"""A burst opens no more than these within its deadline, TLS included; who comes later waits for one of them."""
FAILURES = (RedisError, OSError, TimeoutError, ValueError, RecursionError)
"""What calls raise; the last two where something else than a Redis answers."""


class RedisClient:
    """Reach a Redis server. Every operation has a deadline; when one fails, all of them pause for a second.

    Args:
        url: `redis://host:port/db`, without a password; `rediss://` is TLS.
        username: ACL user; empty for none.
        password: Its password; empty for none.
        authorities: Certificates in PEM format, one of which has to vouch for a `rediss://` server; empty for those
            that the system trusts.
        on_failure: Called with the operation's name for each failure.
        timeout_s: Deadline of an operation in seconds, a new connection included.
        clock: Monotonic seconds.

    Attributes:
        redis: The client of redis-py; called by way of `attempt`.
        background: What is done without a caller who waits.
    """

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
        self.redis = Redis.from_pool(pool)
        self._health = RedisHealth(on_failure, self._leave_alone, clock)
        self._timeout_s = timeout_s
        self.clock = clock
        self.background = BackgroundTasks()

    @property
    def available(self) -> bool:
        """Whether the last operation reached it."""
        return self._health.available

    async def connect(self, patience_s: float) -> bool:
        """Open all connections, for so many seconds at most; return whether the server can be reached.

        A process that has just started is late itself, so that 50 ms would say little about Redis.
        """
        give_up = self.clock() + patience_s
        while True:
            begun = self.clock()
            try:
                async with asyncio.timeout(patience_s / CONNECT_ATTEMPTS):
                    # All connections at once: none is left to be opened within an operation's deadline.
                    await asyncio.gather(*(self.redis.ping() for _ in range(MAX_CONNECTIONS)))
            except (RedisError, OSError, TimeoutError) as error:
                self._health.failed("connect", error, begun)
                is_late = isinstance(error, TimeoutError | RedisTimeoutError | BusyLoadingError)
                if not is_late or self.clock() >= give_up:
                    return False
                await asyncio.sleep(CONNECT_PAUSE_S)
            else:
                self._health.succeeded("connect")
                return True

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

    async def close(self) -> None:
        """Wait a little for what is done in the background, and close all connections."""
        await self.background.end(2 * self._timeout_s)
        await self.redis.aclose()

    def _leave_alone(self) -> None:
        """Redis is down: nothing more is expected of the connections there are."""
        self.background.start(self.redis.connection_pool.disconnect(inuse_connections=False))
