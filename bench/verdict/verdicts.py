"""From proven samples to verdicts.

A bound PASSES when the samples prove it: the upper confidence bound of the percentile keeps it. It FAILS when they
prove the contrary. Between the two it is INCONCLUSIVE, with the number of samples that would decide. So a service
whose true percentile lies exactly at the bound passes in at most 5 % of runs, also where slow requests come in rows
(see `bench.verdict.dependence`).

A run is INVALID if any rule of evidence does not hold; else its verdict is the worst of its gated bounds.
"""

from __future__ import annotations

import itertools
from collections import Counter
from typing import TYPE_CHECKING

from bench.evidence.rules import PhaseRecord, is_proven, lag_p99_ms
from bench.failures import count_failures, describe_failures
from bench.load.plan import CLOSED, OpenLoop, describe_arrivals
from bench.load.request_mix import ALL_TASKS
from bench.load.workload import TASKS
from bench.results import Finding, Latency, Measurement, PhaseResult, TaskResult, ThresholdResult, Verdict
from bench.verdict import rates
from bench.verdict.dependence import STALL, samples_per_witness
from bench.verdict.goodput import goodput
from bench.verdict.percentiles import confidence_ranks, percentile, samples_needed
from bench.verdict.thresholds import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bench.samples import Sample
    from bench.verdict.thresholds import Threshold

IN_ROWS = frozenset({"token_gap"})
"""Metrics of which one stall may slow many values in a row."""

_BOTH = 0.975
"""Of each of two medians, so that both lie within their intervals in 95 % of runs."""

_SEVERITY = (Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL, Verdict.INVALID)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst verdict: INVALID, then FAIL, then INCONCLUSIVE; PASS where there is none."""
    return max(verdicts, key=_SEVERITY.index, default=Verdict.PASS)


def judge(threshold: Threshold, samples: Sequence[Sample], measurements: Sequence[Measurement] = ()) -> ThresholdResult:
    """Hold samples, or what else was measured, to one bound.

    Args:
        threshold: The bound.
        samples: All samples of the run; the threshold picks its own.
        measurements: All other figures of the run, likewise.
    """
    if threshold.metric in {"latency", "failures"}:
        chosen = [sample for sample in samples if threshold.selects(sample)]
        if threshold.counts:
            return _judge_count(threshold, chosen)
        return _judge_latency(threshold, chosen) if threshold.metric == "latency" else _judge_rate(threshold, chosen)
    values = [
        value
        for measurement in measurements
        if measurement.metric == threshold.metric and threshold.tags.get("task", measurement.task) == measurement.task
        for value in measurement.values
    ]
    if threshold.p == 100:
        return _judge_largest(threshold, values)
    return judge_quantile(threshold, values, STALL if threshold.metric in IN_ROWS else 1)


def _judge_largest(threshold: Threshold, values: Sequence[float]) -> ThresholdResult:
    """Judge what was measured, all of it and nothing beyond: a maximum has no upper confidence bound."""
    unit = METRICS[threshold.metric].unit
    if not values:
        return _result(threshold, unit, 0, Verdict.INCONCLUSIVE, note="nothing was measured")
    verdict = Verdict.PASS if threshold.within(max(values)) else Verdict.FAIL
    return _result(threshold, unit, len(values), verdict, value=max(values))


def _judge_latency(threshold: Threshold, samples: Sequence[Sample]) -> ThresholdResult:
    proven = in_order(filter(is_proven, samples))
    return judge_quantile(threshold, [sample.latency_ns / 1e6 for sample in proven], stall_of(proven))


def in_order(samples: Iterable[Sample]) -> list[Sample]:
    """Return samples in order of time; phases in the order in which they were run."""
    groups = itertools.groupby(samples, key=lambda sample: sample.phase)
    return [sample for _, group in groups for sample in sorted(group, key=lambda one: (one.task, one.intended_ns))]


def stall_of(samples: Iterable[Sample]) -> int:
    """Return how many samples in a row a PASS counts as one; in a closed loop a stall slows the one under way."""
    return 1 if all(sample.phase in CLOSED for sample in samples) else STALL


def judge_quantile(threshold: Threshold, values: Sequence[float], stall: int) -> ThresholdResult:
    """Judge a percentile of values in order of time."""
    n, p, unit = len(values), threshold.p, METRICS[threshold.metric].unit
    if not n:
        return _result(threshold, unit, 0, Verdict.INCONCLUSIVE, note="no proven sample")
    within = [threshold.within(value) for value in values]
    lasts, below, ordered = samples_per_witness(within), sum(within), sorted(values)
    lower, upper = confidence_ranks(p, n, below=lasts, above=max(lasts, stall))
    verdict, note = Verdict.INCONCLUSIVE, ""
    if upper is not None and below >= upper:
        verdict = Verdict.PASS
    elif lower is not None and below < lower:
        verdict = Verdict.FAIL
    else:
        note = _missing(p, n, below, lasts, max(lasts, stall))
    return _result(
        threshold,
        unit,
        n,
        verdict,
        value=ordered[_index(p, n)],
        lower=None if lower is None else ordered[lower - 1],
        upper=None if upper is None else ordered[upper - 1],
        independent=n / (lasts if verdict is Verdict.FAIL else max(lasts, stall)),
        note=note,
    )


def _judge_rate(threshold: Threshold, samples: Sequence[Sample]) -> ThresholdResult:
    """Judge a share of failures: so many below a rate and so many below a quantile are the same question.

    A PASS counts failures in a row as one witness, a FAIL counts each: an outage during the run is not chance.
    """
    measured = in_order(sample for sample in samples if not sample.warmup)
    n, failures = len(measured), [not sample.ok for sample in measured]
    if not n:
        return _result(threshold, "share", 0, Verdict.INCONCLUSIVE, note="no request was sent")
    failed, share = sum(failures), threshold.bound * 100
    stall = max(samples_per_witness(failures), stall_of(measured))
    few, many = confidence_ranks(share, n, below=stall)
    verdict, note = Verdict.INCONCLUSIVE, _told(failed, n, count_failures(measured))
    if few is not None and failed < few:
        verdict, note = Verdict.PASS, note if failed else ""
    elif many is not None and failed >= many:
        verdict = Verdict.FAIL
    else:
        note += f"; {_missing(share, n, failed, stall, 1.0)}"
    return _result(threshold, "share", n, verdict, value=failed / n, independent=n / stall, note=note)


def _judge_count(threshold: Threshold, samples: Sequence[Sample]) -> ThresholdResult:
    """Judge how many failed: what happened, without a claim about what else might."""
    n, kinds = sum(not sample.warmup for sample in samples), count_failures(samples)
    if not n:
        return _result(threshold, "requests", 0, Verdict.INCONCLUSIVE, note="no request was sent")
    failed = sum(kinds.values())
    verdict = Verdict.PASS if threshold.within(failed) else Verdict.FAIL
    return _result(threshold, "requests", n, verdict, value=failed, note=_told(failed, n, kinds) if failed else "")


def _told(failed: int, n: int, kinds: Mapping[str, int]) -> str:
    return f"{failed} of {n} failed" + (f": {describe_failures(kinds)}" if kinds else "")


def _missing(p: float, n: int, below: int, low: float, high: float) -> str:
    """Say how many samples would decide; so many in a row count as one on either side."""
    needed = samples_needed(p, n, below, low, high)
    if needed is None:
        return "too close to the bound to decide"
    rows = f" ({max(low, high):.0f} in a row count as one)" if max(low, high) >= 1.5 else ""
    return f"{needed - n} more samples would decide, {needed} in all, if they are like these{rows}"


def _index(p: float, n: int) -> int:
    return percentile(range(n), p)


def _result(
    threshold: Threshold,
    unit: str,
    samples: int,
    verdict: Verdict,
    *,
    value: float | None = None,
    lower: float | None = None,
    upper: float | None = None,
    independent: float | None = None,
    note: str = "",
) -> ThresholdResult:
    return ThresholdResult(
        selector=threshold.selector,
        expression=threshold.expression,
        task=threshold.tags.get("task", ""),
        gated=threshold.gated,
        unit=unit,
        bound=threshold.bound,
        value=value,
        lower=lower,
        upper=upper,
        samples=samples,
        verdict=verdict,
        independent=independent,
        note=note,
    )


def _latencies(samples: Iterable[Sample]) -> list[int]:
    return sorted(sample.latency_ns for sample in samples if is_proven(sample))


def summarize_latency(samples: Iterable[Sample]) -> Latency | None:
    """Return the percentiles of the proven samples in milliseconds, or None where there are none."""
    ordered = _latencies(samples)
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


def explain(thresholds: Iterable[ThresholdResult], evidence: Iterable[Finding]) -> list[str]:
    """Return a sentence for everything that keeps a run from PASS: evidence, then what is broken, then the rest."""
    missed = [bound for bound in thresholds if bound.gated and bound.verdict is not Verdict.PASS]
    broken: dict[tuple[str, str, str], list[str]] = {}
    for finding in evidence:
        if not finding.holds:
            broken.setdefault((finding.phase, finding.rule, finding.detail), []).append(finding.task)
    return [
        *(
            f"{phase} {', '.join(tasks)}: it does not hold that {rule} ({detail})"
            for (phase, rule, detail), tasks in broken.items()
        ),
        *(
            f"{bound.selector}: {bound.expression} is {bound.verdict}" + (f" ({bound.note})" if bound.note else "")
            for bound in sorted(missed, key=lambda one: one.verdict is not Verdict.FAIL)
        ),
    ]
