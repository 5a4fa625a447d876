"""Many people ask the same new question at once: one computation must do for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.verdict.bootstrap import Interval
from tools.perf.budgets.burst import ask_together
from tools.perf.budgets.finding import Finding, judge
from tools.perf.peers.service import RECIPE_PATH, recipe_request

if TYPE_CHECKING:
    from tools.perf.peers.service import AIService, Upstream

LIMIT_RATIO = 1.1
LIMIT_CALLS = 1.0
PEOPLE = 100
HERDS = 5
DELAY_MS = 2000.0
"""The least that a recipe takes on the hardware that the bounds of bench/slo.yml are meant for."""


async def measure(service: AIService, upstream: Upstream, herds: int = HERDS) -> tuple[Finding, Finding]:
    """Let herds come one after the other, each after one person alone with another new question.

    Args:
        service: Ours.
        upstream: Its provider; it answers after `DELAY_MS`.
        herds: How many.

    Returns:
        The slowest over one alone, and the provider calls.

    Raises:
        TargetError: A request got no answer, or none with status 200.
    """
    url = f"{service.url}{RECIPE_PATH}"
    await ask_together(url, recipe_request(2 * herds), 1)  # The first call also makes the connection to the provider.
    ratios, calls = [], []
    for herd in range(herds):
        (alone_s,) = await ask_together(url, recipe_request(2 * herd), 1)
        before = upstream.calls()
        seconds = await ask_together(url, recipe_request(2 * herd + 1), PEOPLE)
        calls.append(upstream.calls() - before)
        ratios.append(max(seconds) / alone_s)
    how = (
        f"slowest of {PEOPLE} identical requests over one alone, worst of {herds} herds; the provider takes "
        f"{DELAY_MS:g} ms; provider calls a herd: {', '.join(map(str, calls))}"
    )
    return judge_herds(ratios, calls, how)


def judge_herds(ratios: list[float], calls: list[int], how: str) -> tuple[Finding, Finding]:
    """Judge time and provider calls, each by its worst herd.

    Args:
        ratios: Slowest over alone, of each herd.
        calls: Provider calls of each herd.
        how: How they were measured.
    """
    slowest, most = max(ratios), float(max(calls))
    invalid = "" if min(calls) else "a herd's question was no new one"
    name = f"herd of {PEOPLE} equal misses"
    return (
        judge(f"{name}, time", "x", LIMIT_RATIO, Interval(slowest, slowest, slowest), how=how, invalid=invalid),
        judge(f"{name}, calls", "", LIMIT_CALLS, Interval(most, most, most), how="most of any herd", invalid=invalid),
    )
