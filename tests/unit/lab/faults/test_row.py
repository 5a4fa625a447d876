"""A row is judged by its own bound; a disturbed one by none."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bench.load.plan import NEW_FROM, OpenLoop, Phase
from lab.faults.fault import Bound, Fault
from lab.faults.row import NOT_RUN, judge, not_run
from lab.faults.watch import Notice, Watched
from tests.unit.lab.faults.examples import MOMENTS, account, calm, fallback, fresh, lost, refused, sample

if TYPE_CHECKING:
    from bench.samples import Sample

AT = "2026-12-01T10:00:00+00:00"
CALM = [*calm(1, 9), *calm(10, 20), *calm(20, 40)]


def fault(**bound: float) -> Fault:
    """Return a fault that does nothing."""
    limits = Bound(**({"recovers_s": 10.0} | bound))  # type: ignore[arg-type]
    return Fault("redis-lame", "Redis", "lame", lambda _site: nullcontext(), limits)


def watched(samples: list[Sample]) -> Watched:
    """Return what was seen, by a generator that did its work."""
    phase = Phase("mixed", "ingredients", OpenLoop.steady(len(samples), 1, 0))
    return Watched(phase, samples, account(samples), MOMENTS)


def test_site_that_nobody_saw_fail_passes() -> None:
    """With what was seen, and when it was noticed."""
    row = judge(fault(), watched(CALM), AT, Notice(0.4, "redis is down"))
    assert (row.verdict, row.reasons, row.known_lost) == ("PASS", [], 0)
    assert (row.noticed_s, row.noticed, row.bound_s) == (0.4, "redis is down", 10)
    assert row.counts["during"] == {"cached": 100, "fresh": 1, "fallback": 1}


@pytest.mark.parametrize(
    ("seen", "bound", "reason"),
    [
        (lost(12), {}, "1 requests for cached keys were lost: the first by ConnectionRefusedError: refused"),
        (refused(12), {}, "1 requests for cached keys were lost: the first by HTTP 503"),
        (refused(12), {"refuses": True}, ""),
        (refused(12, retry_after=""), {"refuses": True}, "1 requests for cached keys were lost: the first by HTTP 503"),
        (refused(12, status=504), {}, "1 requests for cached keys were lost: the first by HTTP 503"),
        (refused(12, index=NEW_FROM), {}, ""),
        (
            lost(12, index=NEW_FROM),
            {},
            "1 new requests got no honest answer: the first by ConnectionRefusedError: refused",
        ),
        (refused(5, 31.5, index=NEW_FROM), {"recovers_s": 99}, "a request failed after 31.5 s, the deadline is 30 s"),
        (lost(12), {"away_s": 2}, ""),
        (fallback(12), {}, ""),
        (sample(12, 0.5), {}, ""),
    ],
)
def test_what_one_caller_saw_decides(seen: Sample, bound: dict[str, float], reason: str) -> None:
    """Cached keys are always answered, new ones at least refused honestly and in time; some rows allow more."""
    row = judge(fault(**bound), watched([*CALM, seen]), AT)
    assert row.reasons == ([reason] if reason else [])
    assert row.verdict == ("FAIL" if reason else "PASS")


def test_requests_may_be_lost_for_as_long_as_the_row_allows() -> None:
    """From the first to the last one."""
    row = judge(fault(away_s=2), watched([*CALM, lost(11), lost(13.1)]), AT)
    assert row.reasons == ["requests were lost for 2.1 s, at most 2 s"]
    assert row.known_lost == 2


def test_recovery_is_held_to_its_bound() -> None:
    """From the heal, or from the fault where nobody ends it."""
    late = [*CALM, refused(26, index=NEW_FROM)]
    assert judge(fault(recovers_s=7), watched(late), AT).verdict == "PASS"
    assert judge(fault(recovers_s=6), watched(late), AT).reasons == ["as before after 6.0 s, at most 6 s"]
    alone = replace(fault(recovers_s=16), heals_itself=True)
    assert judge(alone, watched(late), AT).reasons == ["as before after 16.0 s, at most 16 s"]
    never = [*calm(1, 9), *(sample(20 + number) for number in range(20))]
    assert judge(fault(), watched(never), AT).reasons == ["not as before while it was watched; the bound is 10 s"]


def test_slow_cached_answers_count_where_they_are_bounded() -> None:
    """Against those before, within the same row."""
    slow = [*CALM, *(sample(15, 0.03) for _ in range(20))]
    assert judge(fault(), watched(slow), AT).verdict == "PASS"
    assert judge(fault(p99_ratio=2), watched(slow), AT).reasons == [
        "p99 of cached answers 30.0 ms, 3.0 times that before, at most 2"
    ]


def test_disturbed_row_is_invalid_whatever_else_came() -> None:
    """A generator that did not send all, or a site that was not whole before the fault."""
    cut = replace(watched(CALM), end=None)
    assert judge(fault(), cut, AT).verdict == "INVALID"
    before = watched([*CALM, fresh(5), refused(5)])
    row = judge(fault(), before, AT)
    assert row.verdict == "INVALID"
    assert row.reasons[0] == "before the fault 1 of 81 requests for cached keys were not from the cache"
    assert judge(fault(), watched(calm(12, 20)), AT).verdict == "INVALID"


def test_bound_missed_without_a_processor_is_no_verdict() -> None:
    """The machine may have missed it; one that is kept all the same is kept."""
    missed = watched([*CALM, lost(12)])
    assert judge(fault(), missed, AT, starved=0.4).verdict == "FAIL"
    row = judge(fault(), missed, AT, starved=0.8)
    assert (row.verdict, row.reasons[0]) == (
        "INVALID",
        "the service waited for a processor for 80% of a second, at most 50%",
    )
    assert judge(fault(), watched(CALM), AT, starved=0.8).verdict == "PASS"


def test_fault_that_cannot_be_injected_is_not_run_and_says_why() -> None:
    """Without a figure."""
    row = not_run(fault(), "no right to do so", AT)
    assert (row.verdict, row.reasons, row.counts) == (NOT_RUN, ["no right to do so"], {})
