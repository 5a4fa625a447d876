"""How sure a median is, whatever the distribution: the percentile bootstrap.

The median of many resamples, drawn with replacement, varies about as the median of new measurements would. (B. Efron
and R. J. Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.)
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

RESAMPLES = 5000
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A median and the bounds within which the true one lies with a probability of 95 %; in the samples' unit."""

    median: float
    low: float
    high: float


def median_interval(samples: Sequence[float], *, seed: int = 0) -> Interval:
    """Return the median of independent samples and its confidence interval.

    Args:
        samples: At least one; one alone says nothing about spread, so its interval has no width.
        seed: The same seed and samples give the same interval.

    Raises:
        ValueError: There are no samples.
    """
    if not samples:
        raise ValueError("no samples, so no median")
    source = random.Random(seed)  # noqa: S311 - statistics, no secret
    medians = sorted(median(source.choices(samples, k=len(samples))) for _ in range(RESAMPLES))
    tail = round(RESAMPLES * (1 - CONFIDENCE) / 2)
    return Interval(median(samples), medians[tail], medians[-1 - tail])


def ratio_interval(numerators: Sequence[float], denominators: Sequence[float]) -> Interval:
    """Return the median ratio of paired measurements, and its interval.

    Args:
        numerators: One for each round.
        denominators: Of the same rounds, in the same order; none is 0.

    Raises:
        ValueError: There are none, or not as many of one as of the other.
    """
    return median_interval([above / below for above, below in zip(numerators, denominators, strict=True)])
