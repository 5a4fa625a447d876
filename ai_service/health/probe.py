"""Asks the primary provider a small request now and then: a server that lists a model need not answer with it."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import msgspec

from ai_service.cache.keys import PROBE_KEY
from ai_service.process.periodic import Periodic
from ai_service.providers.errors import Preempted, ProviderError, QueueFull
from ai_service.schemas import IngredientsRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from ai_service.cache.store import Store
    from ai_service.health.leadership import Leadership
    from ai_service.health.observer import Observer
    from ai_service.resilience.guarded import GuardedProvider
    from ai_service.resilience.idle_queue import IdleQueue
    from ai_service.tasks import Task

logger = logging.getLogger(__name__)

LOOK_S = 5.0
REMEMBERED_S = 24 * 3600.0
QUESTION = IngredientsRequest(partial=["rice"])


class ProbeResult(msgspec.Struct, frozen=True):
    """How the last probe ended.

    Attributes:
        outcome: Word of the metrics' `outcome` label; `ok` where the model answered.
        seconds: How long it took.
        at: When it ended, in seconds since the epoch.
    """

    outcome: str
    seconds: float
    at: float


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(ProbeResult).decode


class InferenceProbe:
    """Probes on a schedule: in the leading process, when no caller waits, and never so that a model has to be loaded.

    The result is kept in the store, where every process finds it.

    Args:
        link: The primary provider.
        task: What is asked; the smallest.
        store: Where the result is kept.
        background: Finds the idle moment.
        leadership: Says whether it is this process's work.
        observer: Shows the result, and knows whether the model is loaded.
        interval_s: Seconds between two probes.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        link: GuardedProvider,
        task: Task,
        store: Store,
        *,
        background: IdleQueue,
        leadership: Leadership,
        observer: Observer,
        interval_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._link = link
        self._task = task
        self._store = store
        self._background = background
        self._leadership = leadership
        self._observer = observer
        self._interval_s = interval_s
        self._clock = clock
        self._started = clock()
        self._looking = Periodic("looking whether a probe is due", self.look, min(LOOK_S, interval_s))

    def start(self) -> None:
        """Begins to look every few seconds whether a probe is due."""
        self._looking.start()

    async def stop(self) -> None:
        """Stop probing."""
        await self._looking.stop()

    async def look(self) -> None:
        """Read the last result, and enqueue a probe where one is due in this process."""
        result = await self._read()
        self._observer.last_probe = result
        last = result.at if result else self._started
        if self._leadership.leads and self._observer.primary_loaded and self._clock() - last >= self._interval_s:
            self._background.offer("probe", "probe", self._task.name, self._probe)

    async def _read(self) -> ProbeResult | None:
        raw = await self._store.get(PROBE_KEY)
        try:
            return _decode(raw) if raw else self._observer.last_probe
        except (ValueError, RecursionError):
            return None

    async def _probe(self) -> bool:
        started, outcome = time.perf_counter(), "ok"
        try:
            await self._link.answer(self._task, QUESTION, purpose="probe")
        except QueueFull:  # A caller came first; the next look offers it again.
            return False
        except Preempted:
            raise
        except ProviderError as error:
            outcome = error.outcome
            logger.warning("probe of %s: %s (%s)", self._link.provider.name, error, outcome)
        result = ProbeResult(outcome, round(time.perf_counter() - started, 3), self._clock())
        self._observer.last_probe = result
        await self._store.set(PROBE_KEY, _encode(result), REMEMBERED_S)
        return True
