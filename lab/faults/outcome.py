"""What callers saw around a fault: answers by kind, before, during and after it, and when all was as before."""

from __future__ import annotations

import enum
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.load.plan import NEW_FROM
from bench.verdict.percentiles import percentile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.samples import Sample

WINDOWS = ("before", "during", "after")


class Kind(enum.StrEnum):
    """What one caller got."""

    FRESH = "fresh"
    CACHED = "cached"
    STALE = "stale"
    FALLBACK = "fallback"
    REFUSED = "503"
    EXPIRED = "504"
    LOST = "lost"


def kind_of(sample: Sample) -> Kind:
    """Return what the caller got; a 503 that does not say when to come again is lost, like any other failure."""
    if sample.ok:
        if sample.degraded or sample.provider != "ollama":
            return Kind.FALLBACK
        return {"hit": Kind.CACHED, "stale": Kind.STALE}.get(sample.cache, Kind.FRESH)
    if sample.status == 503 and sample.retry_after:
        return Kind.REFUSED
    return Kind.EXPIRED if sample.status == 504 else Kind.LOST


def is_known(sample: Sample) -> bool:
    """Whether the request is for a key that was in the cache before the fault."""
    return sample.index < NEW_FROM


def is_from_cache(sample: Sample) -> bool:
    """Whether the cache answered, also with what a fallback wrote."""
    return sample.ok and sample.cache in {"hit", "stale"}


@dataclass(frozen=True)
class Moments:
    """When the fault began and when its end was ordered, in nanoseconds since the first request was due."""

    injected_ns: int
    healed_ns: int

    def window(self, sample: Sample) -> str:
        """Return the window that a request belongs to; one that was under way when the fault began is part of it."""
        if end_ns(sample) < self.injected_ns:
            return "before"
        return "after" if sample.intended_ns >= self.healed_ns else "during"


def end_ns(sample: Sample) -> int:
    """Return when the answer was whole, in nanoseconds since the first request was due."""
    return sample.intended_ns + sample.latency_ns


def count_kinds(samples: Iterable[Sample], moments: Moments) -> dict[str, dict[str, int]]:
    """Return how many callers got what, by window; the warm-up counts for nothing."""
    counts: dict[str, Counter[str]] = {window: Counter() for window in WINDOWS}
    for sample in samples:
        if not sample.warmup:
            counts[moments.window(sample)][kind_of(sample)] += 1
    return {window: dict(counts[window]) for window in WINDOWS}


def cached_p99_ms(samples: Sequence[Sample], moments: Moments) -> dict[str, float | None]:
    """Return p99 of answers from the cache by window, in milliseconds; None where a window has none."""
    found: dict[str, float | None] = {}
    for window in WINDOWS:
        hits = sorted(
            sample.latency_ns / 1e6
            for sample in samples
            if not sample.warmup and is_known(sample) and is_from_cache(sample) and moments.window(sample) == window
        )
        found[window] = percentile(hits, 99) if hits else None
    return found


def recovery_s(samples: Sequence[Sample], moments: Moments, begin_ns: int, *, is_models: bool = False) -> float | None:
    """Return after how many seconds all was as before; None where it never was.

    All is as before once every known key is answered by the cache for good, and new requests get no worse answers than
    before: the fallback's where they got those, and no refusal where there was none.

    Args:
        samples: Of the row.
        moments: Of the fault.
        begin_ns: From when it counts: the heal, or the fault where nobody ends it.
        is_models: Whether the model was away, so that its next answer is awaited, too.
    """
    counted = [sample for sample in samples if not sample.warmup]
    former = [sample for sample in counted if not is_known(sample) and moments.window(sample) == "before"]
    usual = {Kind.FRESH, *(kind_of(sample) for sample in former)} - {Kind.LOST}
    awaited = usual & {Kind.FALLBACK} | ({Kind.FRESH} if is_models else set())
    later = [sample for sample in counted if end_ns(sample) >= begin_ns]
    bad = [
        end_ns(sample)
        for sample in later
        if not (is_from_cache(sample) if is_known(sample) else kind_of(sample) in usual)
    ]
    settled_ns = max([begin_ns, *bad])
    for kind in awaited:
        again = [
            end_ns(sample)
            for sample in later
            if not is_known(sample) and kind_of(sample) is kind and sample.intended_ns >= begin_ns
        ]
        if not again:
            return None
        settled_ns = max(settled_ns, min(again))
    last_ns = max((end_ns(sample) for sample in later), default=0)
    return None if bad and max(bad) >= last_ns else (settled_ns - begin_ns) / 1e9


def longest_failure_s(samples: Iterable[Sample]) -> float:
    """Return how long the slowest failed request took, in seconds."""
    return max((sample.latency_ns / 1e9 for sample in samples if not sample.ok), default=0.0)


def span_s(samples: Sequence[Sample]) -> float:
    """Return the seconds from the end of the first to that of the last of some requests.

    One that was lost while it waited for the model was due long before that.
    """
    ends = [end_ns(sample) for sample in samples]
    return (max(ends) - min(ends)) / 1e9 if ends else 0.0
