"""When a stored answer is refreshed early, and when it may be served late."""

from __future__ import annotations

import math

import pytest

from ai_service.cache.entry import Entry
from ai_service.cache.freshness import is_due, may_serve_stale

ENTRY = Entry(b"body", 0.0, 1000.0, 2000.0, 10.0, "ollama", "m", 0.8, degraded=False)
DOUBTFUL = Entry(b"body", 0.0, 1000.0, 2000.0, 10.0, "ollama", "m", 0.3, degraded=False)
FALLBACK = Entry(b"body", 0.0, 1000.0, 2000.0, 10.0, "openai", "m", 0.8, degraded=True)


@pytest.mark.parametrize("remaining", [1.0, 10.0, 30.0])
def test_the_chance_of_an_early_refresh_is_xfetchs(remaining: float) -> None:
    """P(-compute * log(u) >= remaining) = exp(-remaining / compute)."""
    chance = math.exp(-remaining / ENTRY.compute_s)
    assert is_due(ENTRY, 1000.0 - remaining, lambda: 1.0 - chance * 0.999)
    assert not is_due(ENTRY, 1000.0 - remaining, lambda: 1.0 - chance * 1.001)


def test_far_from_the_end_nothing_is_drawn() -> None:
    """Most hits cost one comparison."""

    def draw() -> float:
        raise AssertionError("a number was drawn")

    assert not is_due(ENTRY, 1000.0 - 37 * ENTRY.compute_s, draw)


@pytest.mark.parametrize(
    ("entry", "now", "max_stale_s", "allowed"),
    [
        (ENTRY, 1099.0, 0.0, True),
        (ENTRY, 1101.0, 0.0, False),
        (ENTRY, 1101.0, 200.0, True),
        (ENTRY, 1099.0, 1.0, True),
        (ENTRY, 1999.0, math.inf, True),
        (ENTRY, 2001.0, math.inf, False),
        (FALLBACK, 1001.0, 0.0, False),
        (FALLBACK, 1001.0, 5.0, True),
        (DOUBTFUL, 1001.0, 0.0, False),
        (DOUBTFUL, 1001.0, 5.0, True),
    ],
)
def test_a_stale_answer_is_served_within_what_operator_or_caller_allow(
    entry: Entry, now: float, max_stale_s: float, *, allowed: bool
) -> None:
    """Whichever is more, but never past the day of stale-if-error.

    A fallback's answer, or one with a failed check, only to callers that ask for it.
    """
    assert may_serve_stale(entry, now, revalidate_s=100.0, max_stale_s=max_stale_s) is allowed
