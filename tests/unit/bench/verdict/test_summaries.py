"""Summaries of tasks and phases: proven samples, failures apart, and a task's own verdict."""

from __future__ import annotations

import pytest

from bench.evidence.rules import examine
from bench.results import Finding, Verdict
from bench.verdict.summaries import summarize_latency, summarize_phase, summarize_tasks
from bench.verdict.thresholds import parse_threshold
from bench.verdict.verdicts import judge
from tests.unit.bench.records import cached_record, hit, miss, uncached_record

BOUND = parse_threshold("latency{task:recipe,cache:hit}", "p(95)<100", gated=True)


def test_a_summary_is_in_milliseconds_of_raw_samples() -> None:
    """1 to 100 ms: the percentiles are those very samples."""
    summary = summarize_latency([hit(float(ms)) for ms in range(1, 101)])
    assert summary is not None
    assert (summary.min_ms, summary.p50_ms, summary.p95_ms, summary.p99_ms, summary.max_ms) == (1, 50, 95, 99, 100)
    assert summarize_latency([hit(failure="x")]) is None


def test_a_task_has_the_ratio_of_its_medians_and_its_own_verdict() -> None:
    """A broken bound of one task leaves the others alone; a bound without a task concerns all."""
    samples = [*(hit(10.0) for _ in range(100)), *(miss(2000.0) for _ in range(3))]
    strict = parse_threshold("latency{task:recipe,cache:hit}", "p(95)<5", gated=True)
    shown = parse_threshold("latency{task:nutrition,cache:hit}", "p(95)<5", gated=False)
    tasks = {task.task: task for task in summarize_tasks(samples, [judge(strict, samples), judge(shown, samples)], [])}
    assert tasks["recipe"].ratio == 200
    assert {name: task.verdict for name, task in tasks.items()} == {
        "recipe": Verdict.FAIL,
        "ingredients": Verdict.PASS,
        "nutrition": Verdict.PASS,
    }
    overall = parse_threshold("failures", "rate<0.5", gated=True)
    bad = [hit(failure="x") for _ in range(50)]
    assert {task.verdict for task in summarize_tasks(bad, [judge(overall, bad)], [])} == {Verdict.FAIL}


def test_broken_evidence_makes_its_task_invalid() -> None:
    """The latencies may look perfect."""
    finding = Finding(rule="r", phase="cached", task="nutrition", holds=False, detail="d")
    verdicts = {task.task: task.verdict for task in summarize_tasks([], [], [finding])}
    assert verdicts == {"recipe": Verdict.PASS, "ingredients": Verdict.PASS, "nutrition": Verdict.INVALID}


def test_a_phase_is_summed_up_with_its_failures_apart() -> None:
    """Counts by cache outcome, reasons of failures, what was warm-up and what counts."""
    samples = [hit(), hit(), hit(warmup=True), hit(failure="HTTP 503", status=503, cache="none")]
    phase = summarize_phase(cached_record(samples), [BOUND])
    assert (phase.sent, phase.warmup, phase.counted) == (4, 1, 2)
    assert phase.cache == {"hit": 3, "none": 1}
    assert phase.failures == {"HTTP 503": 1}
    assert phase.generator_cpu == pytest.approx(0.1)
    assert "open loop, constant arrivals, 4/s for 1 s over 3 known requests" in phase.arrivals


def test_a_phase_that_was_cut_short_is_summed_up_too() -> None:
    """Without the generator's account the samples say how far it got."""
    record = uncached_record([miss()], end=None)
    assert summarize_phase(record, []).sent == 1
    assert any(not finding.holds for finding in examine(record, 5.0))
