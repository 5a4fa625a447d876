"""Tasks that nobody waits for are waited for at the end, and then cancelled."""

from __future__ import annotations

import asyncio

from ai_service.process.background_tasks import BackgroundTasks


async def test_what_ends_in_time_is_not_cancelled() -> None:
    """And nothing has to be under way."""
    tasks, done = BackgroundTasks(), list[str]()

    async def work() -> None:
        await asyncio.sleep(0.01)
        done.append("whole")

    tasks.start(work())
    await tasks.end(5.0)
    assert done == ["whole"]
    await tasks.end()


async def test_what_is_late_is_cancelled_and_has_ended() -> None:
    """At once where no patience is given."""
    tasks, ended = BackgroundTasks(), list[str]()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    tasks.start(work())
    await asyncio.sleep(0)
    await tasks.end()
    assert ended == ["cancelled"]
