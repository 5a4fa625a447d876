"""Work in the background that goes on, whatever it raises."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from ai_service.process.periodic import Periodic

if TYPE_CHECKING:
    import pytest


class Work:
    """Raises what the script says, then nothing; tells when the script is at its end."""

    def __init__(self, *script: BaseException | None) -> None:
        self.script = list(script)
        self.done = asyncio.Event()

    async def __call__(self) -> None:
        """Do the next step."""
        if not self.script:
            self.done.set()
        elif (step := self.script.pop(0)) is not None:
            raise step


async def test_it_goes_on_whatever_is_raised(caplog: pytest.LogCaptureFixture) -> None:
    """And says so once for a run of failures, not every few seconds."""
    work = Work(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), RecursionError(), None, KeyError("x"))
    periodic = Periodic("looking", work, 0.0)
    with caplog.at_level(logging.INFO):
        periodic.start()
        await work.done.wait()
        await periodic.stop()
    assert [record.getMessage() for record in caplog.records] == [
        "looking failed; it is tried again every 0 s",
        "looking works again",
        "looking failed; it is tried again every 0 s",
        "looking works again",
    ]
    assert caplog.records[0].exc_info is not None


async def test_the_first_time_may_fail_too() -> None:
    """A service starts with what is broken around it."""
    await Periodic("looking", Work(ValueError()), 60.0).once()


async def test_it_ends_in_the_middle_of_work() -> None:
    """A process that ends waits for nothing."""
    begun = asyncio.Event()

    async def hang() -> None:
        begun.set()
        await asyncio.Event().wait()

    periodic = Periodic("hanging", hang, 0.0)
    periodic.start()
    await begun.wait()
    await periodic.stop()
