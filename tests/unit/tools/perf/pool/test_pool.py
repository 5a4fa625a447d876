"""What is made of the runs over 1, 2 and 3 servers."""

from __future__ import annotations

import pytest

from bench.results import Verdict
from tools.perf.pool.command import judge, relate


@pytest.mark.parametrize(
    ("seconds", "shares", "verdict"),
    [
        ([20.0, 20.2, 20.8], [1.0, 0.990, 0.962], Verdict.PASS),
        ([20.0, 22.0, 20.0], [1.0, 0.909, 1.0], Verdict.FAIL),
    ],
)
def test_rates_are_held_against_that_of_one_server(seconds: list[float], shares: list[float], verdict: Verdict) -> None:
    """As many requests for each server; every number of them has to keep the bound."""
    runs = relate([(count, took, [40] * count) for count, took in enumerate(seconds, 1)])
    assert [each.share_of_linear for each in runs] == pytest.approx(shares, abs=0.001)
    assert [each.requests for each in runs] == [40, 80, 120]
    assert judge(runs) is verdict
