"""Percentiles are latencies that happened, and confidence bounds err as rarely as they say."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom  # type: ignore[import-untyped] # has none

from bench.verdict.percentiles import ALPHA, confidence_ranks, percentile, rank, samples_needed

PERCENTS = st.decimals(min_value="0.1", max_value="99.9", places=1).map(float)


@pytest.mark.parametrize(("p", "expected"), [(5, 15), (30, 20), (40, 20), (50, 35), (100, 50)])
def test_nearest_rank_of_known_data(p: float, expected: int) -> None:
    """The textbook example of the nearest-rank method comes out as printed."""
    assert percentile([15, 20, 35, 40, 50], p) == expected


def test_rank_does_not_suffer_from_floating_point() -> None:
    """99.9 % of 1,000 samples is rank 999, although 0.999 * 1000 is a little more in floating point."""
    assert rank(99.9, 1000) == 999


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=300), PERCENTS)
def test_percentile_is_the_smallest_sample_that_covers_the_share(samples: list[int], p: float) -> None:
    """At least p % of samples are at most the percentile, fewer are below it, and it is one of them."""
    value = percentile(sorted(samples), p)
    share = Fraction(str(p)) / 100 * len(samples)
    assert value in samples
    assert sum(sample <= value for sample in samples) >= share
    assert sum(sample < value for sample in samples) < share


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=300), st.integers(1, 100))
def test_percentile_is_that_of_numpy(samples: list[int], p: int) -> None:
    """On any data the same as NumPy's percentile without interpolation, the inverse of the empirical distribution."""
    assert percentile(sorted(samples), p) == np.percentile(samples, p, method="inverted_cdf")


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=100), PERCENTS, PERCENTS)
def test_percentiles_rise_with_p(samples: list[int], one: float, other: float) -> None:
    """A higher percentile is never a smaller latency."""
    ordered = sorted(samples)
    assert percentile(ordered, min(one, other)) <= percentile(ordered, max(one, other))


@pytest.mark.parametrize(("p", "n"), [(0, 10), (100.1, 10), (50, 0)])
def test_what_has_no_percentile_is_refused(p: float, n: int) -> None:
    """No samples, or a percentile out of range, is an error instead of a number."""
    with pytest.raises(ValueError, match="percentile"):
        rank(p, n)


def test_59_samples_are_the_fewest_that_bound_p95_from_above() -> None:
    """The well-known number: 0.95^59 is the first power at most 5 %."""
    assert confidence_ranks(95, 58)[1] is None
    assert confidence_ranks(95, 59)[1] == 59


def test_ranks_for_the_median_of_ten_samples() -> None:
    """The tables of order statistics give the second and the ninth of ten."""
    assert confidence_ranks(50, 10) == (2, 9)


@given(st.sampled_from([50.0, 90.0, 95.0, 99.0]), st.integers(1, 1200))
def test_a_true_percentile_at_the_bound_is_misjudged_in_at_most_one_run_of_twenty(p: float, n: int) -> None:
    """Calibration, computed instead of simulated: how many samples lie below the bound is binomial."""
    lower, upper = confidence_ranks(p, n)
    wrong_pass = float(binom.sf(upper - 1, n, p / 100)) if upper is not None else 0.0
    wrong_fail = float(binom.cdf(lower - 1, n, p / 100)) if lower is not None else 0.0
    assert wrong_pass <= ALPHA + 1e-9
    assert wrong_fail <= ALPHA + 1e-9


@given(st.sampled_from([50.0, 90.0, 95.0, 99.0]), st.integers(1, 1200))
def test_the_ranks_are_the_last_that_are_allowed(p: float, n: int) -> None:
    """One rank nearer to the quantile would be wrong more often."""
    lower, upper = confidence_ranks(p, n)
    assert binom.cdf(lower or 0, n, p / 100) > ALPHA
    assert binom.sf((upper or n + 1) - 2, n, p / 100) > ALPHA


@given(st.sampled_from([50.0, 95.0]), st.integers(5, 80), st.integers(2, 30))
def test_twenty_in_a_row_count_as_one(p: float, n: int, row: int) -> None:
    """Rows of equal samples give the bounds of as many independent ones."""
    lower, upper = confidence_ranks(p, n)
    in_rows = confidence_ranks(p, n * row, below=row, above=row)
    assert (in_rows[0] is None, in_rows[1] is None) == (lower is None, upper is None)
    assert lower is None or (lower - 1) * row < (in_rows[0] or 0) <= lower * row
    assert upper is None or (upper - 1) * row < (in_rows[1] or 0) <= upper * row


@given(st.sampled_from([50.0, 95.0]), st.integers(5, 80), st.data())
def test_as_many_samples_as_are_said_to_be_needed_do_decide(p: float, n: int, data: st.DataObject) -> None:
    """With that many samples at the same share below the bound there is a PASS or a FAIL."""
    below = data.draw(st.integers(0, n))
    needed = samples_needed(p, n, below)
    if needed is None:
        assert abs(below / n - p / 100) < 0.01
        return
    lower, upper = confidence_ranks(p, needed)
    share = Fraction(below, n) * needed
    passes = upper is not None and int(share) >= upper
    fails = lower is not None and -int(-share // 1) < lower
    assert passes or fails
