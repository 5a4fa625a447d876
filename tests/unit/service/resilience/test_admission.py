"""The queue in front of a provider."""

import asyncio

import pytest

from ai_service.providers.errors import Preempted, QueueFull
from ai_service.resilience.admission import AdmissionQueue
from tests.unit.service.fakes import FakeClock


async def hold(queue: AdmissionQueue, gate: asyncio.Event) -> float:
    """Hold a slot until the gate opens, and return the seconds waited."""
    async with queue.slot() as waited:
        await gate.wait()
        return waited


async def start(queue: AdmissionQueue, gate: asyncio.Event, count: int) -> list[asyncio.Task[float]]:
    """Lets holders begin."""
    tasks = [asyncio.create_task(hold(queue, gate)) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


async def test_so_many_run_so_many_wait_and_the_rest_is_refused() -> None:
    """A full queue answers at once instead of growing."""
    queue, gate = AdmissionQueue(concurrency=2, limit=1), asyncio.Event()
    tasks = await start(queue, gate, 3)
    assert (queue.running, queue.waiting) == (2, 1)
    with pytest.raises(QueueFull):
        await hold(queue, gate)
    gate.set()
    await asyncio.gather(*tasks)
    assert (queue.running, queue.waiting) == (0, 0)


async def test_without_a_waiting_room_a_free_slot_is_still_given() -> None:
    """A limit of zero means "do not wait", not "do not run"."""
    queue, gate = AdmissionQueue(concurrency=1, limit=0), asyncio.Event()
    gate.set()
    await hold(queue, gate)
    await hold(queue, gate)


async def test_a_cancelled_waiter_leaves_the_queue() -> None:
    """Its place is free for others."""
    queue, gate = AdmissionQueue(concurrency=1, limit=1), asyncio.Event()
    first, second = await start(queue, gate, 2)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    assert queue.waiting == 0
    gate.set()
    await first


async def test_a_refusal_says_when_a_slot_is_likely_free() -> None:
    """From the mean time of past calls and the calls ahead."""
    clock = FakeClock()
    queue, gate = AdmissionQueue(concurrency=1, limit=1, clock=clock), asyncio.Event()
    for _ in range(40):
        async with queue.slot():
            clock.advance(10.0)
    tasks = await start(queue, gate, 2)
    with pytest.raises(QueueFull) as caught:
        await hold(queue, gate)
    assert caught.value.retry_after_s == 20
    gate.set()
    await asyncio.gather(*tasks)


async def background(queue: AdmissionQueue, gate: asyncio.Event) -> None:
    """Hold a slot as background work until the gate opens."""
    async with queue.slot(background=True):
        await gate.wait()


@pytest.mark.parametrize("limit", [0, 5])
async def test_a_caller_takes_the_slot_of_a_background_call(limit: int) -> None:
    """Nobody waits for a refresh, whether or not there is a waiting room."""
    queue, gate = AdmissionQueue(concurrency=1, limit=limit), asyncio.Event()
    refreshing = asyncio.create_task(background(queue, gate))
    await asyncio.sleep(0)
    gate_of_caller = asyncio.Event()
    (caller,) = await start(queue, gate_of_caller, 1)
    await asyncio.wait({refreshing})
    assert isinstance(refreshing.exception(), Preempted)
    gate_of_caller.set()
    await caller
    assert queue.idle


async def test_a_background_call_is_refused_where_it_would_wait() -> None:
    """It has no place in the queue."""
    queue, gate = AdmissionQueue(concurrency=1, limit=5), asyncio.Event()
    tasks = await start(queue, gate, 1)
    assert not queue.idle
    with pytest.raises(QueueFull, match="callers have priority"):
        await background(queue, gate)
    gate.set()
    await asyncio.gather(*tasks)


async def test_a_background_call_stays_while_there_is_room() -> None:
    """It is in nobody's way."""
    queue, gate = AdmissionQueue(concurrency=2, limit=5), asyncio.Event()
    refreshing = asyncio.create_task(background(queue, gate))
    await asyncio.sleep(0)
    tasks = await start(queue, gate, 1)
    assert queue.running == 2
    gate.set()
    await asyncio.gather(refreshing, *tasks)
