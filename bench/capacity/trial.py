"""One rate tried: a mix of known and new requests, Poisson arrivals, held to the bounds."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from bench.capacity.curve import Step
from bench.capacity.usage import read, used
from bench.evidence import rules
from bench.evidence.settling import settle
from bench.failures import count_failures, describe_failures
from bench.load.arrivals import Stage
from bench.load.plan import NEW_FROM, OpenLoop, Phase
from bench.samples import read_samples
from bench.verdict.percentiles import percentile, samples_needed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bench.interfaces import LoadGenerator
    from bench.load.target import Target
    from bench.samples import Sample

WARMUP_SHARE = 0.2
NEW_EACH = 1_000_000
"""Every trial counts its new requests from elsewhere, so that none is known from an earlier one."""


MOST_SECONDS = 60.0
"""No trial is longer: a rate at which the samples that a bound needs take longer is not told."""

FEWEST_HITS = 5
"""That a short trial has to have: three of five slow ones are one in a thousand where one in twenty is slow."""

MANY_FAILURES = 10
"""Times the bound: five failed requests of 49, or more, are one in 7,500 where one in a hundred fails."""


@dataclass(frozen=True)
class Bounds:
    """What a rate has to keep.

    Attributes:
        p: The percentile that is judged.
        hit_ms: Bound of answers from the cache, in milliseconds.
        miss_ms: Bound of computed answers; None where the profile gates none.
        failures: Greatest share of failed requests.
    """

    p: float
    hit_ms: float
    miss_ms: float | None
    failures: float

    @cached_property
    def samples(self) -> int:
        """The fewest samples by which both could be proven, if none of them were slow or failed."""
        return max(samples_needed(self.p, 1, 1) or 0, samples_needed(self.failures * 100, 1, 0) or 0)

    def __str__(self) -> str:
        misses = f", of computed ones <= {self.miss_ms:g} ms" if self.miss_ms is not None else ""
        return f"p{self.p:g} of cached answers <= {self.hit_ms:g} ms{misses}, failures <= {self.failures:.0%}"


@dataclass(slots=True)
class Trials:
    """Tries rates at one hit ratio.

    Attributes:
        target: The service; its known requests are in the cache.
        generator: Makes the load.
        task: The service's task.
        seed: Names the known requests.
        distinct: How many these are.
        bounds: What has to be kept.
        seconds: Of each trial, warm-up included.
        slots: Requests that Ollama serves side by side.
        max_lag_p99_ms: How late the generator may be.
        tell: Is told how far a trial is.
        file: Where the samples of a trial lie meanwhile.
    """

    target: Target
    generator: LoadGenerator
    task: str
    seed: str
    distinct: int
    bounds: Bounds
    seconds: float
    slots: int
    max_lag_p99_ms: float
    tell: Callable[[str], None]
    file: Path
    _tried: int = field(default=0)

    def attempt(self, rate: float, hit_ratio: float) -> Step:
        """Try a rate, for as long as it takes to send the samples that the bounds need, or to see it broken.

        Args:
            rate: Arrivals per second.
            hit_ratio: Share of known requests.

        Raises:
            GeneratorError: The generator failed.
        """
        needed = self._seconds(rate)
        if needed > self.seconds:
            short, samples = self._try(rate, hit_ratio, self.seconds)
            if is_beyond_doubt(short, samples, self.bounds):
                return short
        return self._try(rate, hit_ratio, needed)[0]

    def _try(self, rate: float, hit_ratio: float, seconds: float) -> tuple[Step, Sequence[Sample]]:
        self._tried += 1
        loop = OpenLoop((Stage(seconds, rate, rate),), seconds * WARMUP_SHARE, "poisson", self.seed)
        phase = Phase(
            "mixed",
            self.task,
            loop,
            self.distinct,
            new_share=1 - hit_ratio,
            new_from=NEW_FROM + self._tried * NEW_EACH,
            seed=self.seed,
        )
        what = f"{hit_ratio:.1%} hits, {rate:,.0f}/s"
        counted = self.target.counters()
        before, began = read(self.target.url, self.target.metrics()), time.perf_counter()
        self.file.unlink(missing_ok=True)
        self.generator.run(phase, self.file, lambda done: self.tell(f"{what}: {done} of {loop.count} requests"))
        took = time.perf_counter() - began
        after = read(self.target.url, self.target.metrics())
        samples, end = read_samples(self.file)
        self.file.unlink(missing_ok=True)
        record = settle(rules.PhaseRecord(phase, samples, end), lambda: self.target.counters().since(counted))
        busy = end.cpu_ns / 1e9 / seconds if end else 0.0
        # The generator takes a moment to start; what it keeps busy is busy during the load.
        shares = used(before, after, min(took, end.wall_ns / 1e9 if end else took), slots=self.slots, generator=busy)
        late = rules.is_late(record, self.max_lag_p99_ms) or busy > rules.MAX_BUSY
        step = judge(rate, samples, self.bounds, shares, late=late)
        findings = rules.examine(record, self.max_lag_p99_ms)
        broken = [
            f"{what}: it does not hold that {finding.rule} ({finding.detail})"
            for finding in findings
            if not finding.holds and finding.rule not in rules.OF_THE_GENERATOR
        ]
        return msgspec.structs.replace(step, unproven=broken), samples

    @property
    def least(self) -> float:
        """The lowest rate at which a trial sends the samples that the bounds need."""
        return self.bounds.samples / (max(self.seconds, MOST_SECONDS) * (1 - WARMUP_SHARE)) * 1.1

    def _seconds(self, rate: float) -> float:
        needed = self.bounds.samples / rate / (1 - WARMUP_SHARE)
        # Poisson arrivals: a tenth more, so that hardly ever too few come.
        return max(self.seconds, min(1.1 * needed, MOST_SECONDS))


def is_beyond_doubt(step: Step, samples: Sequence[Sample], bounds: Bounds) -> bool:
    """Return whether a short trial shows that a rate is broken: half of the hits too slow, or failures far too many."""
    measured = [sample for sample in samples if not sample.warmup]
    failed = sum(not sample.ok for sample in measured)
    if failed >= FEWEST_HITS and failed > MANY_FAILURES * bounds.failures * len(measured):
        return True
    hits = sorted(sample.latency_ns for sample in samples if sample.ok and not sample.warmup and sample.cache != "miss")
    return step.kept is False and len(hits) >= FEWEST_HITS and percentile(hits, 50) / 1e6 > bounds.hit_ms


def judge(rate: float, samples: Sequence[Sample], bounds: Bounds, shares: dict[str, float], *, late: bool) -> Step:
    """Hold a trial to the bounds, by what was measured.

    Args:
        rate: That was tried.
        samples: Of the trial.
        bounds: To be kept.
        shares: Busy shares of the resources meanwhile.
        late: Whether the generator did not keep up, so that a broken bound may be its own.
    """
    measured = [sample for sample in samples if not sample.warmup]
    kinds = count_failures(measured)
    failures = sum(kinds.values()) / len(measured) if measured else 1.0
    hits = sorted(sample.latency_ns for sample in measured if sample.ok and sample.cache != "miss")
    misses = sorted(sample.latency_ns for sample in measured if sample.ok and sample.cache == "miss")
    p_ms = percentile(hits, bounds.p) / 1e6 if hits else None
    problems = []
    if failed := not measured or failures > bounds.failures:
        problems.append(f"{failures:.1%} failed" + (f": {describe_failures(kinds)}" if kinds else ""))
    if p_ms is not None and p_ms > bounds.hit_ms:
        problems.append(f"p{bounds.p:g} of cached answers {p_ms:,.1f} ms")
    if misses and bounds.miss_ms is not None and percentile(misses, bounds.p) / 1e6 > bounds.miss_ms:
        problems.append(f"p{bounds.p:g} of computed answers {percentile(misses, bounds.p) / 1e6:,.0f} ms")
    kept: bool | None = not problems
    if kept and len(measured) < bounds.samples:
        kept = None
        problems.append(f"too few samples: {len(measured)}, the bounds need {bounds.samples}")
    if late:
        kept = None
        problems.append("the generator was late")
    return Step(
        rate=rate,
        kept=kept,
        p_ms=p_ms,
        failures=failures,
        samples=len(measured),
        used=shares,
        note="; ".join(problems),
        limited=late,
        failed=failed,
    )
