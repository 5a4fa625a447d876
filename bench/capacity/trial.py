"""One rate tried: a mix of known and new requests, Poisson arrivals, held to the bounds."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench.capacity.curve import Step
from bench.capacity.usage import read, used
from bench.evidence import rules
from bench.load.arrivals import Stage
from bench.load.plan import NEW_FROM, OpenLoop, Phase
from bench.samples import Sample, read_samples
from bench.verdict.percentiles import percentile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.interfaces import LoadGenerator
    from bench.load.target import Target

WARMUP_SHARE = 0.2
NEW_EACH = 1_000_000
"""Every trial counts its new requests from elsewhere, so that none is known from an earlier one."""


@dataclass(frozen=True, slots=True)
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
    _tried: int = field(default=0)

    def attempt(self, rate: float, hit_ratio: float) -> Step:
        """Try a rate.

        Args:
            rate: Arrivals per second.
            hit_ratio: Share of known requests.

        Raises:
            GeneratorError: The generator failed.
        """
        self._tried += 1
        loop = OpenLoop((Stage(self.seconds, rate, rate),), self.seconds * WARMUP_SHARE, "poisson", self.seed)
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
        with tempfile.TemporaryDirectory(prefix="alchemorsel-capacity-") as folder:
            file = Path(folder) / "samples.jsonl"
            before, began = read(self.target.url, self.target.metrics()), time.perf_counter()
            self.generator.run(phase, file, lambda done: self.tell(f"{what}: {done} of {loop.count} requests"))
            seconds = time.perf_counter() - began
            after = read(self.target.url, self.target.metrics())
            samples, end = read_samples(file)
        record = rules.PhaseRecord(phase, samples, end, self.target.counters())
        busy = end.cpu_ns / 1e9 / self.seconds if end else 0.0
        # The generator takes a moment to start; what it keeps busy is busy during the load.
        shares = used(
            before, after, min(seconds, end.wall_ns / 1e9 if end else seconds), slots=self.slots, generator=busy
        )
        late = rules.is_late(record, self.max_lag_p99_ms) or busy > rules.MAX_BUSY or bool(end and end.dropped)
        return judge(rate, samples, self.bounds, shares, late=late)


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
    failures = sum(not sample.ok for sample in measured) / len(measured) if measured else 1.0
    hits = sorted(sample.latency_ns for sample in measured if sample.ok and sample.cache != "miss")
    misses = sorted(sample.latency_ns for sample in measured if sample.ok and sample.cache == "miss")
    p_ms = percentile(hits, bounds.p) / 1e6 if hits else None
    problems = []
    if not measured or failures > bounds.failures:
        problems.append(f"{failures:.1%} failed")
    if p_ms is not None and p_ms > bounds.hit_ms:
        problems.append(f"p{bounds.p:g} of cached answers {p_ms:,.1f} ms")
    if misses and bounds.miss_ms is not None and percentile(misses, bounds.p) / 1e6 > bounds.miss_ms:
        problems.append(f"p{bounds.p:g} of computed answers {percentile(misses, bounds.p) / 1e6:,.0f} ms")
    if late:
        problems.append("the generator was late")
    kept: bool | None = not problems
    if late:
        kept = None
    return Step(
        rate=rate,
        kept=kept,
        p_ms=p_ms,
        failures=failures,
        samples=len(measured),
        used=shares,
        note="; ".join(problems),
    )
