"""Common requests, answered before anybody asks them."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ai_service.errors import HTTPError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ai_service.answers.answer_computer import AnswerComputer
    from ai_service.resilience.idle_queue import IdleQueue
    from ai_service.tasks import Task
    from ai_service.tasks.request_parser import ParsedRequest, RequestParser

logger = logging.getLogger(__name__)

WarmupRequests = dict[str, list[dict[str, Any]]]
"""Bodies of requests by the task's name."""

COMMON: WarmupRequests = {
    "recipe": [
        {"prompt": prompt}
        for prompt in ("spaghetti carbonara", "chicken curry", "vegetable soup", "pancakes", "chocolate cake")
    ],
    "ingredients": [
        {"partial": partial} for partial in (["tomato", "basil"], ["chicken", "rice"], ["pasta", "garlic"])
    ],
    "nutrition": [{"ingredients": given} for given in (["2 eggs"], ["100 g rice"], ["1 apple"], ["100 g chicken"])],
}
ATTEMPTS = 5
"""Times that a request is offered again after giving way to a caller."""


class WarmupReport(msgspec.Struct):
    """Progress of the last warm-up of this instance.

    Attributes:
        planned: Number of requests.
        done: Requests that were answered.
        skipped: Requests whose answer was cached already.
        failed: Requests without an answer.
    """

    covers: Literal["instance"] = "instance"
    running: bool = False
    planned: int = 0
    done: int = 0
    skipped: int = 0
    failed: int = 0


class Warmup:
    """Have requests answered in the background, one at a time with a pause after each call of the model.

    Args:
        tasks: Each task with the reader of its requests.
        computer: Computes the answers.
        background: Finds the moments in which no caller waits.
        pause_s: Seconds between two calls.
    """

    def __init__(
        self,
        tasks: Sequence[tuple[Task, RequestParser]],
        computer: AnswerComputer,
        background: IdleQueue,
        *,
        pause_s: float,
    ) -> None:
        self._tasks = {task.name: (task, reader) for task, reader in tasks}
        self._computer = computer
        self._background = background
        self._pause_s = pause_s
        self._running: asyncio.Task[None] | None = None
        self.report = WarmupReport()

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the tasks that can be warmed up."""
        return tuple(self._tasks)

    def start(self, requests: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Begins, unless a warm-up is under way.

        Args:
            requests: Bodies of requests by the task's name.

        Raises:
            InvalidRequest: A request is wrong; nothing was begun.
            UnprocessableRequest: A request is impossible; nothing was begun.
        """
        planned = [
            (self._tasks[name][0], self._tasks[name][1].read(msgspec.json.encode(body)))
            for name, bodies in requests.items()
            for body in bodies
        ]
        if self._running is None or self._running.done():
            self.report = WarmupReport(running=True, planned=len(planned))
            self._running = asyncio.create_task(self._run(planned))

    def start_configured(self, requests: WarmupRequests) -> None:
        """Begin at the service's start; a wrong one is logged, since nobody waits for an answer."""
        try:
            self.start(requests)
        except HTTPError as error:
            logger.error("no warm-up: %s", error)  # noqa: TRY400 - expected, no traceback

    async def stop(self) -> None:
        """Cancel a running warm-up."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def _run(self, planned: Sequence[tuple[Task, ParsedRequest]]) -> None:
        try:
            for task, parsed in planned:
                outcome = await self._answer(task, parsed)
                if outcome == "skipped":
                    self.report.skipped += 1
                    continue
                self.report.done += outcome == "done"
                self.report.failed += outcome != "done"
                await asyncio.sleep(self._pause_s)
        finally:
            self.report.running = False
            report = self.report
            logger.info("warm-up: %d answered, %d known, %d failed", report.done, report.skipped, report.failed)

    async def _answer(self, task: Task, parsed: ParsedRequest) -> str:
        """How it ended; what gave way to a caller is offered again."""
        work = partial(self._computer.refresh, task, parsed, purpose="warmup")
        outcome = "skipped"
        for _ in range(ATTEMPTS):
            ended = self._background.offer(f"warmup:{task.name}:{parsed.digest}", "warmup", task.name, work)
            if ended is None:
                return "failed"
            outcome = await ended
            if outcome not in {"yielded", "expired"}:
                break
        return outcome
