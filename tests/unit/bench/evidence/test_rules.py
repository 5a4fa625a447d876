"""Every rule of evidence notices its lie, and holds for an honest phase."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest

from bench.evidence.counters import Counters
from bench.evidence.rules import agrees, examine, is_proven
from bench.load.plan import Herds, OpenLoop, Phase
from tests.unit.bench.records import cached_record, counters, end, hit, miss, uncached_record

if TYPE_CHECKING:
    from bench.evidence.rules import PhaseRecord
    from bench.samples import Sample

LAG_MS = 5.0


def broken(record: PhaseRecord) -> list[str]:
    """Return the rules that do not hold."""
    return [finding.rule for finding in examine(record, LAG_MS) if not finding.holds]


def hits(count: int = 200) -> list[Sample]:
    """Return so many honest cached samples."""
    return [hit() for _ in range(count)]


def test_an_honest_cached_phase_is_proven() -> None:
    """Hits only, counted as such, no provider called."""
    assert broken(cached_record(hits())) == []


def test_an_honest_uncached_phase_is_proven() -> None:
    """Misses only, each computed by a real model."""
    assert broken(uncached_record([miss(), miss(), miss()])) == []


@pytest.mark.parametrize(
    "sample",
    [
        hit(cache="miss"),
        hit(cache="coalesced"),
        hit(cache="stale"),
        hit(cache="none"),
        hit(degraded=True),
        hit(provider="mock"),
        hit(provider=""),
        hit(warmup=True),
        hit(failure="HTTP 503", status=503),
        miss(cache="hit"),
        miss(provider="mock", degraded=True),
    ],
)
def test_what_is_not_what_it_should_be_does_not_count(sample: Sample) -> None:
    """Neither a miss among hits, nor a fallback's answer, nor warm-up, nor a failure is a latency."""
    assert not is_proven(sample)


def test_a_target_that_claims_hits_but_computes_is_caught_by_its_provider_calls() -> None:
    """The lie the whole harness is for: every answer says hit, but a model was called for each."""
    grown = counters({("recipe", "hit"): 200}, {("recipe", "ollama"): 200})
    assert broken(cached_record(hits(), grown=grown)) == ["provider calls agree with the misses"]


def test_a_miss_without_a_provider_call_is_caught() -> None:
    """A slow answer that nobody computed is no uncached answer."""
    grown = counters({("recipe", "miss"): 3}, {("recipe", "ollama"): 2})
    assert broken(uncached_record([miss(), miss(), miss()], grown=grown)) == ["provider calls agree with the misses"]


@pytest.mark.parametrize("counted", [199, 201])
def test_hits_that_the_service_counted_otherwise_are_caught(counted: int) -> None:
    """Too few: the header lies. Too many: somebody else uses the target meanwhile."""
    grown = counters({("recipe", "hit"): counted}, {})
    record = cached_record(hits(), grown=grown)
    assert broken(record) == ["the service's counters agree with the samples"]
    assert not agrees(record)


def test_a_target_without_counters_proves_nothing() -> None:
    """No /metrics, no proof; and nothing to wait for."""
    record = cached_record(hits(), grown=Counters())
    assert broken(record) == ["the service's counters agree with the samples"]
    assert agrees(record)


def test_a_few_expired_entries_are_left_out_but_many_break_the_phase() -> None:
    """One miss in two hundred hits is not counted; three make it another kind of phase."""
    for misses, expected in ((1, []), (3, ["answers are proven to be cached"])):
        samples = [*hits(200 - misses), *(hit(cache="miss") for _ in range(misses))]
        grown = counters({("recipe", "hit"): 200 - misses, ("recipe", "miss"): misses}, {("recipe", "ollama"): misses})
        assert broken(cached_record(samples, grown=grown)) == expected


def test_a_single_hit_breaks_an_uncached_phase() -> None:
    """Among a few samples none may be what it should not be."""
    grown = counters({("recipe", "miss"): 2, ("recipe", "hit"): 1}, {("recipe", "ollama"): 2})
    record = uncached_record([miss(), miss(), miss(cache="hit")], grown=grown)
    assert broken(record) == ["answers are proven to be uncached"]


@pytest.mark.parametrize("status", [429, 500, 503, 0])
def test_a_phase_in_which_everything_failed_needs_no_proof(status: int) -> None:
    """A service that refuses all is broken, not unprovable: without request ids, and counted by nobody."""
    failed = [hit(failure="x", status=status, cache="none", request_id="", provider="") for _ in range(10)]
    for grown in (Counters(), counters({}, {}), counters({("recipe", "none"): 10}, {})):
        assert broken(cached_record(failed, grown=grown)) == []


def test_a_phase_without_any_request_is_not_proven() -> None:
    """Nothing sent, nothing proven."""
    assert "answers are proven to be cached" in broken(cached_record([], end=None))


def test_failures_without_a_request_id_leave_the_successes_proven() -> None:
    """34 % of 503, made by whatever stands in front of the service: a broken bound, with figures that are believed."""
    refused = [hit(failure="HTTP 503", status=503, cache="none", request_id="", provider="") for _ in range(34)]
    assert broken(cached_record([*hits(66), *refused])) == []


def test_error_bodies_under_200_may_have_been_counted_as_answers() -> None:
    """What the service took for an answer and the client did not: as many as failed, and no more."""
    bad = [hit(failure="the body is not the service's envelope", cache="hit") for _ in range(10)]
    for counted, rules in ((190, []), (200, []), (201, ["the service's counters agree with the samples"])):
        grown = counters({("recipe", "hit"): counted}, {})
        assert broken(cached_record([*hits(190), *bad], grown=grown)) == rules


def test_a_hit_whose_body_differs_is_no_hit() -> None:
    """39 bodies for one request without a computation in between; a refresh in the background explains one change."""
    rule = "a hit repeats the stored body"
    differing = [hit(digest=f"{number}") for number in range(39)]
    assert broken(cached_record(differing)) == [rule]
    refreshed = [hit(digest="old")] * 100 + [hit(digest="new")] * 100
    refreshed = [msgspec.structs.replace(one, request_id=f"r{number}") for number, one in enumerate(refreshed)]
    grown = counters({("recipe", "hit"): 200}, {})
    assert broken(cached_record(refreshed, grown=grown)) == [rule]
    in_background = replace(grown, background={("recipe", "refresh"): 1})
    assert broken(cached_record(refreshed, grown=in_background)) == []


def test_a_mix_in_which_requests_failed_is_not_held_to_theory() -> None:
    """What failed is not cached; the failure is the verdict's business."""
    phase = Phase("zipf", "recipe", OpenLoop.steady(100, 1, 0), catalogue=5, exponent=1.0)
    failed = [miss(phase="zipf", failure="HTTP 500", status=500, cache="none") for _ in range(50)]
    kept = [miss(phase="zipf", index=item % 5) for item in range(50)]
    grown = counters({("recipe", "miss"): 50}, {("recipe", "ollama"): 100})
    assert broken(cached_record([*kept, *failed], phase=phase, grown=grown)) == []


def test_a_late_generator_is_caught() -> None:
    """p99 of actual minus intended start above the bound; one straggler in 200 is none."""
    late = [hit(start_ns=6_000_000) for _ in range(3)]
    assert broken(cached_record([*hits(197), *late])) == ["the generator kept its schedule"]
    assert broken(cached_record([*hits(199), *late[:1]])) == []


def test_a_second_attempt_is_told() -> None:
    """Who reads the evidence learns that a phase was repeated, and why."""
    details = [finding.detail for finding in examine(cached_record(hits(), attempt=2), LAG_MS)]
    assert any("attempt 2, the generator was late before" in detail for detail in details)


def test_a_request_before_its_time_is_caught() -> None:
    """It would make its latency look shorter than it was."""
    assert broken(cached_record([*hits(), hit(start_ns=-1)])) == ["the generator kept its schedule"]


def test_lateness_in_the_warm_up_is_forgiven() -> None:
    """The first request sets up connections; that is what the warm-up is for."""
    assert broken(cached_record([*hits(190), *(hit(warmup=True, start_ns=10**9) for _ in range(10))])) == []


@pytest.mark.parametrize(
    "account", [None, end(200, dropped=2, sent=199), end(200, sent=199), end(199), end(200, planned=201)]
)
def test_a_request_that_is_missing_is_caught(account: object) -> None:
    """A generator that died, dropped arrivals, or lost samples cannot be believed."""
    assert broken(cached_record(hits(), end=account)) == ["every arrival was sent and recorded"]


def test_an_open_loop_that_ended_early_is_caught() -> None:
    """Fewer arrivals than the plan had due are noticed even if the generator is content."""
    record = cached_record(hits())
    shorter = replace(record, samples=record.samples[:150], end=end(150), grown=counters({("recipe", "hit"): 150}, {}))
    assert broken(shorter) == ["every arrival was sent and recorded"]


@pytest.mark.parametrize("request_id", ["", "same"])
def test_an_answer_without_an_id_of_its_own_is_caught(request_id: str) -> None:
    """A proxy that replays whole answers repeats their ids."""
    samples = [*hits(198), hit(request_id=request_id), hit(request_id=request_id)]
    assert broken(cached_record(samples)) == ["every answer has a request id of its own"]


@pytest.mark.parametrize(("busy", "holds"), [(0.9, True), (0.91, False)])
def test_a_generator_without_processor_time_to_spare_is_caught(busy: float, holds: bool) -> None:
    """It may have been the bottleneck itself, even where its lag looks well."""
    account = end(200, wall_ns=10**9, cpu_ns=int(busy * 10**9))
    rule = "the generator had processor time to spare"
    assert broken(cached_record(hits(), end=account)) == ([] if holds else [rule])


def test_a_hit_ratio_that_theory_does_not_allow_is_caught() -> None:
    """Every request of a mix a miss: whatever that is, it is no cache that keeps what it was asked."""
    phase = Phase("zipf", "recipe", OpenLoop.steady(100, 1, 0), catalogue=5, exponent=1.0)
    kept = [miss(phase="zipf", index=item) for item in range(5)] + [hit(phase="zipf") for _ in range(95)]
    lost = [miss(phase="zipf", index=item % 5) for item in range(100)]
    rule = "the hit ratio is what theory predicts"
    for samples, misses, expected in ((kept, 5, []), (lost, 100, [rule])):
        grown = counters({("recipe", "miss"): misses, ("recipe", "hit"): 100 - misses}, {("recipe", "ollama"): misses})
        assert broken(cached_record(samples, phase=phase, grown=grown)) == expected


@pytest.mark.parametrize(("asked", "expected"), [(False, []), (True, ["Ollama's own account agrees"]), (None, [])])
def test_a_model_that_was_asked_behind_a_cached_phase_is_caught(asked: bool | None, expected: list[str]) -> None:
    """Ollama says that somebody asked, the service says that it did not; without Ollama's word there is no rule."""
    assert broken(cached_record(hits(), ollama_asked=asked)) == expected


def test_a_model_that_was_not_asked_for_misses_is_caught() -> None:
    """The service counts calls of Ollama that Ollama knows nothing of."""
    record = uncached_record([miss() for _ in range(3)], ollama_asked=False)
    assert broken(record) == ["Ollama's own account agrees"]


def test_what_other_providers_answered_says_nothing_about_ollama() -> None:
    """A phase answered by another provider, or refreshed in the background, is no disagreement."""
    grown = counters({("recipe", "miss"): 1}, {("recipe", "openai"): 1})
    for asked in (True, False):
        assert broken(uncached_record([miss(provider="openai")], grown=grown, ollama_asked=asked)) == []


def test_a_herd_has_no_schedule_to_keep() -> None:
    """All are due at once, so the last is late by as long as sending the others takes; its latency counts that."""
    phase = Phase("herd", "recipe", Herds(2, 1, 60))
    late = [hit(phase="herd", cache="miss"), hit(phase="herd", cache="coalesced", start_ns=10**9)]
    grown = counters({("recipe", "miss"): 1, ("recipe", "coalesced"): 1}, {("recipe", "ollama"): 1})
    assert broken(cached_record(late, phase=phase, grown=grown)) == []
