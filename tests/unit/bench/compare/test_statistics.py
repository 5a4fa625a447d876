"""The statistics of a comparison agree with their definitions, and err as rarely as they say."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
import scipy.stats  # type: ignore[import-untyped] # has none
from hypothesis import given
from hypothesis import strategies as st

from bench.compare.statistics import cliffs_delta, holm, shift

LATENCIES = st.lists(st.floats(0.01, 1e5), min_size=1, max_size=40)


def test_a_shift_is_the_ratio_of_the_two() -> None:
    """Everything twice as slow is a ratio of 2, surely, with all pairs on one side."""
    old = [10.0 + number / 100 for number in range(30)]
    ours = shift(old, [2 * value for value in old])
    assert ours.ratio == pytest.approx(2.0, rel=0.01)
    assert 1.9 < ours.low < ours.ratio < ours.high < 2.1
    assert ours.p < 1e-9


@given(LATENCIES, LATENCIES)
def test_the_estimate_is_the_median_of_all_pairwise_ratios(old: list[float], new: list[float]) -> None:
    """By its definition; the interval holds it, and swapping the sides turns it over."""
    ours, swapped = shift(old, new), shift(new, old)
    expected = np.exp(np.median([math.log(b) - math.log(a) for a, b in product(old, new)]))
    assert ours.ratio == pytest.approx(expected)
    assert ours.low <= ours.ratio * (1 + 1e-9)
    assert ours.ratio <= ours.high * (1 + 1e-9)
    assert swapped.ratio == pytest.approx(1 / ours.ratio)
    assert swapped.p == pytest.approx(ours.p)


def test_too_few_observations_bound_nothing() -> None:
    """Three against three cannot exclude any ratio with 95 %; four against four can."""
    assert (shift([1, 2, 3], [4, 5, 6]).low, shift([1, 2, 3], [4, 5, 6]).high) == (0.0, math.inf)
    few = shift([1, 2, 3, 4], [10, 20, 30, 40])
    assert (few.low, few.high) == pytest.approx((10 / 4, 40))


@pytest.mark.parametrize("count", [4, 8, 30])
def test_the_interval_covers_the_true_ratio_in_at_least_94_of_100_cases(count: int) -> None:
    """1,000 simulated pairs of runs, NEW truly 1.3 times as slow, with a long tail."""
    source = np.random.default_rng(count)
    covered = 0
    for _ in range(1000):
        old, new = source.lognormal(0, 0.5, count), 1.3 * source.lognormal(0, 0.5, count)
        ours = shift(list(old), list(new))
        covered += ours.low <= 1.3 <= ours.high
    assert covered >= 940


@given(st.lists(st.integers(0, 20), min_size=1, max_size=60), st.lists(st.integers(0, 20), min_size=1, max_size=60))
def test_cliffs_delta_is_counted_over_all_pairs_and_agrees_with_u(old: list[int], new: list[int]) -> None:
    """By its definition, ties included, and by its relation to the statistic of the test: delta = 2 U / (m n) - 1."""
    counted = sum((b > a) - (b < a) for a, b in product(old, new)) / (len(old) * len(new))
    assert cliffs_delta(old, new) == pytest.approx(counted)
    u = scipy.stats.mannwhitneyu(new, old, method="asymptotic").statistic if len({*old, *new}) > 1 else None
    if u is not None:
        assert cliffs_delta(old, new) == pytest.approx(2 * u / (len(old) * len(new)) - 1)


def test_holm_corrects_as_in_the_textbook() -> None:
    """The smallest is multiplied by all, the next by one fewer, and no later one falls below an earlier one."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []
