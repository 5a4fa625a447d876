"""One computation a key at a time; everybody who asks meanwhile gets its result, and its text as it is written."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from ai_service.providers.transcript import Transcript

if TYPE_CHECKING:
    from ai_service.providers.transcript import Subscriber

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
Deliver = Callable[[Result], None]
Work = Callable[[Transcript, Deliver[Result]], Awaitable[Result]]


class _Flight(NamedTuple, Generic[Result]):
    """Work under way, and what it came to."""

    task: asyncio.Task[None]
    result: asyncio.Future[Result]
    transcript: Transcript


class SingleFlight(Generic[Result]):
    """Join equal work in this process.

    The work runs in a task of its own: a caller that leaves cancels nobody else's. Where the last one leaves, work that
    still waits (in a queue, for a lock) is cancelled. What a provider is at goes on, for the cache, unless the last
    caller followed its text.
    """

    def __init__(self) -> None:
        self._flights: dict[str, _Flight[Result]] = {}
        self._delivered: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._flights)

    def __contains__(self, key: str) -> bool:
        """Return whether this key's work is under way."""
        return key in self._flights

    async def run(self, key: str, work: Work[Result], subscriber: Subscriber | None = None) -> Result:
        """Run the work, or join the one under way.

        Args:
            key: Equal keys mean equal results.
            work: Called at most once for all callers that join. It writes into the transcript that it is given, and may
                deliver its result before it ends, with what the callers need not wait for still to be done.
            subscriber: Gets the text as it is written; a caller without one waits for the result only.

        Raises:
            Exception: What the work raised, to every caller alike.
        """
        flight = self._flights.get(key)
        if flight is None:
            flight = self._begin(key, work)
        transcript = flight.transcript
        if subscriber is None:
            transcript.callers += 1
        else:
            transcript.attach(subscriber)
        try:
            return await asyncio.shield(flight.result)
        finally:
            if subscriber is None:
                transcript.callers -= 1
            else:
                transcript.detach(subscriber)
            unwanted = transcript.abandoned and (subscriber is not None or not transcript.running)
            if unwanted and not flight.result.done():
                self._land(key, flight)  # At once: nobody may join what is about to end.
                flight.task.cancel()

    async def close(self) -> None:
        """Cancel what is under way and wait for its end, and for that of what was delivered."""
        tasks = [flight.task for flight in self._flights.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *self._delivered, return_exceptions=True)

    def _begin(self, key: str, work: Work[Result]) -> _Flight[Result]:
        transcript = Transcript(callers=0)
        result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()

        def deliver(value: Result) -> None:
            self._land(key, flight)
            self._delivered.add(flight.task)
            flight.task.add_done_callback(self._delivered.discard)
            result.set_result(value)

        async def fly() -> None:
            try:
                value = await work(transcript, deliver)
            except Exception as error:
                if result.done():
                    logger.exception("what was to be done after an answer failed unexpectedly")
                else:
                    result.set_exception(error)
                    result.exception()  # It is the callers' to deal with, if there are any left.
            else:
                if not result.done():
                    result.set_result(value)

        flight = self._flights[key] = _Flight(asyncio.create_task(fly()), result, transcript)
        flight.task.add_done_callback(lambda _done: self._land(key, flight))
        return flight

    def _land(self, key: str, flight: _Flight[Result]) -> None:
        """Nobody can join any more; callers of work that was cancelled are told."""
        if self._flights.get(key) is flight:
            del self._flights[key]
        if flight.task.done() and not flight.result.done():
            flight.result.cancel()
