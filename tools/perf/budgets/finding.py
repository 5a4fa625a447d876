"""A budget, what was measured, and whether it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from bench.results import Verdict

if TYPE_CHECKING:
    from bench.verdict.bootstrap import Interval


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One budget held against what was measured.

    Attributes:
        name: What is measured.
        unit: Of all figures.
        limit: The most that is allowed.
        value: What was measured.
        low: Lower bound of its 95 % interval; the value itself where it has no spread.
        high: Upper bound.
        verdict: Of the budget.
        how: How it was measured, in a line, with further figures.
    """

    name: str
    unit: str
    limit: float
    value: float
    low: float
    high: float
    verdict: Verdict
    how: str


def judge(name: str, unit: str, limit: float, interval: Interval, *, how: str, invalid: str = "") -> Finding:
    """Hold an interval to the most that is allowed: proven, disproven, or neither.

    Args:
        name: What is measured.
        unit: Of all figures.
        limit: The most that is allowed.
        interval: What was measured.
        how: How, in a line.
        invalid: Why the measurement proves nothing; empty where it does.
    """
    verdict = Verdict.PASS if interval.high <= limit else Verdict.FAIL if interval.low > limit else Verdict.INCONCLUSIVE
    return Finding(
        name=name,
        unit=unit,
        limit=limit,
        value=interval.median,
        low=interval.low,
        high=interval.high,
        verdict=Verdict.INVALID if invalid else verdict,
        how=f"{how}; INVALID: {invalid}" if invalid else how,
    )
