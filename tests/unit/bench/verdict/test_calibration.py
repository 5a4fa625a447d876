"""Verdicts err as rarely as they say: simulated runs whose true percentile is known, judged as real runs are."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pytest

from bench.results import Verdict
from bench.verdict.thresholds import parse_threshold
from bench.verdict.verdicts import judge
from tests.unit.bench.records import hit

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS, SAMPLES, BOUND_MS = 1000, 150, 100.0
BOUND = parse_threshold("latency{task:recipe,cache:hit}", f"p(95)<{BOUND_MS:g}", gated=True)
RATE = parse_threshold("failures{phase:cached}", "rate<0.05", gated=True)

Draw: TypeAlias = "Callable[[np.random.Generator, int], np.ndarray]"


def lognormal(source: np.random.Generator, count: int) -> np.ndarray:
    """One hump with a long tail, as a service under light load has."""
    return source.lognormal(0.0, 0.8, count)


def exponential(source: np.random.Generator, count: int) -> np.ndarray:
    """Draw the times of a single queue under random arrivals."""
    return source.exponential(1.0, count)


def two_humps(source: np.random.Generator, count: int) -> np.ndarray:
    """Nine in ten from memory, the others a hundred times slower; p95 lies in the middle of the second hump."""
    return np.where(source.random(count) < 0.9, 0.01, 1.0) * source.lognormal(0.0, 0.1, count)


def verdicts(draw: Draw, seed: int, true_p95_ms: float) -> Counter[Verdict]:
    """Judge simulated runs of a service whose true p95 is so many milliseconds."""
    source = np.random.default_rng(seed)
    p95 = float(np.quantile(draw(source, 4_000_000), 0.95))
    runs = (draw(source, SAMPLES) / p95 * true_p95_ms for _ in range(RUNS))
    return Counter(judge(BOUND, [hit(float(latency)) for latency in run]).verdict for run in runs)


@pytest.mark.parametrize("draw", [lognormal, exponential, two_humps])
def test_a_true_p95_at_the_bound_passes_in_at_most_5_percent_of_runs(draw: Draw) -> None:
    """Nor does it fail in more: whoever stands on the line is told that it cannot be decided."""
    counted = verdicts(draw, seed=95, true_p95_ms=BOUND_MS)
    assert counted[Verdict.PASS] <= 0.05 * RUNS
    assert counted[Verdict.FAIL] <= 0.05 * RUNS
    assert counted[Verdict.INCONCLUSIVE] >= 0.9 * RUNS


@pytest.mark.parametrize("draw", [lognormal, exponential])
@pytest.mark.parametrize(("true_p95_ms", "expected"), [(50.0, Verdict.PASS), (200.0, Verdict.FAIL)])
def test_a_true_p95_far_from_the_bound_is_decided(draw: Draw, true_p95_ms: float, expected: Verdict) -> None:
    """Half or twice the bound is told in nine runs of ten, and never the wrong way."""
    counted = verdicts(draw, seed=5, true_p95_ms=true_p95_ms)
    assert counted[expected] >= 0.9 * RUNS
    assert counted[expected] + counted[Verdict.INCONCLUSIVE] == RUNS


@pytest.mark.parametrize(
    ("true_rate", "verdict", "most", "least"),
    [(0.05, Verdict.PASS, 0.05, 0.0), (0.05, Verdict.FAIL, 0.05, 0.0), (0.005, Verdict.PASS, 1.0, 0.9)],
)
def test_failure_rates_are_as_well_calibrated(true_rate: float, verdict: Verdict, most: float, least: float) -> None:
    """At the bound hardly ever PASS or FAIL, a tenth of it nearly always PASS."""
    good, failed = hit(), hit(failure="HTTP 503", status=503)
    counts = np.random.default_rng(7).binomial(SAMPLES, true_rate, RUNS)
    runs = ([failed] * int(count) + [good] * (SAMPLES - int(count)) for count in counts)
    share = sum(judge(RATE, run).verdict is verdict for run in runs) / RUNS
    assert least <= share <= most
