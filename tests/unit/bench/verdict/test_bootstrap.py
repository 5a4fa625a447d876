"""Intervals of medians: they cover what they should, and refuse what proves nothing."""

from __future__ import annotations

import random

import pytest

from bench.verdict.bootstrap import median_interval, ratio_interval


def test_interval_holds_the_median_and_lies_within_the_samples() -> None:
    """Bounds are medians of resamples, so never outside of what was measured."""
    interval = median_interval([9.0, 10.0, 11.0, 12.0, 30.0])
    assert interval.median == 11.0
    assert 9.0 <= interval.low <= 11.0 <= interval.high <= 30.0
    assert interval.low < interval.high


def test_interval_covers_the_true_median_about_as_often_as_it_claims() -> None:
    """Of 200 experiments with a known median, some 95 % have it inside; 180 leaves room for chance, not a mistake."""
    source = random.Random(1)  # noqa: S311 - statistics, no secret
    intervals = [median_interval([source.gauss(5.0, 2.0) for _ in range(25)], seed=n) for n in range(200)]
    covered = sum(interval.low <= 5.0 <= interval.high for interval in intervals)
    assert 180 <= covered < 200


def test_equal_samples_leave_no_doubt() -> None:
    """An interval without spread has no width."""
    assert median_interval([3.0] * 8).low == median_interval([3.0] * 8).high == 3.0


def test_same_samples_give_the_same_interval() -> None:
    """A report can be computed again from its raw figures."""
    assert median_interval([1.0, 2.0, 7.0, 4.0]) == median_interval([1.0, 2.0, 7.0, 4.0])


def test_ratio_is_taken_round_by_round() -> None:
    """A machine that slows down for a round slows both down, which the ratio does not see."""
    interval = ratio_interval([60.0, 6.0, 600.0], [100.0, 10.0, 1000.0])
    assert (interval.low, interval.median, interval.high) == (0.6, 0.6, 0.6)


def test_rounds_that_do_not_pair_are_refused() -> None:
    """Ratios of different rounds would mean nothing."""
    with pytest.raises(ValueError, match="zip"):
        ratio_interval([1.0, 2.0], [1.0])


def test_nothing_measured_is_no_median() -> None:
    """No samples, no figure."""
    with pytest.raises(ValueError, match="no samples"):
        median_interval([])
