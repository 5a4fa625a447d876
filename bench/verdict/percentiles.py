"""Percentiles of raw samples, and what can be said about the true percentile from that many samples.

Percentile here means *nearest rank*: of n sorted samples, the p-th percentile is the one at rank ceil(p / 100 * n),
counted from 1. It is always a latency that really happened; nothing is interpolated, bucketed or rounded.

The confidence bounds are those of order statistics: how many of n independent samples lie below the true p-quantile is
binomial(n, p / 100), whatever the distribution of latencies is. (W. J. Conover, Practical Nonparametric Statistics,
3rd edition, section 3.2.) Samples of one run are not independent, so a number of them in a row may count as one
(`bench.verdict.dependence`): the incomplete beta function continues the binomial distribution to such counts.
"""

from __future__ import annotations

import bisect
import math
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def confidence_ranks(
    p: float, n: int, alpha: float = ALPHA, *, below: float = 1.0, above: float = 1.0
) -> tuple[int | None, int | None]:
    """Return the ranks, from 1, of the samples that bound the true p-quantile.

    With probability at least 1 - alpha the true quantile is not below the sample at the lower rank, and with the same
    probability it is not above the one at the upper rank.

    Args:
        p: Percentile, 0 < p < 100.
        n: Number of samples, at least 1.
        alpha: Accepted probability of error, one-sided.
        below: So many samples in a row count as one for the lower rank (see `bench.verdict.dependence`).
        above: The same for the upper rank.

    Returns:
        (lower, upper); None on a side that so few samples cannot bound (59 are needed to bound p95 from above).
    """
    # SciPy takes a second to import, and most commands judge nothing.
    from scipy.special import betainc  # type: ignore[import-untyped] # noqa: PLC0415 - has no types of its own

    q = p / 100

    def too_few(rank: int) -> bool:
        """Whether hardly ever so few samples, or fewer, lie below the quantile."""
        size = n / below
        count = rank / below
        return float(betainc(size - count, count + 1, 1 - q)) <= alpha

    def too_many(rank: int) -> bool:
        """Whether hardly ever so many samples, or more, lie below the quantile."""
        size = n / above
        count = rank / above
        return float(betainc(count, size - count + 1, q)) <= alpha

    # Both are monotonous: the last rank with few enough below it, the first with many enough.
    lower = bisect.bisect_left(range(n), True, key=lambda rank: not too_few(rank))
    upper = bisect.bisect_left(range(1, n + 1), True, key=too_many) + 1
    return lower or None, upper if upper <= n else None


@lru_cache(maxsize=1024)  # whoever judges many runs asks the same again
def samples_needed(p: float, n: int, below: int, per_low: float = 1.0, per_high: float = 1.0) -> int | None:
    """Return how many samples in all would decide whether the p-quantile is below a bound, at the present share.

    Args:
        p: Percentile, 0 < p < 100.
        n: Number of samples there are, at least 1.
        below: How many of them are below the bound.
        per_low: So many samples in a row count as one where the quantile is shown to be above the bound.
        per_high: The same where it is shown to be below.

    Returns:
        The smallest number (found by doubling, then halving the interval), or None where `MAX_SAMPLES` would not do.
    """

    def decided(size: int) -> bool:
        expected = Fraction(below, n) * size
        lower, upper = confidence_ranks(p, size, below=per_low, above=per_high)
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
