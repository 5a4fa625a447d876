"""Callers that go on asking different questions."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Self

import httpx

from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

PAUSE_S = 0.01


class Load:
    """Threads that ask one question after the other, each with a connection of its own.

    Args:
        connect: Makes a caller's client of the service.
        path: Of the task.
        questions: Bodies, in turn.
        count: How many callers.

    Attributes:
        statuses: Of all answers.
        errors: What callers got in place of an answer.
    """

    def __init__(
        self, connect: Callable[[], httpx.Client], path: str, questions: Sequence[Any], count: int = 4
    ) -> None:
        self._connect, self._path, self._questions = connect, path, questions
        self.statuses: list[int] = []
        self.errors: list[str] = []
        self._ended = threading.Event()
        self._begun = time.monotonic()
        self._threads = [threading.Thread(target=self._ask, args=(start,)) for start in range(count)]

    def __enter__(self) -> Self:
        self._begun = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def more(self, count: int) -> None:
        """Wait for so many further answers."""
        wanted = len(self.statuses) + count
        until(lambda: len(self.statuses) >= wanted)

    def summary(self) -> str:
        """Tell in a line what callers got so far, and at what rate."""
        rate = len(self.statuses) / (time.monotonic() - self._begun)
        kinds = ", ".join(f"{count} of {status}" for status, count in sorted(Counter(self.statuses).items()))
        return f"{len(self.statuses)} answers at {rate:.0f}/s ({kinds}), {len(self.errors)} errors\n"

    def _ask(self, start: int) -> None:
        with self._connect() as client:
            number = start
            while not self._ended.wait(PAUSE_S):
                number += 1
                try:
                    response = client.post(self._path, json=self._questions[number % len(self._questions)])
                    self.statuses.append(response.status_code)
                except httpx.HTTPError as error:
                    self.errors.append(repr(error))
