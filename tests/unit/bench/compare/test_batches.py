"""Batches are independent observations, whatever the samples in them do to each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.compare.batches import MAX_BATCHES, MEMORIES, batch, correlation_time


def tied(keep: float, count: int) -> list[float]:
    """Return values of which each keeps so much of the last one's deviation (an autoregressive process)."""
    source, last, values = np.random.default_rng(7), 0.0, []
    for step in source.normal(0, 1, count):
        last = keep * last + float(step)
        values.append(float(np.exp(last)))
    return values


@pytest.mark.parametrize(("keep", "expected"), [(0.0, 1.0), (0.6, 4.0), (0.9, 19.0)])
def test_the_correlation_time_is_that_of_the_process(keep: float, expected: float) -> None:
    """(1 + keep) / (1 - keep), by theory; ranks instead of values make it a little shorter."""
    assert correlation_time(tied(keep, 20_000)) == pytest.approx(expected, rel=0.15)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=80))
def test_any_samples_have_a_correlation_time(values: list[float]) -> None:
    """One sample, equal samples: no division by nothing, and never less than one."""
    assert correlation_time(values) >= 1


def test_independent_samples_make_as_many_batches_as_are_of_use() -> None:
    """Thirty, but no more than samples; p95 only from batches of twenty, and from six of them."""
    assert [len(batch(tied(0.0, count), 50)) for count in (4, 29, 900)] == [4, 29, MAX_BATCHES]
    assert [len(batch(tied(0.0, count), 95)) for count in (119, 120, 900)] == [0, 6, MAX_BATCHES]


def test_samples_that_hang_together_make_fewer_batches() -> None:
    """A batch is many times as long as a deviation lasts; where even all samples are too few, they are one batch."""
    assert len(batch(tied(0.6, 1200), 50)) == pytest.approx(1200 / (MEMORIES * 3), rel=0.3)
    assert len(batch(tied(0.9, 300), 50)) == 1
    assert batch(tied(0.9, 300), 95) == []


def test_batches_follow_time_and_hold_every_sample() -> None:
    """Median after median; sizes differ by one at most."""
    assert batch([3.0, 1.0, 2.0], 50) == [3.0, 1.0, 2.0]
    steps = [float(number // 10) for number in np.random.default_rng(1).permutation(310)]
    assert len(batch(steps, 50)) == MAX_BATCHES
    assert np.mean(batch(steps, 50)) == pytest.approx(15, rel=0.2)


@pytest.mark.parametrize("p", [50, 95])
def test_batches_of_any_size_mean_the_same_percentile(p: int) -> None:
    """Of 23 or of 200 samples each: a comparison of runs of different length is not biased by their length."""
    source = np.random.default_rng(5)
    few, many = (np.median([batch(list(source.lognormal(0, 0.5, n)), p) for _ in range(40)]) for n in (690, 6000))
    assert few == pytest.approx(many, rel=0.03)
