"""What the service adds to a miss: the same call, directly and through the service, in turns."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

from bench.errors import ProcessError
from bench.evidence.cache_status import parse_cache_status
from bench.load.client import Client
from bench.overhead.pairs import judge_pairs, measure_pairs
from bench.peers.gateways import CHAT_PATH
from bench.peers.service import RECIPE_PATH, recipe_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.budgets.finding import Finding
    from bench.peers.service import AIService, Upstream
    from bench.samples import Answer

PAIRS = 120
DELAY_MS = 200.0
"""Where 1 % is 2 ms too; a model takes longer, so the share of a real miss is smaller."""

_HEADERS = {"Content-Type": "application/json"}


def measure(
    service: AIService, upstream: Upstream, tell: Callable[[str], None], pairs: int = PAIRS
) -> tuple[Finding, Finding]:
    """Measure pairs by the load generator's client over kept connections, the order within a pair changing every time.

    Directly the upstream is sent the very bytes that the service sent it for the first question, and read to the end
    of its stream. What the client takes for itself counts as the service's: of an answer that streams it reads the head
    while the model writes. So it is one that takes little (docs/benchmarks.md).

    Args:
        service: Ours; it has seen none of the questions.
        upstream: Its provider; it answers after `DELAY_MS`.
        tell: Is told how far it is.
        pairs: How many.

    Returns:
        The overhead in milliseconds, and in percent of the direct call.

    Raises:
        ProcessError: A request got no answer, or a wrong one.
    """
    with closing(Client(service.url, 1, _HEADERS)) as ours, closing(Client(upstream.url, 1, _HEADERS)) as theirs:

        def through(number: int) -> tuple[float, bool]:
            milliseconds, answer = _ask(ours, ours.compose(RECIPE_PATH, recipe_request(number + 1).encode()))
            return milliseconds, parse_cache_status(answer.headers.get("cache-status")).outcome == "miss"

        through(-1)
        repeated = theirs.compose(CHAT_PATH, upstream.last_request().encode())
        return judge_pairs(measure_pairs(lambda _number: _ask(theirs, repeated)[0], through, pairs, tell))


def _ask(client: Client, request: bytes) -> tuple[float, Answer]:
    started = time.perf_counter()
    answer = client.send(request)
    elapsed_ms = (time.perf_counter() - started) * 1000
    if answer.status != 200:
        raise ProcessError(f"miss overhead: expected status 200, got {answer.error or answer.status}")
    return elapsed_ms, answer
