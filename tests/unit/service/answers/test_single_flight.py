"""Joining equal work."""

import asyncio

import pytest

from ai_service.answers.single_flight import Deliver, SingleFlight
from ai_service.providers.transcript import Subscriber, Text, Transcript


class Work:
    """Counts its runs, and ends when the gate opens; a provider is at it, or it waits for one."""

    def __init__(self, error: Exception | None = None, *, running: bool = True) -> None:
        self.running = running
        self.runs = 0
        self.cancelled = 0
        self.gate = asyncio.Event()
        self.error = error
        self.afterwards: asyncio.Event | None = None
        self.finished = 0

    async def __call__(self, transcript: Transcript, deliver: Deliver[int]) -> int:
        """Write, then wait for the gate."""
        self.runs += 1
        transcript.write("text")
        transcript.running = self.running
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        if self.afterwards is not None:
            deliver(self.runs)
            await self.afterwards.wait()
            self.finished += 1
        return self.runs


async def start(flight: SingleFlight[int], work: Work, callers: int) -> list[asyncio.Task[int]]:
    """Lets callers begin."""
    tasks = [asyncio.create_task(flight.run("k", work)) for _ in range(callers)]
    await asyncio.sleep(0)
    return tasks


async def test_equal_work_runs_once() -> None:
    """One hundred equal misses are one call of the provider."""
    flight, work = SingleFlight[int](), Work()
    tasks = await start(flight, work, 100)
    work.gate.set()
    assert await asyncio.gather(*tasks) == [1] * 100


async def test_a_cancelled_caller_cancels_nobody_else() -> None:
    """Not even where it is the one that started the work."""
    flight, work = SingleFlight[int](), Work()
    first, second = await start(flight, work, 2)
    first.cancel()
    await asyncio.sleep(0)
    work.gate.set()
    assert await second == 1
    assert first.cancelled()


async def test_all_callers_get_the_error_and_the_next_one_starts_anew() -> None:
    """An error is not remembered."""
    flight, work = SingleFlight[int](), Work(ValueError("no"))
    tasks = await start(flight, work, 2)
    work.gate.set()
    assert [type(result) for result in await asyncio.gather(*tasks, return_exceptions=True)] == [ValueError] * 2
    work.error = None
    assert await flight.run("k", work) == 2


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
    first, late = Subscriber(), Subscriber()
    following = [asyncio.create_task(flight.run("k", work, first))]
    await asyncio.sleep(0)
    following.append(asyncio.create_task(flight.run("k", work, late)))
    await asyncio.sleep(0)
    assert await first.receive() == await late.receive() == [Text("text")]
    work.gate.set()
    assert await asyncio.gather(*following) == [1, 1]


async def test_the_last_follower_that_leaves_ends_the_work() -> None:
    """Not the first: others share it. Who comes then starts anew."""
    flight, work = SingleFlight[int](), Work()
    following = [asyncio.create_task(flight.run("k", work, Subscriber())) for _ in range(2)]
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
    assert await flight.run("k", work) == 2


async def test_work_that_anybody_waits_for_outlives_its_followers() -> None:
    """Whoever waits for the whole answer gets it."""
    flight, work = SingleFlight[int](), Work()
    following = asyncio.create_task(flight.run("k", work, Subscriber()))
    await asyncio.sleep(0)
    (waiting,) = await start(flight, work, 1)
    following.cancel()
    await asyncio.sleep(0)
    work.gate.set()
    assert await waiting == 1


async def test_the_last_caller_that_leaves_ends_what_has_not_begun() -> None:
    """Not the first: others wait for the same. Who comes then starts anew."""
    flight, work = SingleFlight[int](), Work(running=False)
    first, second = await start(flight, work, 2)
    first.cancel()
    await asyncio.sleep(0)
    assert (len(flight), work.cancelled) == (1, 0)
    second.cancel()
    await asyncio.sleep(0)
    assert len(flight) == 0
    await asyncio.sleep(0)
    assert work.cancelled == 1


async def test_what_a_provider_is_at_outlives_its_callers() -> None:
    """It is for the cache, and for whoever asks meanwhile."""
    flight, work = SingleFlight[int](), Work()
    (first,) = await start(flight, work, 1)
    first.cancel()
    await asyncio.sleep(0)
    (second,) = await start(flight, work, 1)
    work.gate.set()
    assert await second == 1


@pytest.mark.parametrize("last", ["caller", "follower"])
async def test_a_stream_that_is_left_last_ends_the_work(last: str) -> None:
    """A running answer goes on where the last to leave was not reading it."""
    flight, work = SingleFlight[int](), Work()
    following = asyncio.create_task(flight.run("k", work, Subscriber()))
    await asyncio.sleep(0)
    (waiting,) = await start(flight, work, 1)
    for task in (waiting, following) if last == "follower" else (following, waiting):
        task.cancel()
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert work.cancelled == (last == "follower")
    await flight.close()


async def test_a_result_that_is_delivered_is_not_waited_for_to_the_end_of_the_work() -> None:
    """Callers have it; who comes then starts anew, and closing waits for what is still to be done."""
    flight, work = SingleFlight[int](), Work()
    work.afterwards = asyncio.Event()
    tasks = await start(flight, work, 2)
    work.gate.set()
    assert await asyncio.gather(*tasks) == [1, 1]
    assert (len(flight), work.finished) == (0, 0)
    assert await flight.run("k", work) == 2
    closing = asyncio.create_task(flight.close())
    await asyncio.sleep(0)
    assert not closing.done()
    work.afterwards.set()
    await closing
    assert (work.finished, work.cancelled) == (2, 0)


async def test_a_stream_that_has_its_result_leaves_the_rest_of_the_work_alone() -> None:
    """It was the only one to follow, and what it got is still being stored."""
    flight, work = SingleFlight[int](), Work()
    work.afterwards = asyncio.Event()
    work.gate.set()
    assert await flight.run("k", work, Subscriber()) == 1
    work.afterwards.set()
    await flight.close()
    assert (work.finished, work.cancelled) == (1, 0)


async def test_what_fails_after_the_result_was_delivered_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The caller has its answer by then."""
    flight = SingleFlight[int]()

    async def work(_transcript: Transcript, deliver: Deliver[int]) -> int:
        deliver(1)
        raise ZeroDivisionError

    assert await flight.run("k", work) == 1
    await flight.close()
    assert "failed unexpectedly" in caplog.text
