"""Hits, closed loop: each candidate measured in turns, held against the echo of the same round."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tools.perf.peers.ranking import RankedCandidate, Slot, sum_up
from tools.perf.peers.rounds import attempt, measure_in_turns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tools.perf.peers.candidates import Candidate
    from tools.perf.peers.wrk import Figures, Wrk


def measure(candidate: Candidate, wrk: Wrk, seconds: float, warmup_seconds: float) -> Slot:
    """Measure a candidate; where that proved nothing, once more, which the slot then says.

    Args:
        candidate: Whom.
        wrk: The generator.
        seconds: For how long.
        warmup_seconds: The warm-up before, which is not measured.

    Raises:
        BenchError: wrk failed, or the server died.
    """
    return attempt(lambda: _attempt(candidate, wrk, seconds, warmup_seconds))


def _attempt(candidate: Candidate, wrk: Wrk, seconds: float, warmup_seconds: float) -> Slot:
    bodies, half = candidate.load.bodies, len(candidate.load.bodies) // 2
    # The warm-up asks other questions than the measured part begins with, where there is more than one.
    wrk.run(replace(candidate.load, bodies=[*bodies[half:], *bodies[:half]]), warmup_seconds)
    computed, reads = candidate.computed(), candidate.reads()
    cpu = candidate.server.cpu_seconds()
    figures, generator_core_share = wrk.run(candidate.load, seconds)
    cpu = candidate.server.cpu_seconds() - cpu
    return Slot(
        figures,
        server_core_share=cpu / (figures.duration_us / 1e6),
        generator_core_share=generator_core_share,
        cpu_us_per_request=cpu / figures.requests * 1e6,
        problem=find_problem(
            figures,
            computed=candidate.computed() - computed,
            redis_share=(candidate.reads() - reads) / figures.requests,
            expected_share=candidate.redis_share,
        ),
    )


def find_problem(figures: Figures, *, computed: int, redis_share: float, expected_share: tuple[float, float]) -> str:
    """Return why figures are not those of cached answers, or nothing.

    Args:
        figures: wrk's.
        computed: Answers that were computed meanwhile.
        redis_share: Values that Redis gave out for each request.
        expected_share: Bounds on them.
    """
    if figures.failed or figures.not_2xx:
        return f"{figures.failed} requests failed, {figures.not_2xx} had another status than 200"
    return find_problem_of_hits(computed, redis_share, expected_share)


def find_problem_of_hits(computed: int, redis_share: float, expected_share: tuple[float, float]) -> str:
    """Return why answers are not those of the cache layer that is measured, or nothing.

    Args:
        computed: Answers that were computed meanwhile.
        redis_share: Values that Redis gave out for each request.
        expected_share: Bounds on them.
    """
    if computed:
        return f"{computed} answers did not come from the cache"
    low, high = expected_share
    if not low <= redis_share <= high:
        return f"{redis_share:.3f} values from Redis a request instead of {low:g} to {high:g}"
    return ""


def compare(
    candidates: Sequence[Candidate],
    wrk: Wrk,
    *,
    rounds: int,
    seconds: float,
    warmup_seconds: float,
    done: Callable[[Candidate, Slot], None],
) -> list[RankedCandidate]:
    """Measure all candidates in turns; on Ctrl-C end with the rounds that are whole.

    Args:
        candidates: In the order of each round.
        wrk: The generator.
        rounds: How many.
        seconds: For each candidate in each round.
        warmup_seconds: Before that, not measured.
        done: Is told of every slot.

    Raises:
        BenchError: wrk failed, or a server died.
        KeyboardInterrupt: Before the first round was whole.
    """

    def slot_of(candidate: Candidate) -> Slot:
        slot = measure(candidate, wrk, seconds, warmup_seconds)
        done(candidate, slot)
        return slot

    slots = measure_in_turns(candidates, slot_of, rounds)
    columns = {candidate.name: [row[place] for row in slots] for place, candidate in enumerate(candidates)}
    return [sum_up(candidate, columns) for candidate in candidates]
