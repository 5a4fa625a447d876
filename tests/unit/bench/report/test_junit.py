"""The JUnit file tells a CI what the verdict tells a person."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from bench.report.junit import render_junit
from bench.results import Finding, Verdict
from bench.verdict import verdicts
from bench.verdict.thresholds import parse_threshold
from tests.unit.bench.records import hit, result


def junit_outcomes(verdict: Verdict, *, interrupted: bool = False) -> list[str | None]:
    """Return the counts of tests, errors, failures and skipped ones of a run of that verdict."""
    samples = [hit(500.0) for _ in range(100)]
    bounds = [
        verdicts.judge(parse_threshold("latency{task:recipe,cache:hit}", "p(95)<100", gated=True), samples),
        verdicts.judge(parse_threshold("latency{task:recipe,cache:miss}", "p(95)<100", gated=True), samples),
        verdicts.judge(parse_threshold("failures", "rate<0.5", gated=True), samples),
        verdicts.judge(parse_threshold("failures", "rate<0.5", gated=False), samples),
    ]
    holds = verdict is not Verdict.INVALID or interrupted
    findings = [Finding(rule="r", phase="cached", task=task, holds=holds, detail="<why>") for task in ("a", "b")]
    whole = result(verdict=verdict, thresholds=bounds, evidence=findings, interrupted=interrupted)
    suite = ET.fromstring(render_junit(whole))  # noqa: S314 - ours
    return [suite.get(name) for name in ("tests", "errors", "failures", "skipped")]


def test_junit_shows_bounds_and_evidence_as_tests() -> None:
    """A broken bound is a failure and so is one that is not decided; what is not gated is skipped."""
    assert junit_outcomes(Verdict.FAIL) == ["6", "0", "2", "1"]


def test_junit_of_an_invalid_run_has_errors_and_no_passed_bound() -> None:
    """Broken evidence, or an interruption, is an error; no bound passes or fails on figures that say nothing."""
    assert junit_outcomes(Verdict.INVALID) == ["6", "5", "0", "1"]
    assert junit_outcomes(Verdict.INVALID, interrupted=True) == ["7", "4", "0", "1"]


def test_junit_tells_the_reasons_of_failures_and_of_an_early_end() -> None:
    """What a CI shows is enough to know where to look; a service that does not work is a failure, and no error."""
    samples = [hit(failure="HTTP 429")] * 38 + [hit(failure="ReadTimeout")] * 2
    bound = verdicts.judge(parse_threshold("failures", "rate<0.01", gated=True), samples)
    whole = result(verdict=Verdict.FAIL, thresholds=[bound], stopped="the warm-up request failed 3 times: HTTP 429")
    suite = ET.fromstring(render_junit(whole))  # noqa: S314 - ours
    messages = [failure.get("message") or "" for failure in suite.iter("failure")]
    assert messages[0] == "the warm-up request failed 3 times: HTTP 429"
    assert messages[1].endswith("from 40 samples; 40 of 40 failed: 38 x HTTP 429, 2 x timeout")
