"""Goodput counts answers that were of use, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bench.verdict.goodput import goodput
from bench.verdict.thresholds import parse_threshold
from tests.unit.bench.records import hit, miss

if TYPE_CHECKING:
    from bench.samples import Sample

HIT = parse_threshold("latency{task:recipe,cache:hit}", "p(95)<100", gated=True)
MEDIAN = parse_threshold("latency{task:recipe,cache:hit}", "p(50)<5", gated=True)
FAILURES = parse_threshold("failures{phase:cached}", "rate<0.01", gated=True)


def due(second: int, latency_ms: float = 10.0, **changes: Any) -> Sample:
    """Return a hit that was due in that second of the phase."""
    return hit(latency_ms, intended_ns=second * 10**9, **changes)


def test_late_failed_and_degraded_answers_are_of_no_use() -> None:
    """Ten were due in ten seconds; one was late, one refused, one a fallback: seven are left."""
    samples = [due(second) for second in range(7)]
    samples += [due(7, 100.0), due(8, failure="HTTP 503"), due(9, latency_ms=1000.0, degraded=True)]
    assert goodput(samples, [HIT, FAILURES]) == pytest.approx(0.7)


def test_the_widest_bound_of_a_scope_counts() -> None:
    """An answer slower than the median's bound is still within that of p95."""
    assert goodput([due(0), due(1, 1000.0)], [MEDIAN, HIT]) == pytest.approx(0.5)


def test_the_warm_up_is_neither_counted_nor_timed() -> None:
    """Time starts with the first request that counts."""
    samples = [due(0, warmup=True), due(5), due(6, 1000.0)]
    assert goodput(samples, [HIT]) == pytest.approx(0.5)


def test_without_a_bound_there_is_no_goodput() -> None:
    """Uncached answers are not held to the cached bound."""
    assert goodput([miss()], [HIT]) is None
    assert goodput([], [HIT]) is None
