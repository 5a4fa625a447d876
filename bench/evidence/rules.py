"""The rules of evidence: which samples count, and what must agree before any figure is believed.

A sample counts for the cached path only if its answer says it was a cache hit, for the uncached path only if it says
it was a miss that a real model computed. What the samples say must then agree with what the service counted by itself,
and with what the generator was told to do. Any disagreement makes the run INVALID.

Failures need no proof: whoever answers 503, or closes the connection, is believed. A service that is broken is a FAIL
by the bounds on failures; INVALID is one whose successes cannot be proven.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.evidence.counters import PROVIDER_CALLS, REQUESTS, Counters
from bench.load.plan import Herds, OpenLoop, Phase
from bench.results import Finding, GpuUse
from bench.verdict.hit_ratio import compare
from bench.verdict.percentiles import percentile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.evidence.ollama import LoadedModel
    from bench.samples import PhaseEnd, Sample

MAX_UNPROVEN_HITS = 0.01
"""Share of a cached phase's successes that may be something else than hits (an entry may expire meanwhile)."""

CALLS_PER_MISS = 4
"""Provider calls one miss may cost: two providers that speak, each with one retry."""

MAX_BUSY = 0.9
"""Share of a core that a generator process may use in an open loop: beyond it, it may have been the bottleneck."""

ON_TIME = "the generator kept its schedule"
AT_EASE = "the generator had processor time to spare"
COMPLETE = "every arrival was sent and recorded"
OF_THE_GENERATOR = frozenset({ON_TIME, AT_EASE, COMPLETE})
"""Rules about the generator; the others are about the service."""

_EITHER = frozenset({"hit", "stale", "coalesced", "miss"})
_EXPECTED: Mapping[str, frozenset[str]] = {
    "cached": frozenset({"hit"}),
    **dict.fromkeys(("uncached", "stream", "cold"), frozenset({"miss"})),
    **dict.fromkeys(("mixed", "zipf", "herd"), _EITHER),
}
"""Outcomes of ``Cache-Status`` that make a sample what its phase is about."""


@dataclass(frozen=True, slots=True)
class PhaseRecord:
    """Everything known about a phase that was run.

    Attributes:
        phase: What was planned.
        samples: What was sent.
        end: The generator's own account; None where it did not get to write one.
        grown: Growth of the service's counters over the phase.
        attempt: 2 where the generator was late at first and the phase was run once more.
        began_s: First intended start, in seconds since the run began.
        gpu: What the GPUs did meanwhile; None where nothing was sampled.
        ollama_asked: Whether Ollama was asked anything meanwhile, by its own account; None where that is not known.
        models: What Ollama had loaded at the end, where that is known.
    """

    phase: Phase
    samples: Sequence[Sample]
    end: PhaseEnd | None
    grown: Counters = field(default_factory=Counters)
    attempt: int = 1
    began_s: float = 0.0
    gpu: GpuUse | None = None
    ollama_asked: bool | None = None
    models: Sequence[LoadedModel] = ()


def is_proven(sample: Sample) -> bool:
    """Whether a sample counts for latency: a success after the warm-up, proven to be what its phase is about."""
    return (
        sample.ok
        and not sample.warmup
        and not sample.degraded
        and sample.provider not in {"", "mock"}
        and sample.cache in _EXPECTED[sample.phase]
    )


def examine(record: PhaseRecord, max_lag_p99_ms: float) -> list[Finding]:
    """Apply every rule to a phase.

    Args:
        record: The phase.
        max_lag_p99_ms: The generator's bound on its lateness.

    Returns:
        One finding a rule, whether it holds or not.
    """
    return [
        Finding(rule=rule, phase=record.phase.name, task=record.phase.task, holds=holds, detail=detail)
        for rule, holds, detail in (
            _complete(record),
            *_on_time(record, max_lag_p99_ms),
            *_at_ease(record),
            _proven(record),
            _request_ids(record),
            *_counters_agree(record),
            *_same_bodies(record),
            *_ollama_agrees(record),
            *_as_predicted(record),
        )
    ]


def rules_of(phase: Phase) -> list[str]:
    """Return the names of the rules that a phase will be held to, by holding nothing at all to them."""
    nothing = PhaseRecord(phase, [], None, Counters(found=frozenset({REQUESTS, PROVIDER_CALLS})))
    return [finding.rule for finding in examine(nothing, 0.0)]


def agrees(record: PhaseRecord) -> bool:
    """Whether the service's counters agree with the samples (yet: a counter may lag behind its answer).

    Counters that are not there will not come, so there is nothing to wait for.
    """
    return not record.grown.found or all(holds for _rule, holds, _detail in _counters_agree(record))


def is_late(record: PhaseRecord, max_lag_p99_ms: float) -> bool:
    """Whether the generator did not keep a schedule that it had to keep."""
    return isinstance(record.phase.arrivals, OpenLoop) and lag_p99_ms(record.samples) > max_lag_p99_ms


def lag_p99_ms(samples: Sequence[Sample]) -> float:
    """Return p99 of actual minus intended start in milliseconds, warm-up excluded; 0 without samples."""
    lags = sorted(sample.lag_ns for sample in samples if not sample.warmup)
    return percentile(lags, 99) / 1e6 if lags else 0.0


_Ruling = tuple[str, bool, str]


def _complete(record: PhaseRecord) -> _Ruling:
    rule = COMPLETE
    if record.end is None:
        return rule, False, "the generator did not reach the end of the phase"
    end, recorded = record.end, len(record.samples)
    due = record.phase.arrivals.count if isinstance(record.phase.arrivals, OpenLoop) else end.planned
    detail = f"{due} due, {end.sent} sent, {recorded} recorded, {end.dropped} dropped"
    return rule, due == end.planned == end.sent + end.dropped == recorded, detail


def _on_time(record: PhaseRecord, bound_ms: float) -> Iterator[_Ruling]:
    if isinstance(record.phase.arrivals, Herds):
        return  # There is no schedule to keep: all are due at once, and whoever is sent last has waited longest.
    lag, early = lag_p99_ms(record.samples), sum(sample.lag_ns < 0 for sample in record.samples)
    detail = f"lag p99 {lag:.2f} ms, at most {bound_ms:g} ms allowed; {early} sent early"
    if record.end is not None and record.end.real_time:
        detail += "; with real-time priority"
    if record.attempt > 1:
        detail += f"; attempt {record.attempt}, the generator was late before"
    yield ON_TIME, lag <= bound_ms and not early, detail


def _at_ease(record: PhaseRecord) -> Iterator[_Ruling]:
    end = record.end
    if end is not None and isinstance(record.phase.arrivals, OpenLoop):
        which = ", the busiest process" if end.processes > 1 else ""
        detail = f"busy for {end.busy:.0%} of the time{which}, at most {MAX_BUSY:.0%} allowed"
        yield AT_EASE, end.busy <= MAX_BUSY, detail


def _proven(record: PhaseRecord) -> _Ruling:
    expected = _EXPECTED[record.phase.name]
    claim = "computed or cached" if expected is _EITHER else "cached" if "hit" in expected else "uncached"
    rule = f"answers are proven to be {claim}"
    successes = [sample for sample in record.samples if sample.ok and not sample.warmup]
    if record.samples and not successes:
        return rule, True, f"nothing to prove: none of {len(record.samples)} requests succeeded"
    proven = sum(is_proven(sample) for sample in successes)
    detail = f"{proven} of {len(successes)} successes"
    if len(successes) > proven:
        others = Counter(_describe(sample) for sample in successes if not is_proven(sample))
        detail += "; the others: " + ", ".join(f"{count} x {what}" for what, count in others.most_common())
    allowed = MAX_UNPROVEN_HITS if record.phase.name == "cached" else 0.0
    return rule, proven > 0 and len(successes) - proven <= allowed * len(successes), detail


def _describe(sample: Sample) -> str:
    label = "degraded " if sample.degraded else ""
    return f"{label}{sample.cache} by {sample.provider or 'an unnamed provider'}"


def _request_ids(record: PhaseRecord) -> _Ruling:
    """Check that request ids are unique; a duplicate means a whole answer replayed in front of the service."""
    answered = [sample.request_id for sample in record.samples if sample.ok]
    named = [name for name in answered if name]
    detail = f"{len(set(named))} different ones on {len(answered)} successes"
    return "every answer has a request id of its own", len(set(named)) == len(answered), detail


def _counters_agree(record: PhaseRecord) -> Iterator[_Ruling]:
    rule, task, grown = "the service's counters agree with the samples", record.phase.task, record.grown
    failed = sum(not sample.ok for sample in record.samples)
    if failed and failed == len(record.samples):
        yield rule, True, f"nothing to count: none of {failed} requests succeeded"
        return
    if missing := sorted({REQUESTS, PROVIDER_CALLS} - grown.found):
        yield rule, False, f"/metrics does not expose {', '.join(missing)}"
        return
    answered = Counter(sample.cache for sample in record.samples if sample.ok)
    outcomes = {"hit", "miss"} | set(answered)
    counts = {outcome: (answered[outcome], grown.answered(task, outcome)) for outcome in sorted(outcomes)}
    # The service may have counted as answered what did not arrive whole; that much, and no more, it counts beyond.
    extra = sum(counted - seen for seen, counted in counts.values())
    agreeing = all(seen <= counted for seen, counted in counts.values()) and extra <= failed
    detail = ", ".join(f"{outcome}: {seen} seen, {counted} counted" for outcome, (seen, counted) in counts.items())
    yield rule, agreeing, detail + (f"; {failed} requests failed" if failed else "")

    # An ageing answer is refreshed in the background: a call without a miss, which the service counts by itself.
    calls, misses = grown.called(task), len(record.samples) - answered["hit"]
    refreshed = f"; {extra} more in the background" if (extra := grown.called_in_background(task)) else ""
    computed = sum(is_proven(sample) for sample in record.samples if sample.cache == "miss")
    yield (
        "provider calls agree with the misses",
        computed <= calls <= CALLS_PER_MISS * misses,
        f"{calls} calls for {misses} requests that were no hits{refreshed}",
    )


def _same_bodies(record: PhaseRecord) -> Iterator[_Ruling]:
    """Check that a hit repeats what is stored: another body without a computation in between came from elsewhere."""
    if "hit" not in _EXPECTED[record.phase.name]:
        return
    bodies: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
    hits = [sample for sample in record.samples if sample.ok and sample.cache == "hit" and sample.digest]
    for sample in hits:
        bodies[sample.task, sample.index].add(sample.digest)
    changes = sum(len(different) - 1 for different in bodies.values())
    computed = record.grown.called(record.phase.task) + record.grown.called_in_background(record.phase.task)
    detail = f"{len(hits)} hits of {len(bodies)} requests; {changes} changes of a body, {computed} computations"
    yield "a hit repeats the stored body", changes <= max(computed, 0), detail


def _ollama_agrees(record: PhaseRecord) -> Iterator[_Ruling]:
    """Ollama tells whether it was asked, not how often; what the service sent to other providers says nothing here."""
    if record.ollama_asked is None or not record.grown.found:
        return
    grown = record.grown
    asked = sum(count for (_task, provider), count in grown.calls.items() if provider == "ollama")
    others = sum(grown.calls.values()) - asked + sum(grown.background.values())
    if asked or not others:
        told = "asked" if record.ollama_asked else "not asked"
        detail = f"{asked} calls counted by the service; Ollama says that it was {told}"
        yield "Ollama's own account agrees", record.ollama_asked == bool(asked), detail


def _as_predicted(record: PhaseRecord) -> Iterator[_Ruling]:
    """Check a Zipf mix's hit ratio against theory; a deviation means a mix not of its catalogue, or not cached."""
    if record.phase.name == "zipf" and (failed := sum(not sample.ok for sample in record.samples)):
        yield (
            "the hit ratio is what theory predicts",
            True,
            f"not compared: {failed} requests failed, which are not cached",
        )
        return
    found = compare(record.phase, record.samples) if record.phase.name == "zipf" else None
    if found is not None:
        chance = f"{found.low:.1%} to {found.high:.1%} by chance"
        detail = f"measured {found.measured:.1%}, predicted {found.predicted:.1%} ({chance})"
        yield "the hit ratio is what theory predicts", found.low <= found.measured <= found.high, detail
