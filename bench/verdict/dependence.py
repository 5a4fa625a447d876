"""How many independent samples a run is worth: requests that are slow together are one witness, not twenty.

A pause of the service, a garbage collection, a busy neighbour slow all requests that are due meanwhile. So slow
requests, and failed ones, come in rows. The integrated autocorrelation time says how many samples in a row amount to
one: n of them prove as much as n / time independent ones. (A. Sokal, Monte Carlo Methods in Statistical Mechanics,
1997, section 3; the binomial distribution of the rescaled counts, continued to real numbers by the incomplete beta
function: E. Korn and B. Graubard, Confidence Intervals for Proportions with Small Expected Number of Positive Counts,
1998.)

What did not happen cannot be estimated: of 700 requests of which 5 % are slow in runs of 20, none at all is slow in
17 % of cases, and such a sample looks like that of a service that is never slow. So a PASS in an open loop counts
`STALL` arrivals as one, whatever the sample looks like. A FAIL needs no such rule, because it has seen the runs.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

STALL = 20
"""Arrivals of an open loop in a row that one stall slows, at least, as far as a PASS may assume."""

ONE_SIDED_95 = 1.645
"""Standard errors to the upper bound of an estimate."""

LONGEST_SHARE = 3
"""No dependence over more than one third of a series is looked for: too few such stretches would be averaged."""


def samples_per_witness(values: Sequence[float]) -> float:
    """Return how many samples in a row count as one independent one: their correlation time, at most, 95 % sure.

    Args:
        values: In order of time.
    """
    time, lags = _sum_correlations(values)
    # Sokal's formula for the variance of the estimate; independent samples have no lag that counts.
    return time * (1 + ONE_SIDED_95 * math.sqrt(2 * (2 * lags + 1) / len(values))) if lags else time


def correlation_time(values: Sequence[float]) -> float:
    """Return for how many samples a deviation lasts: 1 for independent ones, 20 for runs of 20.

    The autocorrelation is summed up to the first lag that cannot be told from none.

    Args:
        values: In order of time.
    """
    return _sum_correlations(values)[0]


def _sum_correlations(values: Sequence[float]) -> tuple[float, int]:
    """Return the correlation time, and how many lags it comes from."""
    import numpy as np  # noqa: PLC0415 - most commands judge nothing

    n = len(values)
    deviations = np.asarray(values, dtype=float)
    deviations = deviations - deviations.mean() if n else deviations
    variance = float((deviations**2).sum())
    if n < 2 or not variance:
        return 1.0, 0
    spectrum = np.fft.rfft(deviations, 2 * n)
    correlations = np.fft.irfft(spectrum * np.conj(spectrum))[:n].real / variance
    total = 1.0
    longest = max(2, n // LONGEST_SHARE)
    for lag, correlation in enumerate(correlations[1:longest]):
        if correlation < 2 / math.sqrt(n):
            return total, lag
        total += 2 * float(correlation)
    return total, longest - 1
