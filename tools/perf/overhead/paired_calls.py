"""Pairs of calls in turns, and what their differences say about the budget: 4 ms, and 2 % of the direct call."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.verdict.bootstrap import Interval, median_interval, ratio_interval
from tools.perf.budgets.finding import Finding, judge

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT_MS = 4.0
LIMIT_PERCENT = 2.0
"""The same for a call of 200 ms; of a recipe, which takes seconds, it is at most 0.3 %."""
WARM_UP = 5
"""Pairs before the first that counts."""


@dataclass(slots=True)
class Pairs:
    """Latencies in milliseconds, of the same pairs in the same order.

    Attributes:
        direct_ms: Of the direct calls.
        through_ms: Of those through the service.
        computed: How many answers of the service were computed, by its own word.
    """

    direct_ms: list[float] = field(default_factory=list)
    through_ms: list[float] = field(default_factory=list)
    computed: int = 0

    @property
    def added_ms(self) -> list[float]:
        """What going through added to each."""
        return [late - early for early, late in zip(self.direct_ms, self.through_ms, strict=True)]

    def extend(self, other: Pairs) -> None:
        """Append other pairs."""
        self.direct_ms += other.direct_ms
        self.through_ms += other.through_ms
        self.computed += other.computed

    def doubt(self) -> str:
        """Return why these pairs prove nothing; empty where they do."""
        asked = len(self.through_ms)
        return "" if self.computed == asked else f"only {self.computed} of {asked} answers were computed"


def measure_pairs(
    direct: Callable[[int], float],
    through: Callable[[int], tuple[float, bool]],
    pairs: int,
    tell: Callable[[str], None],
) -> Pairs:
    """Measure pairs, the order within a pair changing every time, so that neither always comes first.

    Args:
        direct: Makes a direct call, given the pair's number from 0, and returns its milliseconds.
        through: Makes one through the service, and also returns whether the answer was computed.
        pairs: How many count.
        tell: Is told how far it is.
    """
    found = Pairs()
    for number in range(pairs + WARM_UP):
        tell(f"miss overhead: {max(0, number - WARM_UP)} of {pairs} pairs")
        if number % 2:
            through_ms, computed = through(number)
            direct_ms = direct(number)
        else:
            direct_ms = direct(number)
            through_ms, computed = through(number)
        if number >= WARM_UP:
            found.direct_ms.append(direct_ms)
            found.through_ms.append(through_ms)
            found.computed += computed
    return found


def judge_pairs(pairs: Pairs, doubt: str = "") -> tuple[Finding, Finding]:
    """Judge the median difference within pairs: in milliseconds, and in percent of the direct call.

    Args:
        pairs: At least one.
        doubt: Why else they prove nothing; empty where they do.
    """
    before, after = pairs.direct_ms, pairs.through_ms
    difference = median_interval(pairs.added_ms)
    share = ratio_interval(after, before)
    percent = Interval(*((bound - 1) * 100 for bound in (share.median, share.low, share.high)))
    how = f"{len(before)} pairs in turns; directly the median is {median_interval(before).median:.1f} ms"
    invalid = doubt or pairs.doubt()
    return (
        judge("miss overhead", "ms", LIMIT_MS, difference, how=how, invalid=invalid),
        judge("miss overhead, share", "%", LIMIT_PERCENT, percent, how="of the same pairs", invalid=invalid),
    )
