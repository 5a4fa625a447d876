"""What the service adds to a miss: the same call, directly and through the service, in turns."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx

from bench.budgets.finding import Finding, judge
from bench.peers.gateways import CHAT_PATH
from bench.peers.service import RECIPE_PATH, recipe_request
from bench.verdict.bootstrap import Interval, median_interval, ratio_interval

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.peers.service import AIService, Upstream

LIMIT_MS = 2.0
LIMIT_PERCENT = 1.0
PAIRS = 120
DELAY_MS = 200.0
"""Where 1 % is 2 ms too; a model takes longer, so the share of a real miss is smaller."""

_DEADLINE_S = 30.0
_WARM_UP = 5
_HEADERS = {"Content-Type": "application/json"}


def measure(
    service: AIService, upstream: Upstream, tell: Callable[[str], None], pairs: int = PAIRS
) -> tuple[Finding, Finding]:
    """Measure pairs by one client over kept connections, the order within a pair changing every time.

    Directly the upstream is sent the very bytes that the service sends it.

    Args:
        service: Ours; it has seen none of the questions.
        upstream: Its provider; it answers after `DELAY_MS`.
        tell: Is told how far it is.
        pairs: How many.

    Returns:
        The overhead in milliseconds, and in percent of the direct call.

    Raises:
        httpx.HTTPError: A request got no answer, or a wrong one.
    """
    direct, through, missed = [], [], 0
    with httpx.Client(timeout=_DEADLINE_S, trust_env=False) as client:

        def ask(url: str, body: str) -> tuple[float, httpx.Response]:
            started = time.perf_counter()
            response = client.post(url, content=body, headers=_HEADERS)
            elapsed_ms = (time.perf_counter() - started) * 1000
            response.raise_for_status()
            return elapsed_ms, response

        for pair in range(-_WARM_UP, pairs):
            tell(f"miss overhead: {max(0, pair)} of {pairs} pairs")
            question = recipe_request(pair + _WARM_UP)
            if pair % 2:
                through_ms, response = ask(f"{service.url}{RECIPE_PATH}", question)
            direct_ms, _ = ask(f"{upstream.url}{CHAT_PATH}", upstream.last_request())
            if not pair % 2:
                through_ms, response = ask(f"{service.url}{RECIPE_PATH}", question)
            if pair >= 0:
                direct.append(direct_ms)
                through.append(through_ms)
                missed += "fwd=miss" in response.headers.get("cache-status", "")
    invalid = "" if missed == pairs else f"only {missed} of {pairs} answers were computed"
    return judge_pairs(direct, through, invalid)


def judge_pairs(direct_ms: list[float], through_ms: list[float], invalid: str = "") -> tuple[Finding, Finding]:
    """Judge the median difference within pairs.

    Args:
        direct_ms: Latencies of the direct calls.
        through_ms: Latencies through the service, of the same pairs.
        invalid: Why they prove nothing; empty where they do.
    """
    difference = median_interval([after - before for before, after in zip(direct_ms, through_ms, strict=True)])
    share = ratio_interval(through_ms, direct_ms)
    percent = Interval(*((bound - 1) * 100 for bound in (share.median, share.low, share.high)))
    how = f"{len(direct_ms)} pairs in turns; directly the median is {median_interval(direct_ms).median:.1f} ms"
    return (
        judge("miss overhead", "ms", LIMIT_MS, difference, how=how, invalid=invalid),
        judge("miss overhead, share", "%", LIMIT_PERCENT, percent, how="of the same pairs", invalid=invalid),
    )
