"""Whether Redis is to be asked: one pause for all after a failure, one line in the log for each change."""

from __future__ import annotations

import logging
import math
import time
from typing import TYPE_CHECKING

from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

COOL_OFF_S = 1.0
TIMEOUTS_IN_A_ROW = 2


class RedisHealth:
    """What came of operations.

    A lost or refused connection is a failure at once. A time-out is one when an operation that began after it times out
    too: a single one, or many at the same moment, may come from this process being late to read the answers.

    Args:
        on_failure: Called with the operation's name for each failure.
        on_down: Called when Redis is to be left alone.
        clock: Monotonic seconds.

    Attributes:
        available: Whether the last operation reached it.
    """

    def __init__(
        self,
        on_failure: Callable[[str], None],
        on_down: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.available = True
        self._on_failure = on_failure
        self._on_down = on_down
        self._clock = clock
        self._paused_until = 0.0
        self._failures = 0
        self._noticed = -math.inf
        self._down = False
        self._refused: set[str] = set()

    def begin(self) -> float | None:
        """When an operation began, in seconds of the clock; None where Redis is being left alone."""
        now = self._clock()
        return None if now < self._paused_until else now

    def succeeded(self, operation: str) -> None:
        """Record a success and resume calls to Redis, also where `connect` with its longer timeout succeeded."""
        self.available = True
        self._failures = 0
        self._paused_until = 0.0
        if self._refused:
            self._refused.discard(operation)
        if self._down:
            self._down = False
            logger.warning("Redis answers again")

    def failed(self, operation: str, error: Exception, begun: float) -> None:
        """Record a failure.

        Args:
            operation: Word for log and metrics.
            error: What Redis clients raise.
            begun: What `begin` said.
        """
        self._on_failure(operation)
        if isinstance(error, ResponseError):  # Redis answers, but refuses: full, read-only, not permitted.
            if operation not in self._refused:
                self._refused.add(operation)
                logger.error("Redis refuses %s: %s", operation, error)
            return
        self.available = False
        late = isinstance(error, TimeoutError | RedisTimeoutError)
        if not late or begun >= self._noticed:
            self._failures += 1
            self._noticed = self._clock()
        if late and self._failures < TIMEOUTS_IN_A_ROW:
            return
        self._paused_until = self._clock() + COOL_OFF_S
        self._on_down()
        if not self._down:
            self._down = True
            reason = str(error) or ("no answer in time" if late else type(error).__name__)
            logger.error("Redis does not answer (%s)", reason)
