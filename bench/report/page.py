"""The report's page: numbers and plots put into the template."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bench.evidence.rules import is_proven
from bench.report.ecdf import Curve, common_axis, plot
from bench.report.formats import format_bound, format_ms, format_rate, format_ratio, format_share, format_threshold
from bench.report.svg import Drawing
from bench.results import Finding, PhaseResult, Result, ThresholdResult, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.samples import Sample

_HERE = Path(__file__).parent
_HEADLINES = {
    Verdict.PASS: "Every gated bound is kept, and every figure is proven.",
    Verdict.FAIL: "A bound is broken, and the figures are proven.",
    Verdict.INCONCLUSIVE: "The figures are proven, but too few to decide.",
    Verdict.INVALID: "The figures cannot be believed.",
}
_PATHS = (("cached", "hit"), ("uncached", "miss"))


def render(result: Result, samples: Sequence[Sample]) -> str:
    """Return the report as one HTML document without any outside reference.

    Args:
        result: The run.
        samples: Its raw samples, for the plots.
    """
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(ms=format_ms, rate=format_rate, ratio=format_ratio, share=format_share)
    environment.filters["threshold"] = lambda bound: format_threshold(bound.selector, bound.expression)
    curves = {task.task: _curves(task.task, result.thresholds, samples) for task in result.tasks}
    axis = common_axis([curve for ours in curves.values() for curve in ours])
    outcomes = sorted({outcome for phase in result.phases for outcome in phase.cache})
    return environment.get_template(
        "page.html.j2"
    ).render(
        result=result,
        headline=_HEADLINES[result.verdict],
        style=Markup((_HERE / "style.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
        plots={name: _markup(plot(name, ours, axis)) for name, ours in curves.items() if ours},
        bounds=[(bound, format_bound(bound.unit, bound.bound), _markup(_bullet(bound))) for bound in result.thresholds],
        rules=_matrix(result.evidence, result.phases),
        outcomes=outcomes,
        generated=f"{result.started_at[:10]} {result.started_at[11:16]} UTC",
    )


def _curves(task: str, thresholds: Iterable[ThresholdResult], samples: Iterable[Sample]) -> list[Curve]:
    proven = [sample for sample in samples if sample.task == task and is_proven(sample)]
    curves = []
    for phase, path in _PATHS:
        latencies = sorted(sample.latency_ns / 1e6 for sample in proven if sample.phase == phase)
        bounds = [bound.bound for bound in thresholds if bound.task == task and f"cache:{path}" in bound.selector]
        if latencies:
            curves.append(Curve(path, latencies, bounds[0] if bounds else None))
    return curves


def _bullet(bound: ThresholdResult) -> Drawing:
    """Draw a bound as a tick at three quarters, the measured value as a bar, its confidence interval as a line."""
    width, height = 150.0, 16.0
    drawing = Drawing(width, height, f"{bound.selector} against its bound")
    tick = width * 0.75
    drawing.bar(0, 5, width, 6, "track")
    if bound.value is not None:
        css = str(bound.verdict).lower() if bound.gated else "shown"
        drawing.bar(0, 5, max(1.5, min(bound.value / bound.bound * tick, width)), 6, css)
    if bound.lower is not None and bound.upper is not None:
        left, right = (min(value / bound.bound * tick, width) for value in (bound.lower, bound.upper))
        drawing.line(left, 8, right, 8, "interval")
    drawing.line(tick, 1, tick, 15, "limit")
    return drawing


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


def _markup(drawing: Drawing) -> Markup:
    return Markup(str(drawing))  # noqa: S704 - ElementTree has escaped it
