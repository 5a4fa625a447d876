"""Batches of samples as independent observations.

Samples of one run hang together: a stall of 200 ms slows twenty requests in a row at 100 a second, and a test that
takes them for twenty independent witnesses calls noise a change. So samples in a row form a batch, many times as long
as their memory lasts, and a batch is one observation. (The method of batch means: A. M. Law, Simulation Modeling and
Analysis, 5th edition, chapter 9.)
"""

from __future__ import annotations

from itertools import pairwise
from math import ceil, floor
from typing import TYPE_CHECKING

import numpy as np

from bench.verdict import dependence

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_BATCHES = 30
"""Enough for the tests to see a shift of most of a batch's spread; more would only make them shorter."""

MEMORIES = 20
"""Length of a batch in correlation times: neighbouring batches then share about a fortieth of their variance."""

_SMALLEST = {50: 1, 95: 20}
"""Samples that make a batch's percentile more than another name for its slowest one."""

_FEWEST = {50: 1, 95: 6}
_ALWAYS = {50: 1, 95: 0}


def correlation_time(values: Sequence[float]) -> float:
    """Return for how many samples a deviation lasts: 1 for independent ones, 4 where each keeps 60 % of the last one's.

    It is that of the samples' ranks, so that one outlier does not decide it.

    Args:
        values: In order of time.
    """
    return dependence.correlation_time(np.argsort(np.argsort(values, kind="stable"), kind="stable").tolist())


def batch(latencies: Sequence[float], p: int) -> list[float]:
    """Return the p-th percentile of each batch, in order of time; nothing where there are too few samples for it.

    Args:
        latencies: In order of time.
        p: 50 or 95.
    """
    memory = ceil(MEMORIES * (correlation_time(latencies) - 1))
    count = max(_ALWAYS[p], min(MAX_BATCHES, len(latencies) // max(_SMALLEST[p], memory)))
    if count < _FEWEST[p]:
        return []
    edges = [number * len(latencies) // count for number in range(count + 1)]
    return [_quantile(sorted(latencies[low:high]), p / 100) for low, high in pairwise(edges)]


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Return the median-unbiased quantile, comparable between batches of 23 and of 40 samples, unlike nearest ranks.

    (R. J. Hyndman and Y. Fan, Sample Quantiles in Statistical Packages, 1996, definition 8.)
    """
    place = (len(ordered) + 1 / 3) * share + 1 / 3 - 1
    below = min(max(floor(place), 0), len(ordered) - 1)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + max(place - below, 0.0) * (ordered[above] - ordered[below])
