"""Runs that are made up: latencies with a known percentile, slow requests one by one or in rows, noise of a machine."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.verdict.dependence import STALL
from bench.verdict.thresholds import parse_threshold
from bench.verdict.verdicts import judge_quantile

if TYPE_CHECKING:
    from bench.results import Verdict

BOUND_MS = 100.0
BOUND = parse_threshold("latency{task:recipe,cache:hit}", f"p(95)<{BOUND_MS:g}", gated=True)
SLOW_AT_THE_BOUND = 0.05
"""Share of requests slower than the bound, where the bound is the true p95."""


@dataclass(frozen=True, slots=True)
class Case:
    """A service under an open loop.

    Attributes:
        samples: Requests of a run.
        row: How many requests in a row a stall slows.
        slow: True share of requests beyond the bound.
    """

    samples: int
    row: int
    slow: float


def slow_requests(source: np.random.Generator, case: Case) -> np.ndarray:
    """Return which requests of a run are slow: stalls begin at any request, and may overlap.

    The chance of a beginning is such that a share `case.slow` of all requests is slow in the long run.

    Args:
        source: Of randomness.
        case: The service.

    Returns:
        Truth values, `case.samples` of them.
    """
    begins = source.random(case.samples + case.row) < 1 - (1 - case.slow) ** (1 / case.row)
    begun = np.concatenate([[0], np.cumsum(begins)])
    return np.asarray(begun[case.row : case.row + case.samples] > begun[: case.samples])


def judged(case: Case, runs: int, seed: int) -> Counter[Verdict]:
    """Judge so many runs of a service as real ones are judged."""
    source = np.random.default_rng(seed)
    counted: Counter[Verdict] = Counter()
    for _ in range(runs):
        fast = np.minimum(source.lognormal(0.0, 0.5, case.samples), 0.9 * BOUND_MS)
        latencies = np.where(slow_requests(source, case), BOUND_MS * 2.0, fast)
        counted[judge_quantile(BOUND, latencies.tolist(), STALL).verdict] += 1
    return counted
