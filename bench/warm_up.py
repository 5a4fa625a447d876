"""The requests before those that are measured: they load the model, and fill the cache."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.errors import BrokenServiceError, RefusedError, TargetError
from bench.failures import TIMEOUT, failure_kind
from bench.load.credentials import explain_key
from bench.load.request_mix import ALL_TASKS
from bench.load.workload import TASKS

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.interfaces import Observer, Service
    from bench.load.plan import Phase
    from bench.samples import Outcome

WARM_UPS = 3
"""Attempts at the request that loads the model: one failure may be chance, three are not."""


class WarmUp:
    """Ask a service what nobody measures.

    Args:
        target: The service.
        observer: Is told how it goes.
        seed: Names the run's requests.
    """

    def __init__(self, target: Service, observer: Observer, seed: str) -> None:
        self._target = target
        self._observer = observer
        self._seed = seed

    def load_model(self, task: str) -> None:
        """Ask a request of a task that nobody measures, so that the model is in memory for the uncached phases.

        Raises:
            RefusedError: The service wants another key.
            TargetError: It is not reachable any more.
            BrokenServiceError: It answers, but not what was asked.
        """
        self._observer.began("warm-up: model", 1)
        for attempt in range(WARM_UPS):
            answer = self._target.ask(task, f"{self._seed}-warm-up", attempt)
            if not answer["failure"]:
                self._observer.ended(_outcome(answer))
                return
            if answer["status"] in {401, 403}:
                raise RefusedError(f"the warm-up request was refused: {answer['failure']}; {explain_key()}")
            if failure_kind(answer["failure"]) == TIMEOUT:
                break
        times = f"{attempt + 1} times" if attempt else "once"
        message = f"the warm-up request failed {times}: {answer['failure']}"
        if not answer["status"] and failure_kind(answer["failure"]) != TIMEOUT:
            raise TargetError(f"{self._target.url}: {message}")
        raise BrokenServiceError(f"{message}; nothing was measured")

    def prime(self, phase: Phase, answered: Callable[[str], int]) -> Phase:
        """Ask for each known request once, so that a cached phase starts with all of them in the cache.

        They are those that the uncached phase was answered, so this takes milliseconds unless the cache lost them.

        Args:
            phase: The cached phase.
            answered: Returns how many new requests of a task were answered in its uncached phase; 0 without one.

        Returns:
            The phase with as many distinct requests as were asked.

        Raises:
            BrokenServiceError: One of them ran into the deadline, as each of the others would.
        """
        tasks = tuple(TASKS) if phase.task == ALL_TASKS else (phase.task,)
        distinct = min([phase.distinct, *(answered(task) for task in tasks if answered(task))])
        self._observer.began(f"priming: {phase.task}", distinct * len(tasks))
        answers: list[Outcome] = []
        for task, index in itertools.product(tasks, range(distinct)):
            answers.append(answer := self._target.ask(task, self._seed, index))
            self._observer.advanced(len(answers))
            if answer["failure"] and failure_kind(answer["failure"]) == TIMEOUT:
                raise BrokenServiceError(f"a known request of {task} was not answered: {answer['failure']}")
        self._observer.ended(_outcome(answers[-1]))
        return replace(phase, distinct=distinct)


def _outcome(answer: Outcome) -> str:
    if answer["failure"]:
        return f"failed: {answer['failure']}"
    return f"{answer['cache']}, {answer['provider'] or 'unnamed provider'}"
