"""Which request is sent as the n-th of a phase: the workloads.

A pick depends on its number alone, so several generator processes that share a schedule send, all together, what one
would send alone.
"""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.load.plan import NEW_FROM
from bench.load.workload import TASKS

if TYPE_CHECKING:
    from collections.abc import Sequence

GENERATED = ("cached", "uncached", "zipf", "herd", "mixed")
"""Workloads (`bench.load.plan.WORKLOADS`) whose load is Locust's."""

ALL_TASKS = "all"
"""In place of a task: all of them in turn."""

_AT_A_TIME = 4096
_NEW = -1
"""In place of a known request."""


def zipf_shares(catalogue: int, exponent: float) -> list[float]:
    """Return how often each item of a catalogue is asked for, as shares of all requests, most popular first.

    The k-th most popular is asked in proportion to ``1 / k ** exponent`` (G. K. Zipf, 1949; what people ask of caches
    has exponents of 0.6 to 1.0: L. Breslau et al., Web Caching and Zipf-like Distributions, INFOCOM 1999).

    Args:
        catalogue: Number of items, at least 1.
        exponent: 0 asks all alike.
    """
    weights = [rank**-exponent for rank in range(1, catalogue + 1)]
    total = sum(weights)
    return [weight / total for weight in weights]


@dataclass(slots=True)
class RequestMix:
    """The picks of one phase.

    Attributes:
        workload: One of `GENERATED`.
        task: A key of `TASKS`, or `ALL_TASKS`.
        seed: Of whatever is random; the same seed picks the same.
        distinct: How many known requests a task has.
        catalogue: How many requests a Zipf mix knows.
        exponent: Its exponent.
        new_share: Share of new requests in a mixed phase, 0 to 1.
        new_from: Index of the first of these.
        known_exponent: Zipf's exponent of the known requests of a mixed phase; 0 asks them in turn.
    """

    workload: str
    task: str = ALL_TASKS
    seed: str = ""
    distinct: int = 8
    catalogue: int = 100
    exponent: float = 1.0
    new_share: float = 0.0
    new_from: int = NEW_FROM
    known_exponent: float = 0.0
    _drawn: list[int] = field(default_factory=list)
    _tasks: Sequence[str] = ()
    _cumulative: Sequence[float] = ()
    _random: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        self._tasks = tuple(TASKS) if self.task == ALL_TASKS else (self.task,)
        self._random.seed(f"picks {self.seed}")
        if self.workload == "zipf":
            self._cumulative = list(itertools.accumulate(zipf_shares(self.catalogue, self.exponent)))
        elif self.workload == "mixed" and self.known_exponent:
            self._cumulative = list(itertools.accumulate(zipf_shares(self.distinct, self.known_exponent)))

    def pick(self, number: int) -> tuple[str, int]:
        """Return (task, index) of a request.

        Args:
            number: Of the request in the phase, from 0; of the herd, where many ask the same.
        """
        turn, place = divmod(number, len(self._tasks))
        task = self._tasks[place]
        if self.workload == "cached":
            return task, turn % self.distinct
        if self.workload == "zipf":
            return task, self._draw(number)
        if self.workload == "mixed":
            drawn = self._draw(number)
            if drawn == _NEW:
                return task, self.new_from + turn
            return task, drawn if self._cumulative else turn % self.distinct
        return task, turn

    def _draw(self, number: int) -> int:
        while number >= len(self._drawn):
            is_new = [self.workload == "mixed" and self._random.random() < self.new_share for _ in range(_AT_A_TIME)]
            known = [0] * _AT_A_TIME
            if self._cumulative:
                population = range(len(self._cumulative))
                known = self._random.choices(population, cum_weights=self._cumulative, k=_AT_A_TIME)
            self._drawn += [_NEW if new else index for new, index in zip(is_new, known, strict=True)]
        return self._drawn[number]
