"""The deadline that is set only where something has to be waited for."""

from __future__ import annotations

import asyncio

import pytest

from ai_service.lazy_timeout import within


async def ready() -> str:
    """Never waits."""
    return "ready"


async def test_what_is_ready_is_returned_without_a_timer() -> None:
    """Not even a deadline in the past matters."""
    assert await within(-1.0, ready()) == "ready"


async def test_what_waits_within_the_time_is_returned() -> None:
    """However often it waits."""

    async def slow() -> str:
        for _ in range(3):
            await asyncio.sleep(0)
            await asyncio.sleep(0.001)
        return "slow"

    assert await within(60.0, slow()) == "slow"


async def test_what_waits_too_long_times_out_and_is_ended() -> None:
    """Nothing is left running."""
    ended = asyncio.Event()

    async def hangs() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(TimeoutError):
        await within(0.01, hangs())
    assert ended.is_set()


@pytest.mark.parametrize("waits", [False, True])
async def test_an_exception_comes_through(*, waits: bool) -> None:
    """Before the first wait and after it."""

    async def fails() -> None:
        if waits:
            await asyncio.sleep(0)
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        await within(60.0, fails())


async def test_a_cancellation_reaches_the_coroutine() -> None:
    """As with a plain await: the caller is cancelled, and it is no time-out."""
    begun = asyncio.Event()
    seen: list[str] = []

    async def waits() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def caller() -> None:
        await within(60.0, waits())

    task = asyncio.create_task(caller())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["cancelled"]
