"""The statistics of a comparison: is there a difference, how large is it, and how sure is that.

- Is there one: the Mann-Whitney U test, which assumes no distribution.
- How large: the Hodges-Lehmann estimate, the median of all pairwise ratios NEW / OLD, with the interval that belongs to
  the same test; and Cliff's delta, how much more often NEW is the slower one of a pair.
- Between repeated runs: the t-test of the logarithms of a figure of each run, so that the noise of runs is measured.
- Do more requests fail: Fisher's exact test.
- Over many scopes: Holm's correction, so that one false alarm in any of them stays as rare as 5 %.

(W. J. Conover, Practical Nonparametric Statistics, 3rd edition, chapter 5; N. Cliff, Dominance Statistics, 1993;
S. Holm, A Simple Sequentially Rejective Multiple Test Procedure, 1979.)
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, floor, hypot, log, sqrt
from statistics import NormalDist, median
from typing import TYPE_CHECKING

import numpy as np
import scipy.stats  # type: ignore[import-untyped] # has no types of its own

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIDENCE = 0.95
_LEAST_LATENCY_MS = 1e-6
"""A nanosecond: the logarithm of less is not needed."""


@dataclass(frozen=True, slots=True)
class Shift:
    """How NEW differs from OLD.

    Attributes:
        p: Probability of so large a difference, or a larger one, where there is none.
        ratio: NEW / OLD, Hodges-Lehmann; above 1 is slower.
        low: Lower bound of its 95 % interval; 0 where so few observations give none.
        high: Upper bound; infinite likewise.
        noise: Standard deviation of the logarithm of the ratio that runs of one and the same code have beside that.
    """

    p: float
    ratio: float
    low: float
    high: float
    noise: float = 0.0

    @property
    def certain(self) -> tuple[float, float]:
        """The interval with what runs differ by without a cause in it."""
        if self.low <= 0 or self.high == float("inf") or not self.noise:
            return self.low, self.high
        margin = _Z * hypot((log(self.high) - log(self.low)) / 2 / _Z, self.noise)
        return self.ratio * exp(-margin), self.ratio * exp(margin)


_Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


def shift(old: Sequence[float], new: Sequence[float]) -> Shift:
    """Compare independent observations, all above 0 and of one unit.

    Args:
        old: At least one.
        new: At least one.
    """
    logs_old, logs_new = ([log(max(value, _LEAST_LATENCY_MS)) for value in values] for values in (old, new))
    ratios = np.sort(np.subtract.outer(logs_new, logs_old), axis=None)
    m, n = len(old), len(new)
    # The rank whose pairwise ratio the test would just not reject, by the normal approximation of U.
    outside = floor(m * n / 2 - _Z * sqrt(m * n * (m + n + 1) / 12))
    low, high = (exp(ratios[outside - 1]), exp(ratios[-outside])) if outside >= 1 else (0.0, float("inf"))
    test = scipy.stats.mannwhitneyu(logs_new, logs_old, alternative="two-sided")
    return Shift(p=float(test.pvalue), ratio=exp(median(ratios)), low=low, high=high)


def with_noise(found: Shift, run_noise: float) -> Shift:
    """Return what a difference of two runs is worth, where runs of one and the same code differ too.

    Args:
        found: Between the samples of the two.
        run_noise: Standard deviation of a run's level, as a share.
    """
    noise = run_noise * sqrt(2)
    if not noise:
        return found
    known = found.low > 0 and found.high < float("inf")
    spread = hypot((log(found.high) - log(found.low)) / 2 / _Z if known else 0.0, noise)
    p = 2 * NormalDist().cdf(-abs(log(found.ratio)) / spread)
    return Shift(max(found.p, p), found.ratio, found.low, found.high, noise)


def shift_of_runs(old: Sequence[float], new: Sequence[float], *, paired: bool) -> Shift:
    """Compare runs with runs: one observation each, so that what runs differ by without a cause is measured.

    Args:
        old: A figure of each run, above 0; at least three.
        new: The same, of one unit.
        paired: They were made in turns, the n-th of one beside the n-th of the other, so that what the machine did
            meanwhile is the same for both.

    Returns:
        By Welch's t-test of the logarithms, or the paired one.
    """
    logs_old, logs_new = (np.log(np.maximum(values, _LEAST_LATENCY_MS)) for values in (old, new))
    if paired:
        test = scipy.stats.ttest_rel(logs_new, logs_old)
    else:
        test = scipy.stats.ttest_ind(logs_new, logs_old, equal_var=False)
    difference = float(logs_new.mean() - logs_old.mean())
    if not np.isfinite(test.pvalue):  # All runs are the same.
        return Shift(1.0 if not difference else 0.0, exp(difference), exp(difference), exp(difference))
    interval = test.confidence_interval(CONFIDENCE)
    return Shift(float(test.pvalue), exp(difference), exp(interval.low), exp(interval.high))


def more_failed(old: tuple[int, int], new: tuple[int, int]) -> float:
    """Return p of Fisher's exact test for (failed, sent) of two runs."""
    table = [[failed, sent - failed] for failed, sent in (new, old)]
    return float(scipy.stats.fisher_exact(table)[1])


def cliffs_delta(old: Sequence[float], new: Sequence[float]) -> float:
    """Return P(new > old) - P(new < old) over all pairs: -1 is always faster, 0 as often so as so, 1 always slower."""
    ordered = np.sort(old)
    below, not_above = (np.searchsorted(ordered, new, side).sum() for side in ("left", "right"))
    return float(below - (len(old) * len(new) - not_above)) / (len(old) * len(new))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number, in the given order."""
    ranked = sorted(range(len(p_values)), key=lambda index: p_values[index])
    corrected, highest = [0.0] * len(p_values), 0.0
    for position, index in enumerate(ranked):
        highest = max(highest, min(1.0, p_values[index] * (len(p_values) - position)))
        corrected[index] = highest
    return corrected
