"""Joining equal work."""

import asyncio

import pytest

from ai_service.cache.single_flight import SingleFlight


class Work:
    """Counts its runs, and ends when the gate opens."""

    def __init__(self, error: Exception | None = None) -> None:
        self.runs = 0
        self.gate = asyncio.Event()
        self.error = error

    async def __call__(self) -> int:
        """Waits for the gate."""
        self.runs += 1
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return self.runs


async def start(flight: SingleFlight[int], work: Work, callers: int) -> list[asyncio.Task[tuple[int, bool]]]:
    """Lets callers begin."""
    tasks = [asyncio.create_task(flight.run("k", work)) for _ in range(callers)]
    await asyncio.sleep(0)
    return tasks


async def test_equal_work_runs_once_and_says_who_joined() -> None:
    """One hundred equal misses are one call of the provider."""
    flight, work = SingleFlight[int](), Work()
    tasks = await start(flight, work, 100)
    work.gate.set()
    results = await asyncio.gather(*tasks)
    assert work.runs == 1
    assert [joined for _, joined in results].count(False) == 1


async def test_a_cancelled_caller_cancels_nobody_else() -> None:
    """Not even where it is the one that started the work."""
    flight, work = SingleFlight[int](), Work()
    first, second = await start(flight, work, 2)
    first.cancel()
    await asyncio.sleep(0)
    work.gate.set()
    assert await second == (1, True)
    assert first.cancelled()


async def test_all_callers_get_the_error_and_the_next_one_starts_anew() -> None:
    """An error is not remembered."""
    flight, work = SingleFlight[int](), Work(ValueError("no"))
    tasks = await start(flight, work, 2)
    work.gate.set()
    assert [type(result) for result in await asyncio.gather(*tasks, return_exceptions=True)] == [ValueError] * 2
    work.error = None
    assert await flight.run("k", work) == (2, False)


async def test_closing_cancels_what_is_under_way() -> None:
    """A process that ends leaves no task behind."""
    flight, work = SingleFlight[int](), Work()
    (task,) = await start(flight, work, 1)
    await flight.close()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(flight) == 0
