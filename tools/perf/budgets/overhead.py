"""What the service adds to a miss: the same call, directly and through it, in turns, with LiteLLM in the same run."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

from bench.evidence.cache_status import parse_cache_status
from bench.load.client import Client
from bench.verdict.bootstrap import median_interval, ratio_interval
from tools.perf.budgets.finding import judge
from tools.perf.errors import ProcessError
from tools.perf.overhead.paired_calls import Pairs, judge_pairs, measure_pairs
from tools.perf.peers.gateways import CHAT_PATH, chat_request
from tools.perf.peers.service import RECIPE_PATH, recipe_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.samples import Answer
    from tools.perf.budgets.finding import Finding
    from tools.perf.peers.gateways import LiteLLM
    from tools.perf.peers.service import AIService, Upstream

BLOCKS, PAIRS = 6, 20
"""Ours and LiteLLM's pairs alternate in blocks, so that whatever else the machine does hits both."""
DELAY_MS = 200.0
MAX_SHARE_OF_LITELLM = 1 / 3

_HEADERS = {"Content-Type": "application/json"}


def measure(
    service: AIService,
    upstream: Upstream,
    litellm: LiteLLM | AIService,
    tell: Callable[[str], None],
    pairs: int = PAIRS,
) -> tuple[Finding, Finding, Finding]:
    """Measure pairs by the load generator's client over kept connections, the order within a pair changing every time.

    Directly the upstream is sent the very bytes that the gateway sent it for the first question, and read to the end.
    What the client takes for itself counts as the gateway's: of an answer that streams it reads the head while the
    model writes. So it is one that takes little (docs/benchmarks.md).

    Args:
        service: Ours; it has seen none of the questions.
        upstream: Its provider; it answers after `DELAY_MS`.
        litellm: The gateway beside it, in front of the same provider; tests put a second one of ours there.
        tell: Is told how far it is.
        pairs: How many a block.

    Returns:
        The overhead in milliseconds, in percent of the direct call, and as a part of LiteLLM's.

    Raises:
        ProcessError: A request got no answer, or a wrong one.
    """
    with (
        closing(Client(service.url, 1, _HEADERS)) as ours,
        closing(Client(litellm.url, 1, _HEADERS)) as theirs,
        closing(Client(upstream.url, 1, _HEADERS)) as provider,
    ):
        asked = 0

        def through_ours(_number: int) -> tuple[float, bool]:
            nonlocal asked
            asked += 1
            milliseconds, answer = _ask(ours, ours.compose(RECIPE_PATH, recipe_request(asked).encode()))
            return milliseconds, parse_cache_status(answer.headers.get("cache-status")).outcome == "miss"

        def through_theirs(_number: int) -> tuple[float, bool]:
            nonlocal asked
            asked += 1
            calls = upstream.calls()
            milliseconds, _ = _ask(theirs, theirs.compose(CHAT_PATH, chat_request(asked).encode()))
            return milliseconds, upstream.calls() > calls

        def directly() -> Callable[[int], float]:
            repeated = provider.compose(CHAT_PATH, upstream.last_request().encode())
            return lambda _number: _ask(provider, repeated)[0]

        direct = []
        for through in (through_ours, through_theirs):
            through(0)
            direct.append(directly())
        found = Pairs(), Pairs()
        for block in range(BLOCKS):
            for kept, call, through in zip(found, direct, (through_ours, through_theirs), strict=True):
                tell(f"miss overhead: block {block + 1} of {BLOCKS}")
                kept.extend(measure_pairs(call, through, pairs, lambda _text: None))
    milliseconds, percent = judge_pairs(found[0])
    part = ratio_interval(found[0].added_ms, found[1].added_ms)
    litellm_ms = median_interval(found[1].added_ms).median
    how = f"the same pairs beside as many of LiteLLM's, whose median is {litellm_ms:.1f} ms"
    doubt = found[0].doubt() or found[1].doubt()
    return milliseconds, percent, judge("part of LiteLLM's", "x", MAX_SHARE_OF_LITELLM, part, how=how, invalid=doubt)


def _ask(client: Client, request: bytes) -> tuple[float, Answer]:
    started = time.perf_counter()
    answer = client.send(request)
    elapsed_ms = (time.perf_counter() - started) * 1000
    if answer.status != 200:
        raise ProcessError(f"miss overhead: expected status 200, got {answer.error or answer.status}")
    return elapsed_ms, answer
