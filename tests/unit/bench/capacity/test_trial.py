"""A tried rate is held to the bounds of the profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped] # has none
import pytest

from bench.capacity.command import bounds_of, summarize
from bench.capacity.curve import Curve, describe_point, summarize_unproven
from bench.capacity.trial import Bounds, is_beyond_doubt, judge
from bench.capacity.usage import Reading, is_generators_limit, is_local, read, used
from bench.errors import UsageError
from bench.verdict.slo import load_profile
from tests.unit.bench.records import hit, miss

if TYPE_CHECKING:
    from bench.samples import Sample

BOUNDS = Bounds(p=95, hit_ms=50, miss_ms=3000, failures=0.01)
CORES = psutil.cpu_count() or 1
METRICS = """\
# TYPE process_cpu_seconds counter
process_cpu_seconds_total 12.5
# TYPE alchemorsel_ai_workers gauge
alchemorsel_ai_workers 2
# TYPE alchemorsel_ai_provider_duration_seconds histogram
alchemorsel_ai_provider_duration_seconds_sum{provider="ollama",task="recipe"} 7
alchemorsel_ai_provider_duration_seconds_sum{provider="ollama",task="nutrition"} 3
alchemorsel_ai_provider_duration_seconds_sum{provider="openai",task="recipe"} 99
"""


@pytest.mark.parametrize(
    ("samples", "note"),
    [
        ([hit(10)] * 285 + [hit(90)] * 15, ""),
        ([hit(10)] * 270 + [hit(90)] * 30, "p95 of cached answers 90.0 ms"),
        ([hit(10)] * 270 + [miss(4000)] * 30, "p95 of computed answers 4,000 ms"),
        ([hit(10)] * 294 + [hit(failure="HTTP 503")] * 6, "2.0% failed: 6 x HTTP 503"),
        ([hit(10)] * 300 + [hit(500, warmup=True)] * 90, ""),
        ([], "100.0% failed"),
    ],
)
def test_a_rate_is_kept_if_every_bound_is(samples: list[Sample], note: str) -> None:
    """What broke is said; the warm-up counts for nothing, and no answer at all is no success."""
    step = judge(100, samples, BOUNDS, {}, late=False)
    assert (step.note, step.kept) == (note, not note)


def test_a_late_generator_tells_nothing() -> None:
    """Neither kept nor broken."""
    step = judge(100, [hit(10)] * 300, BOUNDS, {}, late=True)
    assert (step.kept, step.note, step.limited) == (None, "the generator was late", True)


def test_a_service_that_fails_at_every_rate_is_not_excused_by_what_is_busy() -> None:
    """Neither the generator nor others make it answer 503; one that fails at high rates alone may be crowded out."""
    busy = {"generator": 0.02, "machine": 1.0, "service CPU": 0.01}
    failing = [hit(10)] * 210 + [hit(failure="HTTP 503")] * 90
    steps = [judge(rate, failing, BOUNDS, busy, late=False) for rate in (50, 25, 7)]
    point = summarize(1.0, steps)
    assert describe_point(point) == ("0.00/s", "7.00/s", "failures, at every rate that was tried")
    assert not point.at_least
    kept = judge(3, [hit(10)] * 300, BOUNDS, busy, late=False)
    assert describe_point(summarize(1.0, [*steps, kept]))[2] == "other programs, which keep this machine busy"


def test_no_rate_is_kept_by_fewer_samples_than_the_bounds_need() -> None:
    """299 for failures below 1 %; two fast answers tell nothing about one a second."""
    few, enough = (judge(1, [hit(10)] * count, BOUNDS, {}, late=False) for count in (2, 299))
    assert (few.kept, few.note) == (None, "too few samples: 2, the bounds need 299")
    assert enough.kept


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([hit(10)] * 3 + [hit(90)] * 4, True),
        ([hit(10)] * 4 + [hit(90)] * 3, False),
        ([hit(90)] * 4, False),
        ([hit(10)] * 40 + [hit(failure="HTTP 503")] * 5, True),
        ([hit(10)] * 46 + [hit(failure="HTTP 503")] * 5, False),
        ([hit(10)] * 10 + [hit(failure="HTTP 503")] * 4, False),
        ([hit(10)] * 10 + [hit(failure="HTTP 503", warmup=True)] * 9, False),
    ],
)
def test_a_short_trial_is_enough_where_it_leaves_no_doubt(samples: list[Sample], expected: bool) -> None:
    """A low rate would take a minute for the samples that the bounds need, and a search tries many."""
    step = judge(5, samples, BOUNDS, {}, late=False)
    assert is_beyond_doubt(step, samples, BOUNDS) is expected


@pytest.mark.parametrize(
    ("used", "expected"),
    [
        ({"generator": 0.85, "machine": 1.0, "service CPU": 0.7}, True),
        ({"generator": 0.9 * CORES, "machine": 0.95}, True),
        ({"generator": 0.3 * CORES, "machine": 0.95, "service CPU": 0.6 * CORES}, False),
        ({"generator": 0.5, "service CPU": 1.0}, False),
    ],
)
def test_a_generator_at_its_limit_says_nothing_of_the_service(used: dict[str, float], expected: bool) -> None:
    """A constant from nginx: more than so much was not sent."""
    step = judge(6000, [hit(100)] * 300, BOUNDS, used, late=False)
    assert is_generators_limit(step) is expected
    point = summarize(1.0, [judge(4000, [hit(10)] * 300, BOUNDS, {}, late=False), step])
    assert point.at_least is expected
    limit = "the generator's limit, not the service's"
    assert describe_point(point)[0] == (">= 4,000/s" if expected else "4,000/s")
    assert (describe_point(point)[2] == limit) is expected


def test_a_machine_that_others_fill_says_nothing_of_the_service() -> None:
    """Generator and service together take less than half of what is busy: whatever broke may be the neighbours'."""
    busy = {"generator": 0.3 * CORES, "machine": 1.0, "service CPU": 0.1 * CORES}
    point = summarize(1.0, [judge(100, [hit(100)] * 300, BOUNDS, busy, late=False)])
    assert describe_point(point) == (">= 0.00/s", "100/s", "other programs, which keep this machine busy")


def test_a_reason_that_every_rate_has_is_said_once() -> None:
    """Not eight lines for a target without counters."""
    told = ["100% hits, 50/s: no counters", "100% hits, 100/s: no counters", "100% hits, 100/s: 3 of 5 lost"]
    curve = Curve(
        target="http://target.example",
        task="recipe",
        bound="",
        method="",
        started_at="",
        duration_s=1.0,
        interrupted=False,
        environment={},
        points=[],
        unproven=[*told, "100% hits, 200/s: no counters"],
    )
    assert summarize_unproven(curve) == ["100% hits, 50/s and at 2 more rates: no counters", told[2]]


def test_the_bounds_are_the_gated_ones_of_the_task() -> None:
    """The lab only shows its uncached bounds; prod gates them."""
    lab, prod = (bounds_of(load_profile(name), "nutrition") for name in ("lab", "prod"))
    assert lab == Bounds(p=95, hit_ms=50, miss_ms=None, failures=0.01)
    assert prod == Bounds(p=95, hit_ms=50, miss_ms=3000, failures=0.01)
    profile = load_profile("lab")
    without = type(profile)("lab", "d", "h", profile.load, ())
    with pytest.raises(UsageError, match="gates no latency"):
        bounds_of(without, "recipe")


def test_shares_are_of_the_workers_and_the_slots() -> None:
    """2.5 s of two workers in 5 s are a quarter of each; 10 s of two slots in 5 s are all of them."""
    before = Reading(service_s=10, redis_s={7: 1.0}, machine_s=None, provider_s=0, at_s=0, workers=2)
    after = Reading(service_s=12.5, redis_s={7: 2.0, 8: 9.0}, machine_s=None, provider_s=10, at_s=9, workers=2)
    shares = used(before, after, 5, slots=2, generator=0.5)
    assert shares == {"Ollama slots": 1.0, "Redis": 0.2, "generator": 0.5, "service CPU": 0.25}


def test_totals_are_read_from_the_metrics() -> None:
    """Over all tasks, and of Ollama alone; a target elsewhere tells nothing of this machine's Redis."""
    reading = read("http://192.0.2.1:3010", METRICS)
    assert (reading.service_s, reading.workers, reading.provider_s) == (12.5, 2, 10)
    assert (reading.redis_s, reading.machine_s) == ({}, None)
    assert (is_local("http://127.0.0.1:9"), is_local("http://192.0.2.1:9")) == (True, False)


def test_a_target_without_metrics_has_no_totals() -> None:
    """One that answers everything with the same JSON, or with a page, is measured all the same."""
    for page in ('{"success":true,"data":{"answer":"x"}}', "<html><body class='a'>404</body></html>"):
        assert read("http://192.0.2.1:3010", page).service_s is None


def test_the_machine_is_judged_by_the_whole_time() -> None:
    """It is busy with starting the generator, too: all cores for ten seconds, of which five had load, are 100 %."""
    cores = psutil.cpu_count() or 1
    before, after = (
        Reading(service_s=None, redis_s={}, machine_s=spent, provider_s=None, at_s=at, workers=1)
        for spent, at in ((0.0, 0.0), (10.0 * cores, 10.0))
    )
    assert used(before, after, 5, slots=1, generator=0.0)["machine"] == 1.0
