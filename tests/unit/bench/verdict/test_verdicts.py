"""Verdicts: proven samples only, decided where the samples decide, and never by a failure that was fast."""

from __future__ import annotations

import pytest

from bench.results import Finding, Verdict
from bench.verdict.thresholds import implied_bounds, parse_threshold
from bench.verdict.verdicts import explain, judge, worst
from tests.unit.bench.records import hit, miss

BOUND = parse_threshold("latency{task:recipe,cache:hit}", "p(95)<100", gated=True)
UNCACHED = parse_threshold("latency{task:recipe,cache:miss}", "p(95)<100", gated=True)
"""Of a closed loop, where a stall slows the one request that is under way."""
RATE = parse_threshold("failures{phase:cached}", "rate<0.01", gated=True)
FEW = parse_threshold("failures{phase:uncached}", "rate<0.01", gated=True)


def test_exit_statuses_are_those_that_are_documented() -> None:
    """0 PASS, 1 FAIL, 2 INCONCLUSIVE, 3 INVALID."""
    statuses = {verdict.name: verdict.exit_status for verdict in Verdict}
    assert statuses == {"PASS": 0, "FAIL": 1, "INCONCLUSIVE": 2, "INVALID": 3}


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([], Verdict.PASS),
        ([Verdict.PASS, Verdict.INCONCLUSIVE], Verdict.INCONCLUSIVE),
        ([Verdict.FAIL, Verdict.INCONCLUSIVE], Verdict.FAIL),
        ([Verdict.FAIL, Verdict.INVALID, Verdict.PASS], Verdict.INVALID),
    ],
)
def test_the_worst_verdict_wins(verdicts: list[Verdict], expected: Verdict) -> None:
    """A broken bound outweighs an undecided one, and broken evidence outweighs both."""
    assert worst(verdicts) is expected


@pytest.mark.parametrize(
    ("slow", "expected"),
    [(0, Verdict.PASS), (12, Verdict.PASS), (13, Verdict.INCONCLUSIVE), (27, Verdict.INCONCLUSIVE), (28, Verdict.FAIL)],
)
def test_a_bound_passes_or_fails_only_where_the_samples_decide(slow: int, expected: Verdict) -> None:
    """Of 400 samples, 20 above the bound are exactly p95; the binomial test needs at most 12 or at least 28."""
    apart = {number * 400 // slow for number in range(slow)}
    samples = [miss(200.0 if number in apart else 10.0) for number in range(400)]
    assert judge(UNCACHED, samples).verdict is expected


def test_samples_exactly_at_the_bound_break_a_strict_bound_only() -> None:
    """100 ms is not below 100 ms."""
    samples = [miss(100.0) for _ in range(100)]
    assert judge(UNCACHED, samples).verdict is Verdict.FAIL
    at_most = parse_threshold("latency{task:recipe,cache:miss}", "p(95)<=100", gated=True)
    assert judge(at_most, samples).verdict is Verdict.PASS


def test_an_undecided_bound_says_how_many_samples_would_decide() -> None:
    """Ten fast samples are too few for p95; 59 are enough."""
    result = judge(UNCACHED, [miss(1.0) for _ in range(10)])
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.note == "49 more samples would decide, 59 in all, if they are like these"
    assert result.upper is None


def test_failures_are_never_fast_samples() -> None:
    """Refusals in no time change no percentile; they count against the failure rate."""
    slow, refused = [hit(200.0) for _ in range(100)], [hit(0.1, failure="HTTP 503", status=503) for _ in range(900)]
    latency = judge(BOUND, slow + refused)
    assert (latency.samples, latency.value, latency.verdict) == (100, 200.0, Verdict.FAIL)
    assert judge(RATE, slow + refused).value == 0.9


def test_misses_do_not_count_for_the_cached_bound() -> None:
    """A scope is a scope."""
    assert judge(BOUND, [miss() for _ in range(100)]).note == "no proven sample"


@pytest.mark.parametrize(
    ("failed", "total", "expected"),
    [(0, 298, Verdict.INCONCLUSIVE), (0, 299, Verdict.PASS), (10, 400, Verdict.FAIL), (4, 400, Verdict.INCONCLUSIVE)],
)
def test_a_failure_rate_is_decided_by_an_exact_binomial_test(failed: int, total: int, expected: Verdict) -> None:
    """No failure in 299 requests is the first proof of less than one in a hundred."""
    apart = {number * total // failed for number in range(failed)}
    samples = [miss(failure="x" if number in apart else "") for number in range(total)]
    assert judge(FEW, samples).verdict is expected


def test_an_undecided_failure_rate_says_how_many_requests_would_decide() -> None:
    """298 requests without a failure are one too few to prove less than one in a hundred."""
    assert judge(FEW, [miss()] * 298).note.startswith("0 of 298 failed; 1 more samples would decide, 299 in all")


def test_the_reasons_of_failures_are_counted() -> None:
    """By kind, the most frequent first, in the note that verdict, JUnit, pytest and report show."""
    failures = ["HTTP 503"] * 30 + ["ConnectionResetError: [Errno 104] Connection reset by peer"] * 20
    failures += ["ReadTimeout: timed out"] * 5 + ["the body is not the service's envelope"] * 2
    samples = [hit() for _ in range(143)] + [hit(failure=failure) for failure in failures]
    told = "57 of 200 failed: 30 x HTTP 503, 20 x reset, 5 x timeout, 2 x body"
    judged = judge(RATE, samples)
    assert (judged.verdict, judged.note) == (Verdict.FAIL, told)
    assert explain([judged], []) == [f"failures{{phase:cached}}: rate<0.01 is FAIL ({told})"]


def test_a_count_of_failures_is_what_happened() -> None:
    """A handful of requests proves no rate; one that failed is one too many all the same."""
    none = parse_threshold("failures{phase:cached}", "count<=0", gated=True)
    assert judge(none, [hit()] * 3).verdict is Verdict.PASS
    failed = judge(none, [hit(), hit(failure="HTTP 500", warmup=True), hit(failure="HTTP 429")])
    assert (failed.verdict, failed.value, failed.note) == (Verdict.FAIL, 1, "1 of 2 failed: 1 x HTTP 429")
    assert judge(none, []).verdict is Verdict.INCONCLUSIVE


def test_failures_that_no_bound_is_about_decide_too() -> None:
    """A profile that forgot a phase gets a bound for it, once something fails there."""
    samples = [hit(failure="HTTP 500"), miss(), hit(phase="zipf", failure="HTTP 500")]
    assert [bound.selector for bound in implied_bounds([RATE], samples)] == ["failures{phase:zipf}"]
    shown = parse_threshold("failures{phase:zipf}", "rate<0.5", gated=False)
    assert [bound.expression for bound in implied_bounds([RATE, shown], samples)] == ["count<=0"]
    assert implied_bounds([RATE], [hit()]) == []


def test_failures_in_the_warm_up_do_not_count() -> None:
    """What is excluded is excluded on both sides."""
    samples = [hit() for _ in range(300)] + [hit(failure="x", warmup=True) for _ in range(300)]
    assert judge(RATE, samples).samples == 300


def test_reasons_name_what_broke_once_for_all_tasks() -> None:
    """The same breach in three tasks is one sentence; evidence comes before bounds."""
    findings = [
        Finding(rule="answers are proven", phase="cached", task=task, holds=False, detail="0 of 9")
        for task in ("recipe", "nutrition")
    ]
    reasons = explain([judge(BOUND, [hit(500.0) for _ in range(100)])], findings)
    assert reasons == [
        "cached recipe, nutrition: it does not hold that answers are proven (0 of 9)",
        "latency{task:recipe,cache:hit}: p(95)<100 is FAIL",
    ]


def test_what_is_broken_is_said_before_what_is_not_decided() -> None:
    """The first reason of a FAIL is why it is one."""
    reasons = explain([judge(BOUND, [hit()] * 3), judge(BOUND, [hit(500.0) for _ in range(100)])], [])
    assert [reason.partition(" is ")[2].partition(" ")[0] for reason in reasons] == ["FAIL", "INCONCLUSIVE"]
