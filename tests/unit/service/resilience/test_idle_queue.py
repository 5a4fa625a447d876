"""Work for which no caller waits."""

from __future__ import annotations

import asyncio

import pytest

from ai_service.observability.metrics import Metrics
from ai_service.providers.errors import Preempted, ProviderUnreachable
from ai_service.resilience.idle_queue import IdleQueue
from tests.unit.service.fakes import FakeClock


class Idle:
    """Whether there is an idle moment now."""

    def __init__(self) -> None:
        self.now = True

    def __call__(self) -> bool:
        """Return whether this is an idle moment."""
        return self.now


class Job:
    """Work that can be held, and that counts its runs."""

    def __init__(self, result: bool | Exception = True) -> None:
        self.result = result
        self.gate = asyncio.Event()
        self.gate.set()
        self.runs = 0

    async def __call__(self) -> bool:
        """Run the job."""
        self.runs += 1
        await self.gate.wait()
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


async def outcome(background: IdleQueue, job: Job, key: str = "k") -> str:
    """How a job ended."""
    done = background.offer(key, "refresh", "recipe", job)
    assert done is not None
    return await done


@pytest.mark.parametrize(
    ("result", "expected"),
    [(True, "done"), (False, "skipped"), (ProviderUnreachable("down"), "failed"), (TimeoutError(), "failed")],
)
async def test_how_a_job_ended_is_told_and_counted(result: bool | Exception, expected: str) -> None:
    """By purpose and task."""
    metrics = Metrics()
    assert await outcome(IdleQueue(Idle(), metrics), Job(result)) == expected
    labels = {"purpose": "refresh", "task": "recipe", "outcome": expected}
    assert metrics.registry.get_sample_value("alchemorsel_ai_background_jobs_total", labels) == 1


async def test_an_unexpected_failure_is_logged_and_ends_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    """The next job is done as if nothing had happened."""
    background = IdleQueue(Idle(), Metrics())
    assert await outcome(background, Job(ZeroDivisionError()), "a") == "failed"
    assert await outcome(background, Job(), "b") == "done"
    assert "refresh of recipe failed unexpectedly" in caplog.text


async def test_nothing_begins_before_there_is_an_idle_moment() -> None:
    """Callers go first."""
    idle, job = Idle(), Job()
    idle.now = False
    background = IdleQueue(idle, Metrics())
    done = background.offer("k", "refresh", "recipe", job)
    await asyncio.sleep(0.02)
    assert job.runs == 0
    idle.now = True
    assert done is not None
    assert await done == "done"


async def test_a_job_that_never_gets_its_moment_is_given_up() -> None:
    """What still matters by then is offered again."""
    idle, clock, job = Idle(), FakeClock(), Job()
    idle.now = False
    background = IdleQueue(idle, Metrics(), clock=clock)
    done = background.offer("k", "refresh", "recipe", job)
    clock.advance(61)
    assert done is not None
    assert (await done, job.runs) == ("expired", 0)


async def test_a_job_that_is_preempted_by_a_caller_has_yielded() -> None:
    """And may be offered again at once."""
    background = IdleQueue(Idle(), Metrics())
    assert await outcome(background, Job(Preempted("preempted by a caller"))) == "yielded"
    assert await outcome(background, Job()) == "done"


async def test_equal_jobs_are_taken_once_and_only_so_many_wait() -> None:
    """A thousand hits on one ageing answer are one refresh."""
    background, job = IdleQueue(Idle(), Metrics(), limit=2), Job()
    job.gate.clear()
    assert background.offer("a", "refresh", "recipe", job) is not None
    assert background.offer("a", "refresh", "recipe", job) is None
    await asyncio.sleep(0)  # "a" is under way now.
    assert background.offer("a", "refresh", "recipe", job) is None
    assert background.offer("b", "refresh", "recipe", job) is not None
    assert background.offer("c", "refresh", "recipe", job) is not None
    assert background.offer("d", "refresh", "recipe", job) is None
    assert len(background) == 2
    await background.close()
    assert job.runs == 1


async def test_a_failed_key_rests() -> None:
    """A provider that fails is not asked again for every hit."""
    background = IdleQueue(Idle(), Metrics(), rest_s=0.2)
    assert await outcome(background, Job(ProviderUnreachable("down"))) == "failed"
    assert background.offer("k", "refresh", "recipe", Job()) is None
    await asyncio.sleep(0.3)
    assert await outcome(background, Job()) == "done"
