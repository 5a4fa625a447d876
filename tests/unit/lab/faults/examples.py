"""Samples around a fault, written as when they were due, how long they took, and what came."""

from __future__ import annotations

from typing import Any

from bench.load.plan import NEW_FROM
from bench.samples import PhaseEnd, Sample
from lab.faults.outcome import Moments

MOMENTS = Moments(injected_ns=10_000_000_000, healed_ns=20_000_000_000)
"""A fault from second 10 to second 20."""


def sample(at_s: float, took_s: float = 0.01, **fields: Any) -> Sample:
    """Return a hit of a known key, unless fields say otherwise."""
    at_ns = int(at_s * 1e9)
    usual: dict[str, Any] = {"status": 200, "cache": "hit", "provider": "ollama", "index": 1}
    return Sample(
        phase="mixed",
        task="ingredients",
        warmup=False,
        intended_ns=at_ns,
        start_ns=at_ns,
        latency_ns=int(took_s * 1e9),
        **(usual | fields),
    )


def fresh(at_s: float, took_s: float = 1.0) -> Sample:
    """Return a new request that the model answered."""
    return sample(at_s, took_s, cache="miss", index=NEW_FROM + 1)


def fallback(at_s: float) -> Sample:
    """Return a new request that the fallback answered."""
    return sample(at_s, cache="miss", provider="openai", degraded=True, index=NEW_FROM + 2)


def refused(at_s: float, took_s: float = 0.01, retry_after: str = "5", **fields: Any) -> Sample:
    """Return a known key's request that was answered 503."""
    failed: dict[str, Any] = {"status": 503, "cache": "none", "failure": "HTTP 503", "retry_after": retry_after}
    return sample(at_s, took_s, **(failed | fields))


def lost(at_s: float, **fields: Any) -> Sample:
    """Return a known key's request whose connection was refused."""
    failed: dict[str, Any] = {"status": 0, "cache": "none", "failure": "ConnectionRefusedError: refused"}
    return sample(at_s, **(failed | fields))


def calm(begin_s: float, end_s: float) -> list[Sample]:
    """Return ten hits a second, and new requests that the model and the fallback answer."""
    hits = [sample(begin_s + number / 10) for number in range(int((end_s - begin_s) * 10))]
    return [*hits, fresh(begin_s, 0.5), fallback(begin_s)]


def account(samples: list[Sample]) -> PhaseEnd:
    """Return the generator's account of a phase that went as planned."""
    return PhaseEnd(planned=len(samples), sent=len(samples), dropped=0, wall_ns=1_000_000_000, cpu_ns=1)
