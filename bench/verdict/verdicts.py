"""From proven samples to verdicts.

A bound PASSES when the samples prove it: the upper confidence bound of the percentile keeps it. It FAILS when they
prove the contrary. Between the two it is INCONCLUSIVE, with the number of samples that would decide. So a service
whose true percentile lies exactly at the bound passes in at most 5 % of runs, also where slow requests come in rows
(see `bench.verdict.dependence`).

A run is INVALID if any rule of evidence does not hold; else its verdict is the worst of its gated bounds.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from bench.evidence.rules import is_proven
from bench.failures import count_failures, describe_failures
from bench.load.plan import CLOSED
from bench.results import Finding, Measurement, ThresholdResult, Verdict
from bench.verdict.dependence import STALL, samples_per_witness
from bench.verdict.percentiles import confidence_ranks, percentile, samples_needed
from bench.verdict.thresholds import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bench.samples import Sample
    from bench.verdict.thresholds import Threshold

IN_ROWS = frozenset({"token_gap"})
"""Metrics of which one stall may slow many values in a row."""

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
