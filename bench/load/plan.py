"""The phases of a run: what is asked of which task, and by which arrival process."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from bench.load.arrivals import Stage, arrivals
from bench.load.workload import TASKS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.verdict.slo import Load


@dataclass(frozen=True, slots=True)
class ClosedLoop:
    """One user who asks again as soon as the answer is there.

    Attributes:
        count: Requests to send.
        max_seconds: No further request is started after this.
    """

    count: int
    max_seconds: float


@dataclass(frozen=True)
class OpenLoop:
    """Arrivals that wait for nobody; latency counts from the intended start.

    Attributes:
        stages: Rates over time, warm-up included.
        warmup_seconds: Arrivals due in the first so many seconds are warm-up.
        process: How arrivals are spaced; one of `bench.load.arrivals.PROCESSES`.
        seed: Of the spacing, where that is random.
    """

    stages: tuple[Stage, ...]
    warmup_seconds: float
    process: str = "constant"
    seed: str = ""

    @classmethod
    def steady(cls, rate: float, seconds: float, warmup_seconds: float) -> OpenLoop:
        """Return constant arrivals of one rate.

        Args:
            rate: Arrivals per second.
            seconds: Duration, warm-up included.
            warmup_seconds: How much of it is warm-up.
        """
        return cls((Stage(seconds, rate, rate),), warmup_seconds)

    @property
    def seconds(self) -> float:
        """Duration, warm-up included."""
        return sum(stage.seconds for stage in self.stages)

    @cached_property
    def count(self) -> int:
        """Number of arrivals."""
        return sum(1 for _ in self.share(0, 1))

    def share(self, part: int, parts: int) -> Iterator[tuple[int, int]]:
        """Yield (number, intended start in nanoseconds) of one generator process's arrivals.

        Every process draws the same schedule and takes every so many-th arrival, so that all together they send it
        exactly once.

        Args:
            part: Number of the process, from 0.
            parts: How many there are.
        """
        return itertools.islice(enumerate(arrivals(self.stages, self.process, self.seed)), part, None, parts)


@dataclass(frozen=True, slots=True)
class Phase:
    """One run of the generator.

    Attributes:
        name: The workload; one of `bench.load.picks.WORKLOADS`.
        task: The service's task.
        arrivals: How requests arrive.
        distinct: A cached phase goes round this many requests, those that were asked first.
    """

    name: str
    task: str
    arrivals: ClosedLoop | OpenLoop
    distinct: int


def plan(load: Load) -> list[Phase]:
    """Return the phases of a run: uncached for each task, then cached for each task."""
    closed = ClosedLoop(load.uncached_samples, load.uncached_max_seconds)
    opened = OpenLoop.steady(load.cached_rate, load.cached_seconds, load.cached_warmup_seconds)
    distinct = min(load.uncached_samples, 8)
    return [
        *(Phase("uncached", task, closed, distinct) for task in TASKS),
        *(Phase("cached", task, opened, distinct) for task in TASKS),
    ]
