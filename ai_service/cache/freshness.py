"""When a stored answer is good enough, and when it is time to compute a new one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ai_service.tasks.confidence import MAX_AFTER_FAILURE

if TYPE_CHECKING:
    from collections.abc import Callable

    from ai_service.cache.entry import Entry

STALE_IF_ERROR_S = 24 * 3600.0
"""So long after its freshness an answer is better than none (RFC 5861, section 4)."""
BETA = 1.0
"""XFetch's eagerness; 1 is optimal where computing takes what it took the last time."""
_FARTHEST = -math.log(2.0**-53)
"""The largest value of -log(u) for the 53 random bits of a float: farther from the end nothing needs to be drawn."""


def is_due(entry: Entry, now: float, draw: Callable[[], float]) -> bool:
    """Whether a fresh entry is to be refreshed early: the nearer its end and the dearer it was, the likelier.

    XFetch: A. Vattani, F. Chierichetti, K. Lowenstein, "Optimal Probabilistic Cache Stampede Prevention", PVLDB 8(8),
    2015. Each reader draws for itself, so that of many readers about one refreshes shortly before the end.

    Args:
        entry: A fresh entry.
        now: Seconds since the epoch.
        draw: Gives a number from 0 up to, but not including, 1.
    """
    remaining = entry.fresh_until - now
    reach = entry.compute_s * BETA
    return remaining <= reach * _FARTHEST and remaining <= -reach * math.log(1.0 - draw())


def may_serve_stale(entry: Entry, now: float, *, revalidate_s: float, max_stale_s: float) -> bool:
    """Whether an entry past its freshness may be served before anybody is asked for a new one.

    Args:
        entry: The entry. A fallback's answer, or one with a failed check, is only served so to callers that want it: a
            better one may be had.
        now: Seconds since the epoch.
        revalidate_s: The operator's stale-while-revalidate (RFC 5861, section 3).
        max_stale_s: The caller's `max-stale` (RFC 9111, section 5.2.1.2); 0 where it was not sent.
    """
    doubtful = entry.degraded or entry.confidence <= MAX_AFTER_FAILURE
    allowed = max(0.0 if doubtful else revalidate_s, max_stale_s)
    return now < min(entry.fresh_until + allowed, entry.stale_until)
