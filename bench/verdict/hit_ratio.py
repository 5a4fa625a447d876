"""Which hit ratio a Zipf mix must have, if everything that was asked once stays in the cache.

Nothing of the catalogue is cached at the start and nothing is forgotten within minutes, so an item is computed the
first time it is asked, and only then. Of n requests that draw item i with probability p_i, item i is asked at all with
probability 1 - (1 - p_i)^n; the sum over the catalogue is the expected number of computations. That is exact, where
Che's approximation (for caches that forget the least recently used) is not needed. The variance is at most that of
independent items, because the counts of a multinomial draw are negatively associated. (K. Joag-Dev and F. Proschan,
Negative Association of Random Variables, Annals of Statistics 11, 1983.)
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bench.load.picks import zipf_shares
from bench.results import HitRatio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.load.plan import Phase
    from bench.samples import Sample

SURE = 3.3
"""Standard deviations that chance leaves alone in 999 of 1,000 runs (normal distribution, two-sided)."""

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
    spread = SURE * math.sqrt(sum(chance * (1 - chance) for chance in asked))
    # Half a computation is as near as a whole number need come.
    low, high = (1 - (computed + sign * (spread + 0.5)) / requests for sign in (1, -1))
    return 1 - computed / requests, max(0.0, low), min(1.0, high)


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
