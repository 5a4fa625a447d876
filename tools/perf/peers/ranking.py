"""What the rounds of a candidate come to: medians, the ratio to the echo with its interval, bounds and verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from bench.results import Verdict
from bench.verdict.bootstrap import Interval, median_interval, ratio_interval
from bench.verdict.verdicts import worst
from tools.perf.peers.field import ECHO, EDGE, INSTANCE, NGINX
from tools.perf.peers.load_table import LoadTable  # noqa: TC001 - msgspec reads the annotations
from tools.perf.peers.rounds import Measurement, notes_on
from tools.perf.peers.wrk import Figures  # noqa: TC001 - msgspec reads the annotations

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tools.perf.peers.candidates import Candidate

MIN_RATES: Mapping[str, Mapping[str, float]] = {EDGE: {NGINX: 0.15, INSTANCE: 1.0}}
"""Least share of the requests a second that another candidate serves in the same round."""
MAX_DELAYS_MS: Mapping[str, Mapping[str, float]] = {EDGE: {INSTANCE: 0.1}}
"""Most that the median latency may be above another candidate's in the same round."""

MIN_ROUNDS = 6
"""With fewer, not even the whole range of the rounds covers the median with 95 % (but with 1 - 2 / 2^n)."""

SATURATED = 0.9
"""A process that uses so much of its core has no more to give."""


class Slot(Measurement, frozen=True):
    """One candidate in one round.

    Attributes:
        figures: What wrk measured.
        server_core_share: CPU time of the server over the time it was measured in: near 1, it was the bottleneck.
        generator_core_share: The same for wrk.
        cpu_us_per_request: CPU time of the server in microseconds.
    """

    figures: Figures
    server_core_share: float
    generator_core_share: float
    cpu_us_per_request: float


class Bound(msgspec.Struct, frozen=True):
    """A bound that a candidate is held to, against another one of the same rounds.

    Attributes:
        text: For people, such as `requests/s over those of nginx, at least 0.15`.
        value: The median over the rounds, in the bound's unit.
        low: Lower bound of its 95 % interval.
        high: Upper bound.
        verdict: Kept or not.
    """

    text: str
    value: float
    low: float
    high: float
    verdict: Verdict


class RankedCandidate(msgspec.Struct, frozen=True):
    """A candidate over all rounds; medians, with an interval for the ratio.

    Attributes:
        name: As in `Candidate`.
        title: As there.
        answer_bytes: Size of an answer's body.
        rate: Requests a second.
        p50_ms: Median latency with all connections busy.
        p99_ms: 99th percentile, likewise.
        cpu_us_per_request: CPU time of the server in microseconds.
        server_core_share: How busy the server's core was with it.
        generator_core_share: How busy the generator's core was with it.
        ratio: Requests a second over the echo's in the same round.
        ratio_low: Lower bound of its 95 % interval.
        ratio_high: Upper bound.
        cpu_ratio: The echo's CPU time a request over its own, in the same round: the ratio of two servers that have
            a core to themselves, which a busy machine disturbs far less. Shown, not judged.
        cpu_ratio_low: Lower bound of its 95 % interval.
        cpu_ratio_high: Upper bound.
        bounds: What it is held to; none for those that are only shown.
        verdict: Of the bounds; INVALID where a slot proves nothing.
        notes: What a reader must know.
        slots: The rounds.
    """

    name: str
    title: str
    answer_bytes: int
    rate: float
    p50_ms: float
    p99_ms: float
    cpu_us_per_request: float
    server_core_share: float
    generator_core_share: float
    ratio: float
    ratio_low: float
    ratio_high: float
    cpu_ratio: float
    cpu_ratio_low: float
    cpu_ratio_high: float
    bounds: list[Bound]
    verdict: Verdict
    notes: list[str]
    slots: list[Slot]


class Report(msgspec.Struct, frozen=True):
    """A comparison as it is kept.

    Attributes:
        conditions: Machine and load as label and text.
        interrupted: It was stopped by the user or an error; the figures are those of the whole rounds.
        ranking: Of hits, in the order of the rounds; empty where they were not measured.
        tables: Of the other loads that were measured.
    """

    conditions: dict[str, str]
    interrupted: bool
    ranking: list[RankedCandidate]
    tables: list[LoadTable] = []


def sum_up(candidate: Candidate, columns: Mapping[str, Sequence[Slot]]) -> RankedCandidate:
    """Sum a candidate's rounds up and hold them to its bounds.

    Args:
        candidate: Whose.
        columns: The rounds of all candidates by name, the echo's among them; what is missing bounds nobody.
    """
    slots, echo = columns[candidate.name], columns[ECHO]
    bounds = list(_hold(candidate.name, columns))
    ratio = ratio_interval(_rates(slots), _rates(echo))
    by_cpu = ratio_interval([slot.cpu_us_per_request for slot in echo], [slot.cpu_us_per_request for slot in slots])
    yardsticks = {ECHO, *MIN_RATES.get(candidate.name, ()), *MAX_DELAYS_MS.get(candidate.name, ())}
    proving = [*slots, *(slot for name in yardsticks for slot in columns.get(name, ()))]
    problems = sorted({slot.problem for slot in proving if slot.problem})
    server, generator = _median(slots, "server_core_share"), _median(slots, "generator_core_share")
    notes = [*problems, *(note for note in notes_on(slots) if note not in problems)]
    if server < SATURATED:
        at_fault = "the generator" if generator >= SATURATED else "something else on this machine"
        shares = f"{server:.0%} of its core; the generator used {generator:.0%} of its own"
        notes.append(f"{at_fault} was the bottleneck: the server used {shares}")
    return RankedCandidate(
        name=candidate.name,
        title=candidate.title,
        answer_bytes=candidate.answer_bytes,
        rate=median_interval([slot.figures.rate for slot in slots]).median,
        p50_ms=median_interval([slot.figures.p50_us / 1000 for slot in slots]).median,
        p99_ms=median_interval([slot.figures.p99_us / 1000 for slot in slots]).median,
        cpu_us_per_request=_median(slots, "cpu_us_per_request"),
        server_core_share=server,
        generator_core_share=generator,
        ratio=ratio.median,
        ratio_low=ratio.low,
        ratio_high=ratio.high,
        cpu_ratio=by_cpu.median,
        cpu_ratio_low=by_cpu.low,
        cpu_ratio_high=by_cpu.high,
        bounds=bounds,
        verdict=Verdict.INVALID if problems else worst(bound.verdict for bound in bounds),
        notes=notes,
        slots=list(slots),
    )


def judge_at_least(least: float, found: Interval, rounds: int) -> Verdict:
    """Return the verdict on a figure that must be at least so much: proven, disproven, or neither.

    Args:
        least: The bound.
        found: The figure with its interval.
        rounds: How many it comes from; fewer than `MIN_ROUNDS` prove nothing.
    """
    if rounds < MIN_ROUNDS or found.low < least <= found.high:
        return Verdict.INCONCLUSIVE
    return Verdict.PASS if found.low >= least else Verdict.FAIL


def _hold(name: str, columns: Mapping[str, Sequence[Slot]]) -> Iterator[Bound]:
    slots = columns[name]
    for other, least in MIN_RATES.get(name, {}).items():
        if other in columns:
            found = ratio_interval(_rates(slots), _rates(columns[other]))
            verdict = judge_at_least(least, found, len(slots))
            yield Bound(
                f"requests/s over those of {other}, at least {least:g}", found.median, found.low, found.high, verdict
            )
    for other, most in MAX_DELAYS_MS.get(name, {}).items():
        if other in columns:
            pairs = zip(slots, columns[other], strict=True)
            found = median_interval([(ours.figures.p50_us - theirs.figures.p50_us) / 1000 for ours, theirs in pairs])
            verdict = judge_at_least(-most, Interval(-found.median, -found.high, -found.low), len(slots))
            yield Bound(
                f"ms of p50 above that of {other}, at most {most:g}", found.median, found.low, found.high, verdict
            )


def _rates(slots: Sequence[Slot]) -> list[float]:
    return [slot.figures.rate for slot in slots]


def _median(slots: Sequence[Slot], name: str) -> float:
    return median_interval([getattr(slot, name) for slot in slots]).median
