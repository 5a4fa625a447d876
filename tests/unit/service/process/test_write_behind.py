"""Writing in the background of what was collected."""

from __future__ import annotations

import asyncio

from ai_service.process.write_behind import WriteBehind


class Box:
    """Takes what was put into it, unless it refuses."""

    def __init__(self, refusals: int = 0) -> None:
        self.waiting: list[str] = []
        self.taken: list[list[str]] = []
        self.refusals = refusals
        self.emptied = asyncio.Event()
        self.writer = WriteBehind(self.flush, lambda: bool(self.waiting), delay_s=0.001, retry_s=0.001)

    def put(self, each: str) -> None:
        """Have it written later."""
        self.waiting.append(each)
        self.writer.wake()

    async def flush(self) -> bool:
        """Take all that waits."""
        if self.refusals:
            self.refusals -= 1
            return False
        self.taken.append(self.waiting)
        self.waiting = []
        self.emptied.set()
        return True


async def test_what_comes_together_is_written_together_and_what_comes_later_too() -> None:
    """By a new task where the former one has ended."""
    box = Box()
    box.put("a")
    box.put("b")
    await box.emptied.wait()
    await asyncio.sleep(0.01)
    box.emptied.clear()
    box.put("c")
    await box.emptied.wait()
    assert box.taken == [["a", "b"], ["c"]]


async def test_what_was_refused_is_tried_again() -> None:
    """Until it is taken."""
    box = Box(refusals=2)
    box.put("a")
    await box.emptied.wait()
    assert box.taken == [["a"]]


async def test_at_the_end_all_is_written_at_once_unless_it_is_refused() -> None:
    """Nothing goes on in the background then."""
    box, down = Box(), Box(refusals=1)
    for each in (box, down):
        each.put("a")
        await each.writer.close()
    await asyncio.sleep(0.01)
    assert (box.taken, down.taken, down.waiting) == ([["a"]], [], ["a"])
