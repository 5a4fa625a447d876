"""Goodput: how many answers a second were of use, that is, successful and within their bound.

Throughput counts answers that came too late to be worth anything; goodput does not. It is what a site can promise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.samples import Sample
    from bench.verdict.thresholds import Threshold


def goodput(samples: Iterable[Sample], thresholds: Sequence[Threshold]) -> float | None:
    """Return the answers per second that succeeded within their bound; None where no bound is meant for any of them.

    A sample's bound is the latency threshold that selects it, the widest where several do (p95, not p50). The time is
    that from the first intended start to the last answer, warm-up excluded.

    Args:
        samples: Those of one phase.
        thresholds: All of the profile.
    """
    latency = [threshold for threshold in thresholds if threshold.metric == "latency"]
    measured = [sample for sample in samples if not sample.warmup]
    bounds = [[threshold for threshold in latency if threshold.selects(sample)] for sample in measured]
    if not any(bounds):
        return None
    good = sum(
        sample.ok and not sample.degraded and any(bound.within(sample.latency_ns / 1e6) for bound in ours)
        for sample, ours in zip(measured, bounds, strict=True)
    )
    first = min(sample.intended_ns for sample in measured)
    last = max(sample.intended_ns + sample.latency_ns for sample in measured)
    return good / ((last - first) / 1e9) if last > first else None
