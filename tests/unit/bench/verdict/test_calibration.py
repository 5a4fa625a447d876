"""Verdicts err as rarely as they say: simulated runs whose true percentile is known, judged as real runs are."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pytest

from bench.results import Verdict
from bench.verdict.percentiles import confidence_ranks
from bench.verdict.thresholds import parse_threshold
from bench.verdict.verdicts import judge
from tests.unit.bench.records import hit, miss
from tools.perf.calibration.simulated import Case, judged, slow_requests

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS, SAMPLES, BOUND_MS = 1000, 150, 100.0
BOUND = parse_threshold("latency{task:recipe,cache:miss}", f"p(95)<{BOUND_MS:g}", gated=True)
"""Of a closed loop, in which samples are taken for what they look like: independent here."""
RATE = parse_threshold("failures{phase:uncached}", "rate<0.05", gated=True)

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
    return Counter(judge(BOUND, [miss(float(latency)) for latency in run]).verdict for run in runs)


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
    good, failed = miss(), miss(failure="HTTP 503", status=503)
    counts = np.random.default_rng(7).binomial(SAMPLES, true_rate, RUNS)
    mixer = np.random.default_rng(8)
    rows = (mixer.permutation([True] * int(count) + [False] * (SAMPLES - int(count))) for count in counts)
    runs = ([failed if bad else good for bad in row] for row in rows)
    share = sum(judge(RATE, run).verdict is verdict for run in runs) / RUNS
    assert least <= share <= most


@pytest.mark.timeout(300)
@pytest.mark.parametrize("samples", [700, 2200])
@pytest.mark.parametrize("row", [1, 5, 20])
def test_slow_requests_in_rows_at_the_bound_pass_or_fail_in_at_most_5_percent_of_runs(samples: int, row: int) -> None:
    """One stall slows many requests: they are one witness, also where by luck none was seen."""
    counted = judged(Case(samples, row, 0.05), RUNS // 2, seed=21)
    assert counted[Verdict.PASS] <= 0.05 * RUNS / 2
    assert counted[Verdict.FAIL] <= 0.05 * RUNS / 2


def test_taken_for_independent_rows_of_20_would_pass_in_nearly_half_of_the_runs() -> None:
    """What the rows are counted for."""
    source, (_, upper) = np.random.default_rng(21), confidence_ranks(95, 700)
    assert upper is not None
    passed = sum(700 - int(slow_requests(source, Case(700, 20, 0.05)).sum()) >= upper for _ in range(RUNS))
    assert passed >= 0.4 * RUNS


@pytest.mark.parametrize(
    ("row", "slow", "expected"), [(1, 0.005, Verdict.PASS), (5, 0.15, Verdict.FAIL), (20, 0.2, Verdict.FAIL)]
)
def test_rows_far_from_the_bound_are_decided(row: int, slow: float, expected: Verdict) -> None:
    """Caution alone would be worthless: from the lab's 2,200 samples nine runs of ten are told."""
    counted = judged(Case(2200, row, slow), 200, seed=22)
    assert counted[expected] >= 0.9 * 200
    assert counted[expected] + counted[Verdict.INCONCLUSIVE] == 200


def test_an_open_loop_without_a_slow_request_passes_from_1169_on() -> None:
    """58.4 stalls of 20 that were none, since 0.95^58.4 is 5 %; of fewer the note says how many more would do."""
    bound = parse_threshold("latency{task:recipe,cache:hit}", "p(95)<100", gated=True)
    few, enough = (judge(bound, [hit(2.0)] * count) for count in (700, 1169))
    assert (few.verdict, enough.verdict) == (Verdict.INCONCLUSIVE, Verdict.PASS)
    told = "more samples would decide, 1169 in all, if they are like these (20 in a row count as one)"
    assert few.note == f"469 {told}"
    assert (few.independent, enough.independent) == (35, 58.45)


def test_failures_in_a_row_prove_no_low_rate_but_break_a_bound() -> None:
    """One outage of 10 requests in 1,000 may happen three times next time; one of 100 is no chance."""
    bad, good = miss(failure="HTTP 503", status=503), miss()
    assert judge(RATE, [bad if number % 100 == 0 else good for number in range(1000)]).verdict is Verdict.PASS
    assert judge(RATE, [good] * 500 + [bad] * 10 + [good] * 490).verdict is Verdict.INCONCLUSIVE
    assert judge(RATE, [good] * 500 + [bad] * 100 + [good] * 400).verdict is Verdict.FAIL
