"""An answer on its way to a caller, with what is said of it in headers, metrics and log."""

from __future__ import annotations

import msgspec

from ai_service.cache.entry import Entry  # noqa: TC001 - msgspec reads the type of the field
from ai_service.skipped_providers import Skipped  # noqa: TC001 - as above


class AnswerResult(msgspec.Struct, frozen=True):
    """An answer and how it came about.

    Attributes:
        entry: The answer.
        cache: Label of the metrics: `hit`, `miss`, `expired` (too old, so computed anew), `stale`, `bypass` or
            `coalesced`.
        detail: Where a hit was found, or whether a miss was stored.
        timings: Name and seconds, for `Server-Timing`.
        skipped: The providers that gave no answer.
        synthetic: Whether the answer is made up, so that even a stale one would be better.
        completion_tokens: Tokens that the provider wrote for it; 0 where it does not count them, or nobody wrote.
    """

    entry: Entry
    cache: str
    detail: str
    timings: tuple[tuple[str, float], ...] = ()
    skipped: tuple[Skipped, ...] = ()
    synthetic: bool = False
    completion_tokens: int = 0
