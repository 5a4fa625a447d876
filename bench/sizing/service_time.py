"""The mean time of a computed request, from a run's raw samples."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

from bench.errors import UsageError
from bench.results import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bench.results import Result
    from bench.samples import Sample


def service_time(result: Result, samples: Iterable[Sample], mix: Mapping[str, float]) -> tuple[float, dict[str, int]]:
    """Return the mean time in seconds of the proven uncached requests, and how many of each task there were.

    Args:
        result: The run.
        samples: Its raw samples.
        mix: Weight of each task; empty weighs the tasks of the run alike.

    Raises:
        UsageError: The run proves nothing, or has no uncached request of a task.
    """
    if result.verdict is Verdict.INVALID:
        raise UsageError(f"the run is INVALID, so its times say nothing: {'; '.join(result.reasons)}")
    times: dict[str, list[float]] = {}
    for sample in samples:
        is_counted = sample.ok and not sample.warmup and not sample.degraded
        if is_counted and sample.phase == "uncached" and sample.cache == "miss":
            times.setdefault(sample.task, []).append(sample.latency_ns / 1e9)
    if not times:
        raise UsageError("the run has no uncached requests; run the workload uncached")
    weights = dict(mix) or dict.fromkeys(times, 1.0)
    if missing := sorted(weights.keys() - times.keys()):
        raise UsageError(f"the run has no uncached requests of {missing[0]}; it has {', '.join(sorted(times))}")
    mean = sum(weight * fmean(times[task]) for task, weight in weights.items()) / sum(weights.values())
    return mean, {task: len(times[task]) for task in weights}


def hit_ratio(result: Result) -> float | None:
    """Return the hit ratio that the run's Zipf mix measured, over all tasks; None without one."""
    requests = sum(each.requests for each in result.hit_ratios)
    if not requests:
        return None
    return sum(each.measured * each.requests for each in result.hit_ratios) / requests
