"""A provider with what keeps it from doing harm: circuit breaker, admission queue, and a look at every answer."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from ai_service.errors import HTTPError, UnsupportedRequest
from ai_service.providers.base import ignore
from ai_service.providers.context_length import refuse_overlong
from ai_service.providers.errors import (
    CircuitOpen,
    ConnectionBroken,
    CredentialsRejected,
    InvalidAnswer,
    ModelMissing,
    Preempted,
    ProviderError,
    ProviderFailed,
    ProviderOverloaded,
    ProviderUnreachable,
    QueueFull,
    RequestRejected,
)
from ai_service.providers.first_text import FirstText
from ai_service.providers.transcript import Author, Transcript

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ai_service.observability.metrics import Metrics
    from ai_service.providers.base import Completion, Prompt, Provider
    from ai_service.providers.embedding import Embedding
    from ai_service.resilience.admission import AdmissionQueue
    from ai_service.resilience.circuit_breaker import CircuitBreaker
    from ai_service.schemas import TaskRequest
    from ai_service.tasks import Scored, Task

logger = logging.getLogger(__name__)

ATTEMPTS = 2
"""One retry, and only of a broken answer: models differ from one try to the next, dead servers do not."""
_OUTAGES = (CredentialsRejected, ModelMissing)
"""Failures that no request is the reason of."""


class Answer(msgspec.Struct, frozen=True):
    """A provider's checked answer; times in seconds, 0 tokens where the provider does not count them."""

    scored: Scored
    provider: str
    model: str
    synthetic: bool
    queue_s: float
    load_s: float
    provider_s: float
    completion_tokens: int = 0


class GuardedProvider:
    """One link of the chain.

    Args:
        provider: What is guarded.
        breaker: Its circuit breaker.
        queue: Its admission queue.
        metrics: Where calls are counted.
        clock: Monotonic seconds.

    Attributes:
        problem: Why the last answer that it was asked for did not come, in the words of the metrics; "" where it came.
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
        self.problem = ""
        self._metrics = metrics
        self._clock = clock

    async def answer(
        self,
        task: Task,
        request: TaskRequest,
        transcript: Transcript | None = None,
        *,
        degraded_reason: str = "",
        purpose: str = "request",
    ) -> Answer:
        """Answer a canonical request.

        Args:
            task: Which task.
            request: What is asked.
            transcript: Where the text goes as it is written. Once somebody took text of an attempt that fails, they
                are told so; a further attempt is for the others.
            degraded_reason: Why this link stands in for another; "" where it does not.
            purpose: Label of the metrics; anything but `request` is background work, for which no caller waits.

        Raises:
            ProviderError: Why not; QueueFull and CircuitOpen without having called the provider.
            ContextLengthExceeded: The prompt is too long.
            UnsupportedRequest: The provider rejects what the caller wants.
        """
        prompt = task.ask(request)
        refuse_overlong(prompt, self.provider.context_tokens)
        transcript = transcript or Transcript()
        name, model, synthetic = self.provider.name, self.provider.model, self.provider.synthetic
        author = Author(name, model, bool(degraded_reason) or synthetic, degraded_reason)
        try:
            async with self.queue.slot(background=purpose != "request") as queue_s:
                self._metrics.queued(name, queue_s)
                started = self._clock()
                with self.breaker.guard(), transcript.at_work():
                    begin = partial(transcript.begin, author, queue_s)
                    completion, scored = await self._attempts(task, prompt, transcript, begin=begin, purpose=purpose)
        except ProviderError as error:
            self._note(error, prompt, purpose)
            raise
        self.problem = "only_thoughts" if completion.only_thoughts else ""
        return Answer(
            scored=scored,
            provider=name,
            model=model,
            synthetic=synthetic,
            queue_s=queue_s,
            load_s=completion.load_s,
            provider_s=self._clock() - started - completion.load_s,
            completion_tokens=completion.completion_tokens,
        )

    async def embed(self, texts: Sequence[str], *, dimensions: int | None, truncates: bool) -> Embedding:
        """Return the vectors of texts.

        Raises:
            ProviderError: Why not; QueueFull and CircuitOpen without having called the provider.
            UnsupportedRequest: The provider rejects what the caller wants.
            ContextLengthExceeded: A text is too long.
        """
        name = self.provider.name
        async with self.queue.slot() as queue_s:
            self._metrics.queued(name, queue_s)
            started = self._clock()
            outcome = "cancelled"
            try:
                with self.breaker.guard():
                    embedding = await self.provider.embed(texts, dimensions=dimensions, truncates=truncates)
                outcome = "ok"
            except RequestRejected as error:
                outcome = error.outcome
                raise _unsupported(error) from error
            except ProviderError as error:
                outcome = error.outcome
                raise
            except HTTPError as error:
                outcome = error.code
                raise
            finally:
                self._metrics.provider_call(name, "embeddings", outcome, self._clock() - started)
        self._metrics.completion(name, load_s=0.0, prompt_tokens=embedding.prompt_tokens, completion_tokens=0)
        return embedding

    def _note(self, error: ProviderError, prompt: Prompt, purpose: str) -> None:
        """Remember why there was no answer, where that says something of the provider."""
        callers = prompt.has_callers_format and not error.trips
        gave_way = isinstance(error, (QueueFull, Preempted)) and purpose != "request"
        if not callers and not gave_way and not isinstance(error, CircuitOpen):
            self.problem = error.outcome

    async def _attempts(
        self, task: Task, prompt: Prompt, transcript: Transcript, *, begin: Callable[[], None], purpose: str
    ) -> tuple[Completion, Scored]:
        """Ask, and where the answer is broken ask once more.

        A provider that fails at the caller's schema, before it writes anything, is asked for any JSON instead: if that
        fits the schema, the caller has what they want; if not, the schema is what the provider cannot do.
        """
        rejection: ProviderError | None = None
        for attempt in range(1, ATTEMPTS + 1):
            begin()
            try:
                return await self._once(task, prompt, transcript, purpose)
            except ProviderError as error:
                if rejection is not None and isinstance(error, (InvalidAnswer, RequestRejected)):
                    raise _unsupported(rejection) from error
                last = attempt == ATTEMPTS or transcript.abandoned
                if not last and prompt.schema and _is_schemas_fault(error, prompt):
                    rejection, prompt = error, msgspec.structs.replace(prompt, schema={})
                elif isinstance(error, RequestRejected) and prompt.callers_own:
                    raise _unsupported(error) from error
                elif last or not _is_broken(error):
                    raise
        raise AssertionError("the last attempt answers or raises")

    async def _once(
        self, task: Task, prompt: Prompt, transcript: Transcript, purpose: str
    ) -> tuple[Completion, Scored]:
        name = self.provider.name
        started = self._clock()
        outcome = "cancelled"
        first_text = FirstText(lambda: self._metrics.first_text(name, task.name, self._clock() - started))
        try:
            completion = await self._complete(task, prompt, transcript, first_text)
            self._metrics.completion(
                name,
                load_s=completion.load_s,
                prompt_tokens=completion.prompt_tokens,
                completion_tokens=completion.completion_tokens,
            )
            transcript.count(prompt_tokens=completion.prompt_tokens, completion_tokens=completion.completion_tokens)
            if prompt.has_callers_format:  # Of any size and cost, so that others must not wait for it.
                scored = await asyncio.to_thread(task.judge, completion, prompt.request)
            else:
                scored = task.judge(completion, prompt.request)
            outcome = "ok"
        except ProviderError as error:
            error.heard = first_text.heard
            if prompt.has_callers_format and not _is_outage(error):
                error.trips = False  # One caller's format must not open the circuit breaker for all others.
            outcome = error.outcome
            transcript.discard(name, outcome)
            raise
        except HTTPError as error:
            outcome = error.code
            raise
        finally:
            self._metrics.provider_call(name, task.name, outcome, self._clock() - started, purpose=purpose)
        return completion, scored

    async def _complete(self, task: Task, prompt: Prompt, transcript: Transcript, first_text: FirstText) -> Completion:
        """Have the provider write.

        Raises:
            ProviderFailed: Whatever in its text nobody can read: that is its failure, not this service's.
        """
        if self.provider.synthetic:  # It comes at once, and may have to give way to a stale answer: not in pieces.
            return await self.provider.complete(prompt)
        preview = task.preview()
        on_text = transcript.write if preview is None else lambda text: transcript.show(preview.read(text))
        on_reasoning = transcript.reason if task.shows_reasoning else ignore
        try:
            return await self.provider.complete(prompt, first_text.through(on_text), first_text.through(on_reasoning))
        except (ValueError, RecursionError) as error:
            logger.warning("%s sent an invalid response", self.provider.name, exc_info=error)
            raise ProviderFailed(f"invalid response: {type(error).__name__}") from error


def _is_outage(error: ProviderError) -> bool:
    """Return whether a provider is out, whatever it is asked."""
    unreachable = isinstance(error, ProviderUnreachable) and not isinstance(error, ConnectionBroken)
    return unreachable or isinstance(error, (*_OUTAGES, ProviderOverloaded))


def _is_schemas_fault(error: ProviderError, prompt: Prompt) -> bool:
    """Return whether the caller's schema may be what the provider failed at."""
    failed = isinstance(error, (ProviderFailed, ConnectionBroken)) and not isinstance(error, _OUTAGES)
    return prompt.has_callers_format and failed and not error.heard


def _is_broken(error: ProviderError) -> bool:
    """Return whether there was an answer, and it is broken; a server that fails before it writes is not asked again."""
    return isinstance(error, InvalidAnswer) or (error.heard and isinstance(error, (ProviderFailed, ConnectionBroken)))


def _unsupported(rejection: ProviderError) -> UnsupportedRequest:
    return UnsupportedRequest(f"The provider cannot do what the request asks for: {rejection}.")
