"""The report's page: numbers and plots put into the template."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

from bench.capacity.curve import describe_point, summarize_unproven
from bench.evidence.rules import is_proven
from bench.failures import describe_failures
from bench.report.capacity import draw_capacity
from bench.report.ecdf import FIGURES, Curve, common_axis, plot, tabulate
from bench.report.failures import draw_failures
from bench.report.formats import format_threshold, format_value
from bench.report.sparklines import draw_bound, draw_hit_ratio, draw_spread, sparkline_axis
from bench.report.templates import as_markup, fill
from bench.report.timeline import draw_timeline
from bench.results import Finding, Measurement, PhaseResult, Result, ThresholdResult, Verdict
from bench.verdict.rates import TAIL_BOUNDS_MS
from bench.verdict.thresholds import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from markupsafe import Markup

    from bench.capacity.curve import Curve as CapacityCurve
    from bench.compare.comparison import Comparison
    from bench.samples import Sample

_HEADLINES = {
    Verdict.PASS: "Every gated bound is kept, and every figure is proven.",
    Verdict.FAIL: "A bound is broken, and the figures are proven.",
    Verdict.INCONCLUSIVE: "The figures are proven, but too few to decide.",
    Verdict.INVALID: "The figures cannot be believed.",
}
_PATHS = (("cached", "hit"), ("uncached", "miss"))


def render(
    result: Result,
    samples: Sequence[Sample],
    capacity: CapacityCurve | None = None,
    comparison: tuple[str, Comparison] | None = None,
) -> str:
    """Return the report as one HTML document without any outside reference.

    Args:
        result: The run.
        samples: Its raw samples, for the plots.
        capacity: A capacity curve of the same service, if there is one.
        comparison: What the run is compared with, by name, if with anything.
    """
    curves = {task.task: _curves(task.task, result.thresholds, samples) for task in result.tasks}
    axis = common_axis([curve for ours in curves.values() for curve in ours])
    timeline, failures = draw_timeline(result, samples), draw_failures(result, samples)
    return fill(
        "page.html.j2",
        result=result,
        headline=_headline(result),
        notes={task.task: _notes(task.task, result) for task in result.tasks},
        tail_bounds=TAIL_BOUNDS_MS,
        failures_plot=as_markup(failures) if failures else None,
        sides=("then", "now"),
        comparison_name=comparison[0] if comparison else "",
        comparison=comparison[1] if comparison else None,
        plots={name: as_markup(plot(name, ours, axis)) for name, ours in curves.items() if ours},
        figures=FIGURES,
        tables=[(name, *row) for name, ours in curves.items() for row in tabulate(ours)],
        timeline=as_markup(timeline) if timeline else None,
        bounds=[(bound, as_markup(draw_bound(bound))) for bound in result.thresholds],
        rules=_matrix(result.evidence, result.phases),
        outcomes=sorted({outcome for phase in result.phases for outcome in phase.cache}),
        hit_ratios=[(ratio, as_markup(draw_hit_ratio(ratio))) for ratio in result.hit_ratios],
        measurements=_measurements(result.measurements),
        units={name: metric.unit for name, metric in METRICS.items()},
        capacity=capacity,
        capacity_rows=[(point, *describe_point(point)) for point in capacity.points] if capacity else [],
        capacity_unproven=summarize_unproven(capacity) if capacity else [],
        capacity_plot=as_markup(draw_capacity(capacity)) if capacity and capacity.points else None,
        generated=f"{result.started_at[:10]} {result.started_at[11:16]} UTC",
    )


def _measurements(measurements: Iterable[Measurement]) -> list[tuple[Measurement, list[float], Markup]]:
    """Return each measurement with its sorted values and their spread, on one axis for each metric."""
    rows: list[tuple[Measurement, list[float], Markup]] = []
    for _metric, group in groupby(sorted(measurements, key=lambda one: one.metric), key=lambda one: one.metric):
        ours = [one for one in group if one.values]
        axis = sparkline_axis([value for one in ours for value in one.values])
        for one in ours:
            ordered = sorted(one.values)
            rows.append((one, ordered, as_markup(draw_spread(ordered, axis))))
    return rows


def _curves(task: str, thresholds: Iterable[ThresholdResult], samples: Sequence[Sample]) -> list[Curve]:
    proven = [sample for sample in samples if sample.task == task and is_proven(sample)]
    curves = []
    for phase, path in _PATHS:
        latencies = sorted(sample.latency_ns / 1e6 for sample in proven if sample.phase == phase)
        bounds = [bound.bound for bound in thresholds if bound.task == task and f"cache:{path}" in bound.selector]
        failed = sum(not one.ok and not one.warmup and one.phase == phase and one.task == task for one in samples)
        if latencies:
            curves.append(Curve(path, latencies, bounds[0] if bounds else None, failed))
    return curves


def _headline(result: Result) -> str:
    if result.stopped:
        return "The service does not work." if result.verdict is Verdict.FAIL else "The run ended before its end."
    if result.interrupted:
        return "The run was interrupted."
    broken = sum(bound.verdict is Verdict.FAIL and not bound.gated for bound in result.thresholds)
    if result.verdict is Verdict.PASS and broken:
        bounds = "1 bound that is only shown is" if broken == 1 else f"{broken} bounds that are only shown are"
        return f"Every gated bound is kept, and proven; {bounds} broken."
    return _HEADLINES[result.verdict]


def _notes(task: str, result: Result) -> list[str]:
    """Return what stands in a task's card beside its verdict: bounds that are shown and broken, and failures."""
    notes = [
        f"{format_threshold(bound.selector, bound.expression)} is broken ({format_value(bound.unit, bound.value)}); "
        "it is shown, and does not decide here"
        for bound in result.thresholds
        if not bound.gated and bound.verdict is Verdict.FAIL and bound.task in {task, ""}
    ]
    kinds: Counter[str] = Counter()
    for phase in result.phases:
        if phase.task == task:
            kinds.update(phase.failures)
    return [*notes, f"failed: {describe_failures(dict(kinds.most_common()))}"] if kinds else notes


def _matrix(evidence: Iterable[Finding], phases: Sequence[PhaseResult]) -> list[tuple[str, list[Finding | None]]]:
    """Return the rules as rows and the phases as columns; a rule that names its phase is one row for both."""
    columns = [(phase.phase, phase.task) for phase in phases]
    ordered = sorted(evidence, key=lambda finding: finding.rule.replace("uncached", "cached"))
    rows = []
    for _rule, group in groupby(ordered, key=lambda finding: finding.rule.replace("uncached", "cached")):
        findings = {(finding.phase, finding.task): finding for finding in group}
        name = next(iter(findings.values())).rule.replace("uncached", "cached")
        rows.append(
            (name.replace("to be cached", "to be what they claim"), [findings.get(column) for column in columns])
        )
    return rows
