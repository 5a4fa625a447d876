"""What the rounds of a contender come to: medians, the ratio to the echo with its interval, the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from bench.peers.contenders import MEMORY, REDIS, Contender
from bench.peers.wrk import Figures  # noqa: TC001 - msgspec reads the annotations
from bench.results import Verdict
from bench.verdict.bootstrap import median_interval, ratio_interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.verdict.bootstrap import Interval

BUDGETS: Mapping[str, float] = {MEMORY: 0.60, REDIS: 0.22}
"""Least share of the echo's requests a second; the prototype reached 0.68 and 0.20 to 0.36 of it."""

LEAST_ROUNDS = 6
"""With fewer, not even the whole range of the rounds covers the median with 95 % (but with 1 - 2 / 2^n)."""

SATURATED = 0.9
"""A process that uses so much of its core has no more to give."""


class Slot(msgspec.Struct, frozen=True):
    """One contender in one round.

    Attributes:
        figures: What wrk measured.
        server_core_share: CPU time of the server over the time it was measured in: near 1, it was the bottleneck.
        generator_core_share: The same for wrk.
        cpu_us_per_request: CPU time of the server in microseconds.
        problem: Why the slot proves nothing; empty where it does.
        repeated_for: Why a first attempt proved nothing; empty where there was none.
    """

    figures: Figures
    server_core_share: float
    generator_core_share: float
    cpu_us_per_request: float
    problem: str
    repeated_for: str = ""


class Standing(msgspec.Struct, frozen=True):
    """A contender over all rounds; medians, with an interval for the ratio.

    Attributes:
        name: As in `Contender`.
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
        budget: Least ratio asked for; None where none is.
        verdict: Of the budget; INVALID where a slot proves nothing.
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
    budget: float | None
    verdict: Verdict
    notes: list[str]
    slots: list[Slot]


class Report(msgspec.Struct, frozen=True):
    """A comparison as it is kept.

    Attributes:
        conditions: Machine and load as label and text.
        interrupted: It was stopped by the user; the standings are those of the whole rounds.
        standings: In the order of the rounds.
    """

    conditions: dict[str, str]
    interrupted: bool
    standings: list[Standing]


def sum_up(contender: Contender, slots: Sequence[Slot], echo: Sequence[Slot]) -> Standing:
    """Sum a contender's rounds up and hold them to its budget.

    Args:
        contender: Whose.
        slots: Its rounds.
        echo: The echo's, of the same rounds.
    """
    ratio = ratio_interval([slot.figures.rate for slot in slots], [slot.figures.rate for slot in echo])
    by_cpu = ratio_interval([slot.cpu_us_per_request for slot in echo], [slot.cpu_us_per_request for slot in slots])
    problems = sorted({slot.problem for slot in (*slots, *echo) if slot.problem})
    server, generator = _median(slots, "server_core_share"), _median(slots, "generator_core_share")
    budget = BUDGETS.get(contender.name)
    notes = list(problems)
    if repeated := [slot.repeated_for for slot in slots if slot.repeated_for]:
        notes.append(f"{len(repeated)} of {len(slots)} measurements were repeated, the first because {repeated[0]}")
    if server < SATURATED:
        at_fault = "the generator" if generator >= SATURATED else "something else on this machine"
        shares = f"{server:.0%} of its core; the generator used {generator:.0%} of its own"
        notes.append(f"{at_fault} was the bottleneck: the server used {shares}")
    return Standing(
        name=contender.name,
        title=contender.title,
        answer_bytes=contender.answer_bytes,
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
        budget=budget,
        verdict=Verdict.INVALID if problems else judge_at_least(budget, ratio, len(slots)),
        notes=notes,
        slots=list(slots),
    )


def judge_at_least(budget: float | None, ratio: Interval, rounds: int) -> Verdict:
    """Return the verdict on a ratio that must be at least so much: proven, disproven, or neither.

    Args:
        budget: The least ratio; None: anything passes.
        ratio: With its interval.
        rounds: How many it comes from; fewer than `LEAST_ROUNDS` prove nothing.
    """
    if budget is None:
        return Verdict.PASS
    if rounds < LEAST_ROUNDS or ratio.low < budget <= ratio.high:
        return Verdict.INCONCLUSIVE
    return Verdict.PASS if ratio.low >= budget else Verdict.FAIL


def _median(slots: Sequence[Slot], name: str) -> float:
    return median_interval([getattr(slot, name) for slot in slots]).median
