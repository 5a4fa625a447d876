"""Latency of cached answers under an open loop of 1,000 requests a second."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from bench.evidence import rules
from bench.evidence.rules import PhaseRecord, is_proven
from bench.load.generator import Generator
from bench.load.plan import OpenLoop, Phase
from bench.load.target import Target
from bench.samples import read_samples
from bench.verdict.bootstrap import Interval
from bench.verdict.percentiles import confidence_ranks, percentile
from tools.perf.budgets.finding import Finding, judge
from tools.perf.peers.edge import INSTANCES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tools.perf.peers.edge import Host

LIMIT_MS = 10.0
RATE = 1000.0
SECONDS = 25.0
WARMUP_SECONDS = 5.0
QUESTIONS = 8
MAX_LAG_P99_MS = 5.0
"""Half of the bound: beyond it a FAIL could be the generator's own."""


def measure(host: Host, folder: Path, tell: Callable[[str], None], seconds: float = SECONDS) -> Finding:
    """Send cached requests at a constant rate; latency counts from when each was due.

    Args:
        host: Our instances behind their edge.
        folder: For the samples.
        tell: Is told how far it is.
        seconds: For how long, warm-up included.

    Raises:
        BenchError: The service or the generator failed.
    """
    seed = secrets.token_hex(8)
    phase = Phase(
        "cached", "recipe", OpenLoop.steady(RATE, seconds, min(WARMUP_SECONDS, seconds / 2)), QUESTIONS, seed=seed
    )
    file = folder / "cached-rate.jsonl"
    with Target(host.url) as target:
        for index in range(QUESTIONS):
            target.ask("recipe", seed, index)
        before = target.counters()
        Generator(host.url, folder / "locust.log").run(
            phase, file, lambda done: tell(f"cached answers: {done} of {phase.arrivals.count} requests")
        )
        samples, end = read_samples(file)
        record = PhaseRecord(phase, samples, end, target.counters().since(before))
    broken = [f"{finding.rule}: {finding.detail}" for finding in rules.examine(record, MAX_LAG_P99_MS)
              if not finding.holds]  # fmt: skip
    latencies = sorted(sample.latency_ns for sample in samples if is_proven(sample))
    lag = rules.lag_p99_ms(samples)
    shape = f"{RATE:,.0f} requests/s, open loop, {len(latencies):,} proven hits"
    how = f"{shape}, through the edge to {INSTANCES} instances; generator: Locust, lag p99 {lag:.2f} ms"
    return judge("p99 of cached answers", "ms", LIMIT_MS, p99_interval(latencies), how=how, invalid="; ".join(broken))


def p99_interval(latencies_ns: list[int]) -> Interval:
    """Return the 99th percentile in milliseconds with its 95 % interval; NaN without samples.

    Args:
        latencies_ns: Sorted, in nanoseconds.
    """
    if not latencies_ns:
        return Interval(float("nan"), float("nan"), float("nan"))
    # Two one-sided bounds of 97.5 % make an interval of 95 %.
    lower, upper = confidence_ranks(99, len(latencies_ns), alpha=0.025)
    low = latencies_ns[lower - 1] if lower else latencies_ns[0]
    high = latencies_ns[upper - 1] / 1e6 if upper else float("inf")
    return Interval(percentile(latencies_ns, 99) / 1e6, low / 1e6, high)
