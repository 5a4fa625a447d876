"""The phases of a run: what is asked of which task, and by which arrival process."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from bench.load.arrivals import Stage, arrivals
from bench.load.workload import TASKS

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKLOADS = ("uncached", "cached", "mixed", "zipf", "herd", "stream", "cold")
"""What a profile may run, in this order.

- ``uncached``: every request is new
- ``cached``: a few that were asked before, in turn
- ``mixed``: the same, with a share of new ones among them, all tasks
- ``zipf``: drawn from a catalogue, some far more often than others, as people ask; nothing of it is cached before
- ``herd``: the same new one from many people at once
- ``stream``: new ones, answered as server-sent events: time to the first token, and between tokens
- ``cold``: new ones, each after Ollama was told to unload the model: time to load it
"""

NEW_FROM = 1_000_000
"""Where the new requests of a mixed phase are counted from, far from those that are known."""

KNOWN = 8
"""How many known requests of a task a cached phase asks, at most."""

CLOSED = frozenset({"uncached", "stream", "cold"})
"""Workloads in which the next request waits for the answer to the one before."""

ASKS_AGAIN = frozenset({"uncached", "cached", "mixed"})


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
class Herds:
    """Many people who ask the same at once; the next herd comes when the one before is answered.

    Attributes:
        people: In each herd.
        herds: How many there are.
        max_seconds: No further herd comes after this.
    """

    people: int
    herds: int
    max_seconds: float

    @property
    def count(self) -> int:
        """Number of requests."""
        return self.people * self.herds


@dataclass(frozen=True, slots=True)
class Phase:
    """One run of the generator, or a sequential one.

    Attributes:
        name: The workload; one of `WORKLOADS`.
        task: A task of the service, or `bench.load.request_mix.ALL_TASKS`.
        arrivals: How requests arrive.
        distinct: cached, mixed: so many known requests are asked, those that were asked first.
        catalogue: zipf: how many requests there are.
        exponent: zipf: how unevenly they are asked.
        new_share: mixed: share of new requests.
        new_from: mixed: where these are counted from.
        seed: Names the requests, and gives random arrivals.
    """

    name: str
    task: str
    arrivals: ClosedLoop | OpenLoop | Herds
    distinct: int = KNOWN
    catalogue: int = 0
    exponent: float = 0.0
    new_share: float = 0.0
    new_from: int = NEW_FROM
    seed: str = ""

    def seeded(self, seed: str) -> Phase:
        """Return the phase with the requests and arrivals of a seed."""
        arrivals = self.arrivals
        if isinstance(arrivals, OpenLoop):
            arrivals = replace(arrivals, seed=seed)
        return replace(self, arrivals=arrivals, seed=seed)


@dataclass(frozen=True, slots=True)
class Load:
    """How much a profile sends.

    Attributes:
        uncached: Of each task's uncached phase.
        cached: Of each task's cached phase.
        max_lag_p99_ms: The generator's bound: p99 of actual minus intended start, in milliseconds.
        more: Further phases, not seeded yet.
    """

    uncached: ClosedLoop
    cached: OpenLoop
    max_lag_p99_ms: float
    more: tuple[Phase, ...] = ()

    @property
    def workloads(self) -> tuple[str, ...]:
        """The names of its workloads."""
        return ("uncached", "cached", *(phase.name for phase in self.more))


def plan(load: Load, seed: str) -> list[Phase]:
    """Return the phases of a run: uncached for each task, then cached for each task, then what else there is.

    Cached and mixed phases ask again what uncached ones asked, so these have the run's seed; the others ask nothing
    that anybody asked before.

    Args:
        load: The profile's.
        seed: The run's.
    """
    distinct = min(load.uncached.count, KNOWN)
    return [
        *(Phase("uncached", task, load.uncached, distinct).seeded(seed) for task in TASKS),
        *(Phase("cached", task, load.cached, distinct).seeded(seed) for task in TASKS),
        *(replace(phase, distinct=distinct).seeded(own_seed(phase, seed)) for phase in load.more),
    ]


def own_seed(phase: Phase, seed: str, attempt: int = 1) -> str:
    """Return the seed of a phase.

    Args:
        phase: The phase.
        seed: The run's.
        attempt: A later attempt of a phase that asks what is new must not find its own former answers.
    """
    if phase.name in ASKS_AGAIN:
        return seed
    return f"{seed}-{phase.name}-{attempt}"


def describe_arrivals(phase: Phase) -> str:
    """Return in words how the requests of a phase arrive."""
    arrivals = phase.arrivals
    if isinstance(arrivals, ClosedLoop):
        return f"closed loop, 1 user, {arrivals.count} new requests"
    if isinstance(arrivals, Herds):
        return f"{arrivals.herds} herds of {arrivals.people} who ask the same new request at once"
    stages = ", then ".join(map(_describe_stage, arrivals.stages))
    asked = f"over {phase.distinct} known requests"
    if phase.name == "zipf":
        asked = f"drawn from {phase.catalogue} with Zipf's exponent {phase.exponent:g}"
    elif phase.name == "mixed":
        asked += f" a task, {phase.new_share:.1%} new ones among them"
    return f"open loop, {arrivals.process} arrivals, {stages} {asked}"


def _describe_stage(stage: Stage) -> str:
    rate = f"{stage.start:g}" if stage.start == stage.end else f"{stage.start:g} to {stage.end:g}"
    return f"{rate}/s for {stage.seconds:g} s"
