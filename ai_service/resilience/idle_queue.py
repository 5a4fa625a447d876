"""Work for later: what may wait until no caller waits for the provider."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ai_service.errors import AlchemorselError
from ai_service.providers.errors import Preempted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ai_service.observability.metrics import Metrics

logger = logging.getLogger(__name__)

LIMIT = 256
MAX_WAIT_S = 60.0
COOLDOWN_S = 30.0
POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class _Job:
    key: str
    purpose: str
    task: str
    work: Callable[[], Awaitable[bool]]
    offered: float
    done: asyncio.Future[str]


class IdleQueue:
    """Does jobs one at a time, each at a moment when no caller waits for the provider.

    A job that is preempted by a caller is given up, not repeated: if it still matters, the next hit offers it again.
    After a failure its key rests for half a minute.

    Args:
        is_idle: Whether a call now would keep nobody waiting.
        metrics: Where jobs are counted, by how they ended: `done`, `skipped` (there was nothing to do any more),
            `failed`, `yielded` (to a caller), `expired` (no idle moment within a minute).
        limit: Jobs that may wait.
        patience_s: Seconds that a job waits for its moment.
        rest_s: Seconds in which a failed job is not taken again.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        is_idle: Callable[[], bool],
        metrics: Metrics,
        *,
        limit: int = LIMIT,
        patience_s: float = MAX_WAIT_S,
        rest_s: float = COOLDOWN_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._is_idle = is_idle
        self._metrics = metrics
        self._limit = limit
        self._patience_s = patience_s
        self._rest_s = rest_s
        self._clock = clock
        self._waiting: deque[_Job] = deque()
        self._known: set[str] = set()
        self._runner: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def busy(self) -> bool:
        """Whether any job waits or is under way."""
        return self._runner is not None and not self._runner.done()

    def offer(
        self, key: str, purpose: str, task: str, work: Callable[[], Awaitable[bool]]
    ) -> asyncio.Future[str] | None:
        """Enqueue a job unless an equal one is queued, running or resting after a failure, or the queue is full.

        Args:
            key: Equal keys mean equal jobs.
            purpose: Label of the metrics: `refresh` or `warmup`.
            task: The task's name, for the metrics.
            work: Says whether there was anything to do; raises AlchemorselError where it failed.

        Returns:
            What will hold how it ended; None where the job was not taken.
        """
        if key in self._known or len(self._waiting) >= self._limit:
            return None
        self._known.add(key)
        job = _Job(key, purpose, task, work, self._clock(), asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        if not self.busy:
            self._runner = asyncio.create_task(self._run())
        return job.done

    async def close(self) -> None:
        """Cancel all waiting and running jobs."""
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)
        for job in self._waiting:
            job.done.cancel()
        self._waiting.clear()

    async def _run(self) -> None:
        while self._waiting:
            job = self._waiting.popleft()
            try:
                await self._finish(job)
            except Exception:
                logger.exception("%s of %s failed unexpectedly", job.purpose, job.task)

    async def _finish(self, job: _Job) -> None:
        outcome = "expired"
        try:
            while not self._is_idle():
                if self._clock() - job.offered > self._patience_s:
                    return
                await asyncio.sleep(POLL_S)
            outcome = await self._do(job)
        finally:
            self._metrics.background(job.purpose, job.task, outcome)
            if outcome == "failed":
                asyncio.get_running_loop().call_later(self._rest_s, self._known.discard, job.key)
            else:
                self._known.discard(job.key)
            if not job.done.done():
                job.done.set_result(outcome)

    async def _do(self, job: _Job) -> str:
        try:
            return "done" if await job.work() else "skipped"
        except Preempted:
            return "yielded"
        except (AlchemorselError, TimeoutError):
            return "failed"
        except Exception:
            logger.exception("%s of %s failed unexpectedly", job.purpose, job.task)
            return "failed"
