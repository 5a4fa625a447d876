"""A row of the table: what was measured, and whether it keeps its bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from bench.evidence import rules
from bench.evidence.counters import Counters
from bench.results import Finding, Verdict
from lab.faults.outcome import (
    Kind,
    cached_p99_ms,
    count_kinds,
    is_from_cache,
    is_known,
    kind_of,
    longest_failure_s,
    recovery_s,
    span_s,
)
from lab.faults.site import DEADLINE_S

if TYPE_CHECKING:
    from bench.samples import Sample
    from lab.faults.fault import Bound, Fault
    from lab.faults.watch import Notice, Watched

MAX_LAG_P99_MS = 25.0
"""Of the generator, as in the profile `lab`."""

DEADLINE_SLACK_S = 1.0
MAX_STARVED = 0.5
_LOST = frozenset({Kind.LOST, Kind.REFUSED, Kind.EXPIRED})


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row.

    Attributes:
        name: Of the fault.
        part: What failed.
        title: What happened to it.
        verdict: PASS, FAIL, or INVALID where the run was disturbed; "not run".
        reasons: Why it is not PASS, a sentence each.
        counts: Requests by window and kind.
        known_lost: Requests for cached keys without an answer, from the fault on.
        p99_ms: p99 of answers from the cache, by window; None where a window has none.
        noticed_s: Seconds until the journal told of the fault; None where it did not.
        noticed: What it told.
        recovery_s: Seconds until all was as before; None where it never was while it was watched.
        bound_s: The bound on them.
        longest_failure_s: Seconds that the slowest failed request took.
        heals_itself: Recovery counts from the fault, for nobody ended it.
        started_at: UTC, ISO 8601.
        new_share: Share of new requests in the load.
    """

    name: str
    part: str
    title: str
    verdict: str
    reasons: list[str] = []
    counts: dict[str, dict[str, int]] = {}
    known_lost: int = 0
    p99_ms: dict[str, float | None] = {}
    noticed_s: float | None = None
    noticed: str = ""
    recovery_s: float | None = None
    bound_s: float = 0.0
    longest_failure_s: float = 0.0
    heals_itself: bool = False
    started_at: str = ""
    new_share: float = 0.0


NOT_RUN = "not run"


def not_run(fault: Fault, reason: str, started_at: str, verdict: str = NOT_RUN) -> Row:
    """Return the row of a fault that was not injected.

    Args:
        fault: Which.
        reason: Why.
        started_at: When that was found out.
        verdict: INVALID where the site was not whole to begin with.
    """
    return Row(
        name=fault.name,
        part=fault.part,
        title=fault.title,
        verdict=verdict,
        reasons=[reason],
        bound_s=fault.bound.recovers_s,
        started_at=started_at,
    )


def evidence(watched: Watched) -> list[Finding]:
    """Return the rules of evidence about the generator: a fault breaks those about the service on purpose."""
    record = rules.PhaseRecord(watched.phase, watched.samples, watched.end, Counters())
    return [finding for finding in rules.examine(record, MAX_LAG_P99_MS) if finding.rule in rules.OF_THE_GENERATOR]


def judge(fault: Fault, watched: Watched, started_at: str, notice: Notice | None = None, starved: float = 0.0) -> Row:
    """Return the row of a fault that was injected.

    Args:
        fault: Which.
        watched: What happened.
        started_at: UTC, ISO 8601.
        notice: How the journal told of it, if it did.
        starved: Greatest share of a second for which the service waited for a processor. What a bound was missed by
            then may be the machine's doing; that it was kept all the same is no less true.
    """
    samples, moments, bound = watched.samples, watched.moments, fault.bound
    begin_ns = moments.injected_ns if fault.heals_itself else moments.healed_ns
    recovered = recovery_s(samples, moments, begin_ns, is_models=fault.is_models)
    p99_ms = cached_p99_ms(samples, moments)
    invalid = _disturbances(watched)
    broken = [
        *_losses(watched, bound),
        *_lateness(samples),
        *_recovery(recovered, bound),
        *_slowness(p99_ms, bound),
    ]
    if broken and starved > MAX_STARVED:
        invalid.append(f"the service waited for a processor for {starved:.0%} of a second, at most {MAX_STARVED:.0%}")
    verdict = Verdict.INVALID if invalid else Verdict.FAIL if broken else Verdict.PASS
    return Row(
        name=fault.name,
        part=fault.part,
        title=fault.title,
        verdict=verdict,
        reasons=invalid + broken,
        counts=count_kinds(samples, moments),
        known_lost=len(_failed(watched, _LOST, is_of_known_keys=True)),
        p99_ms=p99_ms,
        noticed_s=notice.after_s if notice else None,
        noticed=notice.line if notice else "",
        recovery_s=recovered,
        bound_s=bound.recovers_s,
        longest_failure_s=longest_failure_s(samples),
        heals_itself=fault.heals_itself,
        started_at=started_at,
        new_share=watched.phase.new_share,
    )


def _disturbances(watched: Watched) -> list[str]:
    """Return what keeps the figures from being believed."""
    found = [f"it does not hold that {each.rule} ({each.detail})" for each in evidence(watched) if not each.holds]
    before = [
        sample
        for sample in watched.samples
        if not sample.warmup and watched.moments.window(sample) == "before" and is_known(sample)
    ]
    missed = sum(not is_from_cache(sample) for sample in before)
    if missed or not before:
        found.append(f"before the fault {missed} of {len(before)} requests for cached keys were not from the cache")
    return found


def _failed(watched: Watched, kinds: frozenset[Kind], *, is_of_known_keys: bool) -> list[Sample]:
    """Return the requests that came to one of some kinds, from the fault on."""
    return [
        sample
        for sample in watched.samples
        if is_known(sample) is is_of_known_keys
        and kind_of(sample) in kinds
        and watched.moments.window(sample) != "before"
    ]


def _losses(watched: Watched, bound: Bound) -> list[str]:
    lost = frozenset({Kind.LOST})
    known = _failed(watched, lost if bound.refuses else _LOST, is_of_known_keys=True)
    others = _failed(watched, lost, is_of_known_keys=False)
    if bound.away_s:
        away = span_s([*known, *others])
        return [f"requests were lost for {away:.1f} s, at most {bound.away_s:g} s"] if away > bound.away_s else []
    return [
        *([f"{len(known)} requests for cached keys were lost: {_first(known)}"] if known else []),
        *([f"{len(others)} new requests got no honest answer: {_first(others)}"] if others else []),
    ]


def _first(samples: list[Sample]) -> str:
    return f"the first by {samples[0].failure}"


def _lateness(samples: list[Sample]) -> list[str]:
    longest = longest_failure_s(samples)
    if longest <= DEADLINE_S + DEADLINE_SLACK_S:
        return []
    return [f"a request failed after {longest:.1f} s, the deadline is {DEADLINE_S:g} s"]


def _recovery(recovered: float | None, bound: Bound) -> list[str]:
    if recovered is None:
        return [f"not as before while it was watched; the bound is {bound.recovers_s:g} s"]
    return (
        [f"as before after {recovered:.1f} s, at most {bound.recovers_s:g} s"] if recovered > bound.recovers_s else []
    )


def _slowness(p99_ms: dict[str, float | None], bound: Bound) -> list[str]:
    before, during = p99_ms["before"], p99_ms["during"]
    if not bound.p99_ratio or before is None or during is None or during <= bound.p99_ratio * before:
        return []
    return [
        f"p99 of cached answers {during:.1f} ms, {during / before:.1f} times that before, at most {bound.p99_ratio:g}"
    ]
