"""One computation a key at a time; everybody who asks meanwhile gets its result, and its text as it is written."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

from ai_service.transcript import Transcript

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ai_service.transcript import Follower

Result = TypeVar("Result")


class SingleFlight(Generic[Result]):
    """Joins equal work in this process.

    The work runs in a task of its own: a caller that is cancelled or out of time cancels nobody else, and the result
    is still there for the cache. Only where all callers were followers of the text, and the last of them leaves, is
    the work cancelled: its readers are known to be gone.
    """

    def __init__(self) -> None:
        self._flights: dict[str, _Flight[Result]] = {}

    def __len__(self) -> int:
        return len(self._flights)

    def __contains__(self, key: str) -> bool:
        """Whether this key's work is under way."""
        return key in self._flights

    async def run(
        self, key: str, work: Callable[[Transcript], Awaitable[Result]], follower: Follower | None = None
    ) -> tuple[Result, bool]:
        """Runs the work, or joins the one under way.

        Args:
            key: Equal keys mean equal results.
            work: Called at most once for all callers that join; writes into the transcript it is given.
            follower: Gets the text as it is written; a caller without one waits for the result only.

        Returns:
            The result, and whether this caller joined another's work.

        Raises:
            Exception: What the work raised, to every caller alike.
        """
        flight = self._flights.get(key)
        joined = flight is not None
        if flight is None:
            flight = _Flight(work)
            self._flights[key] = flight
            flight.task.add_done_callback(lambda done: self._land(key, done))
        if follower is None:
            flight.transcript.kept = True
            return await asyncio.shield(flight.task), joined
        follower.cache = "coalesced" if joined else follower.cache
        flight.transcript.attach(follower)
        try:
            return await asyncio.shield(flight.task), joined
        finally:
            flight.transcript.detach(follower)
            if flight.transcript.deserted and not flight.task.done() and self._flights.get(key) is flight:
                del self._flights[key]  # At once: nobody may join what is about to end.
                flight.task.cancel()

    async def close(self) -> None:
        """Cancels what is under way and waits for its end."""
        tasks = [flight.task for flight in self._flights.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _land(self, key: str, done: asyncio.Task[Result]) -> None:
        flight = self._flights.get(key)
        if flight is not None and flight.task is done:
            del self._flights[key]
        if not done.cancelled():
            done.exception()  # Marks it as seen: all callers may have left.


class _Flight(Generic[Result]):
    """Work under way."""

    def __init__(self, work: Callable[[Transcript], Awaitable[Result]]) -> None:
        self.transcript = Transcript(kept=False)
        self.task = asyncio.ensure_future(self._fly(work))

    async def _fly(self, work: Callable[[Transcript], Awaitable[Result]]) -> Result:
        return await work(self.transcript)
