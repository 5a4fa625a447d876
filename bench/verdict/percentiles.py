"""Percentiles of raw samples, and what can be said about the true percentile from that many samples.

Percentile here means *nearest rank*: of n sorted samples, the p-th percentile is the one at rank ceil(p / 100 * n),
counted from 1. It is always a latency that really happened; nothing is interpolated, bucketed or rounded.

The confidence bounds are those of order statistics: how many of n independent samples lie below the true p-quantile is
binomial(n, p / 100), whatever the distribution of latencies is. (W. J. Conover, Practical Nonparametric Statistics,
3rd edition, section 3.2.) Samples of one run are not perfectly independent, so the bounds are rather too narrow than
too wide.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Number = TypeVar("Number", int, float)

ALPHA = 0.05
"""Accepted probability of a wrong PASS, and of a wrong FAIL (each one-sided)."""

MAX_SAMPLES = 100_000
"""Where `samples_needed` stops looking: beyond this a larger run is not the answer."""


def rank(p: float, n: int) -> int:
    """Return the rank, from 1, of the p-th percentile among n samples.

    The product is taken exactly: in floating point 99.9 % of 1,000 is a little over 999, which would round up to the
    maximum.

    Args:
        p: Percentile, 0 < p <= 100.
        n: Number of samples, at least 1.

    Raises:
        ValueError: p or n is out of range.
    """
    if not 0 < p <= 100:
        raise ValueError(f"percentile {p} is not above 0 and at most 100")
    if n < 1:
        raise ValueError("no samples, so no percentile")
    return math.ceil(Fraction(str(p)) * n / 100)


def percentile(ordered: Sequence[Number], p: float) -> Number:
    """Return the nearest-rank percentile of samples sorted in ascending order.

    Args:
        ordered: The samples, sorted; any unit.
        p: Percentile, 0 < p <= 100.

    Raises:
        ValueError: There are no samples, or p is out of range.
    """
    return ordered[rank(p, len(ordered)) - 1]


def cumulative_binomial(n: int, q: float) -> Iterator[float]:
    """Yield P(X <= k) for k = 0..n, X being the number of successes in n trials of probability q (0 < q < 1)."""
    log_q, log_not_q, log_n_factorial = math.log(q), math.log1p(-q), math.lgamma(n + 1)
    total = 0.0
    for k in range(n + 1):
        log_ways = log_n_factorial - math.lgamma(k + 1) - math.lgamma(n - k + 1)
        total += math.exp(log_ways + k * log_q + (n - k) * log_not_q)
        yield min(total, 1.0)


def confidence_ranks(p: float, n: int, alpha: float = ALPHA) -> tuple[int | None, int | None]:
    """Return the ranks, from 1, of the samples that bound the true p-quantile.

    With probability at least 1 - alpha the true quantile is not below the sample at the lower rank, and with the same
    probability it is not above the one at the upper rank.

    Args:
        p: Percentile, 0 < p < 100.
        n: Number of samples, at least 1.
        alpha: Accepted probability of error, one-sided.

    Returns:
        (lower, upper); None on a side that so few samples cannot bound (59 are needed to bound p95 from above).
    """
    lower: int | None = None
    upper: int | None = None
    for k, below in enumerate(cumulative_binomial(n, p / 100)):
        if below <= alpha and k + 1 <= n:
            lower = k + 1
        if below >= 1 - alpha:
            upper = k + 1 if k + 1 <= n else None
            break
    return lower, upper


@lru_cache(maxsize=1024)  # whoever judges many runs asks the same again
def samples_needed(p: float, n: int, below: int) -> int | None:
    """Return how many samples in all would decide whether the p-quantile is below a bound, at the present share.

    Args:
        p: Percentile, 0 < p < 100.
        n: Number of samples there are, at least 1.
        below: How many of them are below the bound.

    Returns:
        The smallest number (found by doubling, then halving the interval), or None where `MAX_SAMPLES` would not do.
    """

    def decided(size: int) -> bool:
        expected = Fraction(below, n) * size
        lower, upper = confidence_ranks(p, size)
        return (upper is not None and math.floor(expected) >= upper) or (
            lower is not None and math.ceil(expected) < lower
        )

    high = n
    while not decided(high):
        high *= 2
        if high > MAX_SAMPLES:
            return None
    low = high // 2
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (low, middle) if decided(middle) else (middle, high)
    return high
