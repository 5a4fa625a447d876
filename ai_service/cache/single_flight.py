"""One computation a key at a time; everybody who asks meanwhile gets its result."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Result = TypeVar("Result")


class SingleFlight(Generic[Result]):
    """Joins equal work in this process.

    The work runs in a task of its own: a caller that is cancelled or out of time cancels nobody else, and the result
    is still there for the cache.
    """

    def __init__(self) -> None:
        self._flights: dict[str, asyncio.Task[Result]] = {}

    def __len__(self) -> int:
        return len(self._flights)

    async def run(self, key: str, work: Callable[[], Awaitable[Result]]) -> tuple[Result, bool]:
        """Runs the work, or joins the one under way.

        Args:
            key: Equal keys mean equal results.
            work: Called at most once for all callers that join.

        Returns:
            The result, and whether this caller joined another's work.

        Raises:
            Exception: What the work raised, to every caller alike.
        """
        flight = self._flights.get(key)
        joined = flight is not None
        if flight is None:
            flight = asyncio.ensure_future(self._fly(work))
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._land(key, done))
        return await asyncio.shield(flight), joined

    async def close(self) -> None:
        """Cancels what is under way and waits for its end."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    @staticmethod
    async def _fly(work: Callable[[], Awaitable[Result]]) -> Result:
        return await work()

    def _land(self, key: str, done: asyncio.Task[Result]) -> None:
        self._flights.pop(key, None)
        if not done.cancelled():
            done.exception()  # Marks it as seen: all callers may have left.
