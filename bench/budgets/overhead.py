"""What the service adds to a miss: the same call, directly and through the service, in turns."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx

from bench.overhead.pairs import judge_pairs, measure_pairs
from bench.peers.gateways import CHAT_PATH
from bench.peers.service import RECIPE_PATH, recipe_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.budgets.finding import Finding
    from bench.peers.service import AIService, Upstream

PAIRS = 120
DELAY_MS = 200.0
"""Where 1 % is 2 ms too; a model takes longer, so the share of a real miss is smaller."""

_DEADLINE_S = 30.0
_HEADERS = {"Content-Type": "application/json"}


def measure(
    service: AIService, upstream: Upstream, tell: Callable[[str], None], pairs: int = PAIRS
) -> tuple[Finding, Finding]:
    """Measure pairs by one client over kept connections, the order within a pair changing every time.

    Directly the upstream is sent the very bytes that the service sends it, and read to the end of its stream.

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
    with httpx.Client(timeout=_DEADLINE_S, trust_env=False) as client:

        def ask(url: str, body: str) -> tuple[float, httpx.Response]:
            started = time.perf_counter()
            response = client.post(url, content=body, headers=_HEADERS)
            elapsed_ms = (time.perf_counter() - started) * 1000
            response.raise_for_status()
            return elapsed_ms, response

        def direct(_number: int) -> float:
            return ask(f"{upstream.url}{CHAT_PATH}", upstream.last_request())[0]

        def through(number: int) -> tuple[float, bool]:
            milliseconds, response = ask(f"{service.url}{RECIPE_PATH}", recipe_request(number + 1))
            return milliseconds, "fwd=miss" in response.headers.get("cache-status", "")

        through(-1)  # Gives the upstream a request that direct calls can repeat.
        return judge_pairs(measure_pairs(direct, through, pairs, tell))
