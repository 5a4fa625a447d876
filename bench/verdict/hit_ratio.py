"""Which hit ratio a Zipf mix must have, if everything that was asked once stays in the cache.

Nothing of the catalogue is cached at the start and nothing is forgotten within minutes, so an item is computed the
first time it is asked, and only then. Of n requests that draw item i with probability p_i, item i is asked at all with
probability 1 - (1 - p_i)^n; the sum over the catalogue is the expected number of computations. That is exact, where
Che's approximation (for caches that forget the least recently used) is not needed. The bounds are quantiles of the
count of independent items (Poisson binomial distribution), which spreads no less: the counts of a multinomial draw are
negatively associated. (K. Joag-Dev and F. Proschan, Negative Association of Random Variables, Annals of Statistics 11,
1983.) A normal distribution will not do, since the count is skewed where nearly every item is asked.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING

from bench.load.request_mix import zipf_shares
from bench.results import HitRatio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.load.plan import Phase
    from bench.samples import Sample

TAIL = 0.0005
"""Probability left outside of each bound: chance keeps within both in 999 of 1,000 runs."""
NEGLIGIBLE = 1e-12
"""A less probable count at an end of the distribution is left out."""

NO_COMPUTATION = frozenset({"hit", "stale", "coalesced"})
"""Outcomes of ``Cache-Status`` for which no model was asked."""


def predict(catalogue: int, exponent: float, requests: int) -> tuple[float, float, float]:
    """Return the expected share of requests that need no computation, and the bounds of what chance explains.

    Args:
        catalogue: How many items there are.
        exponent: Of their popularity.
        requests: How many are sent, at least 1.
    """
    asked = [1 - (1 - share) ** requests for share in zipf_shares(catalogue, exponent)]
    computed = sum(asked)
    least, most = _quantiles(asked)
    # Half a computation is as near as a whole number need come.
    low, high = (1 - (count + half) / requests for count, half in ((most, 0.5), (least, -0.5)))
    return 1 - computed / requests, max(0.0, low), min(1.0, high)


def _quantiles(chances: Sequence[float]) -> tuple[int, int]:
    """Return the least and the most of independent events that chance explains, of so many as there are chances."""
    first, distribution = 0, [1.0]  # The probabilities of `first` events, of one more, ...
    for chance in chances:
        distribution = [
            same * (1 - chance) + one_less * chance
            for same, one_less in zip([*distribution, 0.0], [0.0, *distribution], strict=True)
        ]
        while distribution[-1] < NEGLIGIBLE:
            distribution.pop()
        while distribution[0] < NEGLIGIBLE:
            first, distribution = first + 1, distribution[1:]
    cumulative = list(accumulate(distribution))
    return first + bisect_right(cumulative, TAIL), first + bisect_left(cumulative, cumulative[-1] - TAIL)


def compare(phase: Phase, samples: Sequence[Sample]) -> HitRatio | None:
    """Return prediction and measurement of a Zipf mix; None where nothing succeeded.

    Args:
        phase: The phase.
        samples: Its samples.
    """
    answered = [sample for sample in samples if sample.ok]
    if not answered:
        return None
    predicted, low, high = predict(phase.catalogue, phase.exponent, len(answered))
    return HitRatio(
        task=phase.task,
        catalogue=phase.catalogue,
        exponent=phase.exponent,
        requests=len(answered),
        predicted=predicted,
        low=low,
        high=high,
        measured=sum(sample.cache in NO_COMPUTATION for sample in answered) / len(answered),
    )
