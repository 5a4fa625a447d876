"""Results as reports show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from bench.capacity.curve import Curve, Point, Step
from bench.compare.comparison import Change, Comparison, Row
from bench.compare.failures import FailureRow
from bench.compare.statistics import Shift
from bench.evidence.rules import examine
from bench.results import Result, Verdict
from bench.verdict import summaries, verdicts
from bench.verdict.thresholds import parse_threshold
from tests.unit.bench.records import cached_record, hit, miss, result, uncached_record

if TYPE_CHECKING:
    from bench.samples import Sample


POINT = Point(
    hit_ratio=0.9,
    capacity=40.0,
    broken=50.0,
    saturated="Ollama slots",
    steps=[Step(rate=50.0, kept=False, p_ms=900.0, failures=0.5, samples=99, used={"Ollama slots": 1.0}, note="slow")],
)
CURVE = Curve(
    target="http://target.example",
    task="recipe",
    bound="p(95)<100",
    method="By halves.",
    started_at="2026-01-02T03:04:05+00:00",
    duration_s=60.0,
    interrupted=False,
    environment={},
    points=[POINT],
)


def full_result() -> tuple[Result, list[Sample]]:
    """Return a result with both phases of one task, and its samples."""
    records = [uncached_record([miss(), miss(4000.0)]), cached_record([hit(float(ms)) for ms in range(1, 101)])]
    samples = [sample for record in records for sample in record.samples]
    findings = [finding for record in records for finding in examine(record, 5.0)]
    thresholds = [
        parse_threshold("latency{task:recipe,cache:hit}", "p(95)<200", gated=True),
        parse_threshold("latency{task:recipe,cache:miss}", "p(95)<5000", gated=False),
    ]
    bounds = [verdicts.judge(threshold, samples) for threshold in thresholds]
    whole = result(
        tasks=summaries.summarize_tasks(samples, bounds, findings),
        thresholds=bounds,
        evidence=findings,
        phases=[summaries.summarize_phase(record, thresholds) for record in records],
    )
    return whole, samples


def failing_result(bound: str = "p(95)<200") -> tuple[Result, list[Sample]]:
    """Return a result in which half of the cached requests failed, for two reasons, and its samples."""
    failures = ["HTTP 503"] * 60 + ["ConnectionResetError: reset"] * 40
    samples = [*(hit(float(ms)) for ms in range(1, 101)), *(hit(failure=failure) for failure in failures)]
    record = cached_record(samples)
    bounds = [verdicts.judge(parse_threshold("latency{task:recipe,cache:hit}", bound, gated=False), samples)]
    phase = replace(summaries.summarize_phase(record, []), started_s=1.0, wall_s=9.0)
    tasks = summaries.summarize_tasks(samples, bounds, [])
    return result(tasks=tasks, thresholds=bounds, phases=[phase]), samples


def compared() -> Comparison:
    """Return a comparison in which one scope became slower in each of three rounds, and more failed."""
    shift = Shift(p=0.001, ratio=2.0, low=1.9, high=2.1)
    runs = ((1.0, 1.1, 0.9), (2.0, 2.2, 1.8))
    row = Row("recipe hit", "p50", True, 1.0, 2.0, shift, 1.0, Change.SLOWER, None, *runs)
    failing = FailureRow("cached", "recipe", (0, 100), (20, 100), {"HTTP 503": 20}, 0.001)
    return Comparison([row], ["x: a -> b"], [], [failing], Verdict.FAIL)
