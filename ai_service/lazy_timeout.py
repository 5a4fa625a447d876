"""A deadline that costs nothing where nothing has to be waited for."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

Result = TypeVar("Result")


class within:  # noqa: N801 - reads as a verb's adverb where it is used: `await within(10, receive())`
    """Awaits a coroutine for so long at most; the clock is set only once the coroutine really waits.

    A body that came with its headers is there already, and `asyncio.timeout` alone would cost a tenth of a cached
    answer. The coroutine runs in the caller's task either way, as with a plain `await`.

    Args:
        seconds: How long.
        coroutine: What to await.

    Raises:
        TimeoutError: It took longer.
    """

    def __init__(self, seconds: float, coroutine: Coroutine[Any, Any, Result]) -> None:
        self._seconds = seconds
        self._coroutine = coroutine

    def __await__(self) -> Generator[Any, Any, Any]:
        try:
            awaited = self._coroutine.send(None)
        except StopIteration as done:
            return done.value
        return (yield from self._wait(awaited).__await__())

    async def _wait(self, awaited: Any) -> Any:
        async with asyncio.timeout(self._seconds):
            return await _Begun(self._coroutine, awaited)


class _Begun:
    """The rest of a coroutine that has yielded once, as `await` would have driven it (PEP 380)."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], awaited: Any) -> None:
        self._coroutine = coroutine
        self._awaited = awaited

    def __await__(self) -> Generator[Any, Any, Any]:
        awaited = self._awaited
        while True:
            try:
                sent = yield awaited
            except BaseException as error:  # noqa: BLE001 - a cancellation belongs to the coroutine, too
                resume: Callable[[], Any] = partial(self._coroutine.throw, error)
            else:
                resume = partial(self._coroutine.send, sent)
            try:
                awaited = resume()
            except StopIteration as done:
                return done.value
