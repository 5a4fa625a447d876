"""What a phase was offered and what came of it: rates, service time beside response time, throughput by tail bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.results import Times
from bench.verdict.percentiles import percentile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.samples import Sample

TAIL_BOUNDS_MS = (1, 5, 10, 50, 100)


def span_s(samples: Sequence[Sample]) -> float:
    """Return the seconds from the first intended start to the last answer, warm-up excluded; 0 without samples."""
    measured = [sample for sample in samples if not sample.warmup]
    if not measured:
        return 0.0
    first = min(sample.intended_ns for sample in measured)
    return (max(sample.intended_ns + sample.latency_ns for sample in measured) - first) / 1e9


def offered_rate(samples: Sequence[Sample]) -> float | None:
    """Return the arrivals a second that were due after the warm-up; None for fewer than two."""
    due = sorted(sample.intended_ns for sample in samples if not sample.warmup)
    if len(due) < 2 or due[-1] == due[0]:
        return None
    return (len(due) - 1) / ((due[-1] - due[0]) / 1e9)


def achieved_rate(samples: Sequence[Sample]) -> float | None:
    """Return the successes a second; None without time."""
    seconds = span_s(samples)
    return sum(sample.ok and not sample.warmup for sample in samples) / seconds if seconds else None


def within(samples: Sequence[Sample]) -> dict[str, float]:
    """Return the successes a second that took at most so many milliseconds, by `TAIL_BOUNDS_MS`; none without time."""
    seconds = span_s(samples)
    if not seconds:
        return {}
    latencies = [sample.latency_ns / 1e6 for sample in samples if sample.ok and not sample.warmup]
    return {f"{bound}": sum(latency <= bound for latency in latencies) / seconds for bound in TAIL_BOUNDS_MS}


def response_times(samples: Iterable[Sample]) -> Times | None:
    """Return what callers waited, from when their request was due; None without a success."""
    return _times([sample.latency_ns for sample in samples if sample.ok and not sample.warmup])


def service_times(samples: Iterable[Sample]) -> Times | None:
    """Return what answers took from when their request was sent; None without a success."""
    return _times([sample.service_ns for sample in samples if sample.ok and not sample.warmup])


def _times(nanoseconds: list[int]) -> Times | None:
    if not nanoseconds:
        return None
    ordered = sorted(nanoseconds)
    p50, p95, p99, p999 = (percentile(ordered, p) / 1e6 for p in (50, 95, 99, 99.9))
    return Times(p50_ms=p50, p95_ms=p95, p99_ms=p99, p999_ms=p999, max_ms=ordered[-1] / 1e6)
