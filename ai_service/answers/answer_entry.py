"""Makes what is stored and sent of what a provider answered."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from ai_service.cache.entry import Entry
from ai_service.cache.freshness import STALE_IF_ERROR_S
from ai_service.schemas import Meta, Recipe
from ai_service.tasks.confidence import MAX_AFTER_FAILURE

if TYPE_CHECKING:
    from ai_service.resilience.chain import ChainAnswer
    from ai_service.tasks import Task

FALLBACK_TTL_S = 60.0
"""A fallback's answer is fresh for so long: the primary is to be asked again soon."""

DOUBTFUL_TTL_S = 600.0
"""An answer with a failed check is fresh for so long at most: time for its readers, not for half a day's."""


def entry_of(task: Task, found: ChainAnswer, now: float) -> Entry:
    """Build the cache entry for an answer.

    Args:
        task: What was asked.
        found: The answer.
        now: Seconds since the epoch.
    """
    answer = found.answer
    data, confidence, findings, _ = answer.scored
    if answer.synthetic:  # The rule rates the text; nobody thought about it.
        confidence = 0.0
        data = msgspec.structs.replace(data, confidence=confidence) if isinstance(data, Recipe) else data
    ttl_s = FALLBACK_TTL_S if found.degraded else task.ttl_s * (0.5 + confidence)
    if confidence <= MAX_AFTER_FAILURE:
        ttl_s = min(ttl_s, DOUBTFUL_TTL_S)
    meta = Meta(
        provider=answer.provider,
        model=answer.model,
        generated_at=datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        confidence=confidence,
        degraded=found.degraded,
        degraded_reason=found.degraded_reason,
        warnings=list(findings),
    )
    body = task.body(data, meta)
    return Entry(
        body=body,
        created=now,
        fresh_until=now + ttl_s,
        stale_until=now + ttl_s + STALE_IF_ERROR_S,
        compute_s=answer.load_s + answer.provider_s,
        provider=answer.provider,
        model=answer.model,
        confidence=confidence,
        degraded=found.degraded,
        degraded_reason=found.degraded_reason,
    )
