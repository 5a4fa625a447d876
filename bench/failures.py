"""Failures by kind: a few words that a verdict, a CI and a report can count, whatever a client library calls them."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bench.samples import Sample

TIMEOUT = "timeout"
NOT_SENT = "not sent"

_KINDS = (
    (TIMEOUT, re.compile(r"timeout|timed out|deadline", re.IGNORECASE)),
    ("reset", re.compile(r"reset|closed|disconnected|incomplete|broken pipe", re.IGNORECASE)),
    ("refused", re.compile(r"refused", re.IGNORECASE)),
    ("TLS", re.compile(r"certificate|\bTLS\b|\bssl", re.IGNORECASE)),
    ("body", re.compile(r"body|envelope|stream ended", re.IGNORECASE)),
)
"""Kinds of failures without a status, by what their texts have in common; the first that matches counts."""


def failure_kind(failure: str) -> str:
    """Return the kind of a failure, by which failures are counted: ``HTTP 429``, ``timeout``, ``reset``, ``body`` ...

    Args:
        failure: As in `Sample.failure`; not empty.
    """
    if failure.startswith("HTTP "):
        return failure
    return next((kind for kind, pattern in _KINDS if pattern.search(failure)), failure.partition(":")[0])


def count_failures(samples: Iterable[Sample]) -> dict[str, int]:
    """Return how many requests failed by kind, most frequent first; the warm-up counts for nothing."""
    kinds = Counter(failure_kind(sample.failure) for sample in samples if not sample.ok and not sample.warmup)
    return dict(kinds.most_common())


def describe_failures(kinds: Mapping[str, int]) -> str:
    """Return counts of failures in words, e.g. ``38 x HTTP 429, 2 x timeout``."""
    return ", ".join(f"{count} x {kind}" for kind, count in kinds.items())
