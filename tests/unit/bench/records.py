"""Builders of samples, phases and results for the tests of the bench."""

from __future__ import annotations

import itertools
from typing import Any

from bench.evidence.counters import PROVIDER_CALLS, REQUESTS, Counters
from bench.evidence.rules import PhaseRecord
from bench.load.plan import ClosedLoop, OpenLoop, Phase
from bench.results import Result, Verdict
from bench.samples import PhaseEnd, Sample

_ids = itertools.count()


def hit(latency_ms: float = 2.0, **changes: Any) -> Sample:
    """Return a proven cached sample of the recipe task."""
    fields: dict[str, Any] = {
        "phase": "cached",
        "task": "recipe",
        "index": 0,
        "warmup": False,
        "intended_ns": 0,
        "start_ns": 0,
        "latency_ns": round(latency_ms * 1e6),
        "status": 200,
        "cache": "hit",
        "cache_detail": "memory",
        "provider": "ollama",
        "model": "m",
        "request_id": f"r{next(_ids)}",
    }
    return Sample(**(fields | changes))


def miss(latency_ms: float = 3000.0, **changes: Any) -> Sample:
    """Return a proven uncached sample of the recipe task."""
    return hit(latency_ms, **({"phase": "uncached", "cache": "miss", "cache_detail": ""} | changes))


def cached_record(samples: list[Sample], **changes: Any) -> PhaseRecord:
    """Return a cached phase in which everything agrees, unless a part of it is given."""
    hits = sum(sample.cache == "hit" for sample in samples)
    fields: dict[str, Any] = {
        "phase": Phase("cached", "recipe", OpenLoop.steady(len(samples), 1.0, 0.1), 3),
        "samples": samples,
        "end": end(len(samples)),
        "grown": counters({("recipe", "hit"): hits}, {}),
    }
    return PhaseRecord(**(fields | changes))


def uncached_record(samples: list[Sample], **changes: Any) -> PhaseRecord:
    """Return an uncached phase in which everything agrees, unless a part of it is given."""
    fields: dict[str, Any] = {
        "phase": Phase("uncached", "recipe", ClosedLoop(len(samples), 60.0), 3),
        "samples": samples,
        "end": end(len(samples)),
        "grown": counters({("recipe", "miss"): len(samples)}, {("recipe", "ollama"): len(samples)}),
    }
    return PhaseRecord(**(fields | changes))


def end(count: int, **changes: Any) -> PhaseEnd:
    """Return the generator's account of a phase of so many requests."""
    fields: dict[str, Any] = {"planned": count, "sent": count, "dropped": 0, "wall_ns": 10**9, "cpu_ns": 10**8}
    return PhaseEnd(**(fields | changes))


def counters(answers: dict[tuple[str, str], int], calls: dict[tuple[str, str], int]) -> Counters:
    """Return counters of a target that exposes both of them."""
    return Counters(answers=answers, calls=calls, found=frozenset({REQUESTS, PROVIDER_CALLS}))


def result(**changes: Any) -> Result:
    """Return a result without any figure, unless parts of it are given."""
    fields: dict[str, Any] = {
        "target": "http://target.example",
        "profile": "lab",
        "profile_description": "for tests",
        "hardware": "any",
        "seed": "seed",
        "started_at": "2026-01-02T03:04:05+00:00",
        "duration_s": 12.0,
        "verdict": Verdict.PASS,
        "reasons": [],
        "interrupted": False,
        "environment": {"generator CPU": "a CPU"},
        "tasks": [],
        "thresholds": [],
        "evidence": [],
        "phases": [],
        "samples_file": "samples.jsonl",
    }
    return Result(**(fields | changes))
