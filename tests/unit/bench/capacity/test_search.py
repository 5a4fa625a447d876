"""The search brackets the highest rate that is kept, within its steps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.capacity.command import summarize
from bench.capacity.curve import Step
from bench.capacity.search import RESOLUTION, Limits, search

LIMITS = Limits(start=50, least=0.2, most=4000, steps=14)


def step(rate: float, kept: bool | None, **used: float) -> Step:
    """Return a tried rate."""
    return Step(rate=rate, kept=kept, p_ms=1.0, failures=0.0, samples=9, used=used)


def found(capacity: float, limits: Limits = LIMITS) -> list[Step]:
    """Search on a service that keeps every rate up to its capacity."""
    return search(lambda rate: step(rate, rate <= capacity), limits)


@given(st.floats(1, 3900))
def test_the_true_capacity_lies_within_the_bracket(capacity: float) -> None:
    """Between the highest rate that was kept and the lowest that was not, which are near each other."""
    point = summarize(1.0, found(capacity))
    assert point.broken is not None
    assert point.capacity <= capacity < point.broken
    assert point.broken / point.capacity <= RESOLUTION


def test_a_service_that_keeps_everything_has_no_broken_rate() -> None:
    """The search ends at the highest rate it may try, which is then a lower bound."""
    point = summarize(1.0, found(1e9))
    assert (point.capacity, point.broken) == (4000, None)
    assert [one.rate for one in point.steps] == [50, 100, 200, 400, 800, 1600, 3200, 4000]


def test_a_service_that_keeps_nothing_has_a_capacity_of_none() -> None:
    """Halving ends at the least rate."""
    steps = found(0.0)
    assert steps[-1].rate == LIMITS.least
    assert summarize(1.0, steps).capacity == 0


def test_no_more_steps_are_made_than_allowed_and_none_without_time() -> None:
    """The bracket then stays as wide as it is."""
    assert len(found(777, Limits(50, 0.2, 4000, 5))) == 5
    left = [step(50, True), step(100, True)]
    assert len(search(lambda _rate: left.pop(0) if left else None, LIMITS)) == 2


@pytest.mark.parametrize(
    ("broken", "culprit"),
    [
        (step(100, False, generator=0.3, Redis=0.95), "Redis"),
        (step(100, False, generator=0.3, Redis=0.4), ""),
        (step(100, None, generator=0.95), "generator"),
    ],
)
def test_what_was_busiest_at_the_broken_rate_stands_in_the_way(broken: Step, culprit: str) -> None:
    """Nothing is named that was not busy; a late generator measured itself."""
    assert summarize(1.0, [step(50, True, Redis=0.5), broken]).saturated == culprit
