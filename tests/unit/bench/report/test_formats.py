"""Numbers read naturally, the same everywhere."""

from __future__ import annotations

import pytest

from bench.report.formats import format_bound, format_ms, format_ratio, format_share, format_threshold, format_value


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (None, "-"),
        (0.5, "0.50 ms"),
        (9.994, "9.99 ms"),
        (9.996, "10.0 ms"),
        (99.97, "100 ms"),
        (999.4, "999 ms"),
        (999.6, "1.00 s"),
        (65_432.1, "65.4 s"),
    ],
)
def test_latencies_have_three_digits(milliseconds: float | None, text: str) -> None:
    """The unit changes where it reads better, and rounding never gives 1000 ms."""
    assert format_ms(milliseconds) == text


def test_shares_ratios_and_bounds_read_naturally() -> None:
    """A bound has no needless digits."""
    assert [format_share(None), format_share(0.0125), format_share(0.5)] == ["-", "1.25%", "50%"]
    assert [format_ratio(None), format_ratio(1.26), format_ratio(1234.5)] == ["-", "1.3x", "1,234x"]
    assert format_threshold("failures", "rate<0.1") == "failures rate<0.1"
    cached = format_threshold("latency{phase:cached,task:recipe,cache:hit}", "p(95)<100")
    mixed = format_threshold("latency{phase:mixed,task:recipe,cache:hit}", "p(95)<100")
    assert [cached, mixed] == ["latency recipe hit p(95)<100", "latency mixed recipe hit p(95)<100"]
    assert format_threshold("failures{phase:cached}", "rate<0.1") == "failures cached rate<0.1"
    assert [format_bound("ms", 100), format_bound("ms", 5000), format_bound("share", 0.01)] == ["100 ms", "5 s", "1%"]


def test_values_are_told_in_their_unit() -> None:
    """Milliseconds and shares as ever; anything else with its unit behind it."""
    told = [format_value(*pair) for pair in (("ms", 1.5), ("share", 0.5), ("MB", 612.34), ("x", 1.034), ("calls", 1.0))]
    assert told == ["1.50 ms", "50%", "612 MB", "1.03 x", "1 call"]
    assert [format_value("calls", 2.0), format_value("W", None)] == ["2 calls", "-"]
    assert format_bound("MB", 4000) == "4000 MB"
