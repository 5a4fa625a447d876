"""Providers in order: the first that answers wins, and every one that was skipped is named."""

from __future__ import annotations

import logging
import math
import time
from typing import TYPE_CHECKING

import msgspec

from ai_service.errors import ServiceUnavailable
from ai_service.providers.errors import CircuitOpen, ProviderError, QueueFull
from ai_service.providers.transcript import Transcript, interruption
from ai_service.skipped_providers import Skipped, details_of, reasons_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ai_service.observability.metrics import Metrics
    from ai_service.resilience.guarded import Answer, GuardedProvider
    from ai_service.schemas import TaskRequest
    from ai_service.tasks import Task

logger = logging.getLogger(__name__)

RETRY_AFTER_S = 5.0
MAX_RETRY_AFTER_S = 120.0


class ChainAnswer(msgspec.Struct, frozen=True):
    """An answer, and who was skipped for it.

    Attributes:
        answer: The answer.
        skipped: The providers before it that gave none, in order.
    """

    answer: Answer
    skipped: tuple[Skipped, ...]

    @property
    def degraded(self) -> bool:
        """Whether it is not the primary provider's."""
        return bool(self.skipped) or self.answer.synthetic

    @property
    def degraded_reason(self) -> str:
        """Why it is degraded; "" where it is not."""
        return reasons_of(self.skipped) or ("no model is configured" if self.answer.synthetic else "")


class ProviderChain:
    """The primary provider, then its fallbacks.

    Args:
        links: In order; at least one.
        metrics: Where fallbacks are counted.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        links: Sequence[GuardedProvider],
        metrics: Metrics,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.links = tuple(links)
        self._metrics = metrics
        self._clock = clock

    @property
    def primary(self) -> GuardedProvider:
        """The provider that is asked first."""
        return self.links[0]

    async def answer(self, task: Task, request: TaskRequest, transcript: Transcript | None = None) -> ChainAnswer:
        """Ask one after the other; those that make answers up only for tasks that have samples.

        Args:
            task: Which task.
            request: What is asked.
            transcript: Where the text goes as it is written, and who was skipped is noted.

        Raises:
            ServiceUnavailable: Nobody answered; says why for each, and when to ask again.
            AnswerInterrupted: All who asked were sent text that is void now.
            RequestError: The caller has to change the request; nobody else is asked.
        """
        transcript = transcript or Transcript()
        skipped = transcript.skipped
        waits: list[float] = []
        for link in self.links:
            if link.provider.synthetic and not task.has_samples:
                continue
            started = self._clock()
            try:
                answer = await link.answer(task, request, transcript, degraded_reason=reasons_of(skipped))
            except ProviderError as error:
                name = link.provider.name
                transcript.skip(Skipped(name, error.outcome, self._clock() - started))
                if isinstance(error, (QueueFull, CircuitOpen)):
                    waits.append(error.retry_after_s)
                log = logger.debug if isinstance(error, CircuitOpen) else logger.warning
                log("%s gave no %s: %s (%s)", name, task.name, error, error.outcome)
                if transcript.abandoned:
                    raise interruption(details_of(skipped)) from error
                self._metrics.fallback(name, task.name, error.outcome)
            else:
                return ChainAnswer(answer, tuple(skipped))
        raise ServiceUnavailable(
            "No provider is available at the moment."
            if skipped
            else f"No model is configured that answers {task.name}.",
            details=details_of(skipped),
            retry_after_s=math.ceil(min(MAX_RETRY_AFTER_S, *waits) if waits else RETRY_AFTER_S),
            skipped=skipped,
        )
