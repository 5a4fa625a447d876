"""The phases of a run: what is asked of which task, and by which arrival process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.load.workload import TASKS

if TYPE_CHECKING:
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


@dataclass(frozen=True, slots=True)
class OpenLoop:
    """Constant arrivals that wait for nobody; latency counts from the intended start.

    Attributes:
        rate: Arrivals per second.
        seconds: Duration, warm-up included.
        warmup_seconds: Arrivals due in the first so many seconds are warm-up.
    """

    rate: float
    seconds: float
    warmup_seconds: float

    @property
    def count(self) -> int:
        """Number of arrivals."""
        return int(self.rate * self.seconds)


@dataclass(frozen=True, slots=True)
class Phase:
    """One run of the generator.

    Attributes:
        name: ``uncached`` or ``cached``.
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
    opened = OpenLoop(load.cached_rate, load.cached_seconds, load.cached_warmup_seconds)
    distinct = min(load.uncached_samples, 8)
    return [
        *(Phase("uncached", task, closed, distinct) for task in TASKS),
        *(Phase("cached", task, opened, distinct) for task in TASKS),
    ]
