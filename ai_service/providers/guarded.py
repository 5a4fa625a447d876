"""A provider with what keeps it from doing harm: circuit breaker, admission queue, and a look at every answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from ai_service.providers.base import unheard
from ai_service.providers.errors import InvalidAnswer, ProviderError, ProviderFailed, RequestRejected
from ai_service.transcript import Author, Transcript

if TYPE_CHECKING:
    from collections.abc import Callable

    from ai_service.metrics import Metrics
    from ai_service.providers.admission import AdmissionQueue
    from ai_service.providers.base import Completion, Prompt, Provider
    from ai_service.providers.circuit_breaker import CircuitBreaker
    from ai_service.schemas import TaskRequest
    from ai_service.tasks import Judged, Task

ATTEMPTS = 2
"""One retry, and only of an answer that does not fit: models differ from one try to the next, dead servers do not."""


class Answer(msgspec.Struct, frozen=True):
    """A provider's checked answer; times in seconds."""

    judged: Judged
    provider: str
    model: str
    fabricated: bool
    queue_s: float
    load_s: float
    provider_s: float


class GuardedProvider:
    """One link of the chain.

    Args:
        provider: What is guarded.
        breaker: Its circuit breaker.
        queue: Its admission queue.
        metrics: Where calls are counted.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        provider: Provider,
        breaker: CircuitBreaker,
        queue: AdmissionQueue,
        metrics: Metrics,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.provider = provider
        self.breaker = breaker
        self.queue = queue
        self._metrics = metrics
        self._clock = clock

    async def answer(
        self,
        task: Task,
        request: TaskRequest,
        transcript: Transcript | None = None,
        *,
        degraded: bool = False,
        purpose: str = "request",
    ) -> Answer:
        """Answers a canonical request.

        Args:
            task: Which task.
            request: What is asked.
            transcript: Where the text goes as it is written. Once somebody took text of an attempt that fails, they
                are told so; a further attempt is for the others.
            degraded: Whether this link stands in for another.
            purpose: Label of the metrics; anything but `request` is background work, for which no caller waits.

        Raises:
            ProviderError: Why not; QueueFull and CircuitOpen without having called the provider.
        """
        prompt = task.ask(request)
        transcript = transcript or Transcript()
        author = Author(self.provider.name, self.provider.model, degraded or self.provider.fabricated)
        async with self.queue.slot(background=purpose != "request") as queue_s:
            self._metrics.queued(self.provider.name, queue_s)
            started = self._clock()
            with self.breaker.guard():
                for attempt in range(1, ATTEMPTS + 1):
                    transcript.begin(author, queue_s)
                    try:
                        completion, judged = await self._once(task, prompt, transcript, purpose)
                    except InvalidAnswer:
                        if attempt == ATTEMPTS or transcript.deserted:
                            raise
                    else:
                        break
        return Answer(
            judged=judged,
            provider=self.provider.name,
            model=self.provider.model,
            fabricated=self.provider.fabricated,
            queue_s=queue_s,
            load_s=completion.load_s,
            provider_s=self._clock() - started - completion.load_s,
        )

    async def _once(
        self, task: Task, prompt: Prompt, transcript: Transcript, purpose: str
    ) -> tuple[Completion, Judged]:
        name = self.provider.name
        started = self._clock()
        outcome = "cancelled"
        try:
            # What is made up comes at once, and may have to give way to a stale answer: it is not sent in pieces.
            on_text = unheard if self.provider.fabricated else self._timed(task, transcript.write, started)
            completion = await self._complete(prompt, on_text)
            self._metrics.completion(
                name,
                load_s=completion.load_s,
                prompt_tokens=completion.prompt_tokens,
                completion_tokens=completion.completion_tokens,
            )
            judged = task.judge(completion, prompt.request)
            outcome = "ok"
        except ProviderError as error:
            outcome = error.outcome
            transcript.discard(name, outcome)
            raise
        finally:
            self._metrics.provider_call(name, task.name, outcome, self._clock() - started, purpose=purpose)
        return completion, judged

    def _timed(self, task: Task, write: Callable[[str], None], started: float) -> Callable[[str], None]:
        """Writes on, and notes when the first text came."""
        waiting = True

        def written(text: str) -> None:
            nonlocal waiting
            if waiting and text:
                waiting = False
                self._metrics.first_text(self.provider.name, task.name, self._clock() - started)
            write(text)

        return written

    async def _complete(self, prompt: Prompt, on_text: Callable[[str], None]) -> Completion:
        try:
            return await self.provider.complete(prompt, on_text)
        except ProviderFailed as error:
            if prompt.has_callers_schema and type(error) is ProviderFailed:
                raise RequestRejected(str(error)) from error
            raise
