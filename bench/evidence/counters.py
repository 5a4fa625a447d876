"""The service's own counters, read from its ``/metrics`` before and after a phase."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from bench.load.request_mix import ALL_TASKS

if TYPE_CHECKING:
    from collections.abc import Mapping

REQUESTS = "alchemorsel_ai_requests_total"
PROVIDER_CALLS = "alchemorsel_ai_provider_calls_total"
FOR_REQUESTS = "request"
"""The label ``purpose`` of a call that a request waited for; a target without the label knows no other calls."""


@dataclass(frozen=True, slots=True)
class Counters:
    """Counters at one moment, or their growth between two.

    Attributes:
        answers: Successful requests (status 2xx) by (task, cache outcome).
        calls: Provider calls for requests by (task, provider), of every outcome.
        background: Provider calls that no request waited for by (task, purpose): refreshes, warm-ups.
        found: Names of the two counters that the target exposes.

    Where a method takes a task, `ALL_TASKS` stands for the sum over all.
    """

    answers: Mapping[tuple[str, str], int] = field(default_factory=dict)
    calls: Mapping[tuple[str, str], int] = field(default_factory=dict)
    background: Mapping[tuple[str, str], int] = field(default_factory=dict)
    found: frozenset[str] = frozenset()

    def since(self, before: Counters) -> Counters:
        """Return the growth since an earlier moment; a counter that fell was reset and shows as negative."""
        return Counters(
            answers=_difference(self.answers, before.answers),
            calls=_difference(self.calls, before.calls),
            background=_difference(self.background, before.background),
            found=self.found & before.found,
        )

    def answered(self, task: str, outcome: str) -> int:
        """Return the successful requests of a task with one cache outcome."""
        return sum(
            count for (known, came), count in self.answers.items() if came == outcome and task in {known, ALL_TASKS}
        )

    def called(self, task: str) -> int:
        """Return the provider calls for requests of a task, over all providers."""
        return sum(count for (known, _provider), count in self.calls.items() if task in {known, ALL_TASKS})

    def called_in_background(self, task: str) -> int:
        """Return the provider calls for a task that no request waited for."""
        return sum(count for (known, _purpose), count in self.background.items() if task in {known, ALL_TASKS})


def parse_counters(text: str) -> Counters:
    """Read the two counters from the Prometheus text format.

    Args:
        text: Body of ``/metrics``.

    Raises:
        ValueError: The text is not in that format.
    """
    answers: Counter[tuple[str, str]] = Counter()
    calls: Counter[tuple[str, str]] = Counter()
    background: Counter[tuple[str, str]] = Counter()
    found: set[str] = set()
    for family in text_string_to_metric_families(text):
        # A counter without any sample yet still announces itself, by its family.
        found |= {name for name in (REQUESTS, PROVIDER_CALLS) if name.removesuffix("_total") == family.name}
        for name, labels, value, *_ in family.samples:
            task = labels.get("task", "")
            if name == REQUESTS and labels.get("status", "").startswith("2"):
                answers[task, labels.get("cache", "")] += int(value)
            elif name == PROVIDER_CALLS and (purpose := labels.get("purpose", FOR_REQUESTS)) != FOR_REQUESTS:
                background[task, purpose] += int(value)
            elif name == PROVIDER_CALLS:
                calls[task, labels.get("provider", "")] += int(value)
    return Counters(answers=answers, calls=calls, background=background, found=frozenset(found))


def _difference(
    after: Mapping[tuple[str, str], int], before: Mapping[tuple[str, str], int]
) -> dict[tuple[str, str], int]:
    changes = {key: after.get(key, 0) - before.get(key, 0) for key in after.keys() | before.keys()}
    return {key: change for key, change in sorted(changes.items()) if change}
