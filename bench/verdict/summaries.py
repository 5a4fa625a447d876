"""What the samples of tasks and phases come to, for the result."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from bench.evidence.rules import PhaseRecord, is_proven, lag_p99_ms
from bench.failures import count_failures
from bench.load.plan import OpenLoop, describe_arrivals
from bench.load.request_mix import ALL_TASKS
from bench.load.workload import TASKS
from bench.results import Finding, Latency, PhaseResult, TaskResult, ThresholdResult, Verdict
from bench.verdict import rates
from bench.verdict.dependence import samples_per_witness
from bench.verdict.goodput import goodput
from bench.verdict.percentiles import confidence_ranks, percentile
from bench.verdict.verdicts import in_order, stall_of, worst

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.samples import Sample
    from bench.verdict.thresholds import Threshold

_BOTH = 0.975
"""Of each of two medians, so that both lie within their intervals in 95 % of runs."""


def summarize_latency(samples: Iterable[Sample]) -> Latency | None:
    """Return the percentiles of the proven samples in milliseconds, or None where there are none."""
    ordered = sorted(sample.latency_ns for sample in samples if is_proven(sample))
    if not ordered:
        return None
    p50, p95, p99 = (percentile(ordered, p) / 1e6 for p in (50, 95, 99))
    return Latency(
        samples=len(ordered),
        min_ms=ordered[0] / 1e6,
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        max_ms=ordered[-1] / 1e6,
    )


def summarize_tasks(
    samples: Sequence[Sample], thresholds: Sequence[ThresholdResult], evidence: Sequence[Finding]
) -> list[TaskResult]:
    """Return each task's latencies by cache path and its verdict."""
    tasks = []
    for task in TASKS:
        uncached, cached = (
            summarize_latency(sample for sample in samples if sample.task == task and sample.phase == phase)
            for phase in ("uncached", "cached")
        )
        low, high = _ratio_interval(samples, task)
        verdict = worst(
            [
                *(bound.verdict for bound in thresholds if bound.gated and bound.task in {task, ""}),
                *(Verdict.INVALID for finding in evidence if finding.task in {task, ALL_TASKS} and not finding.holds),
            ]
        )
        tasks.append(
            TaskResult(
                task=task,
                uncached=uncached,
                cached=cached,
                ratio=uncached.p50_ms / cached.p50_ms if uncached and cached else None,
                ratio_low=low,
                ratio_high=high,
                verdict=verdict,
            )
        )
    return tasks


def _ratio_interval(samples: Sequence[Sample], task: str) -> tuple[float | None, float | None]:
    """Return the 95 % interval of how many times faster the cache is: each median within one of 97.5 %."""
    edges: list[float] = []
    for phase in ("uncached", "cached"):
        ours = in_order(one for one in samples if one.task == task and one.phase == phase and is_proven(one))
        if not ours:
            return None, None
        latencies = [sample.latency_ns / 1e6 for sample in ours]
        row = max(samples_per_witness(latencies), stall_of(ours))
        lower, upper = confidence_ranks(50, len(ours), (1 - _BOTH) / 2, below=row, above=row)
        if lower is None or upper is None:
            return None, None
        ordered = sorted(latencies)
        edges += [ordered[lower - 1], ordered[upper - 1]]
    return edges[0] / edges[3], edges[1] / edges[2]


def summarize_phase(record: PhaseRecord, thresholds: Sequence[Threshold]) -> PhaseResult:
    """Return what a phase sent and got.

    Args:
        record: The phase.
        thresholds: The profile's; its latency bounds say which answers were of use.
    """
    samples, end = record.samples, record.end
    return PhaseResult(
        phase=record.phase.name,
        task=record.phase.task,
        arrivals=describe_arrivals(record.phase),
        planned=end.planned if end else record.phase.arrivals.count,
        sent=end.sent if end else len(samples),
        dropped=end.dropped if end else 0,
        warmup=sum(sample.warmup for sample in samples),
        counted=sum(is_proven(sample) for sample in samples),
        failures=count_failures(samples),
        cache=dict(Counter(sample.cache for sample in samples)),
        lag_p99_ms=lag_p99_ms(samples),
        wall_s=end.wall_ns / 1e9 if end else 0.0,
        generator_cpu=end.busy if end else 0.0,
        goodput=goodput(samples, thresholds),
        started_s=record.began_s,
        gpu=record.gpu,
        offered=rates.offered_rate(samples) if isinstance(record.phase.arrivals, OpenLoop) else None,
        achieved=rates.achieved_rate(samples),
        within=rates.within(samples),
        response=rates.response_times(samples),
        service=rates.service_times(samples),
    )
