"""What is asked in one turn of the event loop goes to the store in one command: most of its cost is the round trip."""

from __future__ import annotations

import asyncio
from itertools import repeat
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


async def _forget(_asked: object, _answer: object) -> None:
    """An answer that only its asker could use."""


class Batch(Generic[Asked, Answer]):
    """Collects questions until the loop's next turn.

    Args:
        ask: Gives the answers to all of them, in their order; None where there are none to be had.
        forsaken: Is called with a question and its answer where whoever asked is gone.
    """

    def __init__(
        self,
        ask: Callable[[Sequence[Asked]], Awaitable[Sequence[Answer | None] | None]],
        forsaken: Callable[[Asked, Answer], Awaitable[None]] = _forget,
    ) -> None:
        self._ask = ask
        self._forsaken = forsaken
        self._waiting: list[tuple[Asked, asyncio.Future[Answer | None]]] = []
        self._asking: set[asyncio.Task[None]] = set()

    async def get(self, asked: Asked) -> Answer | None:
        """The answer; None where there is none to be had."""
        if not self._waiting:
            task = asyncio.create_task(self._run())
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
        answer: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, answer))
        return await answer

    async def drain(self) -> None:
        """Waits until everybody who asked has their answer."""
        await asyncio.gather(*self._asking)

    async def _run(self) -> None:
        waiting, self._waiting = self._waiting, []
        answers: Sequence[Answer | None] | None = None
        forsaken = []
        try:
            answers = await self._ask([asked for asked, _ in waiting])
        finally:  # Whatever happens, nobody is left waiting.
            for (asked, future), answer in zip(waiting, answers or repeat(None), strict=False):
                if not future.done():
                    future.set_result(answer)
                elif answer is not None:
                    forsaken.append((asked, answer))
        for asked, answer in forsaken:
            await self._forsaken(asked, answer)
