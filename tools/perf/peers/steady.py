"""Hits at a steady rate, open loop: latencies counted from when each request was due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.perf.budgets.cached_rate import MAX_LAG_P99_MS
from tools.perf.peers.comparison import find_problem_of_hits
from tools.perf.peers.load_table import LoadTable, Trial, tabulate
from tools.perf.peers.rounds import attempt, measure_in_turns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tools.perf.peers.candidates import Candidate
    from tools.perf.peers.pacer import Pacer

LOAD = "steady"
MEMORY_READS = 0.1
"""Most values from Redis a request where the memory layer answers: whoever is due while it asks Redis asks too."""


def compare(
    candidates: Sequence[Candidate],
    pacer: Pacer,
    *,
    rounds: int,
    seconds: float,
    done: Callable[[str, Trial], None],
) -> LoadTable:
    """Measure all candidates in turns; on Ctrl-C end with the rounds that are whole.

    Args:
        candidates: In the order of each round, with answers in their caches.
        pacer: The generator.
        rounds: How many.
        seconds: For each candidate in each round, after a warm-up of one second.
        done: Is told of every trial, with its title.

    Raises:
        BenchError: The generator failed, or a server died.
        KeyboardInterrupt: Before the first round was whole.
    """

    def measure(candidate: Candidate) -> Trial:
        trial = attempt(lambda: _measure(candidate, pacer, seconds))
        done(candidate.title, trial)
        return trial

    trials = measure_in_turns(candidates, measure, rounds)
    how = f"hits at {pacer.rate:,.0f} requests/s, open loop, {seconds:g} s each; latency from when a request was due"
    return tabulate(LOAD, how, [(candidate.name, candidate.title) for candidate in candidates], trials)


def _measure(candidate: Candidate, pacer: Pacer, seconds: float) -> Trial:
    computed, reads = candidate.computed(), candidate.reads()
    figures = pacer.run(candidate.load, seconds, warmup_seconds=1.0)
    computed, reads = candidate.computed() - computed, candidate.reads() - reads
    low, high = candidate.redis_share
    problem = find_problem_of_hits(computed, reads / figures.sent, (low, max(high, MEMORY_READS)))
    if not problem and figures.lag_p99_ms > MAX_LAG_P99_MS:
        problem = f"the generator was late by {figures.lag_p99_ms:.1f} ms (p99), at most {MAX_LAG_P99_MS:g} are allowed"
    values = {
        "answered %": figures.answered / figures.due * 100,
        "p50 ms": figures.p50_ms,
        "p95 ms": figures.p95_ms,
        "p99 ms": figures.p99_ms,
    }
    remark = ", ".join(f"{count} of {figures.due} requests: {what}" for what, count in figures.failures.items())
    return Trial(values, remark and f"{remark}; latencies are those of the others", problem=problem)
