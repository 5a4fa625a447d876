"""Joining equal work."""

import asyncio

import pytest

from ai_service.cache.single_flight import SingleFlight
from ai_service.transcript import Follower, Transcript


class Work:
    """Counts its runs, and ends when the gate opens."""

    def __init__(self, error: Exception | None = None) -> None:
        self.runs = 0
        self.cancelled = 0
        self.gate = asyncio.Event()
        self.error = error

    async def __call__(self, transcript: Transcript) -> int:
        """Writes, then waits for the gate."""
        self.runs += 1
        transcript.write("text")
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
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


@pytest.mark.parametrize("turns", [0, 1])
async def test_closing_cancels_what_is_under_way(turns: int) -> None:
    """A process that ends leaves no task behind, and no caller waiting: not even for work that has yet to begin."""
    flight, work = SingleFlight[int](), Work()
    (task,) = await start(flight, work, 1)
    for _ in range(turns):
        await asyncio.sleep(0)
    assert work.runs == turns
    await flight.close()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(flight) == 0


async def test_a_follower_gets_the_text_whenever_it_comes() -> None:
    """The first, and one that joins."""
    flight, work = SingleFlight[int](), Work()
    first, late = Follower(), Follower()
    following = [asyncio.create_task(flight.run("k", work, first))]
    await asyncio.sleep(0)
    following.append(asyncio.create_task(flight.run("k", work, late)))
    await asyncio.sleep(0)
    assert (first.take(), late.take()) == ("text", "text")
    assert (first.cache, late.cache) == ("", "coalesced")
    work.gate.set()
    assert await asyncio.gather(*following) == [(1, False), (1, True)]


async def test_the_last_follower_that_leaves_ends_the_work() -> None:
    """Not the first: others share it. Who comes then starts anew."""
    flight, work = SingleFlight[int](), Work()
    following = [asyncio.create_task(flight.run("k", work, Follower())) for _ in range(2)]
    await asyncio.sleep(0)
    following[0].cancel()
    await asyncio.sleep(0)
    assert len(flight) == 1
    following[1].cancel()
    await asyncio.sleep(0)
    assert len(flight) == 0
    await asyncio.sleep(0)
    assert work.cancelled == 1
    work.gate.set()
    assert await flight.run("k", work) == (2, False)


async def test_work_that_anybody_waits_for_outlives_its_followers() -> None:
    """A caller that does not stream cannot be seen leaving, and its answer is cached in any case."""
    flight, work = SingleFlight[int](), Work()
    following = asyncio.create_task(flight.run("k", work, Follower()))
    await asyncio.sleep(0)
    (waiting,) = await start(flight, work, 1)
    following.cancel()
    await asyncio.sleep(0)
    work.gate.set()
    assert await waiting == (1, True)
