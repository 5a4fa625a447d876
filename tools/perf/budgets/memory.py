"""What a worker weighs after many requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.verdict.bootstrap import Interval
from tools.perf.budgets.finding import Finding, judge
from tools.perf.peers.service import RECIPE_PATH, recipe_request
from tools.perf.peers.wrk import Load, Wrk

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.perf.peers.service import AIService, Upstream

LIMIT_MB = 80.0
REQUESTS = 100_000
QUESTIONS = 1_000
CONNECTIONS = 16
_BURST_SECONDS = 5


def measure(
    service: AIService, upstream: Upstream, wrk: Wrk, tell: Callable[[str], None], requests: int = REQUESTS
) -> Finding:
    """Send many requests, misses and hits, and read the resident memory of the largest process then.

    Args:
        service: Freshly started.
        upstream: Its provider, without delay.
        wrk: Sends.
        tell: Is told how far it is.
        requests: How many, at least.

    Raises:
        BenchError: wrk failed, or the service died.
    """
    before, calls = service.resident_bytes() / 1e6, upstream.calls()
    load = Load(f"{service.url}{RECIPE_PATH}", [recipe_request(number) for number in range(QUESTIONS)])
    answered = failed = 0
    while answered < requests:
        tell(f"memory: {answered} of {requests} requests")
        figures, _ = wrk.run(load, _BURST_SECONDS)
        answered += figures.requests
        failed += figures.failed + figures.not_2xx
    weight = service.resident_bytes() / 1e6
    how = (
        f"resident memory after {answered:,} requests for {QUESTIONS:,} questions "
        f"({upstream.calls() - calls:,} computed, the others cached); {before:.0f} MB at the start"
    )
    invalid = f"{failed} requests failed" if failed else ""
    name = "memory of a worker"
    return judge(name, "MB", LIMIT_MB, Interval(weight, weight, weight), how=how, invalid=invalid)
