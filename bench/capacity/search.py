"""The search for the highest rate that is kept: doubling until one is not, then halving the gap, by ratios."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.capacity.curve import Step

FACTOR = 2.0
RESOLUTION = 1.15
"""The search ends when the lowest rate that broke is so many times the highest that was kept, or less."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a search may take.

    Attributes:
        start: The first rate, in requests per second.
        least: Below it a service is taken to keep no rate at all.
        most: No higher rate is tried.
        steps: No more rates are tried.
    """

    start: float
    least: float
    most: float
    steps: int


def search(attempt: Callable[[float], Step | None], limits: Limits) -> list[Step]:
    """Try rates until the capacity is bracketed, and return all that were tried, in that order.

    A rate at which nothing can be told, because the generator was too late, is taken for one that breaks: above it
    nothing can be measured from here.

    Args:
        attempt: Tries a rate; None where there is no time left for it.
        limits: What the search may take.
    """
    steps: list[Step] = []
    kept, broken = 0.0, math.inf
    rate = min(limits.start, limits.most)
    while len(steps) < limits.steps:
        step = attempt(rate)
        if step is None:
            break
        steps.append(step)
        if step.kept:
            kept = max(kept, rate)
        else:
            broken = min(broken, rate)
        if kept >= limits.most or broken <= limits.least or (kept and broken / kept <= RESOLUTION):
            break
        rate = _next_rate(kept, broken, limits)
    return steps


def _next_rate(kept: float, broken: float, limits: Limits) -> float:
    if math.isinf(broken):
        return min(kept * FACTOR, limits.most)
    if not kept:
        return max(broken / FACTOR, limits.least)
    return math.sqrt(kept * broken)
