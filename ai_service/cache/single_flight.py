"""One computation a key at a time; everybody who asks meanwhile gets its result, and its text as it is written."""

from __future__ import annotations

import asyncio
from functools import partial
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
            flight = self._flights[key] = _Flight(work, partial(self._land, key))
        if follower is None:
            flight.transcript.kept = True
            return await flight.result(), joined
        follower.cache = "coalesced" if joined else follower.cache
        flight.transcript.attach(follower)
        try:
            return await flight.result(), joined
        finally:
            flight.transcript.detach(follower)
            if flight.transcript.deserted:
                self._land(key, flight)  # At once: nobody may join what is about to end.
                flight.task.cancel()

    async def close(self) -> None:
        """Cancels what is under way and waits for its end."""
        tasks = [flight.task for flight in self._flights.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _land(self, key: str, flight: _Flight[Result]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]


class _Flight(Generic[Result]):
    """Work under way.

    Its end is told to each caller by a future of their own: a task that is waited for through a shield wakes them two
    turns of the loop later.

    Args:
        work: What is to be done.
        land: Is called with this when it has ended, before any caller knows.
    """

    def __init__(
        self, work: Callable[[Transcript], Awaitable[Result]], land: Callable[[_Flight[Result]], None]
    ) -> None:
        self.transcript = Transcript(kept=False)
        self._land = land
        self._waiting: list[asyncio.Future[Result]] = []
        self.task = asyncio.create_task(self._fly(work))
        self.task.add_done_callback(self._ended)

    def result(self) -> asyncio.Future[Result]:
        """What comes of it, for one caller."""
        waiter: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        return waiter

    async def _fly(self, work: Callable[[Transcript], Awaitable[Result]]) -> None:
        try:
            result = await work(self.transcript)
        except Exception as error:  # noqa: BLE001 - it is the callers' to deal with
            for waiter in self._landed():
                waiter.set_exception(error)
        else:
            for waiter in self._landed():
                waiter.set_result(result)

    def _ended(self, _task: asyncio.Task[None]) -> None:
        """Nobody is left waiting where the work was cancelled, which may be before it began."""
        for waiter in self._landed():
            waiter.cancel()

    def _landed(self) -> list[asyncio.Future[Result]]:
        """Who waits now that the work has ended."""
        self._land(self)
        return [waiter for waiter in self._waiting if not waiter.done()]
