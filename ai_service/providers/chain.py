"""Providers in order: the first that answers wins, and every one that was passed over is said so."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

import msgspec

from ai_service.errors import ServiceUnavailable
from ai_service.providers.errors import CircuitOpen, ProviderError, QueueFull
from ai_service.transcript import Transcript, interruption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ai_service.metrics import Metrics
    from ai_service.providers.guarded import Answer, GuardedProvider
    from ai_service.schemas import TaskRequest
    from ai_service.tasks import Task

logger = logging.getLogger(__name__)

RETRY_AFTER_S = 5.0
MAX_RETRY_AFTER_S = 120.0


class ChainAnswer(msgspec.Struct, frozen=True):
    """An answer, and who was passed over for it.

    Attributes:
        answer: The answer.
        passed_over: Provider and reason, in order.
    """

    answer: Answer
    passed_over: tuple[tuple[str, str], ...]

    @property
    def degraded(self) -> bool:
        """Whether it is not the primary provider's."""
        return bool(self.passed_over) or self.answer.fabricated


class ProviderChain:
    """The primary provider, then its fallbacks.

    Args:
        links: In order; at least one.
        metrics: Where fallbacks are counted.
    """

    def __init__(self, links: Sequence[GuardedProvider], metrics: Metrics) -> None:
        self.links = tuple(links)
        self._metrics = metrics

    @property
    def primary(self) -> GuardedProvider:
        """The provider that is asked first."""
        return self.links[0]

    async def answer(self, task: Task, request: TaskRequest, transcript: Transcript | None = None) -> ChainAnswer:
        """Asks one after the other.

        Args:
            task: Which task.
            request: What is asked.
            transcript: Where the text goes as it is written.

        Raises:
            ServiceUnavailable: Nobody answered; says why for each, and when to ask again.
            AnswerInterrupted: All who asked were sent text that is void now.
        """
        transcript = transcript or Transcript()
        passed_over: list[tuple[str, str]] = []
        details: list[dict[str, str]] = []
        waits: list[float] = []
        for link in self.links:
            try:
                answer = await link.answer(task, request, transcript, degraded=bool(passed_over))
            except ProviderError as error:
                name = link.provider.name
                passed_over.append((name, error.outcome))
                details.append({"provider": name, "problem": error.outcome})
                if isinstance(error, (QueueFull, CircuitOpen)):
                    waits.append(error.retry_after_s)
                log = logger.debug if isinstance(error, CircuitOpen) else logger.warning
                log("%s gave no %s: %s (%s)", name, task.name, error, error.outcome)
                if transcript.deserted:
                    raise interruption(details) from error
                self._metrics.fallback(name, task.name, error.outcome)
            else:
                return ChainAnswer(answer, tuple(passed_over))
        raise ServiceUnavailable(
            "No provider can answer at the moment.",
            details=details,
            retry_after_s=math.ceil(min(MAX_RETRY_AFTER_S, *waits) if waits else RETRY_AFTER_S),
        )

    async def close(self) -> None:
        """Closes every provider."""
        for link in self.links:
            await link.provider.close()
