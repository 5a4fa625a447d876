"""Budgets are kept only where the figures prove it."""

from __future__ import annotations

import math

import pytest

from bench.results import Verdict
from bench.verdict.bootstrap import Interval
from tools.perf.budgets.cached_rate import p99_interval
from tools.perf.budgets.finding import judge
from tools.perf.budgets.herd import judge_herds
from tools.perf.overhead.paired_calls import Pairs, judge_pairs


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(1.0, 2.0, Verdict.PASS), (1.9, 2.1, Verdict.INCONCLUSIVE), (2.1, 2.2, Verdict.FAIL)],
)
def test_a_budget_is_judged_by_the_whole_interval(low: float, high: float, verdict: Verdict) -> None:
    """Proven, open, disproven; the budget itself still keeps it."""
    assert judge("x", "ms", 2.0, Interval(low, low, high), how="").verdict is verdict


def test_what_proves_nothing_is_invalid_and_says_why() -> None:
    """However good the figure is."""
    finding = judge("x", "ms", 2.0, Interval(0.1, 0.1, 0.1), how="tried", invalid="all failed")
    assert finding.verdict is Verdict.INVALID
    assert finding.how == "tried; INVALID: all failed"


def test_no_figure_at_all_never_passes() -> None:
    """NaN is below nothing."""
    assert judge("x", "ms", 2.0, p99_interval([]), how="").verdict is not Verdict.PASS


def test_herds_are_judged_by_the_worst() -> None:
    """One slow herd of five is one too many, and so is one call too many."""
    time, calls = judge_herds([1.01, 1.2, 1.02], [1, 2, 1], "")
    assert (time.value, time.verdict) == (1.2, Verdict.FAIL)
    assert (calls.value, calls.verdict) == (2, Verdict.FAIL)
    assert {finding.verdict for finding in judge_herds([1.01, 1.02], [1, 1], "")} == {Verdict.PASS}


def test_a_herd_without_a_provider_call_proves_nothing() -> None:
    """Its question was no new one, so its answer came from the cache."""
    assert {finding.verdict for finding in judge_herds([1.0, 1.0], [1, 0], "")} == {Verdict.INVALID}


def test_overhead_is_the_difference_within_pairs() -> None:
    """A slow pair is slow on both sides, which the difference does not see."""
    milliseconds, percent = judge_pairs(Pairs([200.0, 400.0, 200.0], [201.0, 401.0, 201.0], 3))
    assert (milliseconds.value, milliseconds.verdict) == (1.0, Verdict.PASS)
    assert percent.value == pytest.approx(0.5)
    assert percent.verdict is Verdict.PASS


def test_overhead_beyond_either_budget_fails() -> None:
    """Of 100 ms, 2.5 ms are too large a share; of 1 s, 5 ms are too long."""
    short, long = Pairs([100.0] * 5, [102.5] * 5, 5), Pairs([1000.0] * 5, [1005.0] * 5, 5)
    assert [finding.verdict for finding in judge_pairs(short)] == [Verdict.PASS, Verdict.FAIL]
    assert [finding.verdict for finding in judge_pairs(long)] == [Verdict.FAIL, Verdict.PASS]


def test_an_answer_that_was_not_computed_makes_the_overhead_prove_nothing() -> None:
    """It would make the service look faster than what is behind it; so would a reloaded model."""
    pairs = Pairs([100.0] * 5, [101.0] * 5, 4)
    assert {finding.verdict for finding in judge_pairs(pairs)} == {Verdict.INVALID}
    reloaded = judge_pairs(Pairs([100.0] * 5, [101.0] * 5, 5), "the model was loaded anew")
    assert {finding.verdict for finding in reloaded} == {Verdict.INVALID}


def test_percentile_comes_with_the_bounds_of_so_many_samples() -> None:
    """Order statistics: of 1,000 the true p99 lies between ranks near 990; of 100 it has no upper bound."""
    many = p99_interval([number * 1_000_000 for number in range(1, 1001)])
    assert many.median == 990
    assert 980 < many.low < 990 < many.high <= 1000
    assert math.isinf(p99_interval([1_000_000] * 100).high)
